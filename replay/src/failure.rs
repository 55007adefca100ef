//! What can go wrong, in words that say what to do, with the exit code of each.

use spunto_events::backup::BackupError;
use spunto_events::codec::DecodeError;
use spunto_events::log::file::SegmentError;
use spunto_events::log::{OpenError, ReadError};
use spunto_events::slice::SliceError;

/// Exit code: the question was answered, and the answer is yes, or there was nothing to ask.
pub const EXIT_OK: u8 = 0;
/// Exit code: the question was answered with no: a decision that comes out otherwise, a predicate that never came true.
pub const EXIT_NO: u8 = 1;
/// Exit code: the command line makes no sense.
pub const EXIT_USAGE: u8 = 2;
/// Exit code: there is nothing of that name or number.
pub const EXIT_NOT_FOUND: u8 = 3;
/// Exit code: the log can't be read: in use, not there, not allowed, not reachable.
pub const EXIT_UNREADABLE: u8 = 4;
/// Exit code: the log is damaged, or breaks an invariant.
pub const EXIT_DAMAGED: u8 = 5;

/// Why a question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The question makes no sense.
    #[error("{0}")]
    Usage(String),
    /// There is nothing of that name or number.
    #[error("{0}")]
    NotFound(String),
    /// The log can't be read; nothing is known to be wrong with it.
    #[error("{0}")]
    Unreadable(String),
    /// A server does not answer; it may when it is asked again.
    #[error("{0}")]
    Unreachable(String),
    /// The log is not what was written.
    #[error("damaged at event {at}: {what}; sound up to event {sound_to}")]
    Damaged {
        /// The first event that can't be trusted.
        at: u64,
        /// The last event that can be trusted.
        sound_to: u64,
        /// Which part of the storage, and what is wrong with it.
        what: String,
    },
    /// A backup is not what was written, or not all of it.
    #[error("{0}")]
    DamagedBackup(String),
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::NotFound(_) => EXIT_NOT_FOUND,
            Self::Unreadable(_) | Self::Unreachable(_) => EXIT_UNREADABLE,
            Self::Damaged { .. } | Self::DamagedBackup(_) => EXIT_DAMAGED,
        }
    }

    /// Something could not be read or written.
    pub(crate) fn io(what: impl std::fmt::Display, error: impl std::fmt::Display) -> Self {
        Self::Unreadable(format!("{what}: {error}"))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { sound_to, fault } => {
                Self::Damaged { at: fault.at().unwrap_or(sound_to + 1), sound_to, what: fault.to_string() }
            }
            ReadError::Io(_) => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Damaged { at: error.seq, sound_to: error.seq - 1, what: error.to_string() }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse(path) => Self::Unreadable(format!(
                "a server runs on {}: ask it with --url, or stop it first (reading beside it could show half of what it does)",
                path.display()
            )),
            OpenError::Damaged { segment, sound_to, at, what, .. } => Self::Damaged { at, sound_to, what: format!("{segment}: {what}") },
            OpenError::Io(error) => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Log(error) => error.into(),
            BackupError::Damaged { .. } | BackupError::NotWhole { .. } => Self::DamagedBackup(error.to_string()),
            BackupError::Io(error) => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<SegmentError> for Failure {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Damaged { sound_to, at, what } => Self::Damaged { at, sound_to, what },
            SegmentError::Io(error) => Self::Unreadable(error.to_string()),
            SegmentError::Source(error) => error.into(),
        }
    }
}

impl From<SliceError> for Failure {
    fn from(error: SliceError) -> Self {
        match error {
            SliceError::Damaged { sound_to, what } => Self::Damaged { at: sound_to + 1, sound_to, what },
            SliceError::Io(error) => Self::Unreadable(error.to_string()),
        }
    }
}
