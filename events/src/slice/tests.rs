//! Slices: what is in them was in the chain, whatever was left out; any change is found.

#![allow(clippy::unwrap_used, reason = "a refused slice is a failed test")]

use proptest::prelude::*;
use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;

use super::*;

fn groups(sizes: &[u64]) -> Vec<Group> {
    let (mut next, mut previous, mut groups) = (1, Hash::default(), Vec::new());
    for size in sizes {
        let record = |seq: u64| Record {
            seq,
            org: Some(OrgId::from_u64(1)),
            stream: StreamId::Node(NodeId::from_u64(seq % 3)),
            stream_version: seq,
            at: Timestamp::from_ms(seq),
            actor: Actor::System,
            correlation: 0,
            causation: 0,
            event: NodeUndrained { node: NodeId::from_u64(seq % 3) }.into(),
        };
        let records: Vec<Record> = (next..next + size).map(record).collect();
        let group = Group::of(next, previous, &records).unwrap();
        (next, previous) = (next + size, group.hash);
        groups.push(group);
    }
    groups
}

fn slice(groups: &[Group], keep: impl Fn(u64) -> bool) -> (Vec<u8>, SliceSummary) {
    let mut writer = SliceWriter::new(Vec::new(), 7, groups[0].first, groups[0].previous, "some");
    for group in groups {
        writer.push(group, |frame| keep(frame.header.seq)).unwrap();
    }
    writer.finish().unwrap()
}

fn read(bytes: &[u8]) -> Result<(Vec<u64>, SliceSummary), SliceError> {
    let mut reader = SliceReader::open(bytes)?;
    let mut kept = Vec::new();
    while let Some(frames) = reader.next_group()? {
        kept.extend(frames.into_iter().map(|(seq, _)| seq));
    }
    Ok((kept, reader.summary()))
}

#[test]
fn what_is_kept_is_read_and_what_is_not_is_counted() {
    let groups = groups(&[3, 1, 8, 2, 40, 5]);
    let (bytes, written) = slice(&groups, |seq| seq % 5 == 0);
    let (kept, summary) = read(&bytes).unwrap();
    assert_eq!(kept, (1..=59).filter(|seq| seq % 5 == 0).collect::<Vec<_>>());
    assert_eq!(summary, written);
    assert_eq!((summary.kept, summary.last, summary.hash), (11, 59, groups[5].hash));
    assert_eq!(summary.kept + summary.omitted, 59 - 4, "the first group that holds one begins with event 5");
    let head = SliceReader::open(bytes.as_slice()).unwrap().head().clone();
    assert_eq!((head.incarnation, head.first, head.previous, head.selection.as_str()), (7, 5, groups[1].hash, "some"));
    assert_eq!(read(&slice(&groups, |_| false).0).unwrap().0, Vec::<u64>::new());
}

#[test]
fn groups_before_and_after_cost_nothing() {
    let groups = groups(&[5; 100]);
    let (bytes, summary) = slice(&groups, |seq| seq == 251);
    assert_eq!((summary.kept, summary.omitted), (1, 4));
    assert!(bytes.len() < 600, "{}", bytes.len());
}

#[test]
fn every_flipped_bit_and_every_cut_is_found() {
    let (bytes, _) = slice(&groups(&[2, 3]), |seq| seq % 2 == 0);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&damaged).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut to {length}");
    }
    assert!(read(&[bytes, vec![0]].concat()).is_err(), "more than it says");
}

#[test]
fn an_event_that_was_not_in_the_chain_is_refused() {
    let sound = groups(&[4]);
    let other = Group::of(
        1,
        Hash::default(),
        &groups(&[4])[0]
            .records()
            .map(|record| {
                let record = record.unwrap();
                Record { correlation: record.seq, ..record }
            })
            .collect::<Vec<_>>(),
    )
    .unwrap();
    let forged = Group { hash: sound[0].hash, ..other };
    let (bytes, _) = slice(&[forged], |_| true);
    assert!(matches!(read(&bytes), Err(SliceError::Damaged { sound_to: 0, .. })));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
        let (mut sound, _) = slice(&groups(&[2]), |_| true);
        sound.truncate(72);
        sound.extend(bytes);
        let _ = read(&sound);
    }
}
