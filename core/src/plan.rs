//! What a node still has to do, and what its inventory means: from state to intents, without doing any of it.
//!
//! Must not know sessions or frames' order; whoever executes an intent may be killed and ask again.

use crate::planted::{self, Bug};
use std::collections::BTreeSet;

use crate::command::AgentReport;
use crate::event::{Lost, UnitSpec};
use crate::id::{DeploymentId, NodeId, OperationId, UnitId};
use crate::observe::Observed;
use crate::protocol::{Found, Network};
use crate::state::{Order, Org, Run, Unit};

pub mod provision;

/// An order that a node has not answered, with all that is needed to send it (but the values of the environment).
#[derive(Clone, Debug, PartialEq)]
pub struct OpenOrder<'a> {
    /// For which unit.
    pub unit: UnitId,
    /// The order.
    pub order: Order,
    /// The unit's name.
    pub name: &'a str,
    /// What to run.
    pub spec: &'a UnitSpec,
    /// Where it lives.
    pub network: Network,
}

/// A unit by its id, with its name and its deployment.
fn find(org: &Org, id: UnitId) -> Option<(&Unit, &str, Option<DeploymentId>)> {
    match id {
        UnitId::Worker(worker) => org.workers.get(&worker).map(|worker| (&worker.unit, worker.name.as_str(), None)),
        UnitId::Service(service) => {
            let deployment = *org.services.get(&service)?;
            let service = org.deployments.get(&deployment)?.services.get(&service)?;
            Some((&service.unit, service.name.as_str(), Some(deployment)))
        }
    }
}

/// The orders that a node has not answered yet, in the order of its units.
pub fn open_orders(org: &Org, node: NodeId) -> impl Iterator<Item = OpenOrder<'_>> {
    let units = org.fleet.node(node).into_iter().flat_map(|node| node.units.iter());
    units.filter_map(|id| {
        let (unit, name, deployment) = find(org, *id)?;
        let network = match deployment {
            None => Network::Own,
            Some(deployment) => Network::Deployment { deployment, alias: name.to_owned() },
        };
        Some(OpenOrder { unit: *id, order: unit.pending?, name, spec: &unit.spec, network })
    })
}

/// Whether a container of this unit should be running now.
const fn should_run(unit: &Unit) -> bool {
    matches!(unit.run, Run::Running { .. } | Run::Restarting { .. }) && unit.pending.is_none()
}

/// What a complete inventory says.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// To be decided; most repeat what the log knows and come to nothing.
    pub reports: Vec<AgentReport>,
    /// Containers that belong to nothing, to be removed.
    pub orphans: Vec<Found>,
}

/// Compares what a node's engine holds with what the log says. `found` is the complete inventory, all pages of it.
#[must_use]
pub fn compare(org: &Org, node: NodeId, found: &[Found]) -> Findings {
    let mut findings = Findings::default();
    let mut seen = BTreeSet::new();
    let kept = org.fleet.node(node).map(|node| &node.kept);
    for container in found {
        let unit = container.unit.parse::<UnitId>().ok();
        let known = unit.and_then(|id| find(org, id)).filter(|(known, ..)| known.node == node && known.run != Run::Removed);
        match (unit, known, container.operation.parse::<OperationId>()) {
            // One that was made and never ran is not the one that should be running; that one is lost.
            (Some(_), Some((known, ..)), Ok(_)) if should_run(known) && container.observed == Observed::Stopped => {}
            (Some(unit), Some(_), Ok(operation)) => {
                seen.insert(unit);
                let observed = container.observed.clone();
                findings.reports.push(AgentReport::Observed { unit, operation, observed });
            }
            // A removed service of a living deployment, or a unit that was deleted while nobody could be told.
            _ if planted::is(Bug::OrphanKept) => {}
            _ if kept.is_some_and(|kept| kept.contains(&container.container)) => {}
            _ => findings.orphans.push(container.clone()),
        }
    }
    for unit in org.fleet.node(node).into_iter().flat_map(|node| node.units.iter()) {
        let Some((known, ..)) = find(org, *unit) else { continue };
        if should_run(known) && !planted::is(Bug::LossUntold) && !seen.contains(unit) {
            let lost = Lost { reason: "its container is no longer on the node; it was removed by hand, or with Docker's data".to_owned() };
            // No order made this known, so none is named: 0 is the id of no order.
            let operation = OperationId::from_u64(0);
            findings.reports.push(AgentReport::Observed { unit: *unit, operation, observed: Observed::Lost(lost) });
        }
    }
    findings
}
