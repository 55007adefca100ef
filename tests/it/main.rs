//! The one integration-test binary: more binaries would link the whole system again and again.

mod architecture;
