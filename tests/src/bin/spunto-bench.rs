//! `make bench`: measures, prints a table, and writes `target/bench.json`. With words, only the rows whose ids start with one of them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, setrlimit};
use spunto_tests::bench::row::{Row, document, table};
use spunto_tests::bench::{append, asof, dashboard, docker, fleet, history, place, reopen, sockets};
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
        Some("history") => return reopen::leave_history(Path::new(&words[1]), words[2].parse()?),
        Some("asof-write") => return asof::write(Path::new(&words[1])),
        Some("asof-ask") => return asof::ask(Path::new(&words[1])),
        Some("start") => return reopen::start(Path::new(&words[1]), words[2] == "snapshot"),
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
    take("opening", &["open.1m"], &mut || reopen::rows(&directory, form.repeats))?;
    take("the past", &["asof"], &mut || asof::rows(&directory))?;
    take("placements", &["place.1000", "place.5000", "place.100000"], &mut || place::rows(&directory, form.repeats, form.time))?;
    take("placements to sockets", &["place.socket"], &mut || Ok(vec![sockets::placements(&directory, 4 * form.time)?]))?;
    take("sessions", &["session", "storm", "command", "halfopen"], &mut || sockets::sessions(&directory, form.repeats))?;
    take("Docker", &["online", "spawn", "agent"], &mut || docker::rows(form.repeats + 4))?;
    take("the dashboard", &["dashboard"], &mut || dashboard::rows(&directory, Duration::from_secs(20)))?;
    take("the server's memory", &["server"], &mut || Ok(vec![sockets::resident(&directory)?]))?;
    std::fs::remove_dir_all(&directory)?;
    Ok(rows)
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("").trim_start_matches([' ', '\t', ':']);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
    format!("{cpus} cores ({model}), {} GiB", kib >> 20)
}
