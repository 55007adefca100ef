//! What happened, and why: reads a log of Spunto's and answers questions about any point of it.
//!
//! Can cause no effect by construction: it imports neither the code that decides nor the code that acts, opens what it reads for
//! reading only, and reads sled's files from a private copy. What it says of an event it says with the same functions of `spunto-core`
//! that the server uses.

pub mod answer;
pub mod cli;
pub mod export;
pub mod failure;
pub mod history;
pub mod point;
pub mod query;
pub mod source;
pub mod step;
pub mod subject;
pub mod verify;
