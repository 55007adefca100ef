//! Shapes of payloads that are no longer written, frozen, each with the way to the next one.

use serde::Deserialize;
use spunto_core::event::{DeploymentCreated, Event, ServicePlan, UnitSpec, WorkerCreated};
use spunto_core::id::{DeploymentId, NodeId, OperationId, OrgId, ProjectId, WorkerId};
use spunto_core::place::Receipt;

use super::{DecodeFault, read};

/// The version in which a kind is written today.
pub(super) const fn newest(kind: u16) -> u16 {
    match kind {
        200 | 300 => 2,
        _ => 1,
    }
}

/// Decodes a kind of which there is more than one version; none when there is only the first.
pub(super) fn decode(kind: u16, version: u16, bytes: &[u8]) -> Option<Result<Event, DecodeFault>> {
    let event = match (kind, version) {
        (200, 1) => read::<WorkerCreatedV1>(bytes).map(|old| WorkerCreated::from(old).into()),
        (200, 2) => read(bytes).map(Event::WorkerCreated),
        (300, 1) => read::<DeploymentCreatedV1>(bytes).map(|old| DeploymentCreated::from(old).into()),
        (300, 2) => read(bytes).map(Event::DeploymentCreated),
        (200 | 300, _) => Err(DecodeFault::Unknown),
        _ => return None,
    };
    Some(event)
}

/// `worker.created` until 2026-11-25: without the labels that were asked for, so that a decision could not be taken again from the log.
#[derive(Deserialize)]
struct WorkerCreatedV1 {
    worker: WorkerId,
    org: OrgId,
    project: ProjectId,
    name: String,
    spec: UnitSpec,
    node: NodeId,
    operation: OperationId,
    receipt: Receipt,
}

impl From<WorkerCreatedV1> for WorkerCreated {
    fn from(old: WorkerCreatedV1) -> Self {
        let WorkerCreatedV1 { worker, org, project, name, spec, node, operation, receipt } = old;
        Self { worker, org, project, name, spec, labels: Default::default(), node, operation, receipt }
    }
}

/// `deployment.created` until 2026-11-25: without the labels that were asked for.
#[derive(Deserialize)]
struct DeploymentCreatedV1 {
    deployment: DeploymentId,
    org: OrgId,
    project: ProjectId,
    name: String,
    services: Vec<ServicePlan>,
    node: NodeId,
    receipt: Receipt,
}

impl From<DeploymentCreatedV1> for DeploymentCreated {
    fn from(old: DeploymentCreatedV1) -> Self {
        let DeploymentCreatedV1 { deployment, org, project, name, services, node, receipt } = old;
        Self { deployment, org, project, name, services, labels: Default::default(), node, receipt }
    }
}
