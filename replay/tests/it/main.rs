//! `spunto-replay` as its users meet it: the program on logs that the rules themselves made.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

mod answers;
mod damage;
mod old;
mod scenario;
mod step;
