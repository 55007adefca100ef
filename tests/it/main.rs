//! The tests of the whole system, in one binary: more binaries would link the whole system again and again.

mod architecture;
mod certificate;
mod deploy;
mod doctor;
mod drain;
mod input;
mod journey;
mod kills;
mod operator;
mod placement;
mod protocol;
mod rotation;
mod sessions;
mod tidy;
