//! What things are called, collected from the events themselves, so that something that is gone can still be named.
//!
//! People's names are in the vault and not in the log: a person is shown by their id.

use std::collections::HashMap;

use crate::event::Event;
use crate::id::{ApiKeyId, CredentialId, DeploymentId, NodeId, OrgId, ProjectId, ServiceId, WorkerId};
use crate::record::{Actor, Record, StreamId};

/// The last name of everything that was ever created.
#[derive(Clone, Debug, Default)]
pub struct Names {
    orgs: HashMap<OrgId, String>,
    projects: HashMap<ProjectId, String>,
    keys: HashMap<ApiKeyId, String>,
    credentials: HashMap<CredentialId, String>,
    nodes: HashMap<NodeId, String>,
    workers: HashMap<WorkerId, String>,
    deployments: HashMap<DeploymentId, String>,
    services: HashMap<ServiceId, String>,
}

fn of<K: std::hash::Hash + Eq + std::fmt::Display>(names: &HashMap<K, String>, id: &K) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_string())
}

impl Names {
    /// Takes in the names that an event gives.
    pub fn observe(&mut self, record: &Record) {
        match &record.event {
            Event::OrgCreated(e) => drop(self.orgs.insert(e.org, e.name.clone())),
            Event::OrgRenamed(e) => drop(self.orgs.insert(e.org, e.name.clone())),
            Event::ProjectCreated(e) => drop(self.projects.insert(e.project, e.name.clone())),
            Event::ProjectRenamed(e) => drop(self.projects.insert(e.project, e.name.clone())),
            Event::ApiKeyCreated(e) => drop(self.keys.insert(e.key, e.name.clone())),
            Event::CredentialAdded(e) => drop(self.credentials.insert(e.credential, e.name.clone())),
            Event::NodeCreated(e) => drop(self.nodes.insert(e.node, e.name.clone())),
            Event::NodeRenamed(e) => drop(self.nodes.insert(e.node, e.name.clone())),
            Event::WorkerCreated(e) => drop(self.workers.insert(e.worker, e.name.clone())),
            Event::DeploymentCreated(e) => {
                self.deployments.insert(e.deployment, e.name.clone());
                self.services.extend(e.services.iter().map(|plan| (plan.service, plan.name.clone())));
            }
            _ => {}
        }
    }

    /// A node's name, or its id where none is known.
    #[must_use]
    pub fn node(&self, id: NodeId) -> String {
        of(&self.nodes, &id)
    }

    /// A worker's name, or its id where none is known.
    #[must_use]
    pub fn worker(&self, id: WorkerId) -> String {
        of(&self.workers, &id)
    }

    /// A deployment's name, or its id where none is known.
    #[must_use]
    pub fn deployment(&self, id: DeploymentId) -> String {
        of(&self.deployments, &id)
    }

    /// A service's name, or its id where none is known.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> String {
        of(&self.services, &id)
    }

    /// A project's name, or its id where none is known.
    #[must_use]
    pub fn project(&self, id: ProjectId) -> String {
        of(&self.projects, &id)
    }

    /// An API key's name, or its id where none is known.
    #[must_use]
    pub fn key(&self, id: ApiKeyId) -> String {
        of(&self.keys, &id)
    }

    /// A credential's name, or its id where none is known.
    #[must_use]
    pub fn credential(&self, id: CredentialId) -> String {
        of(&self.credentials, &id)
    }

    /// An organisation's name, or its id where none is known.
    #[must_use]
    pub fn org(&self, id: OrgId) -> String {
        of(&self.orgs, &id)
    }

    /// What a history is about, with its kind: `node web-1`.
    #[must_use]
    pub fn stream(&self, stream: StreamId) -> String {
        match stream {
            StreamId::System => "system".to_owned(),
            StreamId::Org(id) => format!("org {}", self.org(id)),
            StreamId::Node(id) => format!("node {}", self.node(id)),
            StreamId::Worker(id) => format!("worker {}", self.worker(id)),
            StreamId::Deployment(id) => format!("deployment {}", self.deployment(id)),
        }
    }

    /// Who did something, for people.
    #[must_use]
    pub fn actor(&self, actor: Actor) -> String {
        match actor {
            Actor::System => "the control plane".to_owned(),
            Actor::User(id) => id.to_string(),
            Actor::ApiKey(id) => format!("API key {}", self.key(id)),
            Actor::Node(id) => format!("the agent of {}", self.node(id)),
            Actor::Operator => "the operator".to_owned(),
        }
    }

    /// Every node that was ever known by this name, deleted ones too.
    pub fn nodes_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        self.nodes.iter().filter(move |(_, known)| *known == name).map(|(id, _)| *id)
    }

    /// Every worker that was ever known by this name.
    pub fn workers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = WorkerId> + 'a {
        self.workers.iter().filter(move |(_, known)| *known == name).map(|(id, _)| *id)
    }

    /// Every deployment that was ever known by this name.
    pub fn deployments_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = DeploymentId> + 'a {
        self.deployments.iter().filter(move |(_, known)| *known == name).map(|(id, _)| *id)
    }

    /// Every organisation that was ever known by this name.
    pub fn orgs_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = OrgId> + 'a {
        self.orgs.iter().filter(move |(_, known)| *known == name).map(|(id, _)| *id)
    }
}
