//! The event log: append groups, read them back in order, from several threads. What it promises, whatever stores it.

use std::sync::Arc;

use crate::group::{Group, GroupError, Hash};

#[cfg(test)]
mod conformance;
pub mod file;
mod head;
pub mod memory;
pub mod sled;
mod stored;

/// Where a log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Random number of this log; another after a restore.
    pub incarnation: u64,
    /// Sequence of the last acknowledged event; 0 for an empty log.
    pub seq: u64,
    /// Hash of the last acknowledged group.
    pub hash: Hash,
}

/// Why a group was not acknowledged. Answers: did it happen?
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// It did not: the group does not continue the log.
    #[error("the log ends at event {at}, so event {expected} must come next, after the group with the log's last hash")]
    Conflict {
        /// Where the log ends.
        at: u64,
        /// What must come.
        expected: u64,
    },
    /// It did not: the group is not sound.
    #[error(transparent)]
    Unsound(#[from] GroupError),
    /// Nobody knows. The log takes nothing more: start again and replay, and see.
    #[error("the group may or may not be stored; the log takes nothing more until it is opened again: {0}")]
    Unknown(String),
}

/// Why groups could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was appended.
    #[error("the log is sound up to event {sound_to}; after that: {fault}")]
    Damaged {
        /// The last event that can be trusted.
        sound_to: u64,
        /// What is wrong.
        fault: GroupError,
    },
    /// The storage could not be read; nothing is known to be lost.
    #[error("the log could not be read: {0}")]
    Io(String),
}

/// Why a log could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is stored is not what was acknowledged.
    #[error(
        "the event log is damaged: {segment}: {what}. It is sound up to event {sound_to}. Nothing was changed; stop here, keep a copy of the data directory, and restore it from a backup"
    )]
    Damaged {
        /// The part that is damaged.
        segment: String,
        /// The last event that can be trusted.
        sound_to: u64,
        /// What is wrong.
        what: String,
    },
    /// Another process has it.
    #[error("the event log in {0} is in use by another process; stop that server first")]
    InUse(String),
    /// The storage could not be read or written; nothing is known to be lost.
    #[error("the event log could not be opened: {0}")]
    Io(#[from] std::io::Error),
}

/// An append-only log of groups. One thread appends; any may read meanwhile.
pub trait EventLog: Send + Sync {
    /// Where the log ends: the last group that was acknowledged.
    fn head(&self) -> Head;

    /// Appends a group. When it returns `Ok`, the group survives what the form promises to survive, whole.
    ///
    /// # Errors
    /// See [`AppendError`]: each says whether the group is in the log.
    fn append(&self, group: Group) -> Result<Head, AppendError>;

    /// Acknowledged groups in order, from the one that holds event `from` on: at least one where there is one, and no
    /// more once they hold `bytes_max`. Past the end: none.
    ///
    /// # Errors
    /// Damage, or storage that can't be read. Nothing is skipped.
    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError>;
}
