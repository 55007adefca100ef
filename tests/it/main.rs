//! The tests of the whole system, in one binary: more binaries would link the whole system again and again.

mod access;
mod architecture;
mod backup;
mod certificate;
mod cloud;
mod deploy;
mod disk;
mod doctor;
mod drain;
mod input;
mod journey;
mod kills;
mod live;
mod operator;
mod output;
mod placement;
mod power;
mod protocol;
mod provision;
mod replay;
mod rotation;
mod schemathesis;
mod sessions;
mod tidy;
