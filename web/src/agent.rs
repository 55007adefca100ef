//! Where agents come in: their session's WebSocket, and the streams that carry output.

pub mod connect;
pub mod cut;
pub mod enrol;
mod incoming;
pub mod socket;
pub mod streams;
