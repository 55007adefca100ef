//! The event log: append groups, read them back in order, from several threads. What it promises, whatever stores it.

use std::sync::Arc;

use crate::group::{Group, GroupError, Hash};

#[cfg(test)]
mod conformance;
mod disk;
pub mod file;
mod head;
pub mod memory;
mod opening;
pub mod sled;
mod stored;

pub use opening::OpenError;

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

/// Why nothing can be appended at present. Nothing is broken: it passes as soon as there is room.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The disk is full, but for what is kept back.
    #[error(
        "the disk under the data directory is full ({} MiB free, {} MiB are kept back): free some space there; nothing was changed, and reads go on",
        free_bytes >> 20,
        reserve_bytes >> 20
    )]
    Full {
        /// What is free.
        free_bytes: u64,
        /// What is kept back.
        reserve_bytes: u64,
    },
    /// The file system has room for few more files.
    #[error(
        "the file system under the data directory takes only {free} more files: remove some, or move the data directory to one with more inodes; nothing was changed, and reads go on"
    )]
    Files {
        /// How many.
        free: u64,
    },
    /// The file system takes no writes.
    #[error("the file system under the data directory is read-only: the system's log says why; nothing was changed, and reads go on")]
    ReadOnly,
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

/// An append-only log of groups. One thread appends; any may read meanwhile.
pub trait EventLog: Send + Sync {
    /// Where the log ends: the last group that was acknowledged.
    fn head(&self) -> Head;

    /// Appends a group. When it returns `Ok`, the group survives what the form promises to survive, whole.
    ///
    /// # Errors
    /// See [`AppendError`]: each says whether the group is in the log.
    fn append(&self, group: Group) -> Result<Head, AppendError>;

    /// Whether another group could be stored. Asked before anything is decided, as a write that fails halfway costs a restart.
    ///
    /// # Errors
    /// See [`NoRoom`].
    fn room(&self) -> Result<(), NoRoom> {
        Ok(())
    }

    /// Acknowledged groups in order, from the one that holds event `from` on: at least one where there is one, and no
    /// more once they hold `bytes_max`. Past the end: none.
    ///
    /// # Errors
    /// Damage, or storage that can't be read. Nothing is skipped.
    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError>;
}

/// Checks that `group` comes next. That it is sound was checked when it was sealed, which is how groups are made; checking every hash a
/// second time would cost a fifth of the appending thread's time, so only debug builds do.
fn admit(group: &Group, head: Head) -> Result<(), AppendError> {
    if group.first != head.seq + 1 || group.previous != head.hash {
        return Err(AppendError::Conflict { at: head.seq, expected: head.seq + 1 });
    }
    if cfg!(debug_assertions) {
        group.verify(head.seq + 1, head.hash)?;
    }
    Ok(())
}
