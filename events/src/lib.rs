//! The stored form of events and secrets: the log, the vault, what a record looks like in bytes, and the bytes that every kind was ever written in.
//!
//! Must not know rules, actors or the network. bincode is named only in `codec.rs`, sled only in `log/sled/`.

pub mod backup;
pub mod codec;
mod digest;
pub mod failpoint;
pub mod frame;
pub mod group;
pub mod log;
pub mod master;
pub mod slice;
pub mod snapshot;
pub mod vault;
