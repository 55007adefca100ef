//! People with their commands: what they ask, and what they were told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use spunto_actors::clock::Clock;
use spunto_actors::custodian;
use spunto_actors::journal::{CommandError, Committed, Journal};
use spunto_core::command::{
    AccountCommand, Command, CredentialCommand, DeploymentCommand, Idempotency, NewService, NodeCommand, ProvisionCommand, Request,
    WorkerCommand,
};
use spunto_core::event::{MachineWish, RestartPolicy, UnitSpec};
use spunto_core::id::{CredentialId, DeploymentId, NodeId, OperationId, OrgId, ProjectId, ServiceId, UserId, WorkerId};
use spunto_core::record::Actor;
use spunto_core::secret::Secret;
use spunto_core::state::{Node, NodeStatus, Org, State};
use spunto_core::token::{EnrolmentToken, SecretDigest};
use spunto_events::vault::SecretName;

use crate::seed::Seed;
use crate::server::{Server, WallClock};

/// The organisation of a run.
pub const ORG: OrgId = OrgId::from_u64(1);
const PROJECT: ProjectId = ProjectId::from_u64(2);
/// The credential that pays for machines.
pub const CREDENTIAL: CredentialId = CredentialId::from_u64(4);
const OWNER: UserId = UserId::from_u64(3);
/// How large the organisation may become.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes at a time.
    pub nodes_max: usize,
    /// Workers and services at a time.
    pub units_max: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { nodes_max: 5, units_max: 24 }
    }
}

/// A command that was answered with yes.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its events carry this.
    pub correlation: u64,
    /// What was said.
    pub committed: Committed,
    /// Whether this must be the answer of an earlier call, and that answer.
    pub repeats: Option<Committed>,
}

/// A creating command that can be sent again.
#[derive(Clone)]
struct Remembered {
    key: String,
    command: Command,
    answer: Option<Committed>,
}

/// See the module. Clones share it.
#[derive(Clone)]
pub struct People {
    seed: Seed,
    size: Size,
    told: Rc<RefCell<Vec<Told>>>,
    creations: Rc<RefCell<Vec<Remembered>>>,
    asked: Rc<RefCell<u64>>,
}

fn number<T>(seed: &Seed, make: impl Fn(u64) -> T) -> T {
    make(seed.number())
}

fn bytes(seed: &Seed) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.number().to_le_bytes());
    bytes
}

fn wish() -> MachineWish {
    let text = str::to_owned;
    MachineWish { provider: text("simulated"), location: text("here"), machine_type: text("small"), image: text("debian-12") }
}

/// Keeps a secret before the command that names it.
fn keep(server: &Server, name: SecretName, secret: &str) {
    server.vault.put(name, &Secret::new(secret.as_bytes().to_vec())).expect("the vault of a run can be written");
}

impl People {
    /// People of a seed.
    #[must_use]
    pub fn new(seed: Seed, size: Size) -> Self {
        Self { seed, size, told: Rc::default(), creations: Rc::default(), asked: Rc::default() }
    }

