//! The functional core of Spunto: commands, decisions, events, state and placement.
//!
//! Pure: no I/O, no clock, no randomness, no async. Everything here can be run again from the log and gives the same answer.

pub mod access;
pub mod address;
pub mod check;
pub mod command;
pub mod decide;
pub mod diff;
pub mod event;
pub mod explain;
pub mod extract;
pub mod id;
pub mod name;
pub mod names;
pub mod observe;
pub mod outcome;
pub mod place;
pub mod plan;
pub mod planted;
pub mod protocol;
pub mod readable;
pub mod record;
pub mod refusal;
mod schema;
pub mod secret;
pub mod state;
pub mod stats;
pub mod stepper;
pub mod story;
pub mod time;
pub mod token;
pub mod usual;
