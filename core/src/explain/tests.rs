//! Decisions taken again: the same node, and what it would have been.

#![allow(clippy::unwrap_used, reason = "a refused preparation is a failed test")]

use proptest::prelude::*;

use super::*;
use crate::command::{Command, NodeCommand, Request, WorkerCommand};
use crate::decide::decide;
use crate::event::{MachineFacts, RestartPolicy, UnitSpec};
use crate::id::{OperationId, OrgId, ProjectId, WorkerId};
use crate::record::{Actor, Record};
use crate::state::State;
use crate::token::SecretDigest;

const ORG: OrgId = OrgId::from_u64(1);
const PROJECT: ProjectId = ProjectId::from_u64(2);

fn node(number: u64) -> NodeId {
    NodeId::from_u64(number)
}

struct History {
    state: State,
    /// The state before each placement, and its event.
    placed: Vec<(State, Event)>,
    now_ms: u64,
}

impl History {
    fn new() -> Self {
        let mut new = Self { state: State::default(), placed: Vec::new(), now_ms: 1 };
        let init =
            crate::command::AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project: PROJECT, project_name: "p".into() };
        new.write(Command::Account(init));
        new
    }

    /// Carries a command out, or leaves it when the rules say no.
    fn write(&mut self, command: Command) {
        self.now_ms += 1;
        let (actor, now) = (Actor::System, Timestamp::from_ms(self.now_ms));
        let request =
            Request { actor, now, correlation: 1, causation: 0, expected_version: None, idempotency: None, address: None, command };
        let Ok(decision) = decide(&self.state, &request) else { return };
        for draft in decision.drafts {
            let record = Record {
                seq: self.state.seq + 1,
                org: draft.org,
                stream: draft.stream,
                stream_version: self.state.stream_version(draft.org, draft.stream) + 1,
                at: now,
                actor,
                correlation: 1,
                causation: 0,
                event: draft.event,
            };
            if placement(&record.event).is_some() {
                self.placed.push((self.state.clone(), record.event.clone()));
            }
            self.state.apply(&record);
        }
    }

    fn on_node(&mut self, number: u64, command: NodeCommand) {
        self.write(Command::Node(ORG, node(number), command));
    }

    fn add_node(&mut self, number: u64, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let token_digest = SecretDigest::from_bytes([1; 32]);
        self.on_node(number, NodeCommand::Create { name: format!("n{number}"), labels, token_digest });
        self.connect(number);
    }

    fn connect(&mut self, number: u64) {
        let accept = NodeCommand::AcceptSession {
            token_version: 1,
            instance: number,
            agent_version: "1".into(),
            protocol: 1,
            address: "203.0.113.9".into(),
            facts: MachineFacts { cpus: 2, memory_bytes: 4 << 30, ..MachineFacts::default() },
        };
        self.on_node(number, accept);
    }

    fn spawn(&mut self, number: u64, cpu_millis: Option<u32>, labels: &[(&str, &str)], on: Option<NodeId>) {
        let spec = UnitSpec {
            image: "i".into(),
            command: Vec::new(),
            env_names: Vec::new(),
            cpu_millis,
            memory_bytes: None,
            restart: RestartPolicy::No,
        };
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let operation = OperationId::from_u64(number);
        let spawn = WorkerCommand::Spawn { project: PROJECT, name: format!("w{number}"), spec, labels, node: on, operation };
        self.write(Command::Worker(ORG, WorkerId::from_u64(number), spawn));
    }

    /// The last placement, taken again with changes.
    fn again(&self, changes: &[Change]) -> Table {
        let (state, event) = self.placed.last().unwrap();
        table(&state.orgs[&ORG].fleet, &placement(event).unwrap().asked, changes)
    }
}

#[test]
fn a_drained_node_would_have_been_chosen() {
    let mut history = History::new();
    history.add_node(1, &[]);
    history.add_node(2, &[("zone", "eu")]);
    history.spawn(1, None, &[], Some(node(1)));
    history.on_node(2, NodeCommand::Drain { reason: "kernel".into() });
    history.spawn(2, None, &[], None);
    let table = history.again(&[]);
    assert_eq!(table.chosen(), Some(node(1)));
    assert_eq!(table.rows[1].ineligible, Some(Ineligible::Draining));
    assert_eq!(history.again(&[Change::NotDraining(node(2))]).chosen(), Some(node(2)));
    assert_eq!(history.again(&[Change::Ready(node(2)), Change::Load(node(1), 0)]).rows[0].place, Some(1));
    assert_eq!(history.again(&[Change::Absent(node(1))]).chosen(), None);
    let more = [Change::NotDraining(node(2)), Change::Compare(Comparison::MostLoaded)];
    assert_eq!(history.again(&more).chosen(), Some(node(1)), "one node is filled before the next");
    let with = [Change::WithLabel("zone".into(), "eu".into())];
    assert_eq!(history.again(&with).chosen(), None, "the only node of the zone drains");
}

#[test]
fn a_forged_receipt_is_found() {
    let mut history = History::new();
    (1..=5).for_each(|number| history.add_node(number, &[]));
    history.spawn(1, None, &[], None);
    let (state, event) = history.placed.last().unwrap();
    let fleet = &state.orgs[&ORG].fleet;
    let placed = placement(event).unwrap();
    assert_eq!(rerun(fleet, &placed).differences, Vec::<String>::new());
    for forge in 0..4 {
        let mut receipt = placed.receipt.clone();
        match forge {
            0 => receipt.chosen.node = node(5),
            1 => receipt.runners_up.swap(0, 1),
            2 => receipt.decided_by = Decider::Load,
            _ => receipt.ineligible.push((Ineligible::Offline, 1)),
        }
        let found = rerun(fleet, &Placement { receipt: &receipt, ..placed.clone() }).differences;
        assert!(!found.is_empty(), "forgery {forge}");
    }
}

proptest! {
    /// Whatever happened before, every decision comes out the same again.
    #[test]
    fn every_decision_comes_out_the_same(steps in proptest::collection::vec((0_u8..7, 1_u64..6, 0_u32..3), 1..60)) {
        let mut history = History::new();
        (1..=5).for_each(|number| history.add_node(number, if number % 2 == 0 { &[("zone", "eu")] } else { &[] }));
        for (number, (what, on, amount)) in steps.into_iter().enumerate() {
            let unit = number as u64 + 10;
            match what {
                0 => history.on_node(on, NodeCommand::Drain { reason: String::new() }),
                1 => history.on_node(on, NodeCommand::StartMaintenance { reason: String::new() }),
                2 => history.on_node(on, NodeCommand::EndMaintenance),
                3 => history.spawn(unit, Some(500 * amount), &[], None),
                4 => history.spawn(unit, None, &[("zone", "eu")], None),
                5 => history.spawn(unit, None, &[], Some(node(on))),
                _ => history.spawn(unit, None, &[], None),
            }
        }
        for (state, event) in &history.placed {
            let rerun = rerun(&state.orgs[&ORG].fleet, &placement(event).unwrap());
            prop_assert!(rerun.complete && rerun.differences.is_empty(), "{:?} of {event:?}", rerun.differences);
        }
    }
}
