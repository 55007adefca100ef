//! A node as it was, ten million events back: how long that takes beside decoding the same events from memory, and how much memory.

use std::path::Path;
use std::process::Command as Process;
use std::sync::Arc;
use std::time::Instant;

use spunto_actors::directory::{Directory, View};
use spunto_actors::feed::Feed;
use spunto_actors::past::{self, Point};
use spunto_actors::snapshots;
use spunto_core::command::{Command, NodeCommand};
use spunto_core::id::NodeId;
use spunto_core::record::StreamId;
use spunto_core::state::State;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::snapshot::Snapshots;
use spunto_events::{codec, frame};

use super::history::{Historian, ORG};
use super::reopen::peak_mib;
use super::row::{Row, Wanted, median, spread};

/// How far back the point is.
const BACK: u64 = 10_000_000;
const NODES: u64 = 1000;
/// Times that each node is drained and comes back before the point.
const DRAINS: u64 = 25;
/// Nodes that are asked for.
const ASKED: u64 = 200;

/// In a process of its own: writes the log, with a snapshot of its end.
///
/// # Errors
/// The disk failed.
pub fn write(directory: &Path) -> anyhow::Result<()> {
    let log = SledLog::open(directory, LogOptions::default())?;
    let mut historian = Historian::with_nodes(NODES)?;
    let reason = || "new kernel".to_owned();
    for _ in 0..DRAINS {
        for node in (1..=NODES).map(NodeId::from_u64) {
            historian.write(Command::Node(ORG, node, NodeCommand::Drain { reason: reason() }))?;
            historian.write(Command::Node(ORG, node, NodeCommand::Undrain))?;
        }
        historian.flush(&log)?;
    }
    let (end, mut number) = (historian.state.seq + BACK, 0);
    while historian.state.seq < end {
        number += 1;
        historian.live_and_die(number)?;
        if historian.records.len() >= 4000 {
            historian.flush(&log)?;
        }
    }
    historian.flush(&log)?;
    let mut view = View::default();
    while view.state.seq < log.head().seq {
        for group in log.read(view.state.seq + 1, 1 << 20)? {
            group.records().try_for_each(|record| record.map(|record| view.apply(&record)))?;
        }
    }
    snapshots::keep(&log, &Snapshots::open(&directory.with_extension("snapshots"))?, view.state.seq, view.encode()?)?;
    Ok(())
}

/// In a process of its own: asks for nodes at a point; prints the median of milliseconds, that of decoding alone, and the MiB that all
/// the asking added.
///
/// # Errors
/// A past is not the fold of the log up to there.
pub fn ask(directory: &Path) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(SledLog::open(directory, LogOptions::default())?);
    let (view, _) = snapshots::restore(log.as_ref(), &Snapshots::open(&directory.with_extension("snapshots"))?)?;
    let folded = Directory::start(&Feed::new(Arc::clone(&log)), view)?;
    let point = log.head().seq - BACK;
    // From here on the kernel counts the peak anew.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = peak_mib()?;
    let (mut taken, mut answers) = (Vec::new(), Vec::new());
    for node in (1..=ASKED).map(|number| NodeId::from_u64(number * 5)) {
        let began = Instant::now();
        let then = past::node(&folded, ORG, node, Point::after(point))?;
        taken.push(began.elapsed().as_secs_f64() * 1e3);
        answers.push((node, then));
    }
    let added = peak_mib()? - before;
    let mut whole = State::default();
    let mut own: Vec<Vec<u8>> = vec![Vec::new(); answers.len()];
    while whole.seq < point {
        for group in log.read(whole.seq + 1, 1 << 20)? {
            for record in group.records() {
                let record = record?;
                if record.seq > point {
                    break;
                }
                whole.apply(&record);
                let asked = answers.iter().position(|(node, _)| record.stream == StreamId::Node(*node));
                if let Some(place) = asked {
                    codec::encode(&record, &mut own[place])?;
                }
            }
        }
    }
    for (node, then) in &answers {
        anyhow::ensure!(then.org()?.fleet.node(*node) == whole.orgs[&ORG].fleet.node(*node), "{node} was not so");
    }
    let mut decoding = Vec::new();
    for bytes in &own {
        let (began, mut rest) = (Instant::now(), bytes.as_slice());
        while !rest.is_empty() {
            let (frame, after) = frame::decode(rest)?;
            std::hint::black_box(codec::decode(frame)?);
            rest = after;
        }
        decoding.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("{} {} {} {added}", median(&taken), median(&decoding), spread(&taken).unwrap_or(0.0));
    Ok(())
}

/// Rows `asof` and `asof.mb`.
///
/// # Errors
/// The disk failed.
pub fn rows(directory: &Path) -> anyhow::Result<Vec<Row>> {
    let (path, program) = (directory.join("asof"), std::env::current_exe()?);
    let wrote = Process::new(&program).arg("asof-write").arg(&path).status()?;
    anyhow::ensure!(wrote.success(), "the writer failed");
    let told = Process::new(&program).arg("asof-ask").arg(&path).output()?;
    anyhow::ensure!(told.status.success(), "asking failed: {}", String::from_utf8_lossy(&told.stderr));
    let numbers: Vec<f64> = String::from_utf8(told.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [taken, decoding, spread, added] = numbers[..] else { anyhow::bail!("it told {numbers:?}") };
    std::fs::remove_dir_all(&path)?;
    std::fs::remove_dir_all(path.with_extension("snapshots"))?;
    let (reference, ratio, spread) = (Some(decoding), Some(taken / decoding), Some(spread));
    let asof = Row { id: "asof", value: taken, unit: "ms", reference, ratio, spread, wanted: Wanted::Told };
    Ok(vec![asof, Row::fixed("asof.mb", added, "MiB", Wanted::Told)])
}
