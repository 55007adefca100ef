//! Points where a crash test ends the provisioner: before and after every call to a provider and every event.
//!
//! In a debug build of the server, `SPUNTO_FAILPOINT=provisioner:7` ends the process at the seventh point. In this crate's tests
//! the seventh point never goes on, and the test drops everything.

/// Passes a point.
#[cfg(not(test))]
#[expect(clippy::unused_async, reason = "in tests it waits")]
pub(super) async fn pass() {
    spunto_events::failpoint::pass("provisioner");
}

#[cfg(test)]
pub(super) use chosen::pass;

#[cfg(test)]
pub(super) mod chosen {
    use std::cell::RefCell;
    use std::sync::Arc;

    use tokio::sync::Notify;

    #[derive(Default)]
    struct Chosen {
        passed: usize,
        at: Option<usize>,
        reached: Option<Arc<Notify>>,
    }

    thread_local! {
        static CHOSEN: RefCell<Chosen> = RefCell::default();
    }

    /// From here on, this thread stops at the `at`-th point, and tells so.
    pub(in super::super) fn choose(at: Option<usize>) -> Arc<Notify> {
        let reached = Arc::new(Notify::new());
        CHOSEN.set(Chosen { passed: 0, at, reached: Some(Arc::clone(&reached)) });
        reached
    }

    pub(in super::super) async fn pass() {
        let here = CHOSEN.with_borrow_mut(|chosen| {
            chosen.passed += 1;
            if chosen.at == Some(chosen.passed) { chosen.reached.clone() } else { None }
        });
        if let Some(reached) = here {
            reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
