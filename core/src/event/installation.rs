//! Payloads about the installation itself: that its log was restored from a backup, and that somebody looked at what this means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// The log was restored from a backup and goes on under a new incarnation. Every sign-in and open invitation of before ends with it,
/// and until it is confirmed the server only observes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstallationRestored {
    /// The installation's number, by which machines at clouds are known as its own: the incarnation of its first log, for ever.
    pub installation: u64,
    /// Incarnation of the log that the backup is of.
    pub from: u64,
    /// Last event of the backup.
    pub seq: u64,
    /// When the backup was made.
    pub taken_at: Timestamp,
}

/// The operator has seen how the world differs from a restored log: from here on the server acts again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstallationConfirmed {
    /// BLAKE3 of the difference that was printed.
    pub difference: [u8; 32],
}
