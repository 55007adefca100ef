//! Places where a crash test may end the process: `SPUNTO_FAILPOINT=name:n` aborts at the n-th pass of step `name`.
//!
//! Does nothing without the cargo feature `failpoints`. Must not know what the steps mean.

/// Passes the step `name`.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn pass(_name: &str) {}

/// Passes the step `name`; aborts the process when this is the pass that was asked for.
#[cfg(feature = "failpoints")]
pub fn pass(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("SPUNTO_FAILPOINT").ok()?;
        let (name, pass) = text.rsplit_once(':')?;
        Some((name.to_owned(), pass.parse().ok()?))
    });
    if let Some((wanted, at)) = wanted
        && wanted == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *at
    {
        std::process::abort();
    }
}
