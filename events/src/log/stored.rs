//! A group as stored: a checked header and the frames. The same bytes in the tail, in sled and in files.
//!
//! Little-endian, 96 bytes before the frames: length of the frames u32, CRC-32 of the rest of the header u32, mark u64 (what
//! the place of storage makes of it), first u64, last u64, hash before, hash.

use crate::group::{GROUP_BYTES_MAX, Group, GroupError, Hash, walk};

/// Bytes before the frames.
pub(super) const HEAD_BYTES: usize = 96;
/// Most bytes of a stored group.
pub(super) const STORED_BYTES_MAX: usize = HEAD_BYTES + GROUP_BYTES_MAX;

/// How much is checked when a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Checksums and sequences: what bits that changed since the log was opened can't pass.
    Frames,
    /// The hash too: what nobody can have made later.
    Chain,
}

/// What stands before the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) bytes: usize,
    pub(super) mark: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) previous: Hash,
    pub(super) hash: Hash,
}

/// Bytes that `group` takes.
pub(super) const fn size(group: &Group) -> usize {
    HEAD_BYTES + group.frames.len()
}

/// Appends a group to `out`.
pub(super) fn encode(group: &Group, mark: u64, out: &mut Vec<u8>) {
    let mut head = [0; HEAD_BYTES];
    let length = u32::try_from(group.frames.len()).expect("a sealed group is under its limit");
    head[..4].copy_from_slice(&length.to_le_bytes());
    for (word, place) in [mark, group.first, group.last].into_iter().zip((8..).step_by(8)) {
        head[place..place + 8].copy_from_slice(&word.to_le_bytes());
    }
    head[32..64].copy_from_slice(&group.previous.0);
    head[64..].copy_from_slice(&group.hash.0);
    let crc = checksum(&head);
    head[4..8].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&group.frames);
}

/// Reads the header at the start of `bytes`. `first` is the event that should be there, for the message alone.
pub(super) fn heading(bytes: &[u8], first: u64) -> Result<Heading, GroupError> {
    let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
        return Err(GroupError::CutOff { have: bytes.len(), need: HEAD_BYTES });
    };
    let half = |place: usize| u32::from_le_bytes([head[place], head[place + 1], head[place + 2], head[place + 3]]);
    let hash = |place: usize| {
        let mut hash = Hash::default();
        hash.0.copy_from_slice(&head[place..place + 32]);
        hash
    };
    let length = half(0) as usize;
    if half(4) != checksum(head) || length > GROUP_BYTES_MAX {
        return Err(GroupError::Header { first });
    }
    let word = |place: usize| u64::from(half(place)) | u64::from(half(place + 4)) << 32;
    Ok(Heading { bytes: length, mark: word(8), first: word(16), last: word(24), previous: hash(32), hash: hash(64) })
}

/// Reads the group at the start of `bytes`; the last value is what follows it.
pub(super) fn decode(bytes: &[u8], first: u64, check: Check) -> Result<(Heading, Group, &[u8]), GroupError> {
    let head = heading(bytes, first)?;
    let need = HEAD_BYTES + head.bytes;
    let Some((whole, rest)) = bytes.split_at_checked(need) else {
        return Err(GroupError::CutOff { have: bytes.len(), need });
    };
    let frames = whole[HEAD_BYTES..].to_vec();
    let group = Group { first: head.first, last: head.last, previous: head.previous, hash: head.hash, frames };
    match check {
        Check::Chain => group.verify(head.first, head.previous)?,
        Check::Frames => {
            if walk(group.first, &group.frames, |_| ())? != group.last {
                return Err(GroupError::Chain { first: group.first });
            }
        }
    }
    Ok((head, group, rest))
}

fn checksum(head: &[u8; HEAD_BYTES]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&head[..4]);
    hasher.update(&head[8..]);
    hasher.finalize()
}

/// Follows groups from the beginning of a log, or of a part of it, and refuses what does not come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) seq: u64,
    pub(super) hash: Hash,
}

impl Chain {
    pub(super) const START: Self = Self { seq: 0, hash: Hash([0; 32]) };

    pub(super) fn follow(&mut self, group: &Group) -> Result<(), GroupError> {
        if group.first != self.seq + 1 {
            return Err(GroupError::Gap { expected: self.seq + 1, actual: group.first });
        }
        if group.previous != self.hash {
            return Err(GroupError::Chain { first: group.first });
        }
        *self = Self { seq: group.last, hash: group.hash };
        Ok(())
    }
}
