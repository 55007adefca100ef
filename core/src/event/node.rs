//! Payloads of a node's life.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{NodeId, OrgId};
use crate::token::SecretDigest;

/// How a machine becomes this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Somebody pastes the command on a server.
    Manual,
    /// A cloud makes it; which one, the request to provision says.
    Cloud,
}

/// What a machine says of itself when its agent connects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MachineFacts {
    /// The machine's name.
    pub hostname: String,
    /// Operating system, for people.
    pub os: String,
    /// Kernel release.
    pub kernel: String,
    /// CPU architecture, e.g. `x86_64`.
    pub arch: String,
    /// Logical CPUs.
    pub cpus: u32,
    /// RAM in bytes.
    pub memory_bytes: u64,
    /// Size of the disk that holds containers, in bytes.
    pub disk_bytes: u64,
    /// Docker Engine's version.
    pub docker_version: String,
    /// Docker API's version, e.g. `1.41`.
    pub docker_api: String,
}

/// A node is known and its command was shown; nothing has connected yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeCreated {
    /// The new node.
    pub node: NodeId,
    /// Where.
    pub org: OrgId,
    /// Its name, unique in the organisation.
    pub name: String,
    /// How a machine becomes it.
    pub provider: Provider,
    /// Labels for placement.
    pub labels: BTreeMap<String, String>,
    /// Digest of version 1 of its token.
    pub token_digest: SecretDigest,
}

/// An agent's session was accepted. Ends a drain; the epoch fences every earlier session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOnline {
    /// Which.
    pub node: NodeId,
    /// Number of this session, growing by one.
    pub epoch: u64,
    /// The agent process, so that its own reconnect is told from a second agent.
    pub instance: u64,
    /// The agent's version.
    pub agent_version: String,
    /// The protocol's version spoken.
    pub protocol: u32,
    /// Where it called from.
    pub address: String,
    /// The machine.
    pub facts: MachineFacts,
}

/// Why a node is no longer connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfflineReason {
    /// The connection was closed.
    ConnectionClosed,
    /// No answer to a ping for 8 s.
    NoAnswer,
    /// Its token was rotated.
    TokenRotated,
    /// The agent said goodbye (its container was stopped).
    AgentStopped,
    /// The agent broke the protocol or read too slowly.
    ProtocolError,
    /// The server started again and the agent did not come back in time.
    ServerRestarted,
}

/// A node's session ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOffline {
    /// Which.
    pub node: NodeId,
    /// The session that ended.
    pub epoch: u64,
    /// Why.
    pub reason: OfflineReason,
}

/// Nothing new is placed here until the agent connects again or somebody ends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDraining {
    /// Which.
    pub node: NodeId,
    /// In the words of who asked.
    pub reason: String,
}

/// Somebody ended the drain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeUndrained {
    /// Which.
    pub node: NodeId,
}

/// Nothing new is placed here until somebody says so, whatever happens to connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMaintenanceStarted {
    /// Which.
    pub node: NodeId,
    /// In the words of who asked.
    pub reason: String,
}

/// Maintenance is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMaintenanceEnded {
    /// Which.
    pub node: NodeId,
}

/// The old token is dead from here on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeTokenRotated {
    /// Which.
    pub node: NodeId,
    /// The new token's version.
    pub token_version: u32,
    /// Digest of the new token.
    pub token_digest: SecretDigest,
}

/// A node has another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeRenamed {
    /// Which.
    pub node: NodeId,
    /// The name from now on.
    pub name: String,
}

/// A node has other labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeLabelsChanged {
    /// Which.
    pub node: NodeId,
    /// All labels from now on.
    pub labels: BTreeMap<String, String>,
}

/// Why an agent was not let in. New reasons stand last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionRefusal {
    /// The token is an earlier one: it was rotated.
    TokenRotated,
    /// The token is not this node's.
    WrongToken,
    /// Another agent with the same token is connected and answers.
    AlreadyConnected,
    /// The agent speaks no protocol that we speak.
    UnsupportedProtocol,
    /// The enrolment token is not this attempt's.
    WrongEnrolment,
    /// The enrolment token was traded by another installation, or is no longer needed.
    EnrolmentUsed,
    /// The enrolment token's time is over.
    EnrolmentExpired,
    /// The machine is being removed at its provider.
    MachineRemoved,
}

/// Somebody tried to connect as this node and was refused. At most one per reason, address and hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeConnectionRefused {
    /// Which.
    pub node: NodeId,
    /// Why.
    pub reason: ConnectionRefusal,
    /// From where.
    pub address: String,
    /// How many attempts this event stands for: this one and those since the last event of its sort.
    pub count: u32,
}

/// The node is being taken down; nothing is placed on it any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDeletionStarted {
    /// Which.
    pub node: NodeId,
    /// Whether its workers go with it.
    pub forced: bool,
}

/// The node is gone, and every credential of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeDeleted {
    /// Which.
    pub node: NodeId,
}

/// Whether a worker's network on this node can reach what it must not. Appended when the answer changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Nothing forbidden answered.
    Isolated,
    /// These forbidden destinations answered.
    Reachable {
        /// In words, e.g. `metadata service 169.254.169.254`.
        destinations: Vec<String>,
    },
    /// The probe could not run.
    NotProbed {
        /// Why, in the agent's words.
        reason: String,
    },
}

/// The agent probed its workers' isolation and the answer is new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeIsolationProbed {
    /// Which.
    pub node: NodeId,
    /// The answer.
    pub isolation: Isolation,
}

/// A container with this node's label was found that belongs to nothing we know; it is removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeOrphanFound {
    /// Which.
    pub node: NodeId,
    /// The container's unit label, as found.
    pub unit: String,
    /// The container.
    pub container: String,
}

/// After a restore: containers of this node that the log does not know, and that stay all the same until somebody removes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeContainersKept {
    /// Which.
    pub node: NodeId,
    /// The containers.
    pub containers: Vec<String>,
}
