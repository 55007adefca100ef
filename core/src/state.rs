//! The state: a fold of the log. `apply` is total and cannot fail; it trusts that the log holds only what `decide` allowed.
//!
//! Owns what the rules need to know. Must not know how a decision is taken, stored or shown.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::access::{KeyOwner, Role, Scope};
use crate::command::IDEMPOTENCY_KEY_BYTES_MAX;
use crate::event::Event;
use crate::id::{ApiKeyId, CredentialId, DeploymentId, InvitationId, OrgId, ProjectId, ServiceId, SessionId, UnitId, UserId, WorkerId};
use crate::outcome::Outcome;
use crate::record::{Actor, Principal, Record, StreamId};
use crate::time::Timestamp;
use crate::token::SecretDigest;

mod account;
mod credential;
mod deployment;
mod installation;
mod load;
mod node;
mod provision;
mod unit;
mod worker;

pub use credential::Credential;
pub use deployment::{Deployment, Service};
pub use installation::Restoration;
pub use load::Fleet;
pub(crate) use load::{candidate, rank};
pub use node::{ConnectedAgent, Maintenance, Node, NodeStatus, RefusedConnection, Token};
pub use provision::{Enrolment, FailedAttempt, Machine, Ordered, Provision, Reached, Removal, STAGES_MAX, Stage};
pub use unit::{Order, Run, Task, Unit};
pub use worker::Worker;

/// How long a creating request is remembered by its `Idempotency-Key`.
pub const REQUEST_MEMORY_MS: u64 = 24 * 60 * 60 * 1000;

const _: () = assert!(IDEMPOTENCY_KEY_BYTES_MAX <= 128, "remembered requests are kept in memory for a day");

/// Everything that the rules know, at one place of the log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Sequence of the last event applied; 0 for none.
    pub seq: u64,
    /// Time of the last event applied.
    pub at: Timestamp,
    /// What crosses organisations.
    pub system: System,
    /// Every organisation.
    pub orgs: BTreeMap<OrgId, Org>,
}

/// Users and their sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Events in the system stream so far.
    pub version: u64,
    /// Everybody.
    pub users: BTreeMap<UserId, User>,
    /// Finds a user by the digest of their e-mail address.
    pub emails: BTreeMap<SecretDigest, UserId>,
    /// Who is signed in.
    pub sessions: BTreeMap<SessionId, Session>,
    /// The installation's number where it is not the log's own: after a restore.
    pub installation: Option<u64>,
    /// The restored log that nobody has confirmed yet.
    pub restoration: Option<Restoration>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Version of their profile in the vault.
    pub profile_version: u32,
    /// Version of their password in the vault; none until they set one.
    pub password_version: Option<u32>,
    /// Since when they are known.
    pub created_at: Timestamp,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// Digest of its cookie's secret.
    pub digest: SecretDigest,
    /// Since when.
    pub started_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// An organisation and all it owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Org {
    /// Its name.
    pub name: String,
    /// Events in its own stream so far.
    pub version: u64,
    /// Since when.
    pub created_at: Timestamp,
    /// Who belongs to it.
    pub members: BTreeMap<UserId, Role>,
    /// Links that were not used yet.
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// Its projects.
    pub projects: BTreeMap<ProjectId, Project>,
    /// Its API keys that live.
    pub keys: BTreeMap<ApiKeyId, Key>,
    /// Its credentials at cloud providers.
    pub credentials: BTreeMap<CredentialId, Credential>,
    /// Its nodes, in the order of placement.
    pub fleet: Fleet,
    /// Its workers.
    pub workers: BTreeMap<WorkerId, Worker>,
    /// Finds a worker by project and name.
    pub worker_names: BTreeMap<(ProjectId, String), WorkerId>,
    /// Its deployments.
    pub deployments: BTreeMap<DeploymentId, Deployment>,
    /// Finds the deployment of a service.
    pub services: BTreeMap<ServiceId, DeploymentId>,
    /// Creating requests of the last 24 h.
    pub requests: Requests,
    /// Where each person and key last called from.
    pub addresses: BTreeMap<Actor, String>,
}

/// A link by which an invited person sets a password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// Whom it is for.
    pub user: UserId,
    /// What they become by accepting.
    pub role: Role,
    /// Digest of its secret.
    pub digest: SecretDigest,
    /// When it dies.
    pub expires_at: Timestamp,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Its name, unique in the organisation.
    pub name: String,
    /// Sequence of the last event that changed it: its version for `If-Match`.
    pub version: u64,
    /// Since when.
    pub created_at: Timestamp,
}

