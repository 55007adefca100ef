//! What an agent observes of a container, as the rules take it.

use serde::{Deserialize, Serialize};

use crate::event::UnitStep;
use crate::event::{Exited, Lost, Restarting};
use crate::time::Timestamp;

/// One observation of a unit's container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Observed {
    /// It runs.
    Started {
        /// The container's id.
        container: String,
        /// Digest or id of its image.
        image_digest: String,
        /// When, by the node's clock.
        started_at: Timestamp,
    },
    /// The order could not be carried out.
    Failed {
        /// What was being done.
        step: UnitStep,
        /// Docker's own words.
        message: String,
    },
    /// It ended by itself.
    Exited(Exited),
    /// It ended, and Docker starts it again.
    Restarting(Restarting),
    /// It stands still, as ordered.
    Stopped,
    /// It is removed, as ordered.
    Removed,
    /// It can't be found.
    Lost(Lost),
}
