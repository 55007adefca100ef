//! A log as a fleet leaves it, made by the rules themselves; and how fast it is read again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use spunto_actors::journal::replay;
use spunto_core::command::{AccountCommand, AgentReport, Command, NodeCommand, Request, WorkerCommand};
use spunto_core::decide::decide;
use spunto_core::event::{MachineFacts, RestartPolicy, UnitSpec};
use spunto_core::id::{NodeId, OperationId, OrgId, ProjectId, UnitId, UserId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::record::{Actor, Record};
use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};

use super::row::{Row, Wanted, median, spread};

/// The organisation of every measurement.
pub const ORG: OrgId = OrgId::from_u64(1);
/// Its project.
pub const PROJECT: ProjectId = ProjectId::from_u64(2);
/// Events of one group, as a busy journal makes them.
const GROUP_EVENTS: usize = 200;

/// Makes history: decides and numbers, without a journal.
pub struct Historian {
    /// The fold of all so far.
    pub state: State,
    /// What was not taken yet.
    pub records: Vec<Record>,
    now_ms: u64,
}

/// A request of nobody in particular.
#[must_use]
pub fn request(now_ms: u64, command: Command) -> Request {
    let (actor, now) = (Actor::System, Timestamp::from_ms(now_ms));
    Request { actor, now, correlation: 1, causation: 0, expected_version: None, idempotency: None, address: None, command }
}

/// Something to run that asks for nothing.
#[must_use]
pub fn spec() -> UnitSpec {
    UnitSpec {
        image: "registry.example/team/app:1.2.3".into(),
        command: vec!["serve".into()],
        env_names: Vec::new(),
        cpu_millis: None,
        memory_bytes: None,
        restart: RestartPolicy::No,
    }
}

/// Places worker `number`.
#[must_use]
pub fn spawn(number: u64) -> Command {
    let operation = OperationId::from_u64(number);
    let spawn =
        WorkerCommand::Spawn { project: PROJECT, name: format!("w{number}"), spec: spec(), labels: BTreeMap::new(), node: None, operation };
    Command::Worker(ORG, WorkerId::from_u64(number), spawn)
}