/// An API key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// For whom it acts.
    pub owner: KeyOwner,
    /// Digest of its secret.
    pub digest: SecretDigest,
    /// Since when.
    pub created_at: Timestamp,
}

/// Creating requests of the last 24 h, to answer repeats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    by_key: BTreeMap<(Principal, String), Remembered>,
    by_age: BTreeSet<(Timestamp, Principal, String)>,
}

/// What a creating request asked and made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Hash of what it asked.
    pub body_hash: [u8; 32],
    /// What it made.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
}

impl Requests {
    /// What the request with this key made, if it is remembered at `now`.
    #[must_use]
    pub fn find(&self, principal: Principal, key: &str, now: Timestamp) -> Option<&Remembered> {
        self.by_key.get(&(principal, key.to_owned())).filter(|found| now.ms_since(found.at) < REQUEST_MEMORY_MS)
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    fn remember(&mut self, principal: Principal, key: &str, remembered: Remembered) {
        let now = remembered.at;
        if let Some(old) = self.by_key.get(&(principal, key.to_owned())) {
            self.by_age.remove(&(old.at, principal, key.to_owned()));
        }
        self.by_age.insert((now, principal, key.to_owned()));
        self.by_key.insert((principal, key.to_owned()), remembered);
        while let Some((at, ..)) = self.by_age.first()
            && now.ms_since(*at) >= REQUEST_MEMORY_MS
        {
            let (_, principal, key) = self.by_age.pop_first().expect("it was just seen");
            self.by_key.remove(&(principal, key));
        }
    }
}

impl Org {
    pub(crate) fn new(name: String, created_at: Timestamp) -> Self {
        Self {
            name,
            version: 0,
            created_at,
            members: BTreeMap::new(),
            invitations: BTreeMap::new(),
            projects: BTreeMap::new(),
            keys: BTreeMap::new(),
            credentials: BTreeMap::new(),
            fleet: Fleet::default(),
            workers: BTreeMap::new(),
            worker_names: BTreeMap::new(),
            deployments: BTreeMap::new(),
            services: BTreeMap::new(),
            requests: Requests::default(),
            addresses: BTreeMap::new(),
        }
    }

    /// The unit with this id.
    #[must_use]
    pub fn unit(&self, id: UnitId) -> Option<&Unit> {
        match id {
            UnitId::Worker(worker) => self.workers.get(&worker).map(|worker| &worker.unit),
            UnitId::Service(service) => {
                let deployment = self.deployments.get(self.services.get(&service)?)?;
                deployment.services.get(&service).map(|service| &service.unit)
            }
        }
    }
}

impl State {
    /// Events in a stream so far; 0 for a stream that does not exist, or no longer does.
    #[must_use]
    pub fn stream_version(&self, org: Option<OrgId>, stream: StreamId) -> u64 {
        if stream == StreamId::System {
            return self.system.version;
        }
        let Some(org) = org.and_then(|org| self.orgs.get(&org)) else { return 0 };
        let version = match stream {
            StreamId::System => Some(self.system.version),
            StreamId::Org(_) => Some(org.version),
            StreamId::Node(node) => org.fleet.node(node).map(|node| node.version),
            StreamId::Worker(worker) => org.workers.get(&worker).map(|worker| worker.version),
            StreamId::Deployment(deployment) => org.deployments.get(&deployment).map(|deployment| deployment.version),
        };
        version.unwrap_or(0)
    }

    /// Moves the state one event on.
    pub fn apply(&mut self, record: &Record) {
        self.seq = record.seq;
        self.at = record.at;
        match record.org {
            None => {
                self.system.apply(record);
                self.apply_installation(record);
            }
            Some(id) => {
                if let Event::OrgCreated(created) = &record.event {
                    self.orgs.insert(id, Org::new(created.name.clone(), record.at));
                }
                if let Some(org) = self.orgs.get_mut(&id) {
                    org.apply(record);
                }
            }
        }
    }
}

impl Org {
    fn apply(&mut self, record: &Record) {
        match record.stream {
            StreamId::System => {}
            StreamId::Org(_) => {
                self.apply_account(record);
                self.apply_credential(record);
            }
            StreamId::Node(_) => self.fleet.apply(record),
            StreamId::Worker(id) => self.apply_worker(id, record),
            StreamId::Deployment(id) => self.apply_deployment(id, record),
        }
    }
}
