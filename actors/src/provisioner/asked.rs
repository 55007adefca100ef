//! What this process knows of calls that make a node's machine: until when one may have been under way, and from when an empty list
//! of the provider is the truth. By a clock that does not jump: the wall clock may be set right in the middle of a call.

use std::time::Duration;

use spunto_core::planted::{self, Bug};
use tokio::time::Instant;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Until when a call may have been under way whose answer is not known.
    unanswered: Option<Instant>,
    /// When the provider last took the order.
    ordered: Option<Instant>,
}

impl Asked {
    /// An earlier process may have asked until this one began.
    pub(super) const fn before(began: Instant) -> Self {
        Self { unanswered: Some(began), ordered: Some(began) }
    }

    /// A call was given up just now, and may still act.
    pub(super) fn note_unanswered(&mut self) {
        self.unanswered = Some(Instant::now());
    }

    /// The provider has just taken the order.
    pub(super) fn note_ordered(&mut self) {
        self.ordered = Some(Instant::now());
    }

    /// The provider's list has shown what was ordered.
    pub(super) fn note_listed(&mut self) {
        self.ordered = None;
    }

    /// Whether every call was answered.
    pub(super) const fn is_answered(&self) -> bool {
        self.unanswered.is_none()
    }

    /// How long until an empty list proves that nothing is there. `seen`: the list has shown the machine before; it shows what it
    /// has shown once until that is gone, but may lag behind the answer to an order.
    pub(super) fn settles_in(&self, seen: bool, settle: Duration) -> Duration {
        if planted::is(Bug::EmptyListTrusted) {
            return Duration::ZERO;
        }
        let asked = self.unanswered.max(self.ordered.filter(|_| !seen));
        asked.map_or(Duration::ZERO, |asked| settle.saturating_sub(asked.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn an_empty_list_counts_only_after_every_call_has_settled() {
        let mut asked = Asked::default();
        assert_eq!(asked.settles_in(false, SETTLE), Duration::ZERO, "it was certainly not asked for");
        asked.note_ordered();
        assert_eq!(asked.settles_in(false, SETTLE), SETTLE, "its list may lag behind its answer");
        assert_eq!(asked.settles_in(true, SETTLE), Duration::ZERO, "what was seen is gone when it is no longer seen");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(asked.settles_in(false, SETTLE), Duration::from_secs(40));
        asked.note_unanswered();
        assert!(!asked.is_answered());
        assert_eq!(asked.settles_in(true, SETTLE), SETTLE, "but for a call that may still act");
        tokio::time::advance(SETTLE).await;
        assert_eq!(asked.settles_in(false, SETTLE), Duration::ZERO);
        asked.note_ordered();
        asked.note_listed();
        assert_eq!(asked.settles_in(false, SETTLE), Duration::ZERO, "the list has caught up");
    }
}
