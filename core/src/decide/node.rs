//! Rules of a node's life.

use super::{Decision, check_version, removal};
use crate::command::{NodeCommand, Request};
use crate::event::{
    AbandonReason, ConnectionRefusal, DeploymentDeleted, NodeConnectionRefused, NodeContainersKept, NodeCreated, NodeDeleted,
    NodeDeletionStarted, NodeDraining, NodeLabelsChanged, NodeMaintenanceEnded, NodeMaintenanceStarted, NodeOffline, NodeOnline,
    NodeRenamed, NodeTokenRotated, NodeUndrained, Provider, RemovalReason, WorkerDeleted,
};
use crate::id::{NodeId, OrgId, UnitId};
use crate::name::{check_labels, check_name, check_remark, check_text};
use crate::outcome::Outcome;
use crate::planted::{self, Bug};
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Node, NodeStatus, Org};

/// At most one refused connection is recorded per reason and address in this time.
pub(super) const REFUSAL_RECORD_EVERY_MS: u64 = 60 * 60 * 1000;
/// Most containers of a node that stay although the log does not know them.
const KEPT_CONTAINERS_MAX: usize = 1000;
/// Longest id of a container.
const CONTAINER_ID_BYTES_MAX: usize = 128;

pub(super) fn decide(org: &Org, request: &Request, id: OrgId, node: NodeId, command: &NodeCommand) -> Result<Decision, Refusal> {
    let stream = StreamId::Node(node);
    let one = |event: crate::event::Event| Ok(Decision::nothing().with(Some(id), stream, event));
    if let NodeCommand::Create { name, labels, token_digest } = command {
        check_name("name", name)?;
        check_labels(labels)?;
        if org.fleet.node(node).is_some() {
            return Err(Refusal::AlreadyExists("node"));
        }
        check_free(org, name)?;
        let created = NodeCreated {
            node,
            org: id,
            name: name.clone(),
            provider: Provider::Manual,
            labels: labels.clone(),
            token_digest: *token_digest,
        };
        return Ok(one(created.into())?.making(Outcome::Node(node)));
    }
    let known = org.fleet.node(node).ok_or(Refusal::NotFound("node"))?;
    check_version(request, known.version)?;
    match command {
        NodeCommand::Create { .. } => Err(Refusal::AlreadyExists("node")),
        NodeCommand::Update { name, labels } => update(org, known, id, node, name.as_deref(), labels.as_ref()),
        NodeCommand::Drain { reason } => {
            check_remark("reason", reason)?;
            match known.status {
                NodeStatus::Online { .. } => one(NodeDraining { node, reason: reason.clone() }.into()),
                NodeStatus::Draining { .. } => Err(Refusal::AlreadyDraining),
                NodeStatus::Deleting { .. } => Err(Refusal::NodeDeleting),
                _ => Err(Refusal::NodeNotOnline),
            }
        }
        NodeCommand::Undrain if matches!(known.status, NodeStatus::Draining { .. }) => one(NodeUndrained { node }.into()),
        NodeCommand::Undrain => Err(Refusal::NotDraining),
        NodeCommand::StartMaintenance { reason } => {
            check_text("reason", reason)?;
            if known.maintenance.is_some() {
                return Err(Refusal::AlreadyInMaintenance);
            }
            one(NodeMaintenanceStarted { node, reason: reason.clone() }.into())
        }
        NodeCommand::EndMaintenance if known.maintenance.is_some() => one(NodeMaintenanceEnded { node }.into()),
        NodeCommand::EndMaintenance => Err(Refusal::NotInMaintenance),
        NodeCommand::RotateToken { token_version, token_digest } => {
            if matches!(known.status, NodeStatus::Deleting { .. }) {
                return Err(Refusal::NodeDeleting);
            }
            if *token_version != known.token.version + 1 {
                return Err(Refusal::TokenVersionTaken);
            }
            one(NodeTokenRotated { node, token_version: *token_version, token_digest: *token_digest }.into())
        }
        NodeCommand::KeepContainers { containers } => keep(known, id, node, containers),
        NodeCommand::Delete { forced, connected } => delete(org, known, id, node, *forced, *connected),
        NodeCommand::FinishDeletion => finish(org, known, id, node),
        NodeCommand::AcceptSession { .. } => accept(known, id, node, command),
        NodeCommand::RefuseConnection { reason, address, count } => {
            Ok(refuse_connection(known, request, id, node, (*reason, address, *count)))
        }
        NodeCommand::EndAgentSession { epoch, .. } if *epoch != known.epoch => {
            Err(Refusal::StaleEpoch { epoch: *epoch, current: known.epoch })
        }
        NodeCommand::EndAgentSession { .. } if !known.is_connected() => Ok(Decision::nothing()),
        NodeCommand::EndAgentSession { epoch, reason } => one(NodeOffline { node, epoch: *epoch, reason: *reason }.into()),
    }
}

/// After a restore: what the log does not know, and the operator lets stay.
fn keep(known: &Node, id: OrgId, node: NodeId, containers: &[String]) -> Result<Decision, Refusal> {
    if !known.keeps_unknown && containers.iter().all(|container| known.kept.contains(container)) {
        return Ok(Decision::nothing());
    }
    if containers.len() > KEPT_CONTAINERS_MAX || containers.iter().any(|container| container.len() > CONTAINER_ID_BYTES_MAX) {
        return Err(Refusal::OutOfRange("a node keeps at most 1000 containers that the log does not know; remove some by hand first"));
    }
    Ok(Decision::nothing().with(Some(id), StreamId::Node(node), NodeContainersKept { node, containers: containers.to_vec() }))
}

