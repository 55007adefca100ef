//! Clouds: our clients against fakes that speak the vendors' APIs, the fakes against the vendors' own clients, and what a machine
//! does when it starts.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

mod conformance;
mod encrypted;
mod malformed;
mod refusals;
mod rig;
mod user_data;
mod vendors;
