//! An excerpt: what one organisation may see of the log, as it is stored, with the digests of all else, so that whoever gets it can
//! verify it without seeing what is not theirs.

use std::io::Write;
use std::ops::ControlFlow;

use spunto_core::extract::Extract;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::StreamId;
use spunto_events::codec;
use spunto_events::frame::FrameRef;
use spunto_events::log::{EventLog, ReadError};
use spunto_events::slice::{SliceError, SliceWriter};

use crate::past::{PastError, scan};

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
    /// What it is to hold can't be told.
    #[error(transparent)]
    Past(#[from] PastError),
}

/// Writes the organisation's events after event `after`, up to the end of the log as it is now. Blocks on the disk and on `out`.
///
/// # Errors
/// See [`ExcerptError`]; what was written until then has no end, and readers refuse it.
pub fn write(log: &dyn EventLog, org: OrgId, after: u64, out: impl Write) -> Result<(), ExcerptError> {
    let head = log.head();
    let selection = format!("{org}, events {} to {}", after.saturating_add(1), head.seq);
    cut(log, after.saturating_add(1), head.seq, &selection, out, |frame| frame.header.org == Some(org) && frame.header.seq > after)
}

/// Writes a node's life: its own events, those of what was ever placed on it, and of its organisation's history what they hang on (see
/// [`Extract`]), up to the last of them. Reads the organisation's events twice. Blocks on the disk and on `out`.
///
/// # Errors
/// See [`ExcerptError`]; there never was such a node in this organisation, and nothing was written then.
pub fn write_node(log: &dyn EventLog, org: OrgId, node: NodeId, first: u64, out: impl Write) -> Result<(), ExcerptError> {
    let mut extract = Extract::about(StreamId::Node(node));
    let end = log.head().seq;
    scan(log, org, first.saturating_sub(1), end, |record| {
        extract.see(&record);
        ControlFlow::Continue(())
    })?;
    if extract.org() != Some(org) {
        return Err(PastError::Unknown.into());
    }
    let selection = format!("{node} of {org}, what was placed on it, and its credentials' names, events {first} to {}", extract.last());
    let ours = |frame: &FrameRef<'_>| frame.header.org == Some(org);
    let takes = |frame: FrameRef<'_>| {
        ours(&frame)
            && extract
                .takes_stream(frame.header.stream)
                .unwrap_or_else(|| codec::decode(frame).is_ok_and(|record| extract.takes(&record.event)))
    };
    cut(log, first, extract.last(), &selection, out, takes)
}

/// Writes the events that `takes` wants, from the group that holds `first` to the one that holds `last`.
fn cut(
    log: &dyn EventLog,
    first: u64,
    last: u64,
    selection: &str,
    out: impl Write,
    mut takes: impl FnMut(FrameRef<'_>) -> bool,
) -> Result<(), ExcerptError> {
    let head = log.head();
    let mut writer = None;
    let mut out = Some(out);
    let mut next = first;
    'read: while next <= last {
        let groups = log.read(next, STRIDE_BYTES)?;
        if groups.is_empty() {
            break;
        }
        for group in groups {
            if group.first > last {
                break 'read;
            }
            next = group.last + 1;
            let writer = match (&mut writer, out.take()) {
                (Some(writer), _) => writer,
                (empty, Some(out)) => empty.insert(SliceWriter::new(out, head.incarnation, group.first, group.previous, selection)),
                (None, None) => break 'read,
            };
            writer.push(&group, &mut takes)?;
        }
    }
    if let Some(out) = out {
        writer = Some(SliceWriter::new(out, head.incarnation, head.seq + 1, head.hash, selection));
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