pub(super) fn check_free(org: &Org, name: &str) -> Result<(), Refusal> {
    match org.fleet.named(name) {
        Some(_) => Err(Refusal::NameTaken { what: "node", name: name.to_owned() }),
        None => Ok(()),
    }
}

fn update(
    org: &Org,
    known: &Node,
    id: OrgId,
    node: NodeId,
    name: Option<&str>,
    labels: Option<&std::collections::BTreeMap<String, String>>,
) -> Result<Decision, Refusal> {
    let mut decision = Decision::nothing();
    if let Some(name) = name.filter(|name| *name != known.name) {
        check_name("name", name)?;
        check_free(org, name)?;
        decision = decision.with(Some(id), StreamId::Node(node), NodeRenamed { node, name: name.to_owned() });
    }
    if let Some(labels) = labels.filter(|labels| **labels != known.labels) {
        check_labels(labels)?;
        decision = decision.with(Some(id), StreamId::Node(node), NodeLabelsChanged { node, labels: labels.clone() });
    }
    Ok(decision)
}

fn delete(org: &Org, known: &Node, id: OrgId, node: NodeId, forced: bool, connected: bool) -> Result<Decision, Refusal> {
    if !forced && !known.units.is_empty() {
        return Err(Refusal::NodeNotEmpty { units: known.units.len() });
    }
    let started = NodeDeletionStarted { node, forced };
    match known.status {
        // A second, forced call ends a deletion whose agent, or whose provider, never answered.
        NodeStatus::Deleting { .. } if forced => {
            let decision = removal::abandon(known, id, node, AbandonReason::DeletionForced, Decision::nothing());
            Ok(finish_deletion(org, known, id, node, decision))
        }
        NodeStatus::Deleting { .. } => Err(Refusal::NodeDeleting),
        _ => {
            let decision = Decision::nothing().with(Some(id), StreamId::Node(node), started);
            if known.machine.is_some() {
                return Ok(removal::intend(known, id, node, RemovalReason::NodeDeleted, decision));
            }
            // With nobody to tell, there is nothing to wait for.
            Ok(if connected { decision } else { finish_deletion(org, known, id, node, decision) })
        }
    }
}

fn finish(org: &Org, known: &Node, id: OrgId, node: NodeId) -> Result<Decision, Refusal> {
    match (&known.status, &known.machine) {
        // The agent is done; the machine is not, and its removal ends the deletion.
        (NodeStatus::Deleting { .. }, Some(_)) => Ok(Decision::nothing()),
        (NodeStatus::Deleting { .. }, None) => Ok(finish_deletion(org, known, id, node, Decision::nothing())),
        _ => Err(Refusal::NodeNotDeleting),
    }
}

/// The node goes, and with it whatever ran there: no unit may name a node that is not known.
pub(super) fn finish_deletion(org: &Org, known: &Node, id: OrgId, node: NodeId, mut decision: Decision) -> Decision {
    let mut deployments = std::collections::BTreeSet::new();
    for unit in &known.units {
        match unit {
            UnitId::Worker(worker) => {
                let deleted = WorkerDeleted { worker: *worker, unheard: true };
                decision = decision.with(Some(id), StreamId::Worker(*worker), deleted);
            }
            UnitId::Service(service) => deployments.extend(org.services.get(service)),
        }
    }
    for deployment in deployments {
        let deleted = DeploymentDeleted { deployment, unheard: true };
        decision = decision.with(Some(id), StreamId::Deployment(deployment), deleted);
    }
    decision.with(Some(id), StreamId::Node(node), NodeDeleted { node })
}

fn accept(known: &Node, id: OrgId, node: NodeId, command: &NodeCommand) -> Result<Decision, Refusal> {
    let NodeCommand::AcceptSession { token_version, instance, agent_version, protocol, address, facts } = command else {
        return Ok(Decision::nothing());
    };
    // The edge has checked the token against what it knew; only here is it certain that no rotation came between.
    if *token_version != known.token.version && !planted::is(Bug::LostFence) {
        return Err(Refusal::TokenRotated);
    }
    // A machine that goes must not make its node look alive. A node that is going may connect once more to clean up.
    let goes = known.machine.as_ref().is_some_and(|machine| machine.removal.is_some());
    if goes && !matches!(known.status, NodeStatus::Deleting { .. }) {
        return Err(Refusal::MachineGoes);
    }
    let epoch = if planted::is(Bug::StaleEpoch) { known.epoch.max(1) } else { known.epoch + 1 };
    let online = NodeOnline {
        node,
        epoch,
        instance: *instance,
        agent_version: agent_version.clone(),
        protocol: *protocol,
        address: address.clone(),
        facts: facts.clone(),
    };
    Ok(Decision::nothing().with(Some(id), StreamId::Node(node), online).making(Outcome::Epoch(epoch)))
}

fn refuse_connection(
    known: &Node,
    request: &Request,
    id: OrgId,
    node: NodeId,
    (reason, address, count): (ConnectionRefusal, &str, u32),
) -> Decision {
    let told = known.refused.iter().any(|refused| {
        refused.reason == reason && refused.address == address && request.now.ms_since(refused.at) < REFUSAL_RECORD_EVERY_MS
    });
    if told {
        return Decision::nothing();
    }
    let refused = NodeConnectionRefused { node, reason, address: address.to_owned(), count };
    Decision::nothing().with(Some(id), StreamId::Node(node), refused)
}
