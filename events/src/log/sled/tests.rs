#![allow(clippy::unwrap_used, reason = "a failed open is a failed test")]
use super::*;
use crate::log::conformance::{self, next};

const SMALL: LogOptions = LogOptions { segment_events_max: 50, segment_bytes_max: 1 << 20 };

fn open(directory: &Path) -> Result<SledLog, OpenError> {
    SledLog::open(directory, SMALL)
}

fn fill(log: &SledLog, groups: u64) -> Head {
    for number in 0..groups {
        log.append(next(log.head(), 1 + number % 7)).unwrap();
    }
    log.head()
}

fn contents(log: &SledLog) -> Vec<Group> {
    let (mut all, mut seq) = (Vec::new(), 0);
    while seq < log.head().seq {
        for group in log.read(seq + 1, 10_000).unwrap() {
            seq = group.last;
            all.push(Group::clone(&group));
        }
    }
    all
}

#[test]
fn keeps_what_every_log_promises() {
    let directory = tempfile::tempdir().unwrap();
    for (options, name) in [(LogOptions::default(), "one"), (SMALL, "many")] {
        let number = std::cell::Cell::new(0);
        conformance::check(|| {
            number.set(number.get() + 1);
            SledLog::open(&directory.path().join(format!("{name}-{}", number.get())), options).unwrap()
        });
    }
}

#[test]
fn opens_as_it_was_across_segments() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path()).unwrap();
    let (head, all) = (fill(&log, 60), contents(&log));
    drop(log);
    let again = open(directory.path()).unwrap();
    assert_eq!((again.head(), contents(&again)), (head, all));
    assert!(again.segments.read().sealed.len() >= 3, "the test is about segments");
    assert_eq!(SledLog::incarnation(directory.path()).unwrap(), head.incarnation);
    fill(&again, 10);
}

#[test]
fn a_group_larger_than_a_chunk_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let log = SledLog::open(directory.path(), LogOptions::default()).unwrap();
    let group = next(log.head(), 4096);
    assert!(group.frames.len() > 3 * 60 * 1024);
    log.append(group.clone()).unwrap();
    drop(log);
    let again = open(directory.path()).unwrap();
    assert_eq!(*again.read(77, 0).unwrap()[0], group);
}

#[test]
fn one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let _log = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::InUse(_))));
}

mod damage;
mod power;
