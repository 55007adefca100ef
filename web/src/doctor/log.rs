//! The event log: verified whole when no server runs; a running server has verified it at its start, and is asked instead.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use spunto_actors::journal::replay;
use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_events::log::OpenError;
use spunto_events::log::sled::{LogOptions, SledLog};

use super::Finding;
use super::directory::Directory;
use crate::config::Data;

const CHECK: &str = "event log";

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// No server was ever started here.
    Nothing,
    /// The files belong to another user, and were not opened.
    Foreign(u32),
    /// A process has it.
    Held {
        /// Its process, where it can be seen from here.
        pid: Option<u32>,
    },
    /// It was opened and every event of it was read.
    Whole(Whole),
    /// It can't be opened, or not be read.
    Broken(String),
}

/// A log that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole {
    events: u64,
    newest: Timestamp,
    nodes: u64,
    owned: bool,
    observes: bool,
}

impl From<&State> for Whole {
    fn from(state: &State) -> Self {
        let nodes = state.orgs.values().map(|org| org.fleet.nodes().count() as u64).sum();
        Self { events: state.seq, newest: state.at, nodes, owned: !state.system.users.is_empty(), observes: state.is_observing() }
    }
}

impl Seen {
    /// Nodes in the log, where it was read.
    pub(super) const fn nodes(&self) -> u64 {
        match self {
            Self::Whole(whole) => whole.nodes,
            _ => 0,
        }
    }

    /// Time of the newest event, where there is one and it was read.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        match self {
            Self::Whole(whole) if whole.events > 0 => Some(whole.newest),
            _ => None,
        }
    }

    /// Whether the first owner is set up, where that was read.
    pub(super) const fn owned(&self) -> Option<bool> {
        match self {
            Self::Whole(whole) => Some(whole.owned),
            Self::Nothing => Some(false),
            _ => None,
        }
    }
}

/// Opens the log and reads all of it. Makes nothing where there is none.
pub(super) fn measure(data: &Data, here: &Directory) -> Seen {
    let directory = data.data_dir.join("log");
    let is_empty = fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_none());
    if let Some(owner) = here.is_foreign() {
        return Seen::Foreign(owner);
    }
    if let Err(unfinished) = crate::restore::check_finished(&data.data_dir) {
        return Seen::Broken(unfinished.to_string());
    }
    if is_empty || !directory.exists() {
        return Seen::Nothing;
    }
    match SledLog::open(&directory, LogOptions::default()) {
        Err(OpenError::InUse(_)) => Seen::Held { pid: holder(&directory.join("lock")) },
        Err(error) => Seen::Broken(error.to_string()),
        Ok(log) => replay(&log).map_or_else(|error| Seen::Broken(error.to_string()), |state| Seen::Whole(Whole::from(&state))),
    }
}

/// The process that has a lock on a file.
fn holder(lock: &Path) -> Option<u32> {
    let inode = fs::metadata(lock).ok()?.ino();
    holder_in(&fs::read_to_string(PathBuf::from("/proc/locks")).ok()?, inode)
}

/// Finds the holder in the kernel's list: `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`.
fn holder_in(locks: &str, inode: u64) -> Option<u32> {
    let held = locks.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (kind, pid, file) = (*words.get(1)?, *words.get(4)?, *words.get(5)?);
        (kind == "FLOCK" && file.rsplit(':').next()?.parse() == Ok(inode)).then(|| pid.parse().ok())?
    });
    // A process outside of this container is 0.
    held.into_iter().find(|pid| *pid != 0)
}

pub(super) fn judge(seen: &Seen) -> Finding {
    match seen {
        Seen::Nothing => Finding::good(CHECK, "there is none yet; the first start makes it"),
        Seen::Foreign(owner) => {
            let advice = format!("ask as that user: sudo -u '#{owner}' spunto doctor");
            Finding::look(CHECK, format!("not looked into, as it belongs to user {owner}"), advice)
        }
        Seen::Held { pid } => {
            let who = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
            let found = format!("a server has it open{who}; it verified all of it when it started. Stop it and ask again to verify now");
            Finding::good(CHECK, found)
        }
        Seen::Whole(whole) => {
            let Whole { events, newest, nodes, observes, .. } = whole;
            if *observes {
                let found = format!("verified whole: {events} events up to {newest}, restored from a backup; a server on it only observes");
                return Finding::look(CHECK, found, "start the server, look at `spunto restore-status`, and confirm the difference");
            }
            let found = format!("verified whole: {events} events up to {newest}, {nodes} nodes; no server runs on it");
            Finding::good(CHECK, found)
        }
        Seen::Broken(why) => {
            let advice = "don't start a server on it; copy the data directory away as it is, then restore a backup of all of it";
            Finding::wrong(CHECK, why.clone(), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn each_state_of_a_log_has_its_verdict() {
        let whole = Whole { events: 7, newest: Timestamp::from_ms(1000), nodes: 2, owned: true, observes: false };
        for (seen, mark, word) in [
            (Seen::Nothing, Mark::Good, "first start"),
            (Seen::Foreign(9), Mark::Look, "sudo -u '#9'"),
            (Seen::Held { pid: Some(42) }, Mark::Good, "process 42"),
            (Seen::Held { pid: None }, Mark::Good, "a server has it open"),
            (Seen::Whole(whole), Mark::Good, "7 events"),
            (Seen::Whole(Whole { observes: true, ..whole }), Mark::Look, "restore-status"),
            (Seen::Broken("segment x is damaged".into()), Mark::Wrong, "segment x is damaged"),
        ] {
            let finding = judge(&seen);
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        }
    }

    #[test]
    fn the_holder_of_a_lock_is_found() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 08:01:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 0 08:01:78 0 EOF\n3: FLOCK  ADVISORY  WRITE 42 08:01:77 0 EOF\n";
        assert_eq!(holder_in(locks, 77), Some(42));
        assert_eq!(holder_in(locks, 78), None);
        assert_eq!(holder_in(locks, 79), None);
    }
}
