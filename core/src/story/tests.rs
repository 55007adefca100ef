//! Stories: what is failed and what is made good, gaps, and words for people.

#![allow(clippy::unwrap_used, reason = "a missing line is a failed test")]

use std::collections::BTreeMap;

use super::*;
use crate::id::{NodeId, OperationId, OrgId, ProjectId, WorkerId};
use crate::place::{Choice, Decider, Policy, Receipt};
use crate::record::Actor;
use crate::token::SecretDigest;

const ORG: OrgId = OrgId::from_u64(1);
const NODE: NodeId = NodeId::from_u64(2);
const WORKER: WorkerId = WorkerId::from_u64(3);

pub(crate) fn worker_created(worker: WorkerId, node: NodeId) -> WorkerCreated {
    let receipt = Receipt {
        policy: Policy::LeastLoaded,
        policy_version: 1,
        decided_at: 1,
        cpu_millis: 0,
        memory_bytes: 0,
        labels: 0,
        node_requested: false,
        chosen: Choice { node, load: 4 },
        runners_up: Vec::new(),
        decided_by: Decider::Load,
        ineligible: Vec::new(),
    };
    let spec = UnitSpec {
        image: "web:1".into(),
        command: Vec::new(),
        env_names: Vec::new(),
        cpu_millis: None,
        memory_bytes: None,
        restart: RestartPolicy::No,
    };
    let (project, operation) = (ProjectId::from_u64(4), OperationId::from_u64(5));
    WorkerCreated { worker, org: ORG, project, name: "api".into(), spec, labels: BTreeMap::new(), node, operation, receipt }
}

fn created() -> NodeCreated {
    let token_digest = SecretDigest::from_bytes([0; 32]);
    NodeCreated { node: NODE, org: ORG, name: "web-1".into(), provider: Provider::Manual, labels: BTreeMap::new(), token_digest }
}

fn online(epoch: u64) -> NodeOnline {
    let (agent_version, address, facts) = ("0.1.0".into(), "203.0.113.9".into(), MachineFacts::default());
    NodeOnline { node: NODE, epoch, instance: 1, agent_version, protocol: 1, address, facts }
}

pub(crate) fn provisioning_failed(class: ProvisionErrorClass, step: ProvisionStep) -> NodeProvisioningFailed {
    let (message, next_step) = ("server limit reached".into(), "ask for a higher limit".into());
    let failure = ProvisionFailure { class, message, code: "limit".into(), request_id: None, next_step, alternatives: Vec::new() };
    NodeProvisioningFailed { node: NODE, attempt: 1, step, failure, nothing_made: true, kept_until: None }
}

fn quota() -> NodeProvisioningFailed {
    provisioning_failed(ProvisionErrorClass::Quota, ProvisionStep::CreateMachine)
}

/// Tells events of the subject's stream, a second apart.
fn told(subject: StreamId, events: Vec<Event>) -> Story {
    let (mut story, mut names) = (Story::of(subject), Names::default());
    for (event, seq) in events.into_iter().zip(1..) {
        let stream = match &event {
            Event::WorkerCreated(_) | Event::WorkerFailed(_) => StreamId::Worker(WORKER),
            _ => subject,
        };
        let at = Timestamp::from_ms(seq * 1000);
        let actor = Actor::Node(NODE);
        let record = Record { seq, org: Some(ORG), stream, stream_version: seq, at, actor, correlation: 0, causation: 0, event };
        names.observe(&record);
        story.tell(&record, &names, None);
    }
    story
}

#[test]
fn a_failed_provision_is_set_apart_with_step_class_and_the_providers_words() {
    let story = told(StreamId::Node(NODE), vec![created().into(), quota().into()]);
    assert_eq!(story.failed, Some(1));
    let line = &story.lines[1];
    assert_eq!((line.gap_ms, line.actor.as_str(), line.sentence.tone), (Some(1000), "the agent of web-1", Tone::Failure));
    let expected = "attempt 1 failed at creating the machine: a quota of the account is used up; the provider said: server limit reached";
    assert_eq!(line.sentence.text, expected);
}

#[test]
fn what_came_good_again_is_no_failure() {
    let offline = NodeOffline { node: NODE, epoch: 1, reason: OfflineReason::NoAnswer };
    let events = vec![created().into(), online(1).into(), offline.into()];
    assert_eq!(told(StreamId::Node(NODE), events.clone()).failed, Some(2));
    let back = [events, vec![online(2).into()]].concat();
    assert_eq!(told(StreamId::Node(NODE), back).failed, None);
}

#[test]
fn a_workers_failure_is_not_its_nodes() {
    let run = Failed { operation: OperationId::from_u64(5), step: UnitStep::PullImage, message: "no such image".into() };
    let worker_failed = WorkerFailed { worker: WORKER, run };
    let events: Vec<Event> = vec![created().into(), online(1).into(), worker_created(WORKER, NODE).into(), worker_failed.into()];
    assert_eq!(told(StreamId::Node(NODE), events.clone()).failed, None);
    let story = told(StreamId::Worker(WORKER), events);
    assert_eq!(story.failed, Some(3));
    assert_eq!(story.lines[3].sentence.text, "failed at getting the image; Docker said: no such image");
    assert_eq!(story.lines[2].sentence.text, "created from image web:1 and placed on web-1 (the least loaded, with 4)");
}

#[test]
fn each_service_of_a_deployment_makes_good_only_its_own_failure() {
    let deployment = crate::id::DeploymentId::from_u64(6);
    let [a, b] = [7, 8].map(ServiceId::from_u64);
    let operation = OperationId::from_u64(5);
    let lost = |service| ServiceLost { deployment, service, run: Lost { reason: "gone".into() } };
    let run = Started { operation, container: "c".into(), image_digest: "d".into(), started_at: Timestamp::default() };
    let started = |service| ServiceStarted { deployment, service, run: run.clone() };
    let subject = StreamId::Deployment(deployment);
    assert_eq!(told(subject, vec![lost(a).into(), started(b).into()]).failed, Some(0));
    assert_eq!(told(subject, vec![lost(a).into(), started(a).into()]).failed, None);
}

#[test]
fn durations_read_well() {
    let ms = [0, 999, 1000, 9_940, 10_000, 59_999, 60_000, 130_000, 3_600_000, 11_100_000, 86_400_000, 1_051_200_000];
    let read: Vec<String> = ms.into_iter().map(duration).collect();
    let expected = ["0 ms", "999 ms", "1.0 s", "9.9 s", "10 s", "59 s", "1 min", "2 min 10 s", "1 h", "3 h 5 min", "1 d", "12 d 4 h"];
    assert_eq!(read, expected);
}