    /// Answers since this was last asked.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        std::mem::take(&mut self.told.borrow_mut())
    }

    /// Commands so far.
    #[must_use]
    pub fn asked(&self) -> u64 {
        *self.asked.borrow()
    }

    fn submit(&self, server: &Server, clock: &WallClock, command: Command, idempotency: Option<Idempotency>, repeats: Option<Committed>) {
        *self.asked.borrow_mut() += 1;
        let correlation = self.seed.number();
        // Two addresses, so that the audit has something to tell.
        let address = Some(format!("203.0.113.{}", self.seed.below(2)));
        let (actor, now) = (Actor::User(OWNER), clock.now());
        let key = idempotency.as_ref().map(|asked| asked.key.clone());
        let request = Request { actor, now, correlation, causation: 0, expected_version: None, idempotency, address, command };
        let (journal, this): (Journal, Self) = (server.journal.clone(), self.clone());
        actix_rt::spawn(async move {
            match journal.submit(request).await {
                Ok(committed) => {
                    if let Some(known) = this.creations.borrow_mut().iter_mut().find(|known| Some(&known.key) == key.as_ref()) {
                        known.answer.get_or_insert(committed);
                    }
                    this.told.borrow_mut().push(Told { correlation, committed, repeats });
                }
                Err(CommandError::Refused(_) | CommandError::Busy | CommandError::NoRoom(_) | CommandError::Unknown) => {}
            }
        });
    }

    /// Makes organisation, project and owner.
    pub fn begin(&self, server: &Server, clock: &WallClock) {
        let init = AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project: PROJECT, project_name: "p".into() };
        self.submit(server, clock, Command::Account(init), None, None);
        let email_digest = SecretDigest::from_bytes([9; 32]);
        let owner = AccountCommand::SetUpFirstOwner { user: OWNER, email_digest, profile_version: 1, password_version: 1 };
        self.submit(server, clock, Command::Account(owner), None, None);
        self.add_credential(server, clock);
    }

    fn add_credential(&self, server: &Server, clock: &WallClock) {
        keep(server, custodian::credential(CREDENTIAL, 1), "key");
        let (provider, name, fingerprint) = ("simulated".to_owned(), "main".to_owned(), "f".to_owned());
        let add = CredentialCommand::Add { provider, name, fingerprint, account: None };
        self.submit(server, clock, Command::Credential(ORG, CREDENTIAL, add), None, None);
    }

    /// Somebody wants something.
    pub fn ask(&self, server: &Server, clock: &WallClock) {
        if server.directory.read(|state| state.orgs.get(&ORG).is_some_and(|org| org.credentials.is_empty())) {
            // The first time was lost.
            return self.add_credential(server, clock);
        }
        let command = server.directory.read(|state| self.choose(state));
        let Some(command) = command.map(|command| self.with_tokens(server, command)) else { return };
        let creates = matches!(
            command,
            Command::Node(.., NodeCommand::Create { .. })
                | Command::Provision(.., ProvisionCommand::Create { .. })
                | Command::Worker(.., WorkerCommand::Spawn { .. })
                | Command::Deployment(.., DeploymentCommand::Create { .. })
        );
        if !creates {
            return self.submit(server, clock, command, None, None);
        }
        let key = format!("key-{}", self.seed.number());
        let idempotency = Idempotency { key: key.clone(), body_hash: [1; 32] };
        self.creations.borrow_mut().push(Remembered { key, command: command.clone(), answer: None });
        self.submit(server, clock, command, Some(idempotency), None);
    }

    /// Somebody sends one of the last creating commands again, with other ids, as a client that lost the answer does.
    pub fn repeat(&self, server: &Server, clock: &WallClock) {
        let recent: Vec<Remembered> = self.creations.borrow().iter().rev().take(5).cloned().collect();
        let Some(Remembered { key, command, answer }) = self.seed.pick(&recent).cloned() else { return };
        let seed = &self.seed;
        let command = match command {
            Command::Node(org, _, create) => Command::Node(org, number(seed, NodeId::from_u64), create),
            Command::Provision(org, _, create) => self.with_tokens(server, Command::Provision(org, number(seed, NodeId::from_u64), create)),
            Command::Worker(org, _, spawn) => Command::Worker(org, number(seed, WorkerId::from_u64), spawn),
            Command::Deployment(org, _, create) => Command::Deployment(org, number(seed, DeploymentId::from_u64), create),
            other => other,
        };
        self.submit(server, clock, command, Some(Idempotency { key, body_hash: [1; 32] }), answer);
    }

    fn choose(&self, state: &State) -> Option<Command> {
        let org = state.orgs.get(&ORG)?;
        match self.seed.below(100) {
            0..9 => Some(self.create_node(org)),
            9..32 => self.operate(org),
            32..62 => self.spawn(org),
            62..90 => self.change_worker(org),
            90..94 => self.deploy(org),
            _ => self.change_deployment(org),
        }
    }

    /// With the enrolment token of a new attempt, which is kept first, as the edge does.
    fn with_tokens(&self, server: &Server, command: Command) -> Command {
        let Command::Provision(org, node, mut provision) = command else { return command };
        let (attempt, digest) = match &mut provision {
            ProvisionCommand::Create { enrolment_digest, .. } => (1, enrolment_digest),
            ProvisionCommand::Retry { attempt, enrolment_digest, .. } => (*attempt, enrolment_digest),
            _ => return Command::Provision(org, node, provision),
        };
        let token = EnrolmentToken::new(org, node, bytes(&self.seed));
        *digest = token.digest();
        keep(server, custodian::enrolment(node, attempt), token.reveal().expose());
        Command::Provision(org, node, provision)
    }

    fn create_cloud_node(&self, node: NodeId) -> Command {
        let create = ProvisionCommand::Create {
            name: format!("c{}", self.seed.number()),
            labels: BTreeMap::new(),
            token_digest: SecretDigest::from_bytes(bytes(&self.seed)),
            wish: wish(),
            credential: CREDENTIAL,
            enrolment_digest: SecretDigest::from_bytes([0; 32]),
        };
        Command::Provision(ORG, node, create)
    }

    fn retry(&self, node: NodeId, known: &Node) -> Option<Command> {
        let retry = ProvisionCommand::Retry {
            attempt: known.provision.as_ref()?.attempt + 1,
            wish: wish(),
            credential: CREDENTIAL,
            enrolment_digest: SecretDigest::from_bytes([0; 32]),
            token_version: known.token.version + 1,
            token_digest: SecretDigest::from_bytes(bytes(&self.seed)),
        };
        Some(Command::Provision(ORG, node, retry))
    }

    fn create_node(&self, org: &Org) -> Command {
        let node = number(&self.seed, NodeId::from_u64);
        if org.fleet.nodes().len() >= self.size.nodes_max {
            return self.operate(org).unwrap_or(Command::Node(ORG, node, NodeCommand::Undrain));
        }
        if self.seed.per_mille(500) && !org.credentials.is_empty() {
            return self.create_cloud_node(node);
        }
        self.new_node(node)
    }

    /// Makes all nodes at once, as many as there may be.
    pub fn settle(&self, server: &Server, clock: &WallClock) {
        for _ in 0..self.size.nodes_max {
            let node = number(&self.seed, NodeId::from_u64);
            self.submit(server, clock, self.new_node(node), None, None);
        }
    }

    fn new_node(&self, node: NodeId) -> Command {
        let token_digest = SecretDigest::from_bytes(bytes(&self.seed));
        let name = format!("n{}", self.seed.number());
        let create = NodeCommand::Create { name, labels: BTreeMap::new(), token_digest };
        Command::Node(ORG, node, create)
    }

    fn operate(&self, org: &Org) -> Option<Command> {
        let nodes: Vec<NodeId> = org.fleet.nodes().map(|(id, _)| id).collect();
        let node = *self.seed.pick(&nodes)?;
        let known = org.fleet.node(node)?;
        let reason = || "because".to_owned();
        if matches!(known.status, NodeStatus::ProvisioningFailed { .. }) && self.seed.per_mille(400) {
            return self.retry(node, known);
        }
        // Machines come and go, as they cost money.
        if known.provision.is_some() && self.seed.per_mille(200) {
            let delete = NodeCommand::Delete { forced: self.seed.per_mille(500), connected: known.is_connected() };
            return Some(Command::Node(ORG, node, delete));
        }
        let command = match self.seed.below(20) {
            0..6 => NodeCommand::Drain { reason: reason() },
            6..10 => NodeCommand::Undrain,
            10..12 => NodeCommand::StartMaintenance { reason: reason() },
            12..16 => NodeCommand::EndMaintenance,
            16..18 => {
                let token_digest = SecretDigest::from_bytes(bytes(&self.seed));
                NodeCommand::RotateToken { token_version: known.token.version + 1, token_digest }
            }
            18 => NodeCommand::Update { name: Some(format!("n{}", self.seed.number())), labels: None },
            _ => NodeCommand::Delete { forced: self.seed.per_mille(300), connected: known.is_connected() },
        };
        Some(Command::Node(ORG, node, command))
    }

    fn spec(&self) -> UnitSpec {
        let cpu_millis = self.seed.per_mille(200).then(|| u32::try_from(self.seed.between(100, 2000)).unwrap_or(100));
        UnitSpec {
            image: "i".into(),
            command: Vec::new(),
            env_names: Vec::new(),
            cpu_millis,
            memory_bytes: None,
            restart: RestartPolicy::No,
        }
    }

    fn spawn(&self, org: &Org) -> Option<Command> {
        if org.workers.len() + org.services.len() >= self.size.units_max {
            return self.change_worker(org);
        }
        let spawn = WorkerCommand::Spawn {
            project: PROJECT,
            name: format!("w{}", self.seed.number()),
            spec: self.spec(),
            labels: BTreeMap::new(),
            node: None,
            operation: number(&self.seed, OperationId::from_u64),
        };
        Some(Command::Worker(ORG, number(&self.seed, WorkerId::from_u64), spawn))
    }

    fn change_worker(&self, org: &Org) -> Option<Command> {
        let workers: Vec<WorkerId> = org.workers.keys().copied().collect();
        let worker = *self.seed.pick(&workers)?;
        let operation = number(&self.seed, OperationId::from_u64);
        let connected = org.fleet.node(org.workers.get(&worker)?.unit.node)?.is_connected();
        let command = match self.seed.below(10) {
            0..3 => WorkerCommand::Stop { operation },
            3..7 => WorkerCommand::Start { operation },
            _ => WorkerCommand::Delete { operation, unheard: !connected && self.seed.per_mille(300) },
        };
        Some(Command::Worker(ORG, worker, command))
    }

    fn deploy(&self, org: &Org) -> Option<Command> {
        if org.workers.len() + org.services.len() >= self.size.units_max {
            return self.change_deployment(org);
        }
        let service = |name: &str| NewService {
            service: number(&self.seed, ServiceId::from_u64),
            name: name.to_owned(),
            spec: self.spec(),
            operation: number(&self.seed, OperationId::from_u64),
        };
        let services = vec![service("web"), service("db")];
        let name = format!("d{}", self.seed.number());
        let create = DeploymentCommand::Create { project: PROJECT, name, services, labels: BTreeMap::new(), node: None };
        Some(Command::Deployment(ORG, number(&self.seed, DeploymentId::from_u64), create))
    }

    fn change_deployment(&self, org: &Org) -> Option<Command> {
        let deployments: Vec<DeploymentId> = org.deployments.keys().copied().collect();
        let deployment = *self.seed.pick(&deployments)?;
        // Orders of its services are numbered from here on, so there must be room after it.
        let operation = OperationId::from_u64(self.seed.number() >> 1);
        let command = match self.seed.below(10) {
            0..3 => DeploymentCommand::Stop { operation },
            3..6 => DeploymentCommand::Start { operation },
            _ => DeploymentCommand::Delete { operation, unheard: false },
        };
        Some(Command::Deployment(ORG, deployment, command))
    }
}
