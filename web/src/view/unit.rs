//! Workers, deployments and their services as clients see them.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_actors::board::LiveNode;
use spunto_core::event::{RestartPolicy, UnitStep};
use spunto_core::id::{DeploymentId, NodeId, ProjectId, ServiceId, UnitId, WorkerId};
use spunto_core::place::Receipt;
use spunto_core::protocol::PullProgress;
use spunto_core::state::{Deployment, Org, Run, Unit, Worker};
use spunto_core::time::Timestamp;

use super::past::AsOf;

/// Where a container stands.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the state, documented there")]
#[schemars(rename = "UnitState")]
pub enum RunView {
    Placed,
    /// The node is getting the image: live, not an event.
    Pulling {
        progress: PullProgress,
    },
    Starting,
    Running {
        container: String,
        image_digest: String,
        started_at: Timestamp,
    },
    Restarting {
        code: i64,
        restarts: u32,
    },
    Exited {
        code: i64,
        oom_killed: bool,
        message: String,
        finished_at: Timestamp,
    },
    Failed {
        step: UnitStep,
        message: String,
    },
    Stopping,
    Stopped,
    Lost {
        reason: String,
    },
    Deleting,
    Removed,
}

fn run_view(run: &Run, pull: Option<PullProgress>) -> RunView {
    match (run.clone(), pull) {
        (Run::Placed | Run::Starting, Some(progress)) => RunView::Pulling { progress },
        (Run::Placed, None) => RunView::Placed,
        (Run::Starting, None) => RunView::Starting,
        (Run::Running { container, image_digest, started_at }, _) => RunView::Running { container, image_digest, started_at },
        (Run::Restarting { code, restarts }, _) => RunView::Restarting { code, restarts },
        (Run::Exited(exited), _) => {
            let spunto_core::event::Exited { code, oom_killed, message, finished_at } = exited;
            RunView::Exited { code, oom_killed, message, finished_at }
        }
        (Run::Failed { step, message }, _) => RunView::Failed { step, message },
        (Run::Stopping, _) => RunView::Stopping,
        (Run::Stopped, _) => RunView::Stopped,
        (Run::Lost { reason }, _) => RunView::Lost { reason },
        (Run::Deleting { .. }, _) => RunView::Deleting,
        (Run::Removed, _) => RunView::Removed,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Unit")]
struct UnitView {
    image: String,
    command: Vec<String>,
    env_names: Vec<String>,
    cpu_millis: Option<u32>,
    memory_bytes: Option<u64>,
    restart: RestartPolicy,
    node: NodeId,
    status: RunView,
    since: Timestamp,
    reachable: bool,
}

fn unit_view(org: &Org, id: UnitId, unit: &Unit, live: &LiveNode) -> UnitView {
    let spec = unit.spec.clone();
    UnitView {
        image: spec.image,
        command: spec.command,
        env_names: spec.env_names,
        cpu_millis: spec.cpu_millis,
        memory_bytes: spec.memory_bytes,
        restart: spec.restart,
        node: unit.node,
        status: run_view(&unit.run, live.pulls.get(&id).copied()),
        since: unit.since,
        reachable: org.fleet.node(unit.node).is_some_and(spunto_core::state::Node::is_connected),
    }
}

/// A worker.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Worker")]
pub struct WorkerView {
    id: WorkerId,
    project: ProjectId,
    name: String,
    version: u64,
    created_at: Timestamp,
    #[serde(flatten)]
    unit: UnitView,
    placement: Receipt,
    /// The moment that it is shown as of; absent in what is shown as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

impl WorkerView {
    /// Of this worker; `live` is of its node.
    #[must_use]
    pub fn new(org: &Org, id: WorkerId, worker: &Worker, live: &LiveNode) -> Self {
        Self {
            id,
            project: worker.project,
            name: worker.name.clone(),
            version: worker.version,
            created_at: worker.created_at,
            unit: unit_view(org, UnitId::Worker(id), &worker.unit, live),
            placement: worker.receipt.clone(),
            as_of: None,
        }
    }

    /// Of this worker as it was.
    #[must_use]
    pub fn then(org: &Org, id: WorkerId, worker: &Worker, as_of: Option<AsOf>) -> Self {
        Self { as_of, ..Self::new(org, id, worker, &LiveNode::default()) }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Service")]
struct ServiceView {
    id: ServiceId,
    name: String,
    #[serde(flatten)]
    unit: UnitView,
}

/// A deployment.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deployment")]
pub struct DeploymentView {
    id: DeploymentId,
    project: ProjectId,
    name: String,
    version: u64,
    created_at: Timestamp,
    node: NodeId,
    deleting: bool,
    services: Vec<ServiceView>,
    placement: Receipt,
    /// The moment that it is shown as of; absent in what is shown as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

impl DeploymentView {
    /// Of this deployment; `live` is of its node.
    #[must_use]
    pub fn new(org: &Org, id: DeploymentId, deployment: &Deployment, live: &LiveNode) -> Self {
        let services = deployment.services.iter().map(|(id, service)| ServiceView {
            id: *id,
            name: service.name.clone(),
            unit: unit_view(org, UnitId::Service(*id), &service.unit, live),
        });
        Self {
            id,
            project: deployment.project,
            name: deployment.name.clone(),
            version: deployment.version,
            created_at: deployment.created_at,
            node: deployment.node,
            deleting: deployment.deleting,
            services: services.collect(),
            placement: deployment.receipt.clone(),
            as_of: None,
        }
    }

    /// Of this deployment as it was.
    #[must_use]
    pub fn then(org: &Org, id: DeploymentId, deployment: &Deployment, as_of: Option<AsOf>) -> Self {
        Self { as_of, ..Self::new(org, id, deployment, &LiveNode::default()) }
    }
}
