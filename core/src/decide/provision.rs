//! Rules of a provision: how an attempt begins, what its steps may say, and how it fails.

use super::{Decision, check_version, enrolment, node, removal};
use crate::command::{ProvisionCommand, Request};
use crate::event::{
    Event, MachineWish, NodeCreated, NodeCredentialVerified, NodeMachineCreated, NodeMachineIntended, NodeMachineOrdered,
    NodeProvisionRequested, NodeProvisioningFailed, NodeTokenRotated, Provider, ProvisionFailure, ProvisionStep, RemovalReason,
};
use crate::id::{CredentialId, NodeId, OrgId};
use crate::name::{check_choice, check_labels, check_name};
use crate::outcome::Outcome;
use crate::plan::provision::{ENROLMENT_VALID_MS, KEPT_MS};
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Node, NodeStatus, Org, Provision};
use crate::time::Timestamp;
use crate::token::SecretDigest;

pub(super) fn decide(org: &Org, request: &Request, id: OrgId, node: NodeId, command: &ProvisionCommand) -> Result<Decision, Refusal> {
    if let ProvisionCommand::Create { .. } = command {
        return create(org, request, id, node, command);
    }
    let known = org.fleet.node(node).ok_or(Refusal::NotFound("node"))?;
    let one = |event: Event| Ok(Decision::nothing().with(Some(id), StreamId::Node(node), event));
    match command {
        ProvisionCommand::Create { .. } => Err(Refusal::AlreadyExists("node")),
        ProvisionCommand::Retry { .. } => retry(org, known, request, id, node, command),
        ProvisionCommand::NoteVerified { attempt, account } => match under_way(known, *attempt)?.step() {
            ProvisionStep::VerifyCredential => one(NodeCredentialVerified { node, attempt: *attempt, account: account.clone() }.into()),
            ProvisionStep::CreateMachine | ProvisionStep::AwaitHandshake => Ok(Decision::nothing()),
        },
        ProvisionCommand::IntendMachine { attempt, name, price } => {
            let provision = under_way(known, *attempt)?;
            match &known.machine {
                Some(machine) if machine.attempt == *attempt => Ok(Decision::nothing()),
                Some(_) => Err(Refusal::WrongMachine("a machine of an earlier attempt may still exist; it is removed first")),
                None if provision.step() == ProvisionStep::VerifyCredential => {
                    Err(Refusal::WrongMachine("the credential was not verified yet"))
                }
                None => one(NodeMachineIntended { node, attempt: *attempt, name: name.clone(), price: price.clone() }.into()),
            }
        }
        ProvisionCommand::NoteOrdered { attempt, reference, operation, found } => {
            if removal::machine(known, *attempt)?.ordered.is_some() {
                return Ok(Decision::nothing());
            }
            let (reference, operation) = (reference.clone(), operation.clone());
            one(NodeMachineOrdered { node, attempt: *attempt, reference, operation, found: *found }.into())
        }
        ProvisionCommand::NoteCreated { attempt, reference, address } => {
            removal::machine(known, *attempt)?;
            if under_way(known, *attempt)?.reached.created_at.is_some() {
                return Ok(Decision::nothing());
            }
            one(NodeMachineCreated { node, attempt: *attempt, reference: reference.clone(), address: address.clone() }.into())
        }
        ProvisionCommand::Fail { attempt, failure, nothing_made } => {
            under_way(known, *attempt)?;
            Ok(fail(known, request.now, (id, node), failure.clone(), *nothing_made, Decision::nothing()))
        }
        ProvisionCommand::IntendRemoval { attempt, reason } => removal::begin(known, request.now, id, node, *attempt, *reason),
        ProvisionCommand::NoteRemoved { attempt } => removal::end(org, known, id, node, *attempt),
        ProvisionCommand::ReportProgress { digest, stage, detail } => {
            enrolment::report(known, request.now, (id, node), digest, stage, detail)
        }
        ProvisionCommand::Enrol { digest, instance, address } => {
            enrolment::enrol(known, request.now, (id, node), digest, *instance, address)
        }
    }
}

/// The attempt with this number, which must be under way.
fn under_way(known: &Node, attempt: u32) -> Result<&Provision, Refusal> {
    let provision = known.provision.as_deref().ok_or(Refusal::NotACloudNode)?;
    if provision.attempt != attempt || !known.is_provisioning() {
        return Err(Refusal::StaleAttempt { attempt, current: provision.attempt });
    }
    Ok(provision)
}

