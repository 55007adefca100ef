//! Rules of what a new machine may say: how far its start has got, and that its agent wants the node's token.

use super::Decision;
use super::provision::fail;
use crate::event::{NodeEnrolled, NodeProgressReported, ProvisionErrorClass, ProvisionFailure, ProvisionStep};
use crate::id::{NodeId, OrgId};
use crate::name::{InvalidText, TEXT_BYTES_MAX};
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Node, NodeStatus, Provision, STAGES_MAX};
use crate::time::Timestamp;
use crate::token::SecretDigest;

/// The stage that says that the machine can't go on.
const STAGE_FAILED: &str = "failed";
/// Longest name of a stage, in characters.
const STAGE_CHARS_MAX: usize = 40;

/// The attempt whose machine carries this token.
fn attempt<'a>(known: &'a Node, digest: &SecretDigest) -> Result<&'a Provision, Refusal> {
    known.provision.as_deref().filter(|provision| provision.enrolment.digest.matches(digest)).ok_or(Refusal::EnrolmentUnknown)
}

/// The same installation may trade again until an agent was let in: its reply may have been lost, and scripts run at every boot.
pub(super) fn enrol(
    known: &Node,
    now: Timestamp,
    (id, node): (OrgId, NodeId),
    digest: &SecretDigest,
    instance: u64,
    address: &str,
) -> Result<Decision, Refusal> {
    let provision = attempt(known, digest)?;
    let enrolment = provision.enrolment;
    if enrolment.closed || enrolment.instance.is_some_and(|known| known != instance) {
        return Err(Refusal::EnrolmentUsed);
    }
    if now >= enrolment.expires_at {
        return Err(Refusal::EnrolmentExpired);
    }
    if enrolment.instance == Some(instance) {
        return Ok(Decision::nothing());
    }
    let enrolled = NodeEnrolled { node, attempt: provision.attempt, instance, address: address.to_owned() };
    Ok(Decision::nothing().with(Some(id), StreamId::Node(node), enrolled))
}

/// News is recorded, up to a limit; a repeat is none. A machine whose setup failed needs no deadline to be called failed.
pub(super) fn report(
    known: &Node,
    now: Timestamp,
    (id, node): (OrgId, NodeId),
    digest: &SecretDigest,
    stage: &str,
    detail: &str,
) -> Result<Decision, Refusal> {
    let provision = attempt(known, digest)?;
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b' ' | b'-' | b'_' | b'.');
    if stage.is_empty() || stage.len() > STAGE_CHARS_MAX || !stage.bytes().all(fits) {
        return Err(InvalidText::Name { field: "stage" }.into());
    }
    let detail = one_line(detail);
    if provision.stages.last().is_some_and(|last| last.stage == stage && last.detail == detail) || provision.stages.len() >= STAGES_MAX {
        return Ok(Decision::nothing());
    }
    let reported = NodeProgressReported { node, attempt: provision.attempt, stage: stage.to_owned(), detail: detail.clone() };
    let decision = Decision::nothing().with(Some(id), StreamId::Node(node), reported);
    // Only a machine that is there can have failed; the word of one that the provider still makes waits for the deadline.
    let waiting = matches!(known.status, NodeStatus::Provisioning { step: ProvisionStep::AwaitHandshake, .. });
    if stage != STAGE_FAILED || !waiting {
        return Ok(decision);
    }
    let failure = ProvisionFailure {
        class: ProvisionErrorClass::BootFailed,
        message: if detail.is_empty() { "the machine's setup failed".to_owned() } else { detail },
        code: String::new(),
        request_id: None,
        next_step: "Retry, or choose another image; the machine's own log is /var/log/cloud-init-output.log.".to_owned(),
        alternatives: Vec::new(),
    };
    Ok(fail(known, now, (id, node), failure, false, decision))
}

/// A script's words as an event may carry them: one line, cut at a character's edge.
fn one_line(text: &str) -> String {
    let mut line: String =
        text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX - '…'.len_utf8()).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
        line.truncate(end);
        line.push('…');
    }
    line
}
