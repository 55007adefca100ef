//! Steps, losses and ways back, as the log tells them.

#![allow(clippy::unwrap_used, reason = "a missing step is a failed test")]

use std::collections::BTreeMap;

use super::*;
use crate::event::*;
use crate::id::{CredentialId, OperationId, OrgId, WorkerId};
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

#[test]
fn a_cloud_node_s_steps_are_told_by_provider_and_location() {
    let (node, attempt) = (NODE, 1);
    let org = OrgId::from_u64(1);
    let wish = MachineWish { provider: "hetzner".into(), location: "fsn1".into(), machine_type: "cx23".into(), image: "debian-13".into() };
    let requested = |attempt| NodeProvisionRequested {
        node,
        org,
        attempt,
        wish: wish.clone(),
        credential: CredentialId::from_u64(1),
        credential_version: 1,
        enrolment_digest: SecretDigest::from_bytes([0; 32]),
        enrolment_expires_at: Timestamp::from_ms(9_000_000),
    };
    let enrolled = |attempt| NodeEnrolled { node, attempt, instance: 1, address: "203.0.113.9".into() };
    let failed = NodeProvisioningFailed {
        node,
        ..crate::story::tests::provisioning_failed(ProvisionErrorClass::Quota, ProvisionStep::CreateMachine)
    };
    let begun = vec![
        record(0, NodeCreated { provider: Provider::Cloud, ..created() }),
        record(0, requested(1)),
        record(700, NodeCredentialVerified { node, attempt, account: None }),
        record(5_000, failed),
    ];
    let mut late = begun.clone();
    late.extend([record(90_000, enrolled(1)), record(95_000, online(1))]);
    let late = watched(late);
    let found: Vec<_> = late.steps().iter().map(|row| (row.step, row.count, row.max_ms)).collect();
    assert_eq!(found, [(Step::VerifyCredential, 1, 700)], "what follows a failure tells nothing of how long a step takes");
    assert_eq!(late.reliability().nodes, 1);
    let mut again = begun;
    again.extend([
        record(60_000, requested(2)),
        record(60_700, NodeCredentialVerified { node, attempt: 2, account: None }),
        record(70_700, NodeMachineCreated { node, attempt: 2, reference: "7".into(), address: None }),
        record(110_700, enrolled(2)),
        record(111_700, enrolled(2)),
        record(112_700, online(1)),
        record(120_000, offline(OfflineReason::NoAnswer)),
        record(125_000, online(2)),
    ]);
    let steps = watched(again).steps();
    let found: Vec<_> = steps.iter().map(|row| (row.step, row.place.as_str(), row.count, row.max_ms)).collect();
    let once = |step, ms| (step, "hetzner fsn1", 1, ms);
    let made = [once(Step::CreateMachine, 10_000), once(Step::AwaitHandshake, 40_000), once(Step::ComeOnline, 2_000)];
    assert_eq!(found, [vec![once(Step::Recover, 5_000), (Step::VerifyCredential, "hetzner fsn1", 2, 700)], made.to_vec()].concat());
}
