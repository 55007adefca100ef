//! Shapes that were written once and are no longer: frozen, each with its way to the next.

use serde::{Deserialize, Serialize};
use spunto_core::event::{DeploymentCreated, Event, NodeProvisioningFailed, ProvisionErrorClass, ProvisionFailure, ProvisionStep};
use spunto_core::event::{ServicePlan, UnitSpec, WorkerCreated};
use spunto_core::id::{DeploymentId, NodeId, OperationId, OrgId, ProjectId, WorkerId};
use spunto_core::place::Receipt;

use super::{DecodeFault, read};

/// Version of the newest shape of a kind.
pub(super) const fn newest(kind: u16) -> u16 {
    match kind {
        // 2: the provider's code, request and alternatives, what to do, and what became of the machine.
        101 => 2,
        // 2: the labels that were asked for.
        200 | 300 => 2,
        _ => 1,
    }
}

/// The event that bytes of an older shape tell of; none where the shape is no older one.
pub(super) fn decode_old(kind: u16, version: u16, bytes: &[u8]) -> Option<Result<Event, DecodeFault>> {
    match (kind, version) {
        (101, 1) => Some(read(bytes).map(|old: NodeProvisioningFailedV1| Event::NodeProvisioningFailed(old.into()))),
        (200, 1) => Some(read(bytes).map(|old: WorkerCreatedV1| Event::WorkerCreated(old.into()))),
        (300, 1) => Some(read(bytes).map(|old: DeploymentCreatedV1| Event::DeploymentCreated(old.into()))),
        _ => None,
    }
}

/// `node.provisioning_failed`, version 1: of a time before clouds made machines.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeProvisioningFailedV1 {
    node: NodeId,
    attempt: u32,
    step: ProvisionStep,
    class: ProvisionErrorClass,
    message: String,
}

impl From<NodeProvisioningFailedV1> for NodeProvisioningFailed {
    fn from(old: NodeProvisioningFailedV1) -> Self {
        let (code, next_step) = (String::new(), String::new());
        let failure =
            ProvisionFailure { class: old.class, message: old.message, code, request_id: None, next_step, alternatives: Vec::new() };
        Self { node: old.node, attempt: old.attempt, step: old.step, failure, nothing_made: true, kept_until: None }
    }
}

/// `worker.created` until 2026-11-25: without the labels that were asked for, so that a decision could not be taken again from the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WorkerCreatedV1 {
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
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeploymentCreatedV1 {
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