impl Historian {
    /// An organisation with an owner and this many nodes online.
    ///
    /// # Errors
    /// The rules say no.
    pub fn with_nodes(nodes: u64) -> anyhow::Result<Self> {
        let mut new = Self { state: State::default(), records: Vec::new(), now_ms: 1_795_500_000_000 };
        let init = AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project: PROJECT, project_name: "p".into() };
        new.write(Command::Account(init))?;
        let email_digest = SecretDigest::from_bytes([1; 32]);
        let owner = AccountCommand::SetUpFirstOwner { user: UserId::from_u64(1), email_digest, profile_version: 1, password_version: 1 };
        new.write(Command::Account(owner))?;
        for number in 1..=nodes {
            new.add_node(number)?;
        }
        Ok(new)
    }

    fn add_node(&mut self, number: u64) -> anyhow::Result<()> {
        let node = NodeId::from_u64(number);
        let create = NodeCommand::Create {
            name: format!("n{number}"),
            labels: BTreeMap::new(),
            token_digest: SecretDigest::keyed(&[1; 32], &number.to_string()),
        };
        self.write(Command::Node(ORG, node, create))?;
        let facts = MachineFacts { hostname: format!("host-{number}"), cpus: 8, memory_bytes: 32 << 30, ..MachineFacts::default() };
        let accept = NodeCommand::AcceptSession {
            token_version: 1,
            instance: number,
            agent_version: "0.1.0".into(),
            protocol: 1,
            address: "203.0.113.9".into(),
            facts,
        };
        self.write(Command::Node(ORG, node, accept))
    }

    /// A node whose agent has never connected.
    ///
    /// # Errors
    /// The rules say no.
    pub fn add_pending(&mut self, node: NodeId, token_digest: SecretDigest) -> anyhow::Result<()> {
        let create = NodeCommand::Create { name: format!("p{}", node.as_u64()), labels: BTreeMap::new(), token_digest };
        self.write(Command::Node(ORG, node, create))
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// The rules say no.
    pub fn write(&mut self, command: Command) -> anyhow::Result<()> {
        self.now_ms += 1;
        let decision = decide(&self.state, &request(self.now_ms, command))?;
        for draft in decision.drafts {
            let record = Record {
                seq: self.state.seq + 1,
                org: draft.org,
                stream: draft.stream,
                stream_version: self.state.stream_version(draft.org, draft.stream) + 1,
                at: Timestamp::from_ms(self.now_ms),
                actor: Actor::System,
                correlation: 1,
                causation: 0,
                event: draft.event,
            };
            self.state.apply(&record);
            self.records.push(record);
        }
        Ok(())
    }

    /// Worker `number` comes, runs and goes: five events.
    ///
    /// # Errors
    /// The rules say no.
    pub fn live_and_die(&mut self, number: u64) -> anyhow::Result<()> {
        self.write(spawn(number))?;
        let worker = WorkerId::from_u64(number);
        let node = self.state.orgs[&ORG].workers[&worker].unit.node;
        let tell = |operation: u64, observed| {
            let (unit, operation) = (UnitId::Worker(worker), OperationId::from_u64(operation));
            Command::Agent(ORG, node, 1, AgentReport::Observed { unit, operation, observed })
        };
        let container = format!("{number:064x}");
        let image_digest = format!("sha256:{number:064x}");
        let started = Observed::Started { container, image_digest, started_at: Timestamp::from_ms(self.now_ms) };
        self.write(tell(number, started))?;
        let stop = WorkerCommand::Stop { operation: OperationId::from_u64(1 << 40 | number) };
        self.write(Command::Worker(ORG, worker, stop))?;
        self.write(tell(1 << 40 | number, Observed::Stopped))?;
        let delete = WorkerCommand::Delete { operation: OperationId::from_u64(1 << 41 | number), unheard: false };
        self.write(Command::Worker(ORG, worker, delete))?;
        self.write(tell(1 << 41 | number, Observed::Removed))
    }

    /// Appends what was not taken yet.
    ///
    /// # Errors
    /// The log failed.
    pub fn flush(&mut self, log: &dyn EventLog) -> anyhow::Result<()> {
        for records in self.records.chunks(GROUP_EVENTS) {
            let first = records.first().map_or(0, |record| record.seq);
            log.append(Group::of(first, log.head().hash, records)?)?;
        }
        self.records.clear();
        Ok(())
    }
}

/// Writes a log with this many nodes online and at least so many events.
///
/// # Errors
/// The disk failed.
pub fn write(log: &dyn EventLog, nodes: u64, events: u64) -> anyhow::Result<State> {
    let mut historian = Historian::with_nodes(nodes)?;
    historian.flush(log)?;
    let mut number = 0;
    while historian.state.seq < events {
        number += 1;
        historian.live_and_die(number)?;
        if historian.records.len() >= 20 * GROUP_EVENTS {
            historian.flush(log)?;
        }
    }
    historian.flush(log)?;
    Ok(historian.state)
}

/// Row `replay`: events a second from the log, beside decoding and folding the same bytes from memory.
///
/// # Errors
/// The disk failed.
pub fn replay_row(directory: &Path, events: u64, repeats: usize) -> anyhow::Result<Row> {
    let path = directory.join("replay");
    let log = SledLog::open(&path, LogOptions::default())?;
    write(&log, 100, events)?;
    drop(log);
    let log = SledLog::open(&path, LogOptions::default())?;
    let end = log.head().seq;
    let groups = super::reopen::groups(&log)?;
    let mut pairs = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        let mut state = State::default();
        for record in groups.iter().flat_map(|group| group.records()) {
            state.apply(&record?);
        }
        let memory = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let replayed = replay(&log)?;
        anyhow::ensure!(replayed == state, "both folds must give the same");
        pairs.push((end as f64 / start.elapsed().as_secs_f64(), end as f64 / memory));
    }
    drop(log);
    std::fs::remove_dir_all(path)?;
    let ratios: Vec<f64> = pairs.iter().map(|(log, memory)| log / memory).collect();
    Ok(Row {
        id: "replay",
        value: median(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>()),
        unit: "events/s",
        reference: Some(median(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>())),
        ratio: Some(median(&ratios)),
        spread: spread(&ratios),
        wanted: Wanted::AtLeast(0.6, 0.9),
    })
}
