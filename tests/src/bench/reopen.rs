//! Starting on the log of a killed process: how long, beside decoding the same bytes, and how much memory. Each start is a process of
//! its own, so that the most it ever held is its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use spunto_actors::directory::View;
use spunto_actors::journal::replay;
use spunto_actors::snapshots::{self, SNAPSHOT_EVENTS};
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::snapshot::Snapshots;

use super::history;
use super::row::{Row, Wanted, median, spread};

/// Events of the log.
const EVENTS: u64 = 1_000_000;
/// Bytes read at a time where all of a log is wanted.
const READ_BYTES: usize = 64 << 20;

/// Where the snapshots of the log in `directory` are.
fn beside(directory: &Path) -> PathBuf {
    directory.with_extension("snapshots")
}

/// Writes a log and dies as by a kill, without closing it. The newest snapshot is as old as one may be.
///
/// # Errors
/// The disk failed; otherwise it does not come back.
pub fn leave_history(directory: &Path, events: u64) -> anyhow::Result<()> {
    let log = SledLog::open(directory, LogOptions::default())?;
    history::write(&log, 1000, events)?;
    let mut view = View::default();
    while view.state.seq < events.saturating_sub(SNAPSHOT_EVENTS) {
        for group in log.read(view.state.seq + 1, 1)? {
            group.records().try_for_each(|record| record.map(|record| view.apply(&record)))?;
        }
    }
    snapshots::keep(&log, &Snapshots::open(&beside(directory))?, view.state.seq, view.encode()?)?;
    std::process::abort();
}

/// The most memory that this process ever held, in MiB.
///
/// # Errors
/// The kernel does not tell.
pub fn peak_mib() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse::<f64>()? / 1024.0)
}

/// All groups of a log.
///
/// # Errors
/// The log can't be read.
pub fn groups(log: &dyn EventLog) -> anyhow::Result<Vec<Arc<Group>>> {
    let (mut groups, end): (Vec<Arc<Group>>, u64) = (Vec::new(), log.head().seq);
    while groups.last().is_none_or(|group| group.last < end) {
        groups.extend(log.read(groups.last().map_or(1, |group| group.last + 1), READ_BYTES)?);
    }
    Ok(groups)
}

/// In a process of its own: opens the log and folds it, with the snapshot or without; prints seconds, MiB, and the seconds that
/// decoding its events from memory takes.
///
/// # Errors
/// The log is not as it was left.
pub fn start(directory: &Path, with_snapshot: bool) -> anyhow::Result<()> {
    let began = Instant::now();
    let log = SledLog::open(directory, LogOptions::default())?;
    let state = if with_snapshot {
        let (view, from) = snapshots::restore(&log, &Snapshots::open(&beside(directory))?)?;
        anyhow::ensure!(from > 0, "the snapshot was not used");
        view.state
    } else {
        replay(&log)?
    };
    let (taken, peak) = (began.elapsed().as_secs_f64(), peak_mib()?);
    anyhow::ensure!(state.seq >= EVENTS && log.head().seq == state.seq, "it holds {}", state.seq);
    anyhow::ensure!(!with_snapshot || state == replay(&log)?, "it is not the fold of the log");
    let groups = groups(&log)?;
    let began = Instant::now();
    let mut decoded = 0;
    for record in groups.iter().flat_map(|group| group.records()) {
        decoded += u64::from(record?.seq > 0);
    }
    let decoding = began.elapsed().as_secs_f64();
    anyhow::ensure!(decoded == state.seq, "{decoded} events were decoded");
    println!("{taken} {peak} {decoding}");
    Ok(())
}

fn started(path: &Path, with_snapshot: bool) -> anyhow::Result<[f64; 3]> {
    let program = std::env::current_exe()?;
    let _ = std::fs::remove_dir_all(path);
    let _ = std::fs::remove_dir_all(beside(path));
    let killed = Command::new(&program).arg("history").arg(path).arg(EVENTS.to_string()).status()?;
    anyhow::ensure!(!killed.success(), "the writer was to die");
    let how = if with_snapshot { "snapshot" } else { "plain" };
    let told = Command::new(&program).arg("start").arg(path).arg(how).output()?;
    anyhow::ensure!(told.status.success(), "the start failed: {}", String::from_utf8_lossy(&told.stderr));
    let numbers: Vec<f64> = String::from_utf8(told.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|numbers| anyhow::anyhow!("it told {numbers:?}"))
}

/// Rows `open.1m` and `open.1m.snapshot`: from a killed process's log, and its snapshot, to the fold of a million events; and what that
/// is in memory and in times of decoding the same bytes.
///
/// # Errors
/// The disk failed.
pub fn rows(directory: &Path, repeats: usize) -> anyhow::Result<Vec<Row>> {
    let path = directory.join("million");
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        without.push(started(&path, false)?);
        with.push(started(&path, true)?);
    }
    let all = |starts: &[[f64; 3]], what: fn(&[f64; 3]) -> f64| starts.iter().map(what).collect::<Vec<f64>>();
    let row = |id, starts: &[[f64; 3]], wanted| {
        let taken = all(starts, |start| start[0]);
        let mut row = Row::fixed(id, median(&taken), "s", wanted);
        row.spread = spread(&taken);
        row
    };
    let beside = |id, starts: &[[f64; 3]]| {
        let ratios = all(starts, |start| start[0] / start[2]);
        let mut row = row(id, starts, Wanted::Told);
        row.reference = Some(median(&all(starts, |start| start[2])));
        (row.ratio, row.spread) = (Some(median(&ratios)), spread(&ratios));
        row
    };
    let memory = |id, starts: &[[f64; 3]]| Row::fixed(id, median(&all(starts, |start| start[1])), "MiB", Wanted::Told);
    Ok(vec![
        row("open.1m", &without, Wanted::AtMost(1.2, 0.6)),
        row("open.1m.snapshot", &with, Wanted::AtMost(0.5, 0.25)),
        beside("open.1m.vs_decode", &without),
        beside("open.1m.snapshot.vs_decode", &with),
        memory("open.1m.mb", &without),
        memory("open.1m.snapshot.mb", &with),
    ])
}
