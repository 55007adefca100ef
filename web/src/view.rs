//! The shapes of the API's answers: from state to JSON. Nothing here decides.

pub mod account;
pub mod cloud;
pub mod event;
pub mod live;
pub mod node;
pub mod past;
pub mod provision;
pub mod reply;
pub mod unit;
