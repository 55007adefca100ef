//! Writes a segment to anything that takes bytes, in one pass: for what leaves over a network.

use std::io::Write;
use std::sync::Arc;

use super::{FOOTER_BYTES, FOOTER_MAGIC, FORMAT, HEADER_MAGIC, SegmentError, SegmentSummary, damaged, faulty};
use crate::group::{Group, Hash};
use crate::log::ReadError;
use crate::log::stored::{self, Chain};

/// Writes a whole history, groups from event 1 on, as a segment; the same bytes as [`super::SegmentFile::write`].
///
/// # Errors
/// The groups can't be had, don't follow, are none; nobody takes the bytes.
pub fn stream(
    out: &mut impl Write,
    incarnation: u64,
    groups: impl Iterator<Item = Result<Arc<Group>, ReadError>>,
) -> Result<SegmentSummary, SegmentError> {
    let (mut hasher, mut written) = (blake3::Hasher::new(), 0_u64);
    let mut pass = |bytes: &[u8]| {
        hasher.update(bytes);
        written += bytes.len() as u64;
        out.write_all(bytes)
    };
    let (start, mut chain, mut count) = (Chain::START, Chain::START, 0_u64);
    let mut buffer = Vec::new();
    for word in [u64::from_le_bytes(HEADER_MAGIC), FORMAT, incarnation, start.seq + 1] {
        buffer.extend_from_slice(&word.to_le_bytes());
    }
    buffer.extend_from_slice(&start.hash.0);
    pass(&buffer)?;
    for group in groups {
        let group = group?;
        group.verify(chain.seq + 1, chain.hash).map_err(|fault| faulty(chain.seq, &fault))?;
        chain.follow(&group).map_err(|fault| faulty(chain.seq, &fault))?;
        buffer.clear();
        stored::encode(&group, 0, &mut buffer);
        pass(&buffer)?;
        count += 1;
    }
    if count == 0 {
        return Err(damaged(0, "a segment holds at least one group"));
    }
    buffer.clear();
    let length = written + FOOTER_BYTES;
    let mut pass = |bytes: &[u8]| {
        hasher.update(bytes);
        out.write_all(bytes)
    };
    for word in [u64::from_le_bytes(FOOTER_MAGIC), count, chain.seq, length] {
        buffer.extend_from_slice(&word.to_le_bytes());
    }
    buffer.extend_from_slice(&chain.hash.0);
    pass(&buffer)?;
    let root = Hash(*hasher.finalize().as_bytes());
    out.write_all(&root.0)?;
    Ok(SegmentSummary { incarnation, first: 1, last: chain.seq, groups: count, previous: start.hash, hash: chain.hash, root })
}
