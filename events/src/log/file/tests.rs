//! The plain-file form: what every log promises, and that it is all there after a reopening.

#![allow(clippy::unwrap_used, reason = "a log that does not open is a failed test")]

use tempfile::TempDir;

use super::*;
use crate::log::conformance;

#[test]
fn keeps_what_every_log_promises() {
    let directories = TempDir::new().unwrap();
    let count = std::cell::Cell::new(0);
    conformance::check(|| {
        count.set(count.get() + 1);
        FileLog::open(&directories.path().join(count.get().to_string())).unwrap()
    });
}

#[test]
fn is_all_there_after_a_reopening() {
    let directory = TempDir::new().unwrap();
    conformance::check_reopen(|| FileLog::open(directory.path()).unwrap());
}

#[test]
fn one_process_at_a_time() {
    let directory = TempDir::new().unwrap();
    let log = FileLog::open(directory.path()).unwrap();
    assert!(matches!(FileLog::open(directory.path()), Err(OpenError::InUse(_))));
    drop(log);
    FileLog::open(directory.path()).unwrap();
}
