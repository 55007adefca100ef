//! Measurements, each beside its reference in the same run: what `make bench` prints, and writes to `target/bench.json`.

pub mod append;
pub mod asof;
pub mod dashboard;
pub mod docker;
pub mod fleet;
pub mod history;
pub mod place;
pub mod reopen;
pub mod row;
pub mod sockets;
