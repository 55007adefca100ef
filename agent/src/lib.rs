//! The node's agent: dials out to the control plane, runs containers through Docker, tells what it sees. Listens on nothing.
//!
//! Docker's client library is named only in `docker/`. What is promised to the server is in core's `PROTOCOL.md`.

pub mod backoff;
pub mod check;
pub mod config;
pub mod docker;
pub mod enrol;
pub mod facts;
pub mod gauges;
pub mod host;
pub mod http;
pub mod latest;
pub mod link;
pub mod logs;
pub mod outbox;
pub mod pool;
pub mod probe;
pub mod run;
pub mod seam;
pub mod session;
pub mod watch;
pub mod work;
