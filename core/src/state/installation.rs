//! Folds what happens to the installation: whether it may act, or only observe.

use serde::{Deserialize, Serialize};

use super::State;
use crate::event::Event;
use crate::record::Record;
use crate::time::Timestamp;

/// A restored log that nobody has confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restoration {
    /// Incarnation of the log that the backup is of.
    pub from: u64,
    /// Last event of the backup.
    pub seq: u64,
    /// When the backup was made.
    pub taken_at: Timestamp,
    /// When it was restored.
    pub restored_at: Timestamp,
}

impl State {
    /// Whether the server only observes: its log was restored and nobody has confirmed what this means.
    #[must_use]
    pub const fn is_observing(&self) -> bool {
        self.system.restoration.is_some()
    }

    pub(super) fn apply_installation(&mut self, record: &Record) {
        match &record.event {
            Event::InstallationRestored(e) => {
                self.system.installation = Some(e.installation);
                let (from, seq, taken_at) = (e.from, e.seq, e.taken_at);
                self.system.restoration = Some(Restoration { from, seq, taken_at, restored_at: record.at });
                // What was signed out or used up after the backup must not open anything again.
                self.system.sessions.clear();
                for org in self.orgs.values_mut() {
                    org.invitations.clear();
                    org.fleet.after_restore();
                }
            }
            Event::InstallationConfirmed(_) => self.system.restoration = None,
            _ => {}
        }
    }
}
