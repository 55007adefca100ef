//! What is left to do for a node's machine at its provider: from state and time to one intent, with every deadline as a number.
//!
//! Whoever executes an intent may be killed before, while or after it acts, and asks again. So an intent is whatever brings the
//! world nearer to what the log says, and is safe to repeat.

use crate::event::{ProvisionStep, RemovalReason};
use crate::planted::{self, Bug};
use crate::state::{Machine, Node, NodeStatus, Provision};
use crate::time::Timestamp;

/// How long the provider may take to accept a credential.
pub const VERIFY_WITHIN_MS: u64 = 2 * 60 * 1000;
/// How long the provider may take to make a machine.
pub const CREATE_WITHIN_MS: u64 = 10 * 60 * 1000;
/// How long a machine may take from its creation to its agent's first session.
pub const HANDSHAKE_WITHIN_MS: u64 = 15 * 60 * 1000;
/// How long a machine that has not called in time is kept.
pub const KEPT_MS: u64 = 30 * 60 * 1000;
/// How long an enrolment token is good; a machine that is kept longer may use it longer.
pub const ENROLMENT_VALID_MS: u64 = 60 * 60 * 1000;
/// How long a call whose answer is not known may still have its effect at a provider: only after that an empty list is the truth.
pub const SETTLE_MS: u64 = 60 * 1000;
/// How long machines that wait have to call after the server was started again, before a deadline counts that passed meanwhile.
pub const START_GRACE_MS: u64 = 30 * 1000;
/// First pause between two tries.
const PAUSE_MS: u64 = 1000;
/// Longest pause between two tries, unless the provider asks for more.
pub const PAUSE_MS_MAX: u64 = 60 * 1000;
/// Longest pause that a provider may ask for.
pub const ASKED_PAUSE_MS_MAX: u64 = 15 * 60 * 1000;

const _: () =
    assert!(VERIFY_WITHIN_MS + CREATE_WITHIN_MS + HANDSHAKE_WITHIN_MS + KEPT_MS <= ENROLMENT_VALID_MS, "a late machine may enrol");

/// How long a step may take.
#[must_use]
pub const fn within_ms(step: ProvisionStep) -> u64 {
    match step {
        ProvisionStep::VerifyCredential => VERIFY_WITHIN_MS,
        ProvisionStep::CreateMachine => CREATE_WITHIN_MS,
        ProvisionStep::AwaitHandshake => HANDSHAKE_WITHIN_MS,
    }
}

/// What is not in the log, and matters.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The wall clock.
    pub now: Timestamp,
    /// Since when whoever asks is there.
    pub up_since: Timestamp,
}

/// The next thing to do for one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This, now; should it not work, again after a pause.
    Do(Intent),
    /// Look again at this time.
    Wait(Timestamp),
    /// Nothing until an event says so.
    Nothing,
}

/// Something to do for a node's machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Ask the provider whether it accepts the credential.
    Verify,
    /// Write down that the provider will be asked for a machine.
    Intend,
    /// Ask the provider for the machine; asking again finds the first one.
    Create,
    /// Ask how far the provider has got with it.
    Follow {
        /// What to ask about; none where the provider has nothing going on: then look for the machine itself.
        operation: Option<String>,
    },
    /// The step's time is over.
    GiveUp,
    /// Write down that the machine is to go.
    BeginRemoval(RemovalReason),
    /// Delete whatever the provider's list shows of this node. When it shows nothing, and no call can still act (see [`SETTLE_MS`]),
    /// it is done.
    Remove,
}

/// When the step of an attempt that is under way must be done.
#[must_use]
pub fn deadline(provision: &Provision) -> Timestamp {
    provision.step_since().plus_ms(within_ms(provision.step()))
}

/// What is left to do for this node.
#[must_use]
pub fn next(node: &Node, at: &Circumstances) -> Next {
    let attempt = node.provision.as_deref().filter(|_| node.is_provisioning());
    if let Some(provision) = attempt {
        let waiting = provision.step() == ProvisionStep::AwaitHandshake;
        let grace = if waiting { at.up_since.plus_ms(START_GRACE_MS) } else { Timestamp::default() };
        if at.now >= deadline(provision).max(grace) {
            return Next::Do(Intent::GiveUp);
        }
        // Before an earlier machine's removal, which may take longer than this step may.
        if provision.step() == ProvisionStep::VerifyCredential {
            return Next::Do(Intent::Verify);
        }
    }
    if node.machine.as_deref().is_some_and(|machine| machine.removal.is_some()) {
        return Next::Do(Intent::Remove);
    }
    match (attempt, node.machine.as_deref()) {
        (Some(provision), machine) => advance(provision, machine, at),
        (None, Some(_)) if matches!(node.status, NodeStatus::ProvisioningFailed { .. }) => end_of_keeping(node, at),
        (None, _) => Next::Nothing,
    }
}

fn advance(provision: &Provision, machine: Option<&Machine>, at: &Circumstances) -> Next {
    if provision.step() == ProvisionStep::AwaitHandshake {
        return Next::Wait(deadline(provision).max(at.up_since.plus_ms(START_GRACE_MS)));
    }
    match machine.map(|machine| &machine.ordered) {
        None if planted::is(Bug::NoIntent) => Next::Do(Intent::Create),
        None => Next::Do(Intent::Intend),
        Some(None) => Next::Do(Intent::Create),
        Some(Some(ordered)) => Next::Do(Intent::Follow { operation: ordered.operation.clone() }),
    }
}

fn end_of_keeping(node: &Node, at: &Circumstances) -> Next {
    let failed = node.provision.as_ref().and_then(|provision| provision.failed.as_ref());
    match failed.and_then(|failed| failed.kept_until) {
        Some(until) if at.now < until => Next::Wait(until),
        Some(_) => Next::Do(Intent::BeginRemoval(RemovalReason::NeverCalled)),
        None => Next::Do(Intent::BeginRemoval(RemovalReason::AttemptFailed)),
    }
}

/// The pause before another try: doubled each time, up to [`PAUSE_MS_MAX`], and never the same for all, so that many who failed
/// together don't come again together.
#[must_use]
pub fn pause_ms(tries: u32, random: u64) -> u64 {
    let full = PAUSE_MS.saturating_mul(1 << tries.min(10)).min(PAUSE_MS_MAX);
    full / 2 + random % (full / 2 + 1)
}
