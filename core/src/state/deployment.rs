//! Folds a deployment's life: services on one node, on one network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Org, Unit};
use crate::event::{DeploymentCreated, Event, ServiceOrder};
use crate::id::{DeploymentId, NodeId, OperationId, ProjectId, ServiceId, UnitId};
use crate::place::Receipt;
use crate::record::Record;
use crate::time::Timestamp;

/// A group of services that reach one another by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// Of which project.
    pub project: ProjectId,
    /// Its name, unique in the project.
    pub name: String,
    /// Events in its stream so far.
    pub version: u64,
    /// Since when.
    pub created_at: Timestamp,
    /// Where all its services run.
    pub node: NodeId,
    /// Why there.
    pub receipt: Receipt,
    /// Whether somebody asked for its removal.
    pub deleting: bool,
    /// Its services.
    pub services: BTreeMap<ServiceId, Service>,
}

/// One container of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// Its name, unique in the deployment, and its host name there.
    pub name: String,
    /// Its container.
    pub unit: Unit,
}

impl Org {
    pub(super) fn apply_deployment(&mut self, id: DeploymentId, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::DeploymentCreated(e) => return self.deployment_created(id, e, record),
            Event::DeploymentDeleted(_) => {
                let Some(deployment) = self.deployments.remove(&id) else { return };
                for (service, was) in &deployment.services {
                    self.services.remove(service);
                    self.fleet.leave(UnitId::Service(*service), &was.unit);
                }
                return;
            }
            _ => {}
        }
        if let Some(deployment) = self.deployments.get_mut(&id) {
            deployment.version = record.stream_version;
        }
        match &record.event {
            Event::DeploymentStopRequested(e) => self.each_service(id, &e.orders, |unit, operation| unit.order_stop(operation, at)),
            Event::DeploymentStartRequested(e) => self.each_service(id, &e.orders, |unit, operation| unit.order_start(operation, at)),
            Event::DeploymentDeleteRequested(e) => {
                if let Some(deployment) = self.deployments.get_mut(&id) {
                    deployment.deleting = true;
                }
                self.each_service(id, &e.orders, |unit, operation| unit.order_remove(operation, at));
            }
            Event::ServiceStarted(e) => self.service(id, e.service, |unit| unit.started(&e.run, at)),
            Event::ServiceFailed(e) => self.service(id, e.service, |unit| unit.failed(&e.run, at)),
            Event::ServiceExited(e) => self.service(id, e.service, |unit| unit.exited(&e.run, at)),
            Event::ServiceRestarting(e) => self.service(id, e.service, |unit| unit.restarting(&e.run, at)),
            Event::ServiceStopped(e) => self.service(id, e.service, |unit| unit.stopped(at)),
            Event::ServiceRemoved(e) => self.service(id, e.service, |unit| unit.removed(at)),
            Event::ServiceLost(e) => self.service(id, e.service, |unit| unit.lost(&e.run, at)),
            _ => {}
        }
    }

    fn deployment_created(&mut self, id: DeploymentId, e: &DeploymentCreated, record: &Record) {
        let mut services = BTreeMap::new();
        for plan in &e.services {
            let unit = Unit::placed(e.node, plan.spec.clone(), plan.operation, record.at);
            self.fleet.enter(UnitId::Service(plan.service), &unit, record.seq);
            self.services.insert(plan.service, id);
            services.insert(plan.service, Service { name: plan.name.clone(), unit });
        }
        let deployment = Deployment {
            project: e.project,
            name: e.name.clone(),
            version: record.stream_version,
            created_at: record.at,
            node: e.node,
            receipt: e.receipt.clone(),
            deleting: false,
            services,
        };
        self.deployments.insert(id, deployment);
    }

    fn each_service(&mut self, id: DeploymentId, orders: &[ServiceOrder], change: impl Fn(&mut Unit, OperationId)) {
        for order in orders {
            self.service(id, order.service, |unit| change(unit, order.operation));
        }
    }

    fn service(&mut self, id: DeploymentId, service: ServiceId, change: impl FnOnce(&mut Unit)) {
        let Some(found) = self.deployments.get_mut(&id).and_then(|deployment| deployment.services.get_mut(&service)) else { return };
        let counted = found.unit.run.counts();
        change(&mut found.unit);
        self.fleet.recount(&found.unit, counted);
    }
}
