//! `make bench`: measures, prints a table, and writes `target/bench.json`. With words, only the rows whose ids start with one of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, setrlimit};
use spunto_actors::directory::View;
use spunto_actors::journal::replay;
use spunto_actors::snapshots::{self, SNAPSHOT_EVENTS};
use spunto_core::state::State;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::snapshot::Snapshots;
use spunto_tests::bench::row::{Row, Wanted, document, median, spread, table};
use spunto_tests::bench::{append, dashboard, docker, fleet, history, place, sockets};
use spunto_tests::paths::repository;

struct Form {
    repeats: usize,
    time: Duration,
    events: u64,
}

fn main() -> anyhow::Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // Thousands of sockets; where more can't be had, opening them says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(65_536), maximum: Some(65_536) });
    match words.first().map(String::as_str) {
        Some("agents") => {
            let tokens = std::fs::read_to_string(&words[2])?.lines().map(str::to_owned).collect();
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            return runtime.block_on(fleet::run(&words[1], tokens));
        }
        Some("history") => return leave_history(&PathBuf::from(&words[1]), words[2].parse()?),
        _ => {}
    }
    let full = words.iter().any(|word| word == "full");
    words.retain(|word| word != "full");
    let form = if full {
        Form { repeats: 9, time: Duration::from_secs(4), events: 1_000_000 }
    } else {
        Form { repeats: 3, time: Duration::from_millis(1200), events: 200_000 }
    };
    let rows = measure(&form, &words)?;
    let (machine, date) = (machine(), time::OffsetDateTime::now_utc().date().to_string());
    println!("{}\n{machine}, {date}, {} form", table(&rows), if full { "full" } else { "quick" });
    let path = repository().join("target/bench.json");
    std::fs::write(&path, serde_json::to_string_pretty(&document(&rows, &machine, &date))? + "\n")?;
    Ok(())
}

fn measure(form: &Form, words: &[String]) -> anyhow::Result<Vec<Row>> {
    let directory = repository().join("target/bench");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory)?;
    let wanted = |ids: &[&str]| words.is_empty() || ids.iter().any(|id| words.iter().any(|word| id.starts_with(word.as_str())));
    let mut rows = Vec::new();
    let mut take = |what: &str, ids: &[&str], measured: &mut dyn FnMut() -> anyhow::Result<Vec<Row>>| -> anyhow::Result<()> {
        if wanted(ids) {
            let start = Instant::now();
            rows.extend(measured().with_context(|| what.to_owned())?);
            eprintln!("{what}: {:.0} s", start.elapsed().as_secs_f64());
        }
        Ok(())
    };
    // A disk that others use too is another one every few seconds: pairs are many, so that their median means something.
    take("appends", &["append"], &mut || append::rows(&directory, 2 * form.repeats + 1, form.time))?;
    take("replay", &["replay"], &mut || Ok(vec![history::replay_row(&directory, form.events, form.repeats)?]))?;
    take("opening", &["open.1m"], &mut || open(&directory, form.repeats))?;
    take("placements", &["place.1000", "place.5000", "place.100000"], &mut || place::rows(&directory, form.repeats, form.time))?;
    take("placements to sockets", &["place.socket"], &mut || Ok(vec![sockets::placements(&directory, 4 * form.time)?]))?;
    take("sessions", &["session", "storm", "command", "halfopen"], &mut || sockets::sessions(&directory, form.repeats))?;
    take("Docker", &["online", "spawn", "agent"], &mut || docker::rows(form.repeats + 4))?;
    take("the dashboard", &["dashboard"], &mut || dashboard::rows(&directory, Duration::from_secs(20)))?;
    take("the server's memory", &["server"], &mut || Ok(vec![sockets::resident(&directory)?]))?;
    std::fs::remove_dir_all(&directory)?;
    Ok(rows)
}

/// Writes a log and dies as by a kill, without closing it. The newest snapshot is as old as one may be.
fn leave_history(directory: &Path, events: u64) -> anyhow::Result<()> {
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

/// Where the snapshots of the log in `directory` are.
fn beside(directory: &Path) -> PathBuf {
    directory.with_extension("snapshots")
}

/// Rows `open.1m` and `open.1m.snapshot`: from a killed process's log, and its snapshot, to the fold of a million events.
fn open(directory: &Path, repeats: usize) -> anyhow::Result<Vec<Row>> {
    let path = directory.join("million");
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..repeats {
        without.push(after_a_kill(&path, |log| Ok(replay(log)?))?);
        with.push(after_a_kill(&path, |log| {
            let (view, from) = snapshots::restore(log, &Snapshots::open(&beside(&path))?)?;
            anyhow::ensure!(from > 0, "the snapshot was not used");
            Ok(view.state)
        })?);
    }
    let row = |id, taken: &[f64], wanted| {
        let mut row = Row::fixed(id, median(taken), "s", wanted);
        row.spread = spread(taken);
        row
    };
    let with = row("open.1m.snapshot", &with, Wanted::AtMost(0.5, 0.25));
    Ok(vec![row("open.1m", &without, Wanted::AtMost(1.2, 0.6)), with])
}

/// Seconds that opening the log of a killed process and `fold` take together.
fn after_a_kill(path: &Path, fold: impl Fn(&SledLog) -> anyhow::Result<State>) -> anyhow::Result<f64> {
    let _ = std::fs::remove_dir_all(path);
    let _ = std::fs::remove_dir_all(beside(path));
    let killed = std::process::Command::new(std::env::current_exe()?).arg("history").arg(path).arg("1000000").status()?;
    anyhow::ensure!(!killed.success(), "the writer was to die");
    let start = Instant::now();
    let log = SledLog::open(path, LogOptions::default())?;
    let opened = start.elapsed().as_secs_f64();
    let state = fold(&log)?;
    let taken = start.elapsed().as_secs_f64();
    eprintln!("  verified in {opened:.2} s, folded in {:.2} s", taken - opened);
    anyhow::ensure!(state.seq >= 1_000_000 && log.head().seq == state.seq, "it holds {}", state.seq);
    anyhow::ensure!(state == replay(&log)?, "it is not the fold of the log");
    Ok(taken)
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("").trim_start_matches([' ', '\t', ':']);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    format!("{cpus} cores ({model}), {} GiB", kib >> 20)
}
