//! Rules of a machine's removal at its provider: how it is begun, ended and given up.

use super::Decision;
use super::node::finish_deletion;
use crate::event::{AbandonReason, NodeMachineAbandoned, NodeMachineRemovalIntended, NodeMachineRemoved, RemovalReason};
use crate::id::{NodeId, OrgId};
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Machine, Node, NodeStatus, Org};
use crate::time::Timestamp;

/// Adds that the machine is to go, where there may be one and it does not go already.
pub(super) fn intend(known: &Node, id: OrgId, node: NodeId, reason: RemovalReason, decision: Decision) -> Decision {
    match &known.machine {
        Some(machine) if machine.removal.is_none() => {
            let intended = NodeMachineRemovalIntended { node, attempt: machine.attempt, reason };
            decision.with(Some(id), StreamId::Node(node), intended)
        }
        _ => decision,
    }
}

/// Adds that nobody looks after the machine any more, where there may be one.
pub(super) fn abandon(known: &Node, id: OrgId, node: NodeId, reason: AbandonReason, decision: Decision) -> Decision {
    match &known.machine {
        Some(machine) => {
            let abandoned = NodeMachineAbandoned { node, attempt: machine.attempt, name: machine.name.clone(), reason };
            decision.with(Some(id), StreamId::Node(node), abandoned)
        }
        None => decision,
    }
}

/// The machine of this attempt.
pub(super) fn machine(known: &Node, attempt: u32) -> Result<&Machine, Refusal> {
    match &known.machine {
        Some(machine) if machine.attempt == attempt => Ok(machine),
        Some(machine) => Err(Refusal::StaleAttempt { attempt, current: machine.attempt }),
        None => Err(Refusal::WrongMachine("no machine of this node exists at its provider")),
    }
}

/// A machine that was kept goes when its time is over.
pub(super) fn begin(
    known: &Node,
    now: Timestamp,
    id: OrgId,
    node: NodeId,
    attempt: u32,
    reason: RemovalReason,
) -> Result<Decision, Refusal> {
    machine(known, attempt)?;
    let kept_until = known.provision.as_ref().and_then(|provision| provision.failed.as_ref()?.kept_until);
    let failed = matches!(known.status, NodeStatus::ProvisioningFailed { .. });
    if !failed || kept_until.is_some_and(|until| now < until) {
        return Err(Refusal::WrongMachine("this machine is kept: its node is online, or may still come online"));
    }
    Ok(intend(known, id, node, reason, Decision::nothing()))
}

/// The provider's list no longer shows it: the obligation ends, and a deletion that waited for it.
pub(super) fn end(org: &Org, known: &Node, id: OrgId, node: NodeId, attempt: u32) -> Result<Decision, Refusal> {
    if machine(known, attempt)?.removal.is_none() {
        return Err(Refusal::WrongMachine("the machine was not to be removed"));
    }
    let decision = Decision::nothing().with(Some(id), StreamId::Node(node), NodeMachineRemoved { node, attempt });
    match known.status {
        NodeStatus::Deleting { .. } => Ok(finish_deletion(org, known, id, node, decision)),
        _ => Ok(decision),
    }
}
