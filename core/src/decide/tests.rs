//! Given commands that were carried out, when another comes, then these events or this refusal.
//!
//! One grammar for all rules: a [`World`] folds what it decides, as the journal does, and after each step compares the
//! state with an independent fold of the whole history.

#![allow(clippy::unwrap_used, reason = "a refused preparation is a failed test")]

use std::collections::BTreeMap;

use super::{Decision, decide};
use crate::access::Role;
use crate::command::{
    AccountCommand, AgentReport, Command, CredentialCommand, DeploymentCommand, Idempotency, NewService, NodeCommand, ProvisionCommand,
    Request, WorkerCommand,
};
use crate::event::{MachineFacts, OfflineReason, RestartPolicy, UnitSpec};
use crate::id::{
    ApiKeyId, CredentialId, DeploymentId, InvitationId, NodeId, OperationId, OrgId, ProjectId, ServiceId, UnitId, UserId, WorkerId,
};
use crate::observe::Observed;
use crate::record::{Actor, Record};
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Timestamp;
use crate::token::SecretDigest;

mod account;
mod audit;
mod circumstances;
mod credential;
mod deployment;
mod enrolment;
mod installation;
mod node;
mod placement;
mod plan;
mod provision;
mod provisioning;
mod worker;

const ORG: OrgId = OrgId::from_u64(1);
const PROJECT: ProjectId = ProjectId::from_u64(2);
const OWNER: UserId = UserId::from_u64(3);

fn digest(number: u8) -> SecretDigest {
    SecretDigest::from_bytes([number; 32])
}

fn node(number: u64) -> NodeId {
    NodeId::from_u64(number)
}

fn worker(number: u64) -> WorkerId {
    WorkerId::from_u64(number)
}

fn operation(number: u64) -> OperationId {
    OperationId::from_u64(number)
}

fn spec() -> UnitSpec {
    UnitSpec {
        image: "busybox".into(),
        command: vec!["sleep".into(), "60".into()],
        env_names: vec![],
        cpu_millis: None,
        memory_bytes: None,
        restart: RestartPolicy::No,
    }
}

fn account(command: AccountCommand) -> Command {
    Command::Account(command)
}

fn on_node(number: u64, command: NodeCommand) -> Command {
    Command::Node(ORG, node(number), command)
}

fn on_worker(number: u64, command: WorkerCommand) -> Command {
    Command::Worker(ORG, worker(number), command)
}

fn create_node(number: u64) -> Command {
    let create = NodeCommand::Create { name: format!("node-{number}"), labels: BTreeMap::new(), token_digest: digest(1) };
    on_node(number, create)
}

fn connect(number: u64) -> Command {
    connect_with(number, 1)
}

fn connect_with(number: u64, token_version: u32) -> Command {
    let accept = NodeCommand::AcceptSession {
        token_version,
        instance: number,
        agent_version: "0.1.0".into(),
        protocol: 1,
        address: "203.0.113.9".into(),
        facts: MachineFacts { cpus: 2, memory_bytes: 4 << 30, ..MachineFacts::default() },
    };
    on_node(number, accept)
}

fn spawn(number: u64) -> Command {
    spawn_with(number, spec(), None)
}

fn spawn_with(number: u64, spec: UnitSpec, node: Option<NodeId>) -> Command {
    let spawn = WorkerCommand::Spawn {
        project: PROJECT,
        name: format!("worker-{number}"),
        spec,
        labels: BTreeMap::new(),
        node,
        operation: operation(number),
    };
    on_worker(number, spawn)
}

fn report(node_number: u64, epoch: u64, unit: UnitId, by: u64, observed: Observed) -> Command {
    Command::Agent(ORG, node(node_number), epoch, AgentReport::Observed { unit, operation: operation(by), observed })
}

fn started() -> Observed {
    Observed::Started { container: "c1".into(), image_digest: "sha256:0".into(), started_at: Timestamp::from_ms(5) }
}

