//! Acknowledged means synced; a step that fails acknowledges nothing; a stop after any step loses nothing.

use super::*;

/// Notes every step; fails the one with this number.
#[derive(Default)]
struct Notes {
    steps: Mutex<Vec<Step>>,
    fail_at: Option<usize>,
}

impl Watch for Notes {
    fn passes(&self, step: Step) -> io::Result<()> {
        let mut steps = self.steps.lock();
        steps.push(step);
        if Some(steps.len()) == self.fail_at { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }
}

fn open_noting(directory: &Path, fail_at: Option<usize>) -> (Result<SledLog, OpenError>, Arc<Notes>) {
    let notes = Arc::new(Notes { fail_at, ..Notes::default() });
    (SledLog::open_watched(directory, SMALL, Arc::<Notes>::clone(&notes)), notes)
}

#[test]
fn an_acknowledgement_comes_after_the_sync_of_every_file_it_depends_on() {
    let directory = tempfile::tempdir().unwrap();
    let (log, notes) = open_noting(directory.path(), None);
    let log = log.unwrap();
    assert_eq!(std::mem::take(&mut *notes.steps.lock()), [Step::SegmentMade]);
    for _ in 0..120 {
        log.append(next(log.head(), 1)).unwrap();
        let steps = std::mem::take(&mut *notes.steps.lock());
        let (group, roll) = steps.split_at(5);
        assert_eq!(group, [Step::GroupApplied, Step::GroupFlushed, Step::SegmentSynced, Step::HeadWritten, Step::HeadSynced]);
        if !roll.is_empty() {
            let whole = [
                Step::SealedWritten,
                Step::SealedSynced,
                Step::SealedNamed,
                Step::SegmentMade,
                Step::NextSegmentMade,
                Step::OldSegmentRemoved,
            ];
            assert_eq!(roll, whole, "the old form goes only when the new one is durable");
        }
    }
    assert_eq!(log.segments.read().sealed.len(), 2);
}

#[test]
fn after_a_failed_step_nothing_more_is_taken_and_nothing_acknowledged_is_lost() {
    // Far enough to fail each step of an append and of a roll.
    for fail_at in 2..=270 {
        let directory = tempfile::tempdir().unwrap();
        let (log, _) = open_noting(directory.path(), Some(fail_at));
        let log = log.unwrap();
        let mut acknowledged = log.head();
        let error = loop {
            match log.append(next(log.head(), 1)) {
                Ok(head) => acknowledged = head,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, AppendError::Unknown(_)), "step {fail_at}: {error}");
        assert!(matches!(log.append(next(log.head(), 1)), Err(AppendError::Unknown(_))), "step {fail_at} did not stop the log");
        let kept = contents(&log);
        drop(log);
        let again = open(directory.path()).unwrap_or_else(|error| panic!("step {fail_at}: {error}"));
        assert!(again.head().seq >= acknowledged.seq, "step {fail_at} lost events");
        assert_eq!(contents(&again)[..kept.len()], kept, "step {fail_at} changed events");
        again.append(next(again.head(), 3)).unwrap();
    }
}

/// What a kill leaves is what the files hold at that moment: copies taken while a writer runs stand for kills.
#[test]
fn a_kill_at_any_moment_keeps_what_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let (live, copies) = (directory.path().join("live"), directory.path());
    let log = open(&live).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| fill(&log, 150));
        let mut number = 0;
        while !writer.is_finished() {
            let acknowledged = log.head();
            let copy = copies.join(format!("copy-{number}"));
            number += 1;
            // A kill is one moment; a copy takes time. One that raced with a roll, or with sled's own writing, is not such a moment.
            if !copy_of(&live, &copy) {
                continue;
            }
            if let Ok(again) = open(&copy) {
                assert!(again.head().seq >= acknowledged.seq);
                contents(&again);
            }
        }
        assert!(number > 0);
    });
}

fn copy_of(from: &Path, to: &Path) -> bool {
    std::process::Command::new("cp")
        .arg("-r")
        .arg(from)
        .arg(to)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
