//! A supervisor with a real journal, feed and directory over the log in memory, a link that the test reads, and paused time.
