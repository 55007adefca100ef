//! The harness of the whole system: a real server, a real engine, a client of the public API. Used by `make up` and by the tests.

pub mod api;
#[cfg(feature = "bench")]
pub mod bench;
pub mod cloud;
pub mod compose;
pub mod engine;
pub mod machine;
pub mod paths;
pub mod scripted;
pub mod server;
pub mod stream;
pub mod traces;
pub mod vm;
pub mod volume;
pub mod world;
