//! What a command made: the ids that a first reply named, so that a repeated request can name them again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ApiKeyId, CredentialId, DeploymentId, InvitationId, NodeId, OrgId, ProjectId, SessionId, UserId, WorkerId};

/// The thing that a command created, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing new.
    Done,
    /// This organisation.
    Org(OrgId),
    /// This user.
    User(UserId),
    /// This session.
    Session(SessionId),
    /// This invitation of this user.
    Invitation(InvitationId, UserId),
    /// This project.
    Project(ProjectId),
    /// This API key.
    ApiKey(ApiKeyId),
    /// This node.
    Node(NodeId),
    /// This worker.
    Worker(WorkerId),
    /// This deployment.
    Deployment(DeploymentId),
    /// A session of this node with this epoch.
    Epoch(u64),
    /// This credential.
    Credential(CredentialId),
}
