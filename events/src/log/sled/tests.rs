//! What the sled form promises.

#![allow(clippy::unwrap_used, reason = "a log that does not open is a failed test")]

use tempfile::TempDir;

use super::*;
use crate::log::conformance;

/// Everything is small, so that a few groups fill the tail and segments roll.
fn small() -> LogOptions {
    LogOptions { segment_events_max: 200, segment_bytes_max: 1 << 20, tail_area_bytes: 64 << 10, absorb_bytes: 4 << 10, reserve_bytes: 0 }
}

fn open(directory: &Path) -> SledLog {
    SledLog::open_on(directory, small(), Disk::default()).unwrap()
}

#[test]
fn keeps_what_every_log_promises() {
    let directories = TempDir::new().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        open(&directories.path().join(count.get().to_string()))
    });
}

#[test]
fn is_all_there_after_a_reopening() {
    let directory = TempDir::new().unwrap();
    conformance::check_reopen(|| open(directory.path()));
}

#[test]
fn one_process_at_a_time() {
    let directory = TempDir::new().unwrap();
    let log = open(directory.path());
    assert!(matches!(SledLog::open(directory.path(), small()), Err(OpenError::InUse(_))));
    drop(log);
    open(directory.path());
}

mod crash;
mod power;
mod stopped;

/// Appends groups of `sizes` events; stops at the first that is refused.
fn append_all(log: &SledLog, sizes: impl IntoIterator<Item = u64>) -> Result<(), AppendError> {
    for size in sizes {
        log.append(conformance::next(log.head(), size))?;
    }
    Ok(())
}

/// Opens a copy of a log and checks that it holds sound groups up to `acknowledged` and maybe more.
fn check_copy(copy: &Path, acknowledged: Head) {
    let log = open(copy);
    let mut seen = Head { seq: 0, hash: crate::group::Hash::default(), ..acknowledged };
    let mut met = acknowledged.seq == 0;
    for group in log.read(1, usize::MAX).unwrap() {
        group.verify(seen.seq + 1, seen.hash).unwrap();
        seen = Head { seq: group.last, hash: group.hash, ..seen };
        met |= (seen.seq, seen.hash) == (acknowledged.seq, acknowledged.hash);
    }
    assert_eq!((seen.seq, seen.hash), (log.head().seq, log.head().hash));
    assert!(met, "event {} was acknowledged, the copy ends with {}", acknowledged.seq, seen.seq);
    append_all(&log, [3, 1]).unwrap();
    drop(log);
    assert_eq!(open(copy).head().seq, seen.seq + 4);
}

/// Copies a directory as a kill at this point would leave it. What vanishes meanwhile is not copied.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let path = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &path)?;
        } else {
            match std::fs::copy(entry.path(), &path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied?),
            }
        }
    }
    Ok(())
}
