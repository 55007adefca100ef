//! What happened, and why: reads a log of Spunto's and answers questions about any point of it.
//!
//! Can cause no effect by construction: it imports nothing that acts (no actors, agents or clouds), opens what it reads for reading
//! only, and reads sled's files from a private copy. The only files it writes are the new ones that `export` and `import` are given. What it says of an event it says with the same functions of `spunto-core`
//! that the server uses.

pub mod answer;
pub mod cli;
pub mod export;
pub mod failure;
pub mod history;
pub mod point;
pub mod query;
pub mod source;
pub mod step;
pub mod subject;
pub mod verify;
