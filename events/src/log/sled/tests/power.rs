//! Power safety: the order of writes and syncs. No acknowledgement before everything that it rests on is synced.

use std::collections::BTreeSet;
use std::sync::Mutex as StdMutex;

use super::*;
use crate::log::disk::Step;

/// What a power cut would take away, as far as the steps tell.
#[derive(Default)]
struct Volatile {
    files: BTreeSet<PathBuf>,
    names: BTreeSet<PathBuf>,
    absorbed: u64,
    flushed: u64,
    synced: u64,
}

impl Volatile {
    fn pass(&mut self, step: &Step) {
        match step {
            Step::Create(path) => {
                self.names.insert(path.clone());
            }
            Step::Write(path) => {
                self.files.insert(path.clone());
            }
            Step::Sync(path) => {
                self.files.remove(path);
                if path.ends_with("db") {
                    self.synced = self.flushed;
                }
            }
            Step::SyncDirectory(directory) => self.names.retain(|name| name.parent() != Some(directory)),
            Step::Rename(from, to) => {
                assert!(!self.files.contains(from), "{from:?} gets its name before its content is synced");
                self.names.remove(from);
                self.names.insert(to.clone());
            }
            Step::Remove(path) => {
                self.names.remove(path);
                let sled = path.extension().is_some_and(|ending| ending == "gone");
                assert!(!sled || self.names.is_empty(), "{path:?} is removed while {:?} may be lost", self.names);
            }
            Step::Absorb(to) => self.absorbed = *to,
            Step::Flush(_) => self.flushed = self.absorbed,
            Step::Reuse(seq) => assert!(*seq <= self.synced, "the tail forgets event {seq}, sled is synced to {}", self.synced),
            Step::Note(_) => {}
            Step::Acknowledge(seq) => {
                let tail: Vec<_> = self.files.iter().filter(|path| path.ends_with("tail")).collect();
                assert!(tail.is_empty(), "event {seq} is acknowledged before it is synced");
                assert!(!self.names.iter().any(|name| name.ends_with("tail")), "event {seq} is in a file without a name");
            }
        }
    }
}

#[test]
fn nothing_is_acknowledged_reused_or_removed_before_its_successor_is_synced() {
    let directory = TempDir::new().unwrap();
    let steps: Arc<StdMutex<Vec<Step>>> = Arc::default();
    let recorded = Arc::clone(&steps);
    let disk = Disk::observed(move |step| {
        recorded.lock().unwrap().push(step.clone());
        Ok(())
    });
    let log = SledLog::open_on(directory.path(), small(), disk).unwrap();
    append_all(&log, (0..150).map(|number| [1, 7, 40, 3, 199, 2][number % 6])).unwrap();
    drop(log);
    let steps = steps.lock().unwrap();
    let mut volatile = Volatile::default();
    steps.iter().for_each(|step| volatile.pass(step));
    // The sealed file of the active segment is begun and not whole; a start removes it.
    let draft = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "new");
    let left: Vec<_> = volatile.files.iter().chain(&volatile.names).filter(|path| !draft(path)).collect();
    assert!(left.is_empty(), "{left:?}");
    let count = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count();
    assert_eq!(count(|step| matches!(step, Step::Acknowledge(_))), 150);
    assert!(count(|step| matches!(step, Step::Reuse(_))) > 3 && count(|step| matches!(step, Step::Remove(_))) > 3);
}

/// The check itself finds what it is for.
#[test]
fn an_acknowledgement_without_a_sync_is_noticed() {
    let noticed = std::panic::catch_unwind(|| {
        let mut volatile = Volatile::default();
        volatile.pass(&Step::Write("tail".into()));
        volatile.pass(&Step::Acknowledge(1));
    });
    let words = *noticed.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("acknowledged before it is synced"), "{words}");
}
