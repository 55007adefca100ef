//! The tests of the whole system, in one binary.

mod architecture;
mod journey;
