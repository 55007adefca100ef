//! Rules of what an agent says: which observations are news, and which only repeat what the log knows.

use super::Decision;
use crate::command::AgentReport;
use crate::event::{
    DeploymentDeleted, Event, Failed, NodeIsolationProbed, NodeOrphanFound, ServiceExited, ServiceFailed, ServiceLost, ServiceRemoved,
    ServiceRestarting, ServiceStarted, ServiceStopped, Started, WorkerDeleted, WorkerExited, WorkerFailed, WorkerLost, WorkerRestarting,
    WorkerStarted, WorkerStopped,
};
use crate::id::{DeploymentId, NodeId, OperationId, OrgId, ServiceId, UnitId};
use crate::observe::Observed;
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{NodeStatus, Org, Run, Task, Unit};

/// Longest message of Docker's that is kept, in bytes; the rest is cut off with a mark.
pub(super) const MESSAGE_BYTES_MAX: usize = 2000;

pub(super) fn decide(org: &Org, id: OrgId, node: NodeId, epoch: u64, report: &AgentReport) -> Result<Decision, Refusal> {
    let known = org.fleet.node(node).ok_or(Refusal::NotFound("node"))?;
    // What is told after the end of its session was noted is told again in the next one.
    let over = !known.is_connected() && !matches!(known.status, NodeStatus::Deleting { .. });
    if epoch != known.epoch || over {
        return Err(Refusal::StaleEpoch { epoch, current: known.epoch });
    }
    match report {
        AgentReport::Observed { unit, operation, observed } => {
            let found = org.unit(*unit).filter(|found| found.node == node).ok_or(Refusal::NotThisNodes)?;
            if is_news(found, *operation, observed) { Ok(record(org, id, *unit, *operation, observed)) } else { Ok(Decision::nothing()) }
        }
        AgentReport::Isolation(isolation) if known.isolation.as_ref() == Some(isolation) => Ok(Decision::nothing()),
        AgentReport::Isolation(isolation) => {
            let probed = NodeIsolationProbed { node, isolation: isolation.clone() };
            Ok(Decision::nothing().with(Some(id), StreamId::Node(node), probed))
        }
        AgentReport::Orphan { unit, container } => {
            let found = NodeOrphanFound { node, unit: cut(unit), container: cut(container) };
            Ok(Decision::nothing().with(Some(id), StreamId::Node(node), found))
        }
    }
}

/// An observation is news when it answers the order that is open, or, with none open, differs from what is known.
///
/// While an order is open, other observations are of the time before it: an exit that happened before a start must not undo the start.
fn is_news(unit: &Unit, operation: OperationId, observed: &Observed) -> bool {
    if let Some(order) = unit.pending {
        let answers = order.operation == operation;
        return answers
            && match observed {
                Observed::Failed { .. } => true,
                Observed::Started { .. } | Observed::Restarting(_) | Observed::Exited(_) => matches!(order.task, Task::Run | Task::Start),
                Observed::Stopped => order.task == Task::Stop,
                Observed::Removed => order.task == Task::Remove,
                Observed::Lost(_) => false,
            };
    }
    match (observed, &unit.run) {
        (Observed::Failed { .. } | Observed::Stopped | Observed::Removed, _) => false,
        (Observed::Started { container, started_at, .. }, Run::Running { container: known, started_at: since, .. }) => {
            container != known || started_at != since
        }
        (Observed::Exited(exited), Run::Exited(known)) => exited != known,
        // The exit of a container that we stopped is no news.
        (Observed::Exited(_), Run::Stopped) => false,
        (Observed::Restarting(now), Run::Restarting { restarts, .. }) => now.restarts != *restarts,
        (Observed::Lost(_), Run::Lost { .. } | Run::Failed { .. } | Run::Removed) => false,
        _ => true,
    }
}

fn record(org: &Org, id: OrgId, unit: UnitId, operation: OperationId, observed: &Observed) -> Decision {
    match unit {
        UnitId::Worker(worker) => {
            let event: Event = match observed.clone() {
                Observed::Started { container, image_digest, started_at } => {
                    WorkerStarted { worker, run: Started { operation, container, image_digest, started_at } }.into()
                }
                Observed::Failed { step, message } => {
                    WorkerFailed { worker, run: Failed { operation, step, message: cut(&message) } }.into()
                }
                Observed::Exited(run) => WorkerExited { worker, run }.into(),
                Observed::Restarting(run) => WorkerRestarting { worker, run }.into(),
                Observed::Stopped => WorkerStopped { worker, operation }.into(),
                Observed::Removed => WorkerDeleted { worker, unheard: false }.into(),
                Observed::Lost(run) => WorkerLost { worker, run }.into(),
            };
            Decision::nothing().with(Some(id), StreamId::Worker(worker), event)
        }
        UnitId::Service(service) => match org.services.get(&service) {
            Some(deployment) => record_service(org, id, (*deployment, service), operation, observed),
            None => Decision::nothing(),
        },
    }
}

fn record_service(
    org: &Org,
    id: OrgId,
    (deployment, service): (DeploymentId, ServiceId),
    operation: OperationId,
    observed: &Observed,
) -> Decision {
    let event: Event = match observed.clone() {
        Observed::Started { container, image_digest, started_at } => {
            ServiceStarted { deployment, service, run: Started { operation, container, image_digest, started_at } }.into()
        }
        Observed::Failed { step, message } => {
            ServiceFailed { deployment, service, run: Failed { operation, step, message: cut(&message) } }.into()
        }
        Observed::Exited(run) => ServiceExited { deployment, service, run }.into(),
        Observed::Restarting(run) => ServiceRestarting { deployment, service, run }.into(),
        Observed::Stopped => ServiceStopped { deployment, service, operation }.into(),
        Observed::Removed => ServiceRemoved { deployment, service, operation }.into(),
        Observed::Lost(run) => ServiceLost { deployment, service, run }.into(),
    };
    let decision = Decision::nothing().with(Some(id), StreamId::Deployment(deployment), event);
    let others_removed = org.deployments.get(&deployment).is_some_and(|known| {
        known.deleting && known.services.iter().all(|(other, known)| *other == service || known.unit.run == Run::Removed)
    });
    if *observed == Observed::Removed && others_removed {
        return decision.with(Some(id), StreamId::Deployment(deployment), DeploymentDeleted { deployment, unheard: false });
    }
    decision
}

/// Cuts a text from outside to what an event may carry, at a character's edge.
fn cut(text: &str) -> String {
    if text.len() <= MESSAGE_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=MESSAGE_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… (cut)", &text[..end])
}
