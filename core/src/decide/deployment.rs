//! Rules of a deployment's life.

use std::collections::BTreeSet;

use super::unit::{check_spec, place};
use super::{Decision, SERVICES_MAX, check_version, find_org};
use crate::command::{DeploymentCommand, NewService, Request};
use crate::event::{
    DeploymentCreated, DeploymentDeleteRequested, DeploymentDeleted, DeploymentStartRequested, DeploymentStopRequested, Event,
    ServiceOrder, ServicePlan,
};
use crate::id::{DeploymentId, OperationId, OrgId};
use crate::name::check_name;
use crate::outcome::Outcome;
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Deployment, Org, Run, State};

pub(super) fn decide(
    state: &State,
    request: &Request,
    id: OrgId,
    deployment: DeploymentId,
    command: &DeploymentCommand,
) -> Result<Decision, Refusal> {
    let org = find_org(state, id)?;
    let stream = StreamId::Deployment(deployment);
    let one = |event: Event| Ok(Decision::nothing().with(Some(id), stream, event));
    if let DeploymentCommand::Create { project, name, services, labels, node } = command {
        check_name("name", name)?;
        check_services(org, services)?;
        if !org.projects.contains_key(project) {
            return Err(Refusal::NotFound("project"));
        }
        if org.deployments.contains_key(&deployment) {
            return Err(Refusal::AlreadyExists("deployment"));
        }
        if org.deployments.values().any(|known| known.project == *project && known.name == *name) {
            return Err(Refusal::NameTaken { what: "deployment of this project", name: name.clone() });
        }
        let receipt = place(state, org, services.iter().map(|service| &service.spec), labels, *node)?;
        let created = DeploymentCreated {
            deployment,
            org: id,
            project: *project,
            name: name.clone(),
            services: services.iter().map(plan).collect(),
            labels: labels.clone(),
            node: receipt.chosen.node,
            receipt,
        };
        return Ok(one(created.into())?.making(Outcome::Deployment(deployment)));
    }
    let known = org.deployments.get(&deployment).ok_or(Refusal::NotFound("deployment"))?;
    check_version(request, known.version)?;
    if known.deleting && !matches!(command, DeploymentCommand::Delete { .. }) {
        return Err(Refusal::WrongState { state: "deleting", advice: "create another one" });
    }
    match command {
        DeploymentCommand::Create { .. } => Err(Refusal::AlreadyExists("deployment")),
        DeploymentCommand::Stop { operation } => {
            let orders = orders(known, *operation, Run::counts);
            if orders.is_empty() { Ok(Decision::nothing()) } else { one(DeploymentStopRequested { deployment, orders }.into()) }
        }
        DeploymentCommand::Start { operation } => {
            let orders = orders(known, *operation, |run| !run.counts());
            if orders.is_empty() { Ok(Decision::nothing()) } else { one(DeploymentStartRequested { deployment, orders }.into()) }
        }
        DeploymentCommand::Delete { unheard: true, .. } => one(DeploymentDeleted { deployment, unheard: true }.into()),
        DeploymentCommand::Delete { operation, .. } => {
            // A removal that failed for some service is asked for again, for those that are left.
            let orders = orders(known, *operation, |run| !matches!(run, Run::Deleting { .. } | Run::Removed));
            if orders.is_empty() { Ok(Decision::nothing()) } else { one(DeploymentDeleteRequested { deployment, orders }.into()) }
        }
    }
}

fn check_services(org: &Org, services: &[NewService]) -> Result<(), Refusal> {
    if !(1..=SERVICES_MAX).contains(&services.len()) {
        return Err(Refusal::OutOfRange("a deployment has 1 to 16 services"));
    }
    let mut names = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for service in services {
        check_name("service name", &service.name)?;
        check_spec(&service.spec)?;
        if !names.insert(&service.name) {
            return Err(Refusal::NameTaken { what: "service of this deployment", name: service.name.clone() });
        }
        if !ids.insert(service.service) || org.services.contains_key(&service.service) {
            return Err(Refusal::AlreadyExists("service"));
        }
    }
    Ok(())
}

fn plan(service: &NewService) -> ServicePlan {
    ServicePlan { service: service.service, name: service.name.clone(), spec: service.spec.clone(), operation: service.operation }
}

/// One order for each service that `wanted` picks. Their ids follow from the first, so that a command carries one id.
fn orders(known: &Deployment, first: OperationId, wanted: impl Fn(&Run) -> bool) -> Vec<ServiceOrder> {
    let picked = known.services.iter().filter(|(_, service)| wanted(&service.unit.run));
    picked
        .zip(0_u64..)
        .map(|((id, _), place)| ServiceOrder { service: *id, operation: OperationId::from_u64(first.as_u64().wrapping_add(place)) })
        .collect()
}
