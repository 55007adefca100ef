//! How a group is laid out on disk, in every form that stores: a header of fixed length, then its frames.

use crate::group::{GROUP_BYTES_MAX, Group, Hash};

/// Bytes before the frames: first, last, hash before, hash, length of the frames; integers little-endian.
pub(crate) const HEADER_BYTES: usize = 8 + 8 + 32 + 32 + 4;

/// Lays out a group.
pub(crate) fn write(group: &Group, into: &mut Vec<u8>) {
    into.extend_from_slice(&group.first.to_le_bytes());
    into.extend_from_slice(&group.last.to_le_bytes());
    into.extend_from_slice(&group.previous.0);
    into.extend_from_slice(&group.hash.0);
    let length = u32::try_from(group.frames.len()).expect("a group is at most 4 MiB");
    into.extend_from_slice(&length.to_le_bytes());
    into.extend_from_slice(&group.frames);
}

/// How many bytes of frames follow this header; none when it is no header.
pub(crate) fn frames_bytes(header: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(header.get(HEADER_BYTES - 4..HEADER_BYTES)?.try_into().ok()?);
    usize::try_from(length).ok().filter(|length| *length <= GROUP_BYTES_MAX)
}

/// Reads a group that takes exactly these bytes. Only its layout is checked here; [`Group::verify`] checks what it says.
pub(crate) fn read(bytes: &[u8]) -> Option<Group> {
    let length = frames_bytes(bytes)?;
    let (header, frames) = bytes.split_at_checked(HEADER_BYTES)?;
    if frames.len() != length {
        return None;
    }
    let number = |at: usize| Some(u64::from_le_bytes(header.get(at..at + 8)?.try_into().ok()?));
    let hash = |at: usize| Some(Hash(header.get(at..at + 32)?.try_into().ok()?));
    Some(Group { first: number(0)?, last: number(8)?, previous: hash(16)?, hash: hash(48)?, frames: frames.to_vec() })
}
