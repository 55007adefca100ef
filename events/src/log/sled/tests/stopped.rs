//! A stopped log is read without a change; a log that is made of groups is the same log.

use std::collections::BTreeMap;

use super::*;
use crate::log::file::SegmentFile;

/// Every file below a directory with its bytes.
fn contents(directory: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            found.extend(contents(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

fn all(read: impl Fn(u64) -> Vec<Arc<Group>>) -> Vec<Arc<Group>> {
    let mut groups: Vec<Arc<Group>> = Vec::new();
    loop {
        let more = read(groups.last().map_or(1, |group| group.last + 1));
        if more.is_empty() {
            return groups;
        }
        groups.extend(more);
    }
}

/// Waits until the absorbing thread has done what is due: until the next append, nothing in the directory changes.
fn rest(log: &SledLog) {
    let mut progress = log.shared.progress.lock();
    while progress.waiting_bytes >= log.shared.options.absorb_bytes {
        assert_eq!(progress.poison, None);
        log.shared.moved.wait(&mut progress);
    }
}

/// Reads a copy of a log while it is open, as a kill at this point would leave it, and compares.
fn check(log: &SledLog, copied: &Path) {
    rest(log);
    copy(&log.shared.directory, copied).unwrap();
    let before = contents(copied);
    let scratch = TempDir::new().unwrap();
    let stopped = StoppedLog::open(copied, scratch.path()).unwrap();
    assert_eq!(stopped.head(), log.head());
    assert_eq!(all(|from| stopped.read(from, 5000).unwrap()), log.read(1, usize::MAX).unwrap());
    for from in 1..=log.head().seq {
        let group = &stopped.read(from, 1).unwrap()[0];
        assert!((group.first..=group.last).contains(&from));
    }
    assert!(matches!(SledLog::open(copied, small()), Err(OpenError::InUse(_))), "no server starts while it is read");
    drop(stopped);
    assert!(contents(copied) == before, "not a byte changed");
}

#[test]
fn a_stopped_log_is_read_whole_and_not_a_byte_of_it_changes() {
    let directories = TempDir::new().unwrap();
    let log = open(&directories.path().join("log"));
    check(&log, &directories.path().join("empty"));
    append_all(&log, [1, 5, 2]).unwrap();
    check(&log, &directories.path().join("tail only"));
    append_all(&log, (0..120).map(|number| 1 + number % 9)).unwrap();
    check(&log, &directories.path().join("with sealed segments"));
    assert!(log.shared.view.read().sealed.len() >= 2);
}

#[test]
fn one_that_a_server_has_open_is_refused_and_so_is_a_directory_without_a_log() {
    let (directory, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let log = open(directory.path());
    assert!(matches!(StoppedLog::open(directory.path(), scratch.path()), Err(OpenError::InUse(_))));
    drop(log);
    assert!(StoppedLog::open(directory.path(), scratch.path()).is_ok());
    assert!(matches!(StoppedLog::open(scratch.path(), scratch.path()), Err(OpenError::Io(_))));
}

#[test]
fn after_a_crash_between_two_segments_the_sealed_file_counts() {
    let directories = TempDir::new().unwrap();
    let path = directories.path().join("log");
    let log = open(&path);
    append_all(&log, (0..120).map(|number| 1 + number % 9)).unwrap();
    drop(log);
    let log = open(&path);
    let copied = directories.path().join("copy");
    copy(&path, &copied).unwrap();
    let (first, incarnation) = (log.shared.view.read().active.first(), log.head().incarnation);
    let groups: Vec<_> = log.read(first, usize::MAX).unwrap();
    let sealed = roll::sealed_path(&copied, first);
    SegmentFile::write(&sealed, incarnation, first, groups[0].previous, groups.iter().cloned().map(Ok)).unwrap();
    let scratch = TempDir::new().unwrap();
    let stopped = StoppedLog::open(&copied, scratch.path()).unwrap();
    assert_eq!(all(|from| stopped.read(from, 5000).unwrap()), log.read(1, usize::MAX).unwrap());
}

#[test]
fn a_log_made_of_groups_is_the_same_log_and_goes_on() {
    let directories = TempDir::new().unwrap();
    let log = open(&directories.path().join("log"));
    for (name, sizes) in [("empty", vec![]), ("small", vec![3]), ("large", (0..150).map(|number| 1 + number % 9).collect())] {
        append_all(&log, sizes).unwrap();
        let groups = log.read(1, usize::MAX).unwrap();
        let target = directories.path().join(name);
        let head = import(&target, log.head().incarnation, small(), groups.iter().cloned().map(Ok)).unwrap();
        assert_eq!(head, log.head());
        check_copy(&target, head);
        assert!(import(&target, 1, small(), std::iter::empty()).is_err(), "what is there is not written over");
    }
    let groups = log.read(1, usize::MAX).unwrap();
    let gap = import(&directories.path().join("gap"), 1, small(), groups[1..].iter().cloned().map(Ok));
    assert!(gap.is_err_and(|error| error.to_string().contains("sound up to event 0")));
}
