//! Payloads of units: containers that we asked a node to run, as workers or as services of a deployment.
//!
//! Both kinds tell the same story about their container; that shared part is [`Started`], [`Failed`], … so that one fold serves both.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{DeploymentId, NodeId, OperationId, OrgId, ProjectId, ServiceId, WorkerId};
use crate::place::Receipt;
use crate::time::Timestamp;

/// When Docker starts a container again by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// After a failure, so many times.
    OnFailure {
        /// Attempts before Docker gives up.
        max_retries: u32,
    },
    /// Always, a stop by hand included once the engine starts again.
    Always,
    /// Always, unless it was stopped by hand.
    UnlessStopped,
}

/// What to run. Values of environment variables are in the vault; here are their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitSpec {
    /// Image reference.
    pub image: String,
    /// Command and arguments; empty means the image's own.
    pub command: Vec<String>,
    /// Names of environment variables, sorted.
    pub env_names: Vec<String>,
    /// CPU limit in thousandths of a core; none means no limit.
    pub cpu_millis: Option<u32>,
    /// Memory limit in bytes; none means no limit.
    pub memory_bytes: Option<u64>,
    /// When Docker starts it again.
    pub restart: RestartPolicy,
}

/// A worker was asked for and placed; its node is to run it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerCreated {
    /// The new worker.
    pub worker: WorkerId,
    /// Where.
    pub org: OrgId,
    /// Of which project.
    pub project: ProjectId,
    /// Its name, unique in the project.
    pub name: String,
    /// What to run.
    pub spec: UnitSpec,
    /// Labels that the node had to carry.
    pub labels: BTreeMap<String, String>,
    /// The chosen node.
    pub node: NodeId,
    /// The order given to the node.
    pub operation: OperationId,
    /// Why this node.
    pub receipt: Receipt,
}

/// The container runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Started {
    /// The order it answers.
    pub operation: OperationId,
    /// The container's id.
    pub container: String,
    /// Digest or id of the image that runs.
    pub image_digest: String,
    /// When, by the node's clock.
    pub started_at: Timestamp,
}

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitStep {
    /// Getting the image.
    PullImage,
    /// Making the network.
    CreateNetwork,
    /// Making the container.
    CreateContainer,
    /// Starting the container.
    StartContainer,
    /// Stopping the container.
    StopContainer,
    /// Removing the container or its network.
    Remove,
}

/// An order could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// The order.
    pub operation: OperationId,
    /// What was being done.
    pub step: UnitStep,
    /// Docker's own words.
    pub message: String,
}

/// The container ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exited {
    /// Exit code.
    pub code: i64,
    /// Whether the kernel ended it for want of memory.
    pub oom_killed: bool,
    /// Docker's own words, often empty.
    pub message: String,
    /// When, by the node's clock.
    pub finished_at: Timestamp,
}

/// The container ended and Docker starts it again, as its policy says. At most one event in 30 s tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restarting {
    /// Exit code of the last run.
    pub code: i64,
    /// How often Docker has started it again so far.
    pub restarts: u32,
}

/// Why a container can't be found any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// In plain words.
    pub reason: String,
}

macro_rules! told_of_worker {
    ($($(#[$doc:meta])* $name:ident { $field:ident : $payload:ty })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// Which worker.
            pub worker: WorkerId,
            /// What happened to its container.
            pub $field: $payload,
        })*
    };
}

told_of_worker! {
    /// A worker's container runs.
    WorkerStarted { run: Started }
    /// A worker's order failed.
    WorkerFailed { run: Failed }
    /// A worker's container ended.
    WorkerExited { run: Exited }
    /// A worker's container is started again by Docker.
    WorkerRestarting { run: Restarting }
    /// A worker's container is gone without our doing.
    WorkerLost { run: Lost }
}

macro_rules! ordered_of_worker {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// Which worker.
            pub worker: WorkerId,
            /// The order given to the node, or the one that is answered.
            pub operation: OperationId,
        })*
    };
}

ordered_of_worker! {
    /// Somebody wants a worker stopped.
    WorkerStopRequested
    /// The worker's container stands still, as asked.
    WorkerStopped
    /// Somebody wants a worker to run again.
    WorkerStartRequested
    /// Somebody wants a worker gone.
    WorkerDeleteRequested
}

/// A worker is gone, container and all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerDeleted {
    /// Which worker.
    pub worker: WorkerId,
    /// Whether that happened without hearing from its node (a container left there is removed when the node is back).
    pub unheard: bool,
}

/// One container of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServicePlan {
    /// The service.
    pub service: ServiceId,
    /// Its name: unique in the deployment, and how the others reach it.
    pub name: String,
    /// What to run.
    pub spec: UnitSpec,
    /// The order given to the node.
    pub operation: OperationId,
}

/// A deployment was asked for and placed; all its services run on one node, on one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentCreated {
    /// The new deployment.
    pub deployment: DeploymentId,
    /// Where.
    pub org: OrgId,
    /// Of which project.
    pub project: ProjectId,
    /// Its name, unique in the project.
    pub name: String,
    /// Its containers.
    pub services: Vec<ServicePlan>,
    /// Labels that the node had to carry.
    pub labels: BTreeMap<String, String>,
    /// The chosen node.
    pub node: NodeId,
    /// Why this node.
    pub receipt: Receipt,
}

/// An order for one service of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceOrder {
    /// Which service.
    pub service: ServiceId,
    /// The order.
    pub operation: OperationId,
}

macro_rules! ordered_of_deployment {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// Which deployment.
            pub deployment: DeploymentId,
            /// The orders given, one a service.
            pub orders: Vec<ServiceOrder>,
        })*
    };
}

ordered_of_deployment! {
    /// Somebody wants a deployment stopped.
    DeploymentStopRequested
    /// Somebody wants a deployment to run again.
    DeploymentStartRequested
    /// Somebody wants a deployment gone.
    DeploymentDeleteRequested
}

/// A deployment is gone, containers, network and all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeploymentDeleted {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// Whether that happened without hearing from its node.
    pub unheard: bool,
}

macro_rules! told_of_service {
    ($($(#[$doc:meta])* $name:ident { $field:ident : $payload:ty })*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct $name {
            /// Of which deployment.
            pub deployment: DeploymentId,
            /// Which service.
            pub service: ServiceId,
            /// What happened to its container.
            pub $field: $payload,
        })*
    };
}

told_of_service! {
    /// A service's container runs.
    ServiceStarted { run: Started }
    /// A service's order failed.
    ServiceFailed { run: Failed }
    /// A service's container ended.
    ServiceExited { run: Exited }
    /// A service's container is started again by Docker.
    ServiceRestarting { run: Restarting }
    /// A service's container stands still, as asked.
    ServiceStopped { operation: OperationId }
    /// A service's container is removed, as asked.
    ServiceRemoved { operation: OperationId }
    /// A service's container is gone without our doing.
    ServiceLost { run: Lost }
}
