//! Places where a crash test may end the process: `SPUNTO_FAILPOINT=name:n` aborts at the n-th pass of step `name`, and
//! `SPUNTO_FAILPOINT=step/what:n` at the n-th time that a step is taken with this thing, such as `durable/node.online:1`.
//!
//! They are in builds with debug assertions only, so that the binary that every test runs has them and no server for use does;
//! such a server refuses to start with the variable. Must not know what the steps mean.

/// The variable that chooses.
const VARIABLE: &str = "SPUNTO_FAILPOINT";

/// Refuses the variable where there are no such places: a crash test would prove nothing.
///
/// # Errors
/// It is set, and this build has none.
pub fn check() -> Result<(), &'static str> {
    match cfg!(debug_assertions) || std::env::var_os(VARIABLE).is_none() {
        true => Ok(()),
        false => Err("SPUNTO_FAILPOINT is set, and this build has no failpoints: they are for crash tests; unset it"),
    }
}

/// Passes the step `name`.
#[cfg(not(debug_assertions))]
#[inline]
pub const fn pass(_name: &str) {}

/// Passes a step with each of these things.
#[cfg(not(debug_assertions))]
#[inline]
pub fn pass_with<'a>(_step: &str, _what: impl Iterator<Item = &'a str>) {}

#[cfg(debug_assertions)]
pub use chosen::{pass, pass_with};

#[cfg(debug_assertions)]
mod chosen {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Counts a pass that fits; aborts the process when it is the one that was asked for.
    fn count(fits: impl Fn(&str) -> bool) {
        static WANTED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let wanted = WANTED.get_or_init(|| {
            let text = std::env::var(super::VARIABLE).ok()?;
            let (name, pass) = text.rsplit_once(':')?;
            Some((name.to_owned(), pass.parse().ok()?))
        });
        if let Some((wanted, at)) = wanted
            && fits(wanted)
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *at
        {
            std::process::abort();
        }
    }

    /// Passes the step `name`; aborts the process when this is the pass that was asked for.
    pub fn pass(name: &str) {
        count(|wanted| wanted == name);
    }

    /// Passes a step with each of these things; aborts the process when one is the pass that was asked for.
    pub fn pass_with<'a>(step: &str, what: impl Iterator<Item = &'a str>) {
        for what in what {
            count(|wanted| wanted.split_once('/') == Some((step, what)));
        }
    }
}
