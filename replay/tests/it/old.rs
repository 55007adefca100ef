//! Old data: a log in which a kind stands in its first version and in its second. It was written once and never changes.
//!
//! A missing fixture is written, and the test fails until somebody has committed it.

use std::fs;
use std::path::{Path, PathBuf};

use spunto_core::event::{Event, NodeProvisioningFailed, ProvisionErrorClass, ProvisionFailure, ProvisionStep};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_events::codec;
use spunto_events::frame::{self, Header};
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::file::SegmentFile;
use spunto_events::log::memory::MemoryLog;
use spunto_events::log::sled::{LogOptions, SledLog};

use crate::scenario::{ORG, Scenario, asked, node};

/// Placements up to this event are written in the first version.
const OLD_TO: u64 = 16;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/versions-1-and-2.log")
}

/// The frame of a record as the first version of its kind was written: `worker.created` without the labels that were asked for.
fn old_frame(record: &Record, created: &spunto_core::event::WorkerCreated, out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    codec::encode(record, &mut bytes).unwrap();
    let (found, _) = frame::decode(&bytes).unwrap();
    // The labels stand before the node and the order; each text has its length before it.
    let after = [created.node.as_u64().to_le_bytes(), created.operation.as_u64().to_le_bytes()].concat();
    let end = found.payload.windows(16).rposition(|part| part == after).unwrap();
    let labels = 8 + created.labels.iter().map(|(key, value)| 16 + key.len() + value.len()).sum::<usize>();
    let payload = [&found.payload[..end - labels], &found.payload[end..]].concat();
    frame::encode(&Header { version: 1, ..found.header }, &payload, out).unwrap();
}

/// The night as it was before clouds made machines: a failed provision was an event that told no more than this.
fn night() -> Scenario {
    Scenario::night_with(|night| {
        night.create_node(3, "cloud-3", &[]);
        night.wait_ms(23_400);
        let failure = ProvisionFailure {
            class: ProvisionErrorClass::Quota,
            message: "server limit reached (limit: 10)".into(),
            code: String::new(),
            request_id: None,
            next_step: String::new(),
            alternatives: Vec::new(),
        };
        let (node, step) = (node(3), ProvisionStep::CreateMachine);
        let failed = NodeProvisioningFailed { node, attempt: 1, step, failure, nothing_made: true, kept_until: None };
        night.append(Actor::System, vec![(Some(ORG), StreamId::Node(node), failed.into())]);
    })
}

fn write(path: &Path) {
    let log = MemoryLog::new(0x01d);
    let night = night();
    for (number, record) in night.records.iter().enumerate() {
        let mut frames = Vec::new();
        match &record.event {
            Event::WorkerCreated(created) if record.seq <= OLD_TO => old_frame(record, created, &mut frames),
            _ => codec::encode(record, &mut frames).unwrap(),
        }
        log.append(Group::seal(number as u64 + 1, log.head().hash, frames).unwrap()).unwrap();
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let groups = log.read(1, usize::MAX).unwrap().into_iter().map(Ok);
    SegmentFile::write(path, log.head().incarnation, 1, Default::default(), groups).unwrap();
}

#[test]
fn a_kind_in_two_versions_opens_replays_and_explains() {
    let path = fixture();
    if !path.exists() {
        write(&path);
        panic!("the fixture was missing and was written: commit it");
    }
    let file = path.to_str().unwrap();
    let (text, code) = asked(&["--file", file, "verify", "--placements"]);
    assert!(code == 0 && text.contains("worker.created v1 × 2, worker.created v2 × 21"), "{text}");
    assert!(text.contains("node.provisioning_failed v1 × 1"), "{text}");
    let (text, code) = asked(&["--file", file, "placement", "api"]);
    assert!(code == 0 && text.contains("does not hold the labels"), "{text}");
    let (text, code) = asked(&["--file", file, "placement", "cart"]);
    assert!(code == 0 && text.contains("comes out the same"), "the first version tells all of what asked for no label: {text}");
    let (text, code) = asked(&["--file", file, "story", "api"]);
    assert!(code == 0 && text.contains("created from image registry.example/shop/api:7"), "{text}");

    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    assert_eq!(asked(&["import", file, data.to_str().unwrap()]).1, 0);
    let log = SledLog::open(&data.join("log"), LogOptions { reserve_bytes: 0, ..LogOptions::default() }).unwrap();
    let groups = log.read(1, usize::MAX).unwrap();
    let mut state = spunto_core::state::State::default();
    groups.iter().flat_map(|group| group.records()).for_each(|record| state.apply(&record.unwrap()));
    assert_eq!(state, night().state, "the fold of old bytes is the fold of new ones");
}
