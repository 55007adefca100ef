//! An excerpt: what one organisation may see of the log, as it is stored, with the digests of all else, so that whoever gets it can
//! verify it without seeing what is not theirs.

use std::io::Write;

use spunto_core::id::OrgId;
use spunto_events::log::{EventLog, ReadError};
use spunto_events::slice::{SliceError, SliceWriter};

/// Bytes of the log read at a time.
const STRIDE_BYTES: usize = 1 << 20;

/// Why an excerpt was not written to its end.
#[derive(Debug, thiserror::Error)]
pub enum ExcerptError {
    /// The log is damaged or can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Whoever takes it is gone, or a group is damaged.
    #[error(transparent)]
    Write(#[from] SliceError),
}

/// Writes the organisation's events after event `after`, up to the end of the log as it is now. Blocks on the disk and on `out`.
///
/// # Errors
/// See [`ExcerptError`]; what was written until then has no end, and readers refuse it.
pub fn write(log: &dyn EventLog, org: OrgId, after: u64, out: impl Write) -> Result<(), ExcerptError> {
    let head = log.head();
    let selection = format!("{org}, events {} to {}", after.saturating_add(1), head.seq);
    let mut writer = None;
    let mut out = Some(out);
    let mut next = after.saturating_add(1);
    while next <= head.seq {
        let groups = log.read(next, STRIDE_BYTES)?;
        let Some(last) = groups.last().map(|group| group.last) else { break };
        for group in groups {
            let writer = match (&mut writer, out.take()) {
                (Some(writer), _) => writer,
                (empty, Some(out)) => empty.insert(SliceWriter::new(out, head.incarnation, group.first, group.previous, &selection)),
                (None, None) => break,
            };
            writer.push(&group, |frame| frame.header.org == Some(org) && frame.header.seq > after)?;
        }
        next = last + 1;
    }
    if let Some(out) = out {
        writer = Some(SliceWriter::new(out, head.incarnation, head.seq + 1, head.hash, &selection));
    }
    if let Some(writer) = writer {
        writer.finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a refused excerpt is a failed test")]

    use spunto_core::event::NodeUndrained;
    use spunto_core::id::NodeId;
    use spunto_core::record::{Actor, Record, StreamId};
    use spunto_core::time::Timestamp;
    use spunto_events::group::Group;
    use spunto_events::log::memory::MemoryLog;
    use spunto_events::slice::SliceReader;

    use super::*;

    #[test]
    fn it_holds_the_organisations_events_after_a_place_and_of_others_only_digests() {
        let log = MemoryLog::new(7);
        for size in [1, 4, 7] {
            let head = log.head();
            let record = |seq: u64| Record {
                seq,
                org: Some(OrgId::from_u64(seq % 2)),
                stream: StreamId::Node(NodeId::from_u64(1)),
                stream_version: seq,
                at: Timestamp::from_ms(seq),
                actor: Actor::System,
                correlation: 0,
                causation: 0,
                event: NodeUndrained { node: NodeId::from_u64(1) }.into(),
            };
            let records: Vec<Record> = (head.seq + 1..=head.seq + size).map(record).collect();
            log.append(Group::of(head.seq + 1, head.hash, &records).unwrap()).unwrap();
        }
        for (org, after, expected) in [
            (1, 0, vec![1, 3, 5, 7, 9, 11]),
            (0, 3, vec![4, 6, 8, 10, 12]),
            (1, 11, vec![]),
            (1, 12, vec![]),
            (1, 99, vec![]),
            (5, 0, vec![]),
            (1, u64::MAX, vec![]),
        ] {
            let mut bytes = Vec::new();
            write(&log, OrgId::from_u64(org), after, &mut bytes).unwrap();
            let mut reader = SliceReader::open(bytes.as_slice()).unwrap();
            let mut kept = Vec::new();
            while let Some(group) = reader.next_group().unwrap() {
                kept.extend(group.into_iter().map(|(seq, _)| seq));
            }
            assert_eq!(kept, expected, "organisation {org} after {after}");
        }
    }
}
