//! Opening a log that is kept in files: what can be wrong, in words for the person who has to decide, and the lock.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// What to do about damage; the same whatever is damaged.
const ADVICE: &str = "restore the data directory from a backup, or move it away to start with an empty log";

/// Why a log could not be opened. Nothing was appended in any case.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the log in {0} is in use by another process: stop that one first, or give this one another data directory")]
    InUse(PathBuf),
    /// What is stored is not all that was acknowledged, or not as it was.
    #[error("{segment} is damaged: {what}; the log is sound up to event {sound_to}; {advice}")]
    Damaged {
        /// Which part, such as `segment seg-0000000000000001`.
        segment: String,
        /// The last event that can be trusted, with all before it.
        sound_to: u64,
        /// The first event that can't be; more than the next one when the group that it belongs to holds sound events before it.
        at: u64,
        /// What is wrong with it.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// The storage could not be read or written; nothing is known to be lost.
    #[error("the log could not be opened: {0}; check the data directory's permissions and free space")]
    Io(#[from] io::Error),
}

impl OpenError {
    pub(super) fn damaged(segment: impl Into<String>, sound_to: u64, what: impl ToString) -> Self {
        Self::damaged_at(segment, sound_to, sound_to + 1, what)
    }

    pub(super) fn damaged_at(segment: impl Into<String>, sound_to: u64, at: u64, what: impl ToString) -> Self {
        Self::Damaged { segment: segment.into(), sound_to, at, what: what.to_string(), advice: ADVICE }
    }
}

/// Holds a log's files for this process; lets go when dropped, or when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Keeps others from writing for as long as it lives, without writing anything itself. The file must be there.
    pub(super) fn share(path: &Path) -> Result<Self, OpenError> {
        let file = File::open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse(path.parent().unwrap_or(path).to_owned())),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }

    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse(path.parent().unwrap_or(path).to_owned())),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}
