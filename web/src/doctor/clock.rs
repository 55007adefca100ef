//! The clock: is it kept, and is the log not ahead of it? Times in the log never go back, so a clock that once was far ahead
//! stays in it.

use std::path::Path;
use std::process::Command;

use spunto_actors::clock::{Clock, SystemClock};
use spunto_core::time::Timestamp;

use super::{Finding, log};

const CHECK: &str = "clock";
/// The log may be ahead by so much, in milliseconds: two clocks that are kept differ by less.
const AHEAD_MS_MAX: u64 = 5_000;
/// Files that programs which keep a clock leave while they run.
const DAEMONS: &[(&str, &str)] = &[
    ("/run/chrony/chronyd.pid", "chrony"),
    ("/run/chrony/chronyd.sock", "chrony"),
    ("/run/ntpd.pid", "ntpd"),
    ("/run/ntpd.sock", "OpenNTPD"),
    ("/run/ntpd-rs/observe", "ntpd-rs"),
    ("/run/ptp4l.pid", "ptp4l"),
];

/// Who keeps the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// The system says that it is synchronised.
    Synchronised,
    /// The system says that it is not.
    NotSynchronised,
    /// This program runs.
    By(&'static str),
    /// The host does, and can't be asked from inside a container.
    ByHost,
    Unknown,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClockSeen {
    kept: Kept,
    now: Timestamp,
    /// The log's newest event, where it could be read.
    newest: Option<Timestamp>,
}

/// Now, by this machine's clock.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

fn kept() -> Kept {
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Kept::Synchronised;
    }
    if let Some((_, program)) = DAEMONS.iter().find(|(path, _)| Path::new(path).exists()) {
        return Kept::By(program);
    }
    // Asks systemd, which asks the kernel; where there is no systemd it fails or says nothing.
    let told = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    match told.ok().filter(|told| told.status.success()).as_ref().map(|told| told.stdout.trim_ascii()) {
        Some(b"yes") => Kept::Synchronised,
        Some(b"no") => Kept::NotSynchronised,
        _ if Path::new("/.dockerenv").exists() || Path::new("/run/.containerenv").exists() => Kept::ByHost,
        _ => Kept::Unknown,
    }
}

pub(super) fn measure(seen: &log::Seen) -> ClockSeen {
    ClockSeen { kept: kept(), now: now(), newest: seen.newest() }
}

pub(super) fn judge(seen: &ClockSeen) -> Finding {
    const KEEP: &str = "timedatectl set-ntp true, or install chrony";
    let now = seen.now;
    if let Some(newest) = seen.newest.filter(|newest| newest.ms_since(now) > AHEAD_MS_MAX) {
        let found = format!("it is {now} here, but the log's newest event is of {newest}; every new event will carry that time until then");
        return Finding::wrong(CHECK, found, format!("set the clock right: {KEEP}; if it is right, it was wrong when that event came"));
    }
    match seen.kept {
        Kept::Synchronised => Finding::good(CHECK, format!("{now}, synchronised")),
        Kept::By(program) => Finding::good(CHECK, format!("{now}, kept by {program}")),
        Kept::ByHost => {
            Finding::good(CHECK, format!("{now}; the host keeps it, which can't be seen from inside a container (there: timedatectl)"))
        }
        Kept::NotSynchronised => Finding::look(CHECK, format!("{now}, not synchronised: times in the log will be off"), KEEP),
        Kept::Unknown => Finding::look(CHECK, format!("{now}; nothing was found that keeps it right"), KEEP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn a_clock_is_kept_and_not_behind_the_log() {
        let check = |kept, newest: Option<u64>, mark, word: &str| {
            let seen = ClockSeen { kept, now: Timestamp::from_ms(1_000_000), newest: newest.map(Timestamp::from_ms) };
            let finding = judge(&seen);
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        };
        check(Kept::Synchronised, Some(999_000), Mark::Good, "synchronised");
        check(Kept::By("chrony"), Some(1_000_000 + AHEAD_MS_MAX), Mark::Good, "chrony");
        check(Kept::ByHost, None, Mark::Good, "host");
        check(Kept::NotSynchronised, None, Mark::Look, "set-ntp");
        check(Kept::Unknown, None, Mark::Look, "set-ntp");
        check(Kept::Synchronised, Some(1_000_001 + AHEAD_MS_MAX), Mark::Wrong, "newest event");
    }
}
