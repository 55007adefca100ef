//! What every form of the log must keep. One suite; each form calls [`check`] with a way to make an empty log.

#![allow(clippy::unwrap_used, reason = "a refused append is a failed test")]

use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;

use super::{AppendError, EventLog, Head};
use crate::group::{GROUP_EVENTS_MAX, Group, GroupError, Hash};

fn record(seq: u64) -> Record {
    let node = NodeId::from_u64(seq % 3);
    Record {
        seq,
        org: Some(OrgId::from_u64(1)),
        stream: StreamId::Node(node),
        stream_version: seq,
        at: Timestamp::from_ms(seq),
        actor: Actor::System,
        correlation: 0,
        causation: 0,
        event: NodeUndrained { node }.into(),
    }
}

pub(super) fn next(head: Head, count: u64) -> Group {
    let records: Vec<Record> = (head.seq + 1..=head.seq + count).map(record).collect();
    Group::of(head.seq + 1, head.hash, &records).unwrap()
}

pub(super) fn check<L: EventLog>(empty: impl Fn() -> L) {
    reads_back_what_it_took(&empty());
    refuses_what_does_not_continue(&empty());
    refuses_what_was_changed(&empty());
    never_shows_half_a_group(&empty());
}

/// For forms that outlive their value: `open` is called again and again and must find everything that was acknowledged.
pub(super) fn check_reopen<L: EventLog>(open: impl Fn() -> L) {
    let mut head = open().head();
    let mut appended = Vec::new();
    for round in 0..6 {
        let log = open();
        assert_eq!(log.head(), head);
        let stored: Vec<Group> = log.read(1, usize::MAX).unwrap().iter().map(|group| Group::clone(group)).collect();
        assert_eq!(stored, appended);
        for count in 1..=round * 3 {
            let group = next(log.head(), count);
            appended.push(group.clone());
            head = log.append(group).unwrap();
        }
    }
}

fn reads_back_what_it_took(log: &impl EventLog) {
    assert_eq!((log.head().seq, log.head().hash), (0, Hash::default()));
    assert!(log.read(1, usize::MAX).unwrap().is_empty());
    let mut appended = Vec::new();
    for count in [1, 3, 64, 1, 7] {
        let group = next(log.head(), count);
        appended.push(group.clone());
        let head = log.append(group).unwrap();
        assert_eq!(head, log.head());
    }
    for from in 1..=log.head().seq + 1 {
        let expected: Vec<&Group> = appended.iter().filter(|group| group.last >= from).collect();
        let all = log.read(from, usize::MAX).unwrap();
        assert_eq!(all.iter().map(AsRef::as_ref).collect::<Vec<_>>(), expected);
        let one = log.read(from, 0).unwrap();
        assert_eq!(one.first().map(AsRef::as_ref), expected.first().copied());
        assert!(one.len() <= 1);
    }
    let records: Result<Vec<_>, _> = appended.iter().flat_map(Group::records).collect();
    assert_eq!(records.unwrap(), (1..=log.head().seq).map(record).collect::<Vec<_>>());
}

fn refuses_what_does_not_continue(log: &impl EventLog) {
    let first = next(log.head(), 2);
    log.append(first.clone()).unwrap();
    let head = log.head();
    let ahead = Head { seq: head.seq + 1, ..head };
    let forked = Head { hash: Hash([1; 32]), ..head };
    for wrong in [first, next(ahead, 1), next(forked, 1)] {
        assert!(matches!(log.append(wrong), Err(AppendError::Conflict { at: 2, expected: 3 })));
    }
    assert_eq!(log.head(), head);
    log.append(next(head, 1)).unwrap();
}

fn refuses_what_was_changed(log: &impl EventLog) {
    let sound = next(log.head(), 2);
    let mut flipped = sound.clone();
    flipped.frames[40] ^= 1;
    let mut rehashed = sound.clone();
    rehashed.hash = Hash([2; 32]);
    let mut shortened = sound;
    shortened.last = 1;
    for wrong in [flipped, rehashed, shortened] {
        assert!(matches!(log.append(wrong), Err(AppendError::Unsound(_))));
    }
    assert_eq!(log.head().seq, 0);
}

fn never_shows_half_a_group(log: &impl EventLog) {
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for count in (1..=40).chain((1..=40).rev()) {
                log.append(next(log.head(), count)).unwrap();
            }
        });
        let mut seen = Head { incarnation: 0, seq: 0, hash: Hash::default() };
        while !(writer.is_finished() && seen.seq == log.head().seq) {
            for group in log.read(seen.seq + 1, 64 * 1024).unwrap() {
                group.verify(seen.seq + 1, seen.hash).unwrap();
                assert!(group.last <= log.head().seq, "shown before it was acknowledged");
                seen = Head { seq: group.last, hash: group.hash, ..seen };
            }
        }
    });
}

#[test]
fn groups_have_limits_and_no_gaps() {
    let none = Hash::default();
    assert_eq!(Group::of(1, none, &[]), Err(GroupError::Empty));
    assert_eq!(Group::of(1, none, &[record(1), record(3)]), Err(GroupError::Gap { expected: 2, actual: 3 }));
    let many: Vec<Record> = (1..=GROUP_EVENTS_MAX as u64 + 1).map(record).collect();
    assert_eq!(Group::of(1, none, &many), Err(GroupError::Full));
    assert!(Group::of(1, none, &many[1..]).is_err());
    assert!(Group::of(1, none, &many[..GROUP_EVENTS_MAX]).is_ok());
}
