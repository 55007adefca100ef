//! Placements: command in, durable with its receipt, reply out; through the real journal on the real log.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit};
use spunto_actors::feed::Feed;
use spunto_actors::journal::Journal;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use tokio::task::JoinSet;

use super::history::{Historian, request, spawn};
use super::row::{Row, Wanted, median, spread};

/// Commands that wait for their reply at a time.
const IN_FLIGHT: u64 = 512;

/// CPU time of this process so far, in microseconds.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or("").split_whitespace().skip(11).take(2).filter_map(|n| n.parse().ok()).collect();
    // In ticks of 10 ms on every Linux that there is.
    fields.iter().sum::<f64>() * 10_000.0
}

/// Placements a second, and microseconds of CPU each.
fn measure(directory: &Path, nodes: u64, time: Duration) -> anyhow::Result<(f64, f64)> {
    let path = directory.join("place");
    let log: Arc<dyn EventLog> = Arc::new(SledLog::open(&path, LogOptions::default())?);
    let mut historian = Historian::with_nodes(nodes)?;
    historian.flush(log.as_ref())?;
    let feed = Feed::new(Arc::clone(&log));
    let (journal, thread) = Journal::start(log, historian.state, feed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let measured = runtime.block_on(async {
        let (start, cpu) = (Instant::now(), cpu_us());
        let mut waiting = JoinSet::new();
        let (mut next, mut done) = (0_u64, 0_u64);
        loop {
            while next - done < IN_FLIGHT && start.elapsed() < time {
                next += 1;
                let answer = journal.enqueue(request(1_800_000_000_000, spawn(next))).await?;
                waiting.spawn(answer);
            }
            let Some(answer) = waiting.join_next().await else { break };
            answer???;
            done += 1;
        }
        Ok::<_, anyhow::Error>((done as f64 / start.elapsed().as_secs_f64(), (cpu_us() - cpu) / done as f64))
    });
    drop(journal);
    let _ = thread.thread.join();
    std::fs::remove_dir_all(path)?;
    measured
}

/// Rows `place.*`.
///
/// # Errors
/// The disk failed.
pub fn rows(directory: &Path, repeats: usize, time: Duration) -> anyhow::Result<Vec<Row>> {
    let _ = getrlimit(Resource::Nofile);
    let sizes = [("place.1000", 1000), ("place.5000", 5000), ("place.100000", 100_000)];
    let mut measured = vec![Vec::new(); sizes.len()];
    for _ in 0..repeats {
        for (place, (_, nodes)) in sizes.iter().enumerate() {
            measured[place].push(measure(directory, *nodes, time)?);
        }
    }
    let small: Vec<f64> = measured[0].iter().map(|(_, cpu)| *cpu).collect();
    let rows = sizes.iter().zip(&measured).map(|((id, _), runs)| {
        let rates: Vec<f64> = runs.iter().map(|(rate, _)| *rate).collect();
        let ratios: Vec<f64> = runs.iter().zip(&small).map(|((_, cpu), small)| cpu / small).collect();
        let mut row = Row { spread: spread(&rates), ..Row::fixed(id, median(&rates), "placements/s", Wanted::Told) };
        match *id {
            "place.5000" => row.wanted = Wanted::AtLeast(10_000.0, 50_000.0),
            "place.100000" => {
                (row.reference, row.ratio) = (Some(median(&small)), Some(median(&ratios)));
                row.unit = "placements/s (reference: CPU-µs each at 1,000 nodes)";
                row.wanted = Wanted::AtMost(1.3, 1.1);
            }
            _ => {}
        }
        row
    });
    Ok(rows.collect())
}
