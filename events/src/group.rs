//! Commit groups: the events that became durable together, and the hash that chains each group to the one before.
//!
//! `hash = BLAKE3(hash before ‖ digest of frame 1 ‖ digest of frame 2 ‖ …)`: a slice of the log can be verified with the
//! digests of what it leaves out.

use std::fmt;

use spunto_core::record::Record;

use crate::codec::{self, DecodeError};
use crate::digest;
use crate::frame::{self, FrameError};

/// Most events in one group.
pub const GROUP_EVENTS_MAX: usize = 4096;
/// Most bytes in one group.
pub const GROUP_BYTES_MAX: usize = 4 << 20;

/// A BLAKE3 hash of the chain. All zeros before the first group.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Hash(pub [u8; 32]);

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

/// Why a record could not join a group, or a group is not sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// It does not follow.
    #[error("event {actual} stands where event {expected} must")]
    Gap {
        /// What must come.
        expected: u64,
        /// What came.
        actual: u64,
    },
    /// The group has no room.
    #[error("a group holds at most {GROUP_EVENTS_MAX} events and {GROUP_BYTES_MAX} bytes")]
    Full,
    /// A group of nothing.
    #[error("a group holds at least one event")]
    Empty,
    /// A frame is not sound.
    #[error("the frame of event {seq} is damaged: {fault}")]
    Frame {
        /// Which, by its place.
        seq: u64,
        /// What is wrong.
        fault: FrameError,
    },
    /// A stored group has lost its end.
    #[error("a stored group is cut off: {have} of {need} bytes are there")]
    CutOff {
        /// Bytes there are.
        have: usize,
        /// Bytes there should be.
        need: usize,
    },
    /// What stands before a stored group's frames is not what was written.
    #[error("the header of the group that should start with event {first} has changed")]
    Header {
        /// Its first event, by its place.
        first: u64,
    },
    /// The hash is not that of these frames after that group.
    #[error("the group from event {first} does not continue the chain: it was changed, moved, or its predecessor is missing")]
    Chain {
        /// Its first event.
        first: u64,
    },
}

impl GroupError {
    /// The first event that can't be trusted, where the fault itself tells.
    #[must_use]
    pub const fn at(&self) -> Option<u64> {
        match self {
            Self::Gap { expected: at, .. } | Self::Frame { seq: at, .. } | Self::Header { first: at } | Self::Chain { first: at } => {
                Some(*at)
            }
            Self::Full | Self::Empty | Self::CutOff { .. } => None,
        }
    }
}

/// Events with consecutive sequences that are appended together, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Sequence of its first event.
    pub first: u64,
    /// Sequence of its last event.
    pub last: u64,
    /// Hash of the group before.
    pub previous: Hash,
    /// Its own hash.
    pub hash: Hash,
    /// Its frames, one after the other.
    pub frames: Vec<u8>,
}

impl Group {
    /// Puts frames into a group after `previous` that starts at `first`; checks every frame.
    ///
    /// # Errors
    /// A damaged frame, a gap, too many, none.
    pub fn seal(first: u64, previous: Hash, frames: Vec<u8>) -> Result<Self, GroupError> {
        if frames.len() > GROUP_BYTES_MAX {
            return Err(GroupError::Full);
        }
        let (last, hash) = chain(first, previous, &frames)?;
        Ok(Self { first, last, previous, hash, frames })
    }

    /// As [`Group::seal`], of frames that were encoded a moment ago: their checksums are not computed a second time (debug
    /// builds do), everything else is checked.
    ///
    /// # Errors
    /// As [`Group::seal`].
    pub fn seal_encoded(first: u64, previous: Hash, frames: Vec<u8>) -> Result<Self, GroupError> {
        if cfg!(debug_assertions) {
            return Self::seal(first, previous, frames);
        }
        if frames.len() > GROUP_BYTES_MAX {
            return Err(GroupError::Full);
        }
        let (last, hash) = measured(first, previous, &frames)?;
        Ok(Self { first, last, previous, hash, frames })
    }

