//! What is alive: the journal that writes, the feed and the directory that tell, and one supervisor a node.
//!
//! Must not know HTTP, WebSockets, Docker or how events are stored. A supervisor owns a live session, timers and progress in
//! memory, never truth: it turns happenings into commands, and what the log says is to be done into frames.

pub mod board;
pub mod clock;
pub mod cloud;
pub mod custodian;
pub mod directory;
pub mod excerpt;
pub mod feed;
pub mod fleet;
pub mod journal;
pub mod link;
pub mod past;
pub mod provisioner;
pub mod random;
pub mod secrets;
pub mod snapshots;
pub mod supervisor;
pub mod view;
