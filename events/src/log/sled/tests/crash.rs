//! The end of the process at any durable step, and steps that fail.

use std::io;
use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::group::Hash;
use crate::log::disk::Step;

const NOTHING: Head = Head { incarnation: 0, seq: 0, hash: Hash([0; 32]) };

/// Enough for some rolls and for several turns of the tail.
fn sizes() -> Vec<u64> {
    (0..120).map(|number| [1, 7, 40, 3, 199, 2][number % 6]).collect()
}

/// A copy of the directory is taken before a step of each kind, and must hold what was acknowledged by then. Only before the
/// steps of opening, absorbing and sealing: meanwhile the other thread can but add to the tail, so that the copy is what a kill
/// at one moment leaves.
#[test]
fn a_kill_before_any_step_loses_nothing_acknowledged() {
    let directories = TempDir::new().unwrap();
    let directory = directories.path().join("log");
    let seen: Arc<StdMutex<Vec<(String, Head)>>> = Arc::default();
    let acknowledged = Arc::new(StdMutex::new(NOTHING));
    let (passes, copies) = (Arc::new(AtomicUsize::new(0)), directories.path().to_owned());
    let (kept, known, source) = (Arc::clone(&seen), Arc::clone(&acknowledged), directory.clone());
    let disk = Disk::observed(move |step| {
        let pass = passes.fetch_add(1, Ordering::SeqCst);
        let rare =
            !matches!(step, Step::Write(_) | Step::Note(_) | Step::Sync(_) | Step::Acknowledge(_) | Step::Absorb(_) | Step::Flush(_));
        if rare || pass.is_multiple_of(37) {
            let head = *known.lock().unwrap();
            copy(&source, &copies.join(pass.to_string()))?;
            kept.lock().unwrap().push((format!("{pass}"), head));
        }
        Ok(())
    });
    let log = SledLog::open_on(&directory, small(), disk).unwrap();
    for size in sizes().into_iter().take(36) {
        let head = log.append(conformance::next(log.head(), size)).unwrap();
        *acknowledged.lock().unwrap() = head;
    }
    drop(log);
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 40, "only {} copies", seen.len());
    for (name, head) in seen.iter() {
        check_copy(&directories.path().join(name), *head);
    }
    check_copy(&directory, *acknowledged.lock().unwrap());
}

/// Copies taken by another thread while groups are appended, wherever the appending is. The absorber rests meanwhile, so that a
/// copy, which takes a while, is what a kill at one moment leaves.
#[test]
fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let directories = TempDir::new().unwrap();
    let log = open(&directories.path().join("log"));
    let mut compared = 0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| append_all(&log, (0..4).flat_map(|_| sizes())).unwrap());
        while !writer.is_finished() {
            let progress = log.shared.progress.lock();
            if progress.urged || progress.waiting_bytes >= log.shared.options.absorb_bytes {
                drop(progress);
                std::thread::yield_now();
                continue;
            }
            let target = directories.path().join(compared.to_string());
            let head = log.head();
            copy(&directories.path().join("log"), &target).unwrap();
            drop(progress);
            check_copy(&target, head);
            std::fs::remove_dir_all(&target).unwrap();
            compared += 1;
        }
    });
    assert!(compared > 0);
}

/// Each step in turn fails: nothing is taken after it, and nothing acknowledged is lost.
#[test]
fn a_step_that_fails_ends_the_appending_and_loses_nothing() {
    let failures: usize = (0..400).step_by(11).map(|fail_at| usize::from(fails_once(fail_at))).sum();
    assert!(failures > 20, "only {failures} runs met their failure");
}

fn fails_once(fail_at: usize) -> bool {
    let directory = TempDir::new().unwrap();
    drop(open(directory.path()));
    let passes = AtomicUsize::new(0);
    let disk = Disk::observed(move |_| {
        let failed = passes.fetch_add(1, Ordering::SeqCst) == fail_at;
        if failed { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    });
    let Ok(log) = SledLog::open_on(directory.path(), small(), disk) else {
        check_copy(directory.path(), NOTHING);
        return true;
    };
    let mut head = log.head();
    let mut poisoned = false;
    for size in sizes() {
        match log.append(conformance::next(log.head(), size)) {
            Ok(next) if !poisoned => head = next,
            Ok(_) => panic!("a poisoned log took a group"),
            Err(AppendError::Unknown(_)) => poisoned = true,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(log.head(), head);
    assert_eq!(log.read(1, usize::MAX).unwrap().last().map_or(0, |group| group.last), head.seq);
    drop(log);
    check_copy(directory.path(), head);
    poisoned
}
