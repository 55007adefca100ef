//! Steps, losses and ways back, as the log tells them.

#![allow(clippy::unwrap_used, reason = "a missing step is a failed test")]

use std::collections::BTreeMap;

use super::*;
use crate::event::*;
use crate::id::{OperationId, OrgId, WorkerId};
use crate::record::{Actor, StreamId};
use crate::token::SecretDigest;

const NODE: NodeId = NodeId::from_u64(1);

fn record(at_ms: u64, event: impl Into<Event>) -> Record {
    Record {
        seq: 1,
        org: Some(OrgId::from_u64(1)),
        stream: StreamId::Node(NODE),
        stream_version: 1,
        at: Timestamp::from_ms(at_ms),
        actor: Actor::System,
        correlation: 0,
        causation: 0,
        event: event.into(),
    }
}

fn created() -> NodeCreated {
    let (labels, token_digest) = (BTreeMap::new(), SecretDigest::from_bytes([0; 32]));
    NodeCreated { node: NODE, org: OrgId::from_u64(1), name: "n".into(), provider: Provider::Manual, labels, token_digest }
}

fn online(epoch: u64) -> NodeOnline {
    let facts = MachineFacts::default();
    NodeOnline { node: NODE, epoch, instance: 1, agent_version: "1".into(), protocol: 1, address: "203.0.113.9".into(), facts }
}

fn offline(reason: OfflineReason) -> NodeOffline {
    NodeOffline { node: NODE, epoch: 1, reason }
}

fn watched(history: Vec<Record>) -> Statistics {
    let mut statistics = Statistics::default();
    history.iter().for_each(|record| drop(statistics.observe(record)));
    statistics
}

#[test]
fn a_node_connects_is_lost_and_recovers() {
    let day = 86_400_000;
    let statistics = watched(vec![
        record(0, created()),
        record(41_000, online(1)),
        record(50_000, offline(OfflineReason::NoAnswer)),
        record(60_000, online(2)),
        record(70_000, offline(OfflineReason::AgentStopped)),
        record(90_000, online(3)),
        record(41_000 + 2 * day, NodeUndrained { node: NODE }),
    ]);
    let steps = statistics.steps();
    let found: Vec<_> = steps.iter().map(|row| (row.step, row.place.as_str(), row.count, row.max_ms)).collect();
    assert_eq!(found, [(Step::Connect, "manual", 1, 41_000), (Step::Recover, "manual", 1, 10_000)]);
    let reliability = statistics.reliability();
    assert_eq!((reliability.nodes, reliability.lost, reliability.worst), (1, 1, vec![(NODE, 1)]));
    assert!((reliability.node_days - 2.0).abs() < 1e-9 && (reliability.flap_rate - 0.5).abs() < 1e-9);
    assert_eq!(statistics.usual(Step::Connect, "manual"), None, "once is not usual");
    let thrice: Vec<Record> = (0..3).flat_map(|_| [record(0, created()), record(41_000, online(1))]).collect();
    assert_eq!(watched(thrice).usual(Step::Connect, "manual"), Some(Usual { p50_ms: 41_000, p95_ms: 41_000 }));
}

#[test]
fn a_failed_run_tells_nothing_of_how_long_a_run_takes() {
    let worker = WorkerId::from_u64(1);
    let operation = OperationId::from_u64(1);
    let failed = Failed { operation, step: UnitStep::PullImage, message: String::new() };
    let run = Started { operation, container: "c".into(), image_digest: "d".into(), started_at: Timestamp::default() };
    let placed = crate::story::tests::worker_created(worker, NODE);
    let mut statistics = watched(vec![record(0, created()), record(0, placed), record(5, WorkerFailed { worker, run: failed })]);
    assert_eq!(statistics.steps(), []);
    statistics.observe(&record(10, WorkerStartRequested { worker, operation }));
    let took = statistics.observe(&record(1010, WorkerStarted { worker, run })).unwrap();
    assert_eq!(took, Took { step: Step::Start, place: "manual".into(), ms: 1000 });
}
