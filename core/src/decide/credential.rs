//! Rules of credentials at cloud providers.

use super::node::finish_deletion;
use super::provision::fail;
use super::{Decision, removal};
use crate::command::CredentialCommand;
use crate::event::{
    AbandonReason, CredentialAdded, CredentialDeleted, CredentialReplaced, LeftoverRemovalRequested, ProvisionErrorClass, ProvisionFailure,
};
use crate::id::{CredentialId, NodeId, OrgId};
use crate::name::{check_choice, check_name};
use crate::outcome::Outcome;
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Node, NodeStatus, Org};
use crate::time::Timestamp;

/// Most credentials of an organisation.
const CREDENTIALS_MAX: usize = 100;

pub(super) fn decide(
    org: &Org,
    now: Timestamp,
    id: OrgId,
    credential: CredentialId,
    command: &CredentialCommand,
) -> Result<Decision, Refusal> {
    let stream = StreamId::Org(id);
    if let CredentialCommand::Add { provider, name, fingerprint, account } = command {
        check_name("name", name)?;
        check_choice("provider", provider)?;
        if org.credentials.contains_key(&credential) {
            return Err(Refusal::AlreadyExists("credential"));
        }
        if org.credential_named(name).is_some() {
            return Err(Refusal::NameTaken { what: "credential", name: name.clone() });
        }
        if org.credentials.len() >= CREDENTIALS_MAX {
            return Err(Refusal::OutOfRange("an organisation has at most 100 credentials; delete one that nothing needs"));
        }
        let (provider, name, fingerprint, account) = (provider.clone(), name.clone(), fingerprint.clone(), account.clone());
        let added = CredentialAdded { credential, org: id, provider, name, fingerprint, account };
        return Ok(Decision::nothing().with(Some(id), stream, added).making(Outcome::Credential(credential)));
    }
    let known = org.credentials.get(&credential).ok_or(Refusal::NotFound("credential"))?;
    match command {
        CredentialCommand::Add { .. } => Err(Refusal::AlreadyExists("credential")),
        CredentialCommand::Replace { version, .. } if *version != known.version + 1 => Err(Refusal::CredentialVersionTaken),
        CredentialCommand::Replace { version, fingerprint, account } => {
            // What was made with the old secret is removed with the new one, so it must open the same account.
            if let (Some(before), Some(new)) = (&known.account, account)
                && before != new
            {
                return Err(Refusal::AccountDiffers { known: before.clone(), new: new.clone() });
            }
            let (fingerprint, account) = (fingerprint.clone(), account.clone());
            Ok(Decision::nothing().with(
                Some(id),
                stream,
                CredentialReplaced { credential, org: id, version: *version, fingerprint, account },
            ))
        }
        CredentialCommand::Delete { forced } => delete(org, now, id, credential, *forced),
        CredentialCommand::RemoveLeftover { reference, name, node } => {
            let (reference, name) = (reference.clone(), name.clone());
            let requested = LeftoverRemovalRequested { org: id, credential, reference, name, node: *node };
            Ok(Decision::nothing().with(Some(id), stream, requested))
        }
    }
}

/// Without its credential no machine can be made, followed or removed: by force, they are given up, each with its own event.
fn delete(org: &Org, now: Timestamp, id: OrgId, credential: CredentialId, forced: bool) -> Result<Decision, Refusal> {
    let needing: Vec<(NodeId, &Node)> = org.nodes_needing(credential).collect();
    if !forced && !needing.is_empty() {
        return Err(Refusal::CredentialInUse { nodes: needing.len() });
    }
    let mut decision = Decision::nothing();
    for (node, known) in needing {
        decision = give_up(org, known, now, (id, node), credential, decision);
    }
    Ok(decision.with(Some(id), StreamId::Org(id), CredentialDeleted { credential, org: id, forced }))
}

fn give_up(
    org: &Org,
    known: &Node,
    now: Timestamp,
    (id, node): (OrgId, NodeId),
    credential: CredentialId,
    mut decision: Decision,
) -> Decision {
    if known.is_provisioning() && known.provision.as_ref().is_some_and(|provision| provision.credential == credential) {
        let failure = ProvisionFailure {
            class: ProvisionErrorClass::Denied,
            message: "its credential was deleted".to_owned(),
            code: String::new(),
            request_id: None,
            next_step: "Add a credential and retry with it.".to_owned(),
            alternatives: Vec::new(),
        };
        decision = fail(known, now, (id, node), failure, false, decision);
    }
    if known.machine.as_ref().is_none_or(|machine| machine.credential != credential) {
        return decision;
    }
    decision = removal::abandon(known, id, node, AbandonReason::CredentialDeleted, decision);
    match known.status {
        NodeStatus::Deleting { .. } => finish_deletion(org, known, id, node, decision),
        _ => decision,
    }
}
