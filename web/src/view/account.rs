//! Organisations, members, projects and keys as clients see them.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_core::access::{KeyOwner, Role, Scope};
use spunto_core::id::{ApiKeyId, OrgId, ProjectId, UserId};
use spunto_core::state::{Key, Org, Project};
use spunto_core::time::Timestamp;

/// An organisation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Org")]
pub struct OrgView {
    id: OrgId,
    name: String,
    version: u64,
    created_at: Timestamp,
    role: Role,
    nodes: usize,
    nodes_online: usize,
    workers: usize,
    deployments: usize,
}

impl OrgView {
    /// Of this organisation, seen by somebody with this role.
    #[must_use]
    pub fn new(id: OrgId, org: &Org, role: Role) -> Self {
        Self {
            id,
            name: org.name.clone(),
            version: org.version,
            created_at: org.created_at,
            role,
            nodes: org.fleet.nodes().len(),
            nodes_online: org.fleet.nodes().filter(|(_, node)| node.is_connected()).count(),
            workers: org.workers.len(),
            deployments: org.deployments.len(),
        }
    }
}

/// A member; name and address come from the vault.
#[derive(Serialize, JsonSchema)]
#[expect(missing_docs, reason = "said by the names")]
#[schemars(rename = "Member")]
pub struct MemberView {
    pub user: UserId,
    pub role: Role,
    pub name: String,
    pub email: String,
    /// Whether they have not yet set a password.
    pub invited: bool,
}

/// A project.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Project")]
pub struct ProjectView {
    id: ProjectId,
    name: String,
    version: u64,
    created_at: Timestamp,
}

impl ProjectView {
    /// Of this project.
    #[must_use]
    pub fn new(id: ProjectId, project: &Project) -> Self {
        Self { id, name: project.name.clone(), version: project.version, created_at: project.created_at }
    }
}

/// An API key, without its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Key")]
pub struct KeyView {
    id: ApiKeyId,
    name: String,
    scopes: Vec<Scope>,
    owner: KeyOwner,
    fingerprint: String,
    created_at: Timestamp,
}

impl KeyView {
    /// Of this key.
    #[must_use]
    pub fn new(id: ApiKeyId, key: &Key) -> Self {
        Self {
            id,
            name: key.name.clone(),
            scopes: key.scopes.clone(),
            owner: key.owner,
            fingerprint: key.digest.fingerprint(),
            created_at: key.created_at,
        }
    }
}
