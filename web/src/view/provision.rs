//! A node's provision as clients see it: the stepper's four lines, the machine, what went wrong, and what is in the way.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_actors::board::{LiveNode, Trouble};
use spunto_core::event::{MachinePrice, MachineWish, ProvisionFailure, ProvisionStep, RemovalReason};
use spunto_core::id::CredentialId;
use spunto_core::state::{FailedAttempt, Machine, Node, Provision};
use spunto_core::stepper::{Line, LineState, LineTimes, lines};
use spunto_core::time::Timestamp;
use spunto_core::usual::UsualTimes;

/// How long a line usually takes at its provider.
#[derive(Serialize, JsonSchema)]
struct UsualTime {
    /// Half of the attempts were at least so quick.
    p50_ms: u64,
    /// 19 of 20 attempts were at least so quick.
    p95_ms: u64,
    /// From so many attempts of this installation.
    attempts: usize,
}

/// A line of the stepper.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StepperLine")]
struct LineView {
    line: Line,
    state: LineState,
    /// When its turn came.
    started_at: Option<Timestamp>,
    /// How long it took, once it is done or failed.
    took_ms: Option<u64>,
    /// When it must be done; only while it is current.
    deadline: Option<Timestamp>,
    /// None before the first attempt that got past it.
    usual: Option<UsualTime>,
}

/// What the machine told of its start.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BootStage")]
struct StageView {
    at: Timestamp,
    stage: String,
    detail: String,
}

/// How an attempt failed.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProvisionFailed")]
struct FailedView {
    at: Timestamp,
    step: ProvisionStep,
    #[serde(flatten)]
    failure: ProvisionFailure,
    /// Until when the machine is kept, as it may still call.
    kept_until: Option<Timestamp>,
}

/// A removal that is under way.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MachineRemoval")]
struct RemovalView {
    since: Timestamp,
    reason: RemovalReason,
}

/// A machine that may exist at the provider, and cost money.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Machine")]
struct MachineView {
    attempt: u32,
    /// Its name at the provider.
    name: String,
    /// How the provider names it, once it has answered.
    reference: Option<String>,
    location: String,
    machine_type: String,
    credential: CredentialId,
    /// Its public address, once it is there.
    address: Option<String>,
    /// What it costs, where the provider says so.
    price: Option<MachinePrice>,
    /// Since when it may exist.
    since: Timestamp,
    removal: Option<RemovalView>,
}

/// Something that did not work and is tried again.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ProvisionTrouble")]
struct TroubleView {
    #[serde(flatten)]
    failure: ProvisionFailure,
    since: Timestamp,
    tries: u32,
    again_at: Timestamp,
}

/// The last attempt to make a node's machine, and the machine.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Provision")]
pub struct ProvisionView {
    /// From 1; a retry is another attempt.
    attempt: u32,
    wish: MachineWish,
    credential: CredentialId,
    /// The account, where the provider names it.
    account: Option<String>,
    requested_at: Timestamp,
    /// The four lines of the stepper, in their order.
    lines: Vec<LineView>,
    /// What the machine told of its start, oldest first; belongs inside the handshake's line.
    stages: Vec<StageView>,
    failed: Option<FailedView>,
    /// None before one is asked for and after it is gone.
    machine: Option<MachineView>,
    /// What is in the way at present, removals included.
    trouble: Option<TroubleView>,
}

impl ProvisionView {
    /// Of a node whose machine a cloud makes; none of others.
    pub(super) fn of(node: &Node, live: &LiveNode, usual: &UsualTimes) -> Option<Self> {
        let provision = node.provision.as_deref()?;
        Some(Self {
            attempt: provision.attempt,
            wish: provision.wish.clone(),
            credential: provision.credential,
            account: provision.account.clone(),
            requested_at: provision.reached.requested_at,
            lines: lines(provision).iter().map(|times| LineView::new(provision, times, usual)).collect(),
            stages: provision
                .stages
                .iter()
                .map(|told| StageView { at: told.at, stage: told.stage.clone(), detail: told.detail.clone() })
                .collect(),
            failed: provision.failed.as_ref().map(FailedView::new),
            machine: node.machine.as_deref().map(MachineView::new),
            trouble: live.trouble.as_deref().map(TroubleView::new),
        })
    }
}

impl LineView {
    fn new(provision: &Provision, times: &LineTimes, usual: &UsualTimes) -> Self {
        let usual = usual.of(&provision.wish.provider, times.line);
        Self {
            line: times.line,
            state: times.state,
            started_at: times.started_at,
            took_ms: times.took_ms(),
            deadline: times.deadline,
            usual: usual.map(|usual| UsualTime { p50_ms: usual.p50_ms, p95_ms: usual.p95_ms, attempts: usual.attempts }),
        }
    }
}

impl FailedView {
    fn new(failed: &FailedAttempt) -> Self {
        Self { at: failed.at, step: failed.step, failure: failed.failure.clone(), kept_until: failed.kept_until }
    }
}

impl MachineView {
    fn new(machine: &Machine) -> Self {
        Self {
            attempt: machine.attempt,
            name: machine.name.clone(),
            reference: machine.ordered.as_ref().map(|ordered| ordered.reference.clone()),
            location: machine.wish.location.clone(),
            machine_type: machine.wish.machine_type.clone(),
            credential: machine.credential,
            address: machine.address.clone(),
            price: machine.price.clone(),
            since: machine.intended_at,
            removal: machine.removal.map(|removal| RemovalView { since: removal.since, reason: removal.reason }),
        }
    }
}

impl TroubleView {
    fn new(trouble: &Trouble) -> Self {
        Self { failure: trouble.failure.clone(), since: trouble.since, tries: trouble.tries, again_at: trouble.again_at }
    }
}
