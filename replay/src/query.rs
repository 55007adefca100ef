//! The questions, a file each.

pub mod bisect;
pub mod diff;
pub mod failures;
pub mod placement;
pub mod show;
pub mod state;
pub mod stats;
pub mod story;
pub mod timeline;