fn create(org: &Org, request: &Request, id: OrgId, node: NodeId, command: &ProvisionCommand) -> Result<Decision, Refusal> {
    let ProvisionCommand::Create { name, labels, token_digest, wish, credential, enrolment_digest } = command else {
        return Ok(Decision::nothing());
    };
    check_name("name", name)?;
    check_labels(labels)?;
    if org.fleet.node(node).is_some() {
        return Err(Refusal::AlreadyExists("node"));
    }
    node::check_free(org, name)?;
    let requested = requested(org, request.now, (id, node), 1, wish, *credential, enrolment_digest)?;
    let (name, labels, token_digest) = (name.clone(), labels.clone(), *token_digest);
    let created = NodeCreated { node, org: id, name, provider: Provider::Cloud, labels, token_digest };
    let decision = Decision::nothing().with(Some(id), StreamId::Node(node), created);
    Ok(decision.with(Some(id), StreamId::Node(node), requested).making(Outcome::Node(node)))
}

fn retry(org: &Org, known: &Node, request: &Request, id: OrgId, node: NodeId, command: &ProvisionCommand) -> Result<Decision, Refusal> {
    let ProvisionCommand::Retry { attempt, wish, credential, enrolment_digest, token_version, token_digest } = command else {
        return Ok(Decision::nothing());
    };
    check_version(request, known.version)?;
    let provision = known.provision.as_deref().ok_or(Refusal::NotACloudNode)?;
    match known.status {
        NodeStatus::ProvisioningFailed { .. } => {}
        NodeStatus::Deleting { .. } => return Err(Refusal::NodeDeleting),
        _ => return Err(Refusal::ProvisionNotFailed),
    }
    if *attempt != provision.attempt.saturating_add(1) {
        return Err(Refusal::AttemptTaken);
    }
    if *token_version != known.token.version + 1 {
        return Err(Refusal::TokenVersionTaken);
    }
    let requested = requested(org, request.now, (id, node), *attempt, wish, *credential, enrolment_digest)?;
    let decision = removal::intend(known, id, node, RemovalReason::Retried, Decision::nothing());
    let rotated = NodeTokenRotated { node, token_version: *token_version, token_digest: *token_digest };
    Ok(decision.with(Some(id), StreamId::Node(node), rotated).with(Some(id), StreamId::Node(node), requested))
}

fn requested(
    org: &Org,
    now: Timestamp,
    (id, node): (OrgId, NodeId),
    attempt: u32,
    wish: &MachineWish,
    credential: CredentialId,
    enrolment_digest: &SecretDigest,
) -> Result<NodeProvisionRequested, Refusal> {
    check_choice("location", &wish.location)?;
    check_choice("machine_type", &wish.machine_type)?;
    check_choice("image", &wish.image)?;
    let paying = org.credentials.get(&credential).ok_or(Refusal::NotFound("credential"))?;
    if paying.provider != wish.provider {
        return Err(Refusal::CredentialOfOther(paying.provider.clone()));
    }
    Ok(NodeProvisionRequested {
        node,
        org: id,
        attempt,
        wish: wish.clone(),
        credential,
        credential_version: paying.version,
        enrolment_digest: *enrolment_digest,
        enrolment_expires_at: now.plus_ms(ENROLMENT_VALID_MS),
    })
}

/// Adds that the attempt under way has failed at its step. A machine that may still call is kept for a while; any other goes.
pub(super) fn fail(
    known: &Node,
    now: Timestamp,
    (id, node): (OrgId, NodeId),
    failure: ProvisionFailure,
    nothing_made: bool,
    decision: Decision,
) -> Decision {
    let Some(provision) = known.provision.as_deref() else { return decision };
    let (attempt, step) = (provision.attempt, provision.step());
    let machine = known.machine.as_deref().filter(|machine| machine.attempt == attempt);
    let kept = step == ProvisionStep::AwaitHandshake && machine.is_some_and(|machine| machine.removal.is_none());
    // What the provider has answered for was made, whatever is said of a later call.
    let nothing_made = machine.is_none_or(|machine| nothing_made && machine.ordered.is_none());
    let kept_until = kept.then(|| now.plus_ms(KEPT_MS));
    let failed = NodeProvisioningFailed { node, attempt, step, failure, nothing_made, kept_until };
    let decision = decision.with(Some(id), StreamId::Node(node), failed);
    match machine {
        Some(_) if !kept && !nothing_made => removal::intend(known, id, node, RemovalReason::AttemptFailed, decision),
        _ => decision,
    }
}
