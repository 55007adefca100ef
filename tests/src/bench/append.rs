//! Durable appends: this log beside a raw file with `fdatasync`, and beside SQLite, the same bytes, in turns.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, StreamId};
use spunto_core::time::Timestamp;
use spunto_events::frame::{self, Header};
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};

use super::row::{Row, Wanted, median, spread};

/// With the header 229 bytes: the mean of events in the field.
const PAYLOAD: [u8; 133] = [42; 133];

fn frames(first: u64, count: u64) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(count)? * 240);
    for seq in first..first + count {
        let header = Header {
            kind: 106,
            version: 1,
            seq,
            org: Some(OrgId::from_u64(1)),
            stream: StreamId::Node(NodeId::from_u64(seq % 1000)),
            stream_version: seq,
            at: Timestamp::from_ms(seq),
            actor: Actor::System,
            correlation: 0,
            causation: 0,
        };
        frame::encode(&header, &PAYLOAD, &mut bytes)?;
    }
    Ok(bytes)
}

fn measure(count: u64, time: Duration, mut append: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut seq = 0;
    while start.elapsed() < time {
        append(seq + 1)?;
        seq += count;
    }
    Ok(seq as f64 / start.elapsed().as_secs_f64())
}

fn raw(directory: &Path, count: u64, time: Duration) -> anyhow::Result<f64> {
    let path = directory.join("raw");
    let mut file = File::create(&path)?;
    let rate = measure(count, time, |first| {
        file.write_all(&frames(first, count)?)?;
        Ok(file.sync_data()?)
    })?;
    fs::remove_file(path)?;
    Ok(rate)
}

fn ours(directory: &Path, count: u64, time: Duration) -> anyhow::Result<f64> {
    let path = directory.join("log");
    let log = SledLog::open(&path, LogOptions::default())?;
    let rate = measure(count, time, |first| {
        let group = Group::seal_encoded(first, log.head().hash, frames(first, count)?)?;
        log.append(group)?;
        Ok(())
    })?;
    drop(log);
    fs::remove_dir_all(path)?;
    Ok(rate)
}

fn sqlite(directory: &Path, count: u64, time: Duration) -> anyhow::Result<f64> {
    let path = directory.join("sqlite");
    fs::create_dir_all(&path)?;
    let mut connection = Connection::open(path.join("log.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute("CREATE TABLE log (seq INTEGER PRIMARY KEY, frame BLOB NOT NULL)", ())?;
    let rate = measure(count, time, |first| {
        let bytes = frames(first, count)?;
        let size = bytes.len() / usize::try_from(count)?;
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?;
            for (seq, frame) in (first..).zip(bytes.chunks(size)) {
                insert.execute(params![i64::try_from(seq)?, frame])?;
            }
        }
        Ok(transaction.commit()?)
    })?;
    drop(connection);
    fs::remove_dir_all(path)?;
    Ok(rate)
}

/// Rows `append.*`.
///
/// # Errors
/// The disk failed.
pub fn rows(directory: &Path, repeats: usize, time: Duration) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (id, count, wanted) in [
        ("append.1", 1, Wanted::Told),
        ("append.16", 16, Wanted::Told),
        ("append.256", 256, Wanted::AtLeast(0.45, 0.6)),
        ("append.4096", 4096, Wanted::AtLeast(0.45, 0.6)),
    ] {
        rows.push(compare(id, wanted, repeats, || Ok((ours(directory, count, time)?, raw(directory, count, time)?)))?);
    }
    let wanted = Wanted::AtLeast(1.3, 2.0);
    rows.push(compare("append.256.vs_sqlite", wanted, repeats, || Ok((ours(directory, 256, time)?, sqlite(directory, 256, time)?)))?);
    Ok(rows)
}

fn compare(id: &'static str, wanted: Wanted, repeats: usize, mut pair: impl FnMut() -> anyhow::Result<(f64, f64)>) -> anyhow::Result<Row> {
    let pairs = (0..repeats).map(|_| pair()).collect::<anyhow::Result<Vec<_>>>()?;
    let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
    let of = |pick: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(pick).collect::<Vec<_>>());
    Ok(Row {
        id,
        value: of(|pair| pair.0),
        unit: "events/s",
        reference: Some(of(|pair| pair.1)),
        ratio: Some(median(&ratios)),
        spread: spread(&ratios),
        wanted,
    })
}