    /// Encodes records into a group after `previous` that starts at `first`.
    ///
    /// # Errors
    /// As [`Group::seal`]; a record that is too large.
    pub fn of(first: u64, previous: Hash, records: &[Record]) -> Result<Self, GroupError> {
        let mut frames = Vec::new();
        for record in records {
            codec::encode(record, &mut frames).map_err(|fault| GroupError::Frame { seq: record.seq, fault })?;
        }
        Self::seal_encoded(first, previous, frames)
    }

    /// Checks that this group is what was appended after a group with hash `previous` that ended before `first`.
    ///
    /// # Errors
    /// Anything was changed.
    pub fn verify(&self, first: u64, previous: Hash) -> Result<(), GroupError> {
        if self.first != first {
            return Err(GroupError::Gap { expected: first, actual: self.first });
        }
        if self.frames.len() > GROUP_BYTES_MAX {
            return Err(GroupError::Full);
        }
        // The hash holds every bit of the frames, so their checksums add nothing; they say which frame it is when it is wrong.
        let sound = measured(first, previous, &self.frames) == Ok((self.last, self.hash)) && self.previous == previous;
        if sound {
            return Ok(());
        }
        chain(first, previous, &self.frames)?;
        Err(GroupError::Chain { first })
    }

    /// Its records, decoded one by one. The frames were checked when the group was sealed or read.
    pub fn records(&self) -> impl Iterator<Item = Result<Record, DecodeError>> + '_ {
        let mut rest = self.frames.as_slice();
        std::iter::from_fn(move || {
            let (frame, after) = frame::decode(rest).ok()?;
            rest = after;
            Some(codec::decode(frame))
        })
    }
}

/// Number of the last frame, and the hash of a group of these frames; checks every frame.
fn chain(first: u64, previous: Hash, frames: &[u8]) -> Result<(u64, Hash), GroupError> {
    let mut each = Vec::with_capacity(frames.len() / frame::HEADER_BYTES);
    let last = walk(first, frames, |frame| each.push(frame))?;
    Ok((last, chained(previous, &each)))
}

/// The same as [`chain`], without their checksums.
fn measured(first: u64, previous: Hash, frames: &[u8]) -> Result<(u64, Hash), GroupError> {
    let mut each = Vec::with_capacity(frames.len() / frame::HEADER_BYTES);
    let last = walk_by(frame::measure, first, frames, |frame| each.push(frame))?;
    Ok((last, chained(previous, &each)))
}

/// The hash of a group of these frames after `previous`.
fn chained(previous: Hash, frames: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&previous.0).update(digest::of_each(frames).as_flattened());
    Hash(*hasher.finalize().as_bytes())
}

/// Checks frames one by one and shows each; says the number of the last.
pub(crate) fn walk<'a>(first: u64, frames: &'a [u8], each: impl FnMut(&'a [u8])) -> Result<u64, GroupError> {
    walk_by(|bytes| frame::decode(bytes).map(|(frame, rest)| (frame.header.seq, rest)), first, frames, each)
}

/// Shows frames one by one, each taken off by `next_frame`, which tells its number and what follows it.
fn walk_by<'a>(
    next_frame: impl Fn(&'a [u8]) -> Result<(u64, &'a [u8]), FrameError>,
    first: u64,
    frames: &'a [u8],
    mut each: impl FnMut(&'a [u8]),
) -> Result<u64, GroupError> {
    let mut rest = frames;
    let mut next = first;
    while !rest.is_empty() {
        let (seq, after) = next_frame(rest).map_err(|fault| GroupError::Frame { seq: next, fault })?;
        if seq != next {
            return Err(GroupError::Gap { expected: next, actual: seq });
        }
        each(&rest[..rest.len() - after.len()]);
        rest = after;
        next += 1;
    }
    match usize::try_from(next - first) {
        Ok(0) => Err(GroupError::Empty),
        Ok(count) if count <= GROUP_EVENTS_MAX => Ok(next - 1),
        _ => Err(GroupError::Full),
    }
}
