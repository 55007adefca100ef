//! A night in a small fleet, made by the rules themselves: nodes come, fail, drain; workers are placed, fail, end.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command as Process, Output};

use spunto_core::command::{
    AccountCommand, AgentReport, Command, CredentialCommand, NodeCommand, ProvisionCommand, Request, WorkerCommand,
};
use spunto_core::decide::decide;
use spunto_core::event::{Event, Exited, MachineFacts, OfflineReason, RestartPolicy, UnitSpec, UnitStep};
use spunto_core::event::{MachinePrice, MachineWish, ProvisionErrorClass, ProvisionFailure};
use spunto_core::id::{CredentialId, NodeId, OperationId, OrgId, ProjectId, UnitId, UserId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};

pub(crate) const ORG: OrgId = OrgId::from_u64(1);
const PROJECT: ProjectId = ProjectId::from_u64(2);
const OWNER: UserId = UserId::from_u64(3);
const CREDENTIAL: CredentialId = CredentialId::from_u64(4);
/// What the provider's client says of a quota that is used up.
const NEXT_STEP: &str = "Delete servers or addresses that are not needed, or ask for a higher limit in Hetzner Console: Limits.";
/// Segments of a few groups, so that there are sealed ones, an active one, and what only the tail holds.
pub(crate) const OPTIONS: LogOptions =
    LogOptions { segment_events_max: 60, segment_bytes_max: 1 << 20, tail_area_bytes: 0, absorb_bytes: 4 << 10, reserve_bytes: 0 };

pub(crate) fn node(number: u64) -> NodeId {
    NodeId::from_u64(number)
}

/// Makes history.
pub(crate) struct Scenario {
    pub(crate) state: State,
    pub(crate) records: Vec<Record>,
    /// Events that became durable together: the last of each group.
    pub(crate) ends: Vec<u64>,
    pub(crate) now: Timestamp,
    actor: Actor,
}

impl Scenario {
    /// An organisation with its owner, at three in the morning.
    pub(crate) fn new() -> Self {
        let now = Timestamp::parse("2026-11-25T03:00:00Z").unwrap();
        let mut new = Self { state: State::default(), records: Vec::new(), ends: Vec::new(), now, actor: Actor::Operator };
        let init = AccountCommand::InitializeSystem { org: ORG, org_name: "ACME".into(), project: PROJECT, project_name: "shop".into() };
        new.write(Command::Account(init));
        let email_digest = SecretDigest::from_bytes([1; 32]);
        new.write(Command::Account(AccountCommand::SetUpFirstOwner { user: OWNER, email_digest, profile_version: 1, password_version: 1 }));
        new.actor = Actor::User(OWNER);
        new
    }

