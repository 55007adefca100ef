//! The process aborts at a durable step: what it acknowledged is there afterwards. Builds for use have no such steps.

#![cfg(debug_assertions)]
#![allow(clippy::unwrap_used, reason = "a case that can't be made is a failed test")]

use std::path::Path;
use std::process::Command;

use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use tempfile::TempDir;

const DIRECTORY: &str = "SPUNTO_ABORTED_LOG";

fn open(directory: &Path) -> SledLog {
    let options =
        LogOptions { segment_events_max: 60, segment_bytes_max: 1 << 20, tail_area_bytes: 0, absorb_bytes: 1 << 10, reserve_bytes: 0 };
    SledLog::open(directory, options).unwrap()
}

fn append(log: &SledLog) {
    let node = NodeId::from_u64(1);
    let head = log.head();
    let record = |seq| Record {
        seq,
        org: Some(OrgId::from_u64(1)),
        stream: StreamId::Node(node),
        stream_version: seq,
        at: Timestamp::from_ms(seq),
        actor: Actor::System,
        correlation: 0,
        causation: 0,
        event: NodeUndrained { node }.into(),
    };
    let records: Vec<Record> = (head.seq + 1..=head.seq + 7).map(record).collect();
    log.append(Group::of(head.seq + 1, head.hash, &records).unwrap()).unwrap();
}

/// The process that aborts; does nothing when it is run as a test.
#[test]
fn append_until_the_failpoint() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let log = open(Path::new(&directory));
    for _ in 0..80 {
        append(&log);
        println!("\nacknowledged {}", log.head().seq);
    }
    drop(log);
    std::process::exit(0);
}

#[test]
fn an_abort_at_any_step_loses_nothing_acknowledged() {
    let creation = ["create-tail:1", "sync-tail:1", "create-seg:1", "rename-tail:1"];
    let appending = ["write-tail:40", "sync-tail:40", "note-tail:40", "acknowledge:40", "absorb:3", "flush:4", "sync-db:4"];
    let rolling =
        ["create-log:2", "write-log:3", "sync-log:2", "rename-log:2", "create-seg:3", "sync-directory:9", "rename-gone:2", "remove-gone:2"];
    for failpoint in creation.into_iter().chain(appending).chain(rolling) {
        let directory = TempDir::new().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "append_until_the_failpoint", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .env("SPUNTO_FAILPOINT", failpoint)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), None, "{failpoint} was not met");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let acknowledged = text.lines().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok()).next_back();
        let log = open(directory.path());
        assert!(log.head().seq >= acknowledged.unwrap_or(0), "{failpoint}: {acknowledged:?} was acknowledged, {} is there", log.head().seq);
        append(&log);
    }
}
