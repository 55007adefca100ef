//! Runs sled where it can do no harm: 0.34.7 may panic over damaged files, in the caller's thread or in its own. Either
//! becomes an error here, without the noise of a panic message.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Panics of sled's own threads since the process started.
static BACKGROUND_PANICS: AtomicU64 = AtomicU64::new(0);

/// Runs `work`; a panic in it, or meanwhile in one of sled's threads, is an error in words.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    install();
    let before = BACKGROUND_PANICS.load(Ordering::SeqCst);
    let outer = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    if BACKGROUND_PANICS.load(Ordering::SeqCst) != before {
        return Err("sled stopped working in the background".to_owned());
    }
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("sled can't make sense of it ({})", text.unwrap_or("no reason given")))
    })
}

fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().name().is_some_and(|name| name.starts_with("sled-")) {
                BACKGROUND_PANICS.fetch_add(1, Ordering::SeqCst);
            } else if !GUARDED.get() {
                usual(info);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_is_an_error() {
        assert_eq!(guarded(|| Ok(1)), Ok(1));
        assert!(guarded::<()>(|| panic!("no")).is_err_and(|why| why.contains("no")));
    }
}