    /// Time passes.
    pub(crate) fn wait_ms(&mut self, ms: u64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Carries a command out, which the rules must allow.
    pub(crate) fn write(&mut self, command: Command) {
        assert!(self.ask(command), "the rules say no");
    }

    /// Carries a command out, if the rules allow it.
    pub(crate) fn ask(&mut self, command: Command) -> bool {
        let actor = match &command {
            Command::Agent(_, node, ..) => Actor::Node(*node),
            Command::Node(_, node, NodeCommand::AcceptSession { .. }) => Actor::Node(*node),
            _ => self.actor,
        };
        let (now, correlation) = (self.now, self.state.seq + 1);
        let request = Request { actor, now, correlation, causation: 0, expected_version: None, idempotency: None, address: None, command };
        let Ok(decision) = decide(&self.state, &request) else { return false };
        let drafts: Vec<_> = decision.drafts.into_iter().map(|draft| (draft.org, draft.stream, draft.event)).collect();
        self.append(actor, drafts);
        true
    }

    pub(crate) fn append(&mut self, actor: Actor, drafts: Vec<(Option<OrgId>, StreamId, Event)>) {
        let correlation = self.state.seq + 1;
        for (org, stream, event) in drafts {
            let record = Record {
                seq: self.state.seq + 1,
                org,
                stream,
                stream_version: self.state.stream_version(org, stream) + 1,
                at: self.now,
                actor,
                correlation,
                causation: 0,
                event,
            };
            self.state.apply(&record);
            self.records.push(record);
        }
        if self.ends.last() != Some(&self.state.seq) {
            self.ends.push(self.state.seq);
        }
    }

    pub(crate) fn on_node(&mut self, number: u64, command: NodeCommand) {
        self.write(Command::Node(ORG, node(number), command));
    }

    pub(crate) fn create_node(&mut self, number: u64, name: &str, labels: &[(&str, &str)]) {
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        self.on_node(number, NodeCommand::Create { name: name.into(), labels, token_digest: SecretDigest::from_bytes([9; 32]) });
    }

    pub(crate) fn connect(&mut self, number: u64) {
        let accept = NodeCommand::AcceptSession {
            token_version: 1,
            instance: number,
            agent_version: "0.1.0".into(),
            protocol: 1,
            address: format!("203.0.113.{number}"),
            facts: MachineFacts { hostname: format!("host-{number}"), cpus: 4, memory_bytes: 8 << 30, ..MachineFacts::default() },
        };
        self.on_node(number, accept);
    }

    pub(crate) fn lose(&mut self, number: u64, reason: OfflineReason) {
        let epoch = self.state.orgs[&ORG].fleet.node(node(number)).unwrap().epoch;
        self.actor = Actor::System;
        self.on_node(number, NodeCommand::EndAgentSession { epoch, reason });
        self.actor = Actor::User(OWNER);
    }

    pub(crate) fn add_credential(&mut self, name: &str) {
        let (provider, name, fingerprint) = ("hetzner".to_owned(), name.to_owned(), "00aa11bb".to_owned());
        let add = CredentialCommand::Add { provider, name, fingerprint, account: None };
        self.write(Command::Credential(ORG, CREDENTIAL, add));
    }

    /// Asks for a machine, which the provider refuses to make.
    pub(crate) fn fail_provision(&mut self, number: u64, name: &str, class: ProvisionErrorClass, message: &str) {
        let (provider, location, machine_type, image) = ("hetzner".into(), "fsn1".into(), "cx23".into(), "debian-13".into());
        let create = ProvisionCommand::Create {
            name: name.into(),
            labels: BTreeMap::new(),
            token_digest: SecretDigest::from_bytes([9; 32]),
            wish: MachineWish { provider, location, machine_type, image },
            credential: CREDENTIAL,
            enrolment_digest: SecretDigest::from_bytes([8; 32]),
        };
        self.write(Command::Provision(ORG, node(number), create));
        self.actor = Actor::System;
        let attempt = 1;
        self.wait_ms(700);
        self.write(Command::Provision(ORG, node(number), ProvisionCommand::NoteVerified { attempt, account: None }));
        let price = MachinePrice { currency: "EUR".into(), hourly: "0.0080".into(), monthly: "4.99".into() };
        let intend =
            ProvisionCommand::IntendMachine { attempt, name: format!("spunto-{}", &node(number).to_string()[4..]), price: Some(price) };
        self.write(Command::Provision(ORG, node(number), intend));
        self.wait_ms(22_700);
        let (code, next_step) = ("resource_limit_exceeded".into(), NEXT_STEP.into());
        let failure = ProvisionFailure { class, message: message.into(), code, request_id: None, next_step, alternatives: Vec::new() };
        let fail = ProvisionCommand::Fail { attempt, failure, nothing_made: true };
        self.write(Command::Provision(ORG, node(number), fail));
        self.actor = Actor::User(OWNER);
    }

    pub(crate) fn spawn(&mut self, number: u64, name: &str, labels: &[(&str, &str)], on: Option<u64>) {
        let spec = UnitSpec {
            image: "registry.example/shop/api:7".into(),
            command: Vec::new(),
            env_names: vec!["DATABASE_URL".into()],
            cpu_millis: None,
            memory_bytes: None,
            restart: RestartPolicy::No,
        };
        let labels: BTreeMap<String, String> = labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let operation = OperationId::from_u64(number);
        let spawn = WorkerCommand::Spawn { project: PROJECT, name: name.into(), spec, labels, node: on.map(node), operation };
        self.write(Command::Worker(ORG, WorkerId::from_u64(number), spawn));
    }

    pub(crate) fn observe(&mut self, number: u64, observed: Observed) {
        let worker = WorkerId::from_u64(number);
        let org = &self.state.orgs[&ORG];
        let unit = &org.workers[&worker].unit;
        let epoch = org.fleet.node(unit.node).unwrap().epoch;
        let operation = unit.pending.map_or(OperationId::from_u64(number), |order| order.operation);
        let report = AgentReport::Observed { unit: UnitId::Worker(worker), operation, observed };
        self.write(Command::Agent(ORG, unit.node, epoch, report));
    }

    pub(crate) fn run(&mut self, number: u64) {
        let (container, image_digest) = (format!("{number:064x}"), "sha256:77".to_owned());
        self.observe(number, Observed::Started { container, image_digest, started_at: self.now });
    }

    pub(crate) fn stop(&mut self, number: u64) {
        let operation = OperationId::from_u64(1 << 40 | number);
        self.write(Command::Worker(ORG, WorkerId::from_u64(number), WorkerCommand::Stop { operation }));
    }

    /// The night that most tests ask about.
    pub(crate) fn night() -> Self {
        Self::night_with(|night| {
            night.add_credential("hetzner");
            night.fail_provision(3, "cloud-3", ProvisionErrorClass::Quota, "server limit reached (limit: 10)");
        })
    }

    /// The night with another failed provision in it, which takes 23.4 s.
    pub(crate) fn night_with(failed_provision: impl FnOnce(&mut Self)) -> Self {
        let mut night = Self::new();
        night.create_node(1, "web-1", &[("zone", "eu")]);
        night.wait_ms(41_000);
        night.connect(1);
        night.create_node(2, "web-2", &[]);
        night.wait_ms(12_000);
        night.connect(2);
        failed_provision(&mut night);
        night.spawn(10, "api", &[("zone", "eu")], None);
        night.wait_ms(2_300);
        night.run(10);
        night.spawn(11, "cart", &[], None);
        night.wait_ms(1_700);
        night.observe(11, Observed::Failed { step: UnitStep::PullImage, message: "manifest for shop/api:7 not found".into() });
        night.on_node(2, NodeCommand::Drain { reason: "new kernel".into() });
        night.wait_ms(60_000);
        night.spawn(12, "mail", &[], None);
        night.wait_ms(900);
        night.run(12);
        night.wait_ms(600_000);
        night.lose(1, OfflineReason::NoAnswer);
        night.wait_ms(30_000);
        night.connect(1);
        night.connect(2);
        night.wait_ms(5_000);
        night.observe(12, Observed::Exited(Exited { code: 137, oom_killed: true, message: String::new(), finished_at: night.now }));
        for number in 20..40 {
            night.wait_ms(1_000);
            night.spawn(number, &format!("job-{number}"), &[], None);
            night.wait_ms(800 + number * 10);
            night.run(number);
        }
        for number in 20..35 {
            night.wait_ms(500);
            night.stop(number);
            night.wait_ms(200);
            night.observe(number, Observed::Stopped);
        }
        night
    }

    /// Appends what happened to a log, group by group, and says its groups.
    pub(crate) fn append_to(&self, log: &dyn EventLog) {
        let mut start = 0;
        for end in &self.ends {
            let end = usize::try_from(*end).unwrap();
            let records = &self.records[start..end];
            log.append(Group::of(records[0].seq, log.head().hash, records).unwrap()).unwrap();
            start = end;
        }
    }

    /// Writes a data directory as a stopped server leaves it.
    pub(crate) fn save(&self, data: &Path) {
        let log = SledLog::open(&data.join("log"), OPTIONS).unwrap();
        self.append_to(&log);
    }
}

/// Runs the program.
pub(crate) fn replay(arguments: &[&str]) -> Output {
    let mut command = Process::new(env!("CARGO_BIN_EXE_spunto-replay"));
    command.args(arguments).env_remove("SPUNTO_DATA_DIR").env_remove("SPUNTO_API_KEY").output().unwrap()
}

/// Runs the program; what it printed, and its exit code.
pub(crate) fn asked(arguments: &[&str]) -> (String, i32) {
    let output = replay(arguments);
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (text, output.status.code().unwrap())
}
