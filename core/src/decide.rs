//! The rules: `decide(state, request)` answers with events or a refusal. No I/O, no clock, no randomness.
//!
//! A refusal changes nothing. A decision with no events is a command that is already true (a repeated report, a repeated request).

use crate::command::{Command, IDEMPOTENCY_KEY_BYTES_MAX, Idempotency, Request};
use crate::event::{ActorSeen, Event, RequestRecorded};
use crate::id::OrgId;
use crate::outcome::Outcome;
use crate::planted::{self, Bug};
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Org, State};

mod account;
mod agent;
mod credential;
mod deployment;
mod enrolment;
mod installation;
mod member;
mod node;
mod provision;
mod removal;
mod unit;
mod worker;

#[cfg(test)]
mod tests;

/// Most bytes that the texts of one unit (image, command, names of variables) may take together.
pub const UNIT_SPEC_BYTES_MAX: usize = 16 * 1024;
/// Most services in one deployment.
pub const SERVICES_MAX: usize = 16;

/// An event before it has a place in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The organisation; none for the system stream.
    pub org: Option<OrgId>,
    /// The history it belongs to.
    pub stream: StreamId,
    /// What happened.
    pub event: Event,
}

/// What a command leads to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// To be appended as one group, in this order; may be empty.
    pub drafts: Vec<Draft>,
    /// What the reply names.
    pub outcome: Outcome,
    /// Whether this answers a request that was carried out before.
    pub repeated: bool,
}

impl Decision {
    pub(crate) const fn nothing() -> Self {
        Self { drafts: Vec::new(), outcome: Outcome::Done, repeated: false }
    }

    pub(crate) fn with(mut self, org: Option<OrgId>, stream: StreamId, event: impl Into<Event>) -> Self {
        self.drafts.push(Draft { org, stream, event: event.into() });
        self
    }

    pub(crate) const fn making(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}

/// Decides one request against the state before it.
///
/// # Errors
/// The rules say no.
pub fn decide(state: &State, request: &Request) -> Result<Decision, Refusal> {
    installation::check(state, request)?;
    let org = request.command.org();
    if let (Some(asked), Some(org)) = (&request.idempotency, org.and_then(|org| state.orgs.get(&org))) {
        if !(1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&asked.key.len()) || !asked.key.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(Refusal::OutOfRange("an Idempotency-Key has 1 to 128 visible ASCII characters"));
        }
        if let Some(before) = org.requests.find(request.actor, &asked.key, request.now) {
            if before.body_hash != asked.body_hash {
                return Err(Refusal::IdempotencyKeyReused);
            }
            return Ok(Decision { drafts: Vec::new(), outcome: before.outcome, repeated: true });
        }
    }
    let decision = match &request.command {
        Command::Account(command) => account::decide(state, request, command),
        Command::Node(org, node, command) => node::decide(find_org(state, *org)?, request, *org, *node, command),
        Command::Provision(org, node, command) => provision::decide(find_org(state, *org)?, request, *org, *node, command),
        Command::Credential(org, credential, command) => {
            credential::decide(find_org(state, *org)?, request.now, *org, *credential, command)
        }
        Command::Worker(org, worker, command) => worker::decide(state, request, *org, *worker, command),
        Command::Deployment(org, deployment, command) => deployment::decide(state, request, *org, *deployment, command),
        Command::Agent(org, node, epoch, report) => agent::decide(find_org(state, *org)?, *org, *node, *epoch, report),
    }?;
    Ok(surrounded(state, request, org, decision))
}

/// The decision with what the log remembers of the request itself: where it came from, and how a repeat is answered.
fn surrounded(state: &State, request: &Request, org: Option<OrgId>, mut decision: Decision) -> Decision {
    let Some((id, known)) = org.and_then(|org| Some((org, state.orgs.get(&org)?))) else { return decision };
    let from = request.address.as_ref().filter(|from| known.addresses.get(&request.actor) != Some(from));
    if let Some(address) = from.filter(|_| !decision.drafts.is_empty()) {
        let seen = ActorSeen { org: id, actor: request.actor, address: address.clone() };
        decision.drafts.insert(0, Draft { org: Some(id), stream: StreamId::Org(id), event: seen.into() });
    }
    if let Some(Idempotency { key, body_hash }) = request.idempotency.clone().filter(|_| !planted::is(Bug::RepeatForgotten)) {
        let recorded = RequestRecorded { org: id, principal: request.actor, key, body_hash, outcome: decision.outcome };
        decision = decision.with(Some(id), StreamId::Org(id), recorded);
    }
    decision
}

fn find_org(state: &State, id: OrgId) -> Result<&Org, Refusal> {
    state.orgs.get(&id).ok_or(Refusal::NotFound("organisation"))
}

fn check_version(request: &Request, actual: u64) -> Result<(), Refusal> {
    match request.expected_version {
        Some(expected) if expected != actual => Err(Refusal::VersionMismatch { expected, actual }),
        Some(_) | None => Ok(()),
    }
}
