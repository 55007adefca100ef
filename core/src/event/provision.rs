//! Payloads of a machine's life at a provider: an attempt to make it, what it says while it starts, and its removal.
//!
//! An attempt is one correlation id. What could cost money is told before it is asked for ([`NodeMachineIntended`]), and is open
//! until the provider's list no longer shows it ([`NodeMachineRemoved`]) or somebody gives it up ([`NodeMachineAbandoned`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CredentialId, NodeId, OrgId};
use crate::time::Timestamp;
use crate::token::SecretDigest;

/// A line of the provisioning stepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionStep {
    /// The provider accepts our credential.
    VerifyCredential,
    /// The provider makes the machine.
    CreateMachine,
    /// The machine boots and its agent calls.
    AwaitHandshake,
}

/// What kind of failure a provider reported, so that a person knows what to do. New kinds stand last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionErrorClass {
    /// The credential is wrong or expired.
    Denied,
    /// The credential lacks a permission.
    Forbidden,
    /// A quota of the account is used up.
    Quota,
    /// The provider has no such machine free there.
    NoCapacity,
    /// Location, type or image is not known to the provider.
    BadInput,
    /// The name is in use.
    NameTaken,
    /// Too many calls.
    RateLimited,
    /// The provider is down.
    Unavailable,
    /// The machine did not call back in time.
    NoHandshake,
    /// None of these.
    Unknown,
    /// The machine started, and said itself that its setup failed.
    BootFailed,
}

/// What machine is wanted, in the provider's own terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MachineWish {
    /// The provider's name, e.g. `hetzner`.
    pub provider: String,
    /// Where, e.g. `fsn1`.
    pub location: String,
    /// What, e.g. `cx23`.
    pub machine_type: String,
    /// With which system.
    pub image: String,
}

/// A price as the provider writes it: decimal numbers, taxes included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MachinePrice {
    /// ISO 4217, e.g. `EUR`.
    pub currency: String,
    /// For an hour.
    pub hourly: String,
    /// For a month, at most.
    pub monthly: String,
}

/// What went wrong, in the provider's words, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProvisionFailure {
    /// What kind of failure.
    pub class: ProvisionErrorClass,
    /// The provider's own words.
    pub message: String,
    /// The provider's code; empty where it gave none.
    pub code: String,
    /// What the provider's support asks for.
    pub request_id: Option<String>,
    /// What to do next, in a sentence.
    pub next_step: String,
    /// Where else it could be had, as the provider says; never chosen silently.
    pub alternatives: Vec<String>,
}

/// Somebody wants a machine for a node: an attempt begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeProvisionRequested {
    /// Which.
    pub node: NodeId,
    /// Where.
    pub org: OrgId,
    /// The attempt's number, from 1. With the node it is the key by which the provider's clients tell a repeated call from a new one.
    pub attempt: u32,
    /// What machine.
    pub wish: MachineWish,
    /// Which credential pays for it.
    pub credential: CredentialId,
    /// Its version at this time.
    pub credential_version: u32,
    /// Digest of the enrolment token that the machine carries.
    pub enrolment_digest: SecretDigest,
    /// When that token dies, unless its machine is kept longer.
    pub enrolment_expires_at: Timestamp,
}

/// The provider accepts the credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeCredentialVerified {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// The account or project, where the provider names it.
    pub account: Option<String>,
}

/// The provider is about to be asked for the machine: from here on one may exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineIntended {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// Its name at the provider.
    pub name: String,
    /// What it costs, where the provider says so.
    pub price: Option<MachinePrice>,
}

/// The provider has taken the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineOrdered {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// How the provider names the machine.
    pub reference: String,
    /// What is going on at the provider, to be followed; none where nothing is.
    pub operation: Option<String>,
    /// Whether an earlier call of this attempt had made it.
    pub found: bool,
}

/// The machine exists; it boots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineCreated {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// How the provider names the machine.
    pub reference: String,
    /// Its public address, where it has one.
    pub address: Option<String>,
}

/// The machine tells how far its start has got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeProgressReported {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// What it does, e.g. `installing docker`; `failed` when it can't go on.
    pub stage: String,
    /// More, in its words; may be empty.
    pub detail: String,
}

/// The machine's agent has traded its enrolment token for the node's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeEnrolled {
    /// Which.
    pub node: NodeId,
    /// The attempt.
    pub attempt: u32,
    /// The agent's installation; only this one may trade again.
    pub instance: u64,
    /// Where it called from.
    pub address: String,
}

/// An attempt to provision failed. A fact about the attempt: a later one may succeed, and so may a machine that calls late.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeProvisioningFailed {
    /// Which.
    pub node: NodeId,
    /// The attempt's number, from 1.
    pub attempt: u32,
    /// The step that failed.
    pub step: ProvisionStep,
    /// What went wrong.
    pub failure: ProvisionFailure,
    /// Whether it is certain that nothing was made at the provider.
    pub nothing_made: bool,
    /// Until when the machine is kept, as it may still call; none when it is removed at once, or there is none.
    pub kept_until: Option<Timestamp>,
}

/// Why a machine is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// Its attempt failed.
    AttemptFailed,
    /// It was kept, and has not called.
    NeverCalled,
    /// Another attempt takes its place.
    Retried,
    /// Its node is being deleted.
    NodeDeleted,
}

/// The machine is to be removed, with everything that came along with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineRemovalIntended {
    /// Which.
    pub node: NodeId,
    /// The attempt that made it.
    pub attempt: u32,
    /// Why.
    pub reason: RemovalReason,
}

/// The provider's list no longer shows anything of this node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineRemoved {
    /// Which.
    pub node: NodeId,
    /// The attempt that made it.
    pub attempt: u32,
}

/// Why a machine was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AbandonReason {
    /// Its credential was deleted by force.
    CredentialDeleted,
    /// Its node's deletion was forced before the removal was done.
    DeletionForced,
}

/// Nobody looks after the machine any more: it may run on, and cost, until somebody removes it at the provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NodeMachineAbandoned {
    /// Which.
    pub node: NodeId,
    /// The attempt that made it.
    pub attempt: u32,
    /// Its name at the provider.
    pub name: String,
    /// Why.
    pub reason: AbandonReason,
}