fn request(now_ms: u64, command: Command) -> Request {
    Request {
        actor: Actor::User(OWNER),
        now: Timestamp::from_ms(now_ms),
        correlation: 1,
        causation: 0,
        expected_version: None,
        idempotency: None,
        address: None,
        command,
    }
}

/// What the journal does, without a log: decide, number, apply.
struct World {
    state: State,
    history: Vec<Record>,
    now_ms: u64,
}

impl World {
    fn empty() -> Self {
        Self { state: State::default(), history: Vec::new(), now_ms: 1_000_000 }
    }

    /// A system with its first owner, one organisation and one project.
    fn new() -> Self {
        let mut world = Self::empty();
        let init =
            AccountCommand::InitializeSystem { org: ORG, org_name: "Default".into(), project: PROJECT, project_name: "default".into() };
        world.given(account(init));
        let owner = AccountCommand::SetUpFirstOwner { user: OWNER, email_digest: digest(9), profile_version: 1, password_version: 1 };
        world.given(account(owner));
        world
    }

    /// The same with these nodes online.
    fn with_nodes(numbers: impl IntoIterator<Item = u64>) -> Self {
        let mut world = Self::new();
        for number in numbers {
            world.given(create_node(number));
            world.given(connect(number));
        }
        world
    }

    fn send(&mut self, request: &Request) -> Result<Decision, Refusal> {
        let before = self.state.clone();
        let decided = decide(&self.state, request);
        match &decided {
            Err(_) => assert_eq!(self.state, before, "a refusal changes nothing"),
            Ok(decision) => {
                for draft in &decision.drafts {
                    let record = Record {
                        seq: self.state.seq + 1,
                        org: draft.org,
                        stream: draft.stream,
                        stream_version: self.state.stream_version(draft.org, draft.stream) + 1,
                        at: self.state.at.max(request.now),
                        actor: request.actor,
                        correlation: request.correlation,
                        causation: request.causation,
                        event: draft.event.clone(),
                    };
                    assert_eq!(crate::check::check_next(&self.state, &record), [], "what follows fits what was");
                    self.state.apply(&record);
                    assert_eq!(crate::check::check(&self.state), [], "the state holds together");
                    self.history.push(record);
                }
            }
        }
        let mut folded = State::default();
        self.history.iter().for_each(|record| folded.apply(record));
        assert_eq!(folded, self.state, "the state is the fold of its history");
        check_loads(&self.state);
        decided
    }

    fn when(&mut self, command: Command) -> Result<Decision, Refusal> {
        self.send(&request(self.now_ms, command))
    }

    fn given(&mut self, command: Command) {
        self.when(command).unwrap();
    }

    fn node(&self, number: u64) -> &crate::state::Node {
        self.state.orgs[&ORG].fleet.node(node(number)).unwrap()
    }

    fn run_of(&self, number: u64) -> &'static str {
        self.state.orgs[&ORG].workers[&worker(number)].unit.run.name()
    }
}

/// The loads that are kept up event by event equal those counted anew.
fn check_loads(state: &State) {
    for org in state.orgs.values() {
        for (id, node) in org.fleet.nodes() {
            let counted = node.units.iter().filter(|unit| org.unit(**unit).unwrap().run.counts()).count();
            assert_eq!(node.load as usize, counted, "load of {id}");
        }
    }
}

/// The one check: these events by name, or this refusal by code.
#[track_caller]
fn check(world: &mut World, command: Command, expected: Result<&[&str], &str>) {
    let decided = world.when(command);
    let names = decided.as_ref().map(|decision| decision.drafts.iter().map(|draft| draft.event.name()).collect::<Vec<_>>());
    match (names, expected) {
        (Ok(names), Ok(expected)) => assert_eq!(names, expected),
        (Err(refusal), Err(code)) => {
            assert_eq!(refusal.code(), code);
            assert!(!refusal.to_string().is_empty());
        }
        (got, expected) => panic!("got {got:?}, expected {expected:?}"),
    }
}
