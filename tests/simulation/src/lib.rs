//! The whole system in one thread: the real journal, feed, directory, fleet and supervisors, and real agents, on a clock, a network,
//! a log and container engines that follow from a seed. The same seed gives the same run, to the last byte of the log.
//!
//! What is simulated: time, the network between agents and server, the engines under the agents, the disk under the log, the cloud
//! that makes machines, and people with their commands. What is real: everything else but the HTTP edge, which decides nothing.

pub mod agents;
pub mod cloud;
pub mod engine;
pub mod faults;
pub mod log;
pub mod machines;
pub mod network;
pub mod people;
pub mod run;
pub mod seed;
pub mod server;
pub mod verdict;
