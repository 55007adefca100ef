//! Measures durable appends: this log beside a raw file with `fdatasync`, the same bytes, in turns; prints events a second and
//! the ratio for groups of 1, 16, 256 and 4,096 events.
//!
//! `cargo run --release -p spunto-events --example append_rate -- <empty directory> [only groups of so many]`

#![allow(clippy::unwrap_used, reason = "a measurement that fails has no result")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, StreamId};
use spunto_core::time::Timestamp;
use spunto_events::frame::{self, Header};
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};

const REPEATS: usize = 5;
const RUN: Duration = Duration::from_millis(1500);
/// With the header 229 bytes, the mean of the storage study.
const PAYLOAD: [u8; 133] = [42; 133];

fn frames(first: u64, count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for seq in first..first + count {
        let node = NodeId::from_u64(seq % 1000);
        let header = Header {
            kind: 106,
            version: 1,
            seq,
            org: Some(OrgId::from_u64(1)),
            stream: StreamId::Node(node),
            stream_version: seq,
            at: Timestamp::from_ms(seq),
            actor: Actor::System,
            correlation: 0,
            causation: 0,
        };
        frame::encode(&header, &PAYLOAD, &mut bytes).unwrap();
    }
    bytes
}

/// Calls `append` with the first sequence of each group for the time of a run; events a second.
fn measure(count: u64, mut append: impl FnMut(u64)) -> f64 {
    let start = Instant::now();
    let mut seq = 0;
    while start.elapsed() < RUN {
        append(seq + 1);
        seq += count;
    }
    seq as f64 / start.elapsed().as_secs_f64()
}

fn raw(directory: &Path, count: u64) -> f64 {
    let path = directory.join("raw");
    let mut file = File::create(&path).unwrap();
    let rate = measure(count, |first| {
        file.write_all(&frames(first, count)).unwrap();
        file.sync_data().unwrap();
    });
    fs::remove_file(path).unwrap();
    rate
}

fn ours(directory: &Path, count: u64) -> f64 {
    let path = directory.join("log");
    let log = SledLog::open(&path, LogOptions::default()).unwrap();
    let rate = measure(count, |first| {
        let group = Group::seal_encoded(first, log.head().hash, frames(first, count)).unwrap();
        log.append(group).unwrap();
    });
    drop(log);
    fs::remove_dir_all(path).unwrap();
    rate
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let directory = std::env::args().nth(1).expect("the first argument names an empty directory");
    let directory = Path::new(&directory);
    let only = std::env::args().nth(2).map(|count| count.parse::<u64>().unwrap());
    for count in [1, 16, 256, 4096].into_iter().filter(|count| only.is_none_or(|only| only == *count)) {
        let pairs: Vec<(f64, f64)> = (0..REPEATS).map(|_| (raw(directory, count), ours(directory, count))).collect();
        let pick = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
        println!("{count:>5} events a group: raw {:>9.0}/s, log {:>9.0}/s, ratio {:.2}", pick(|p| p.0), pick(|p| p.1), pick(|p| p.1 / p.0));
    }
}
