//! A node's machine at a provider: the attempt that is under way or was last, and what may exist there and cost money.
//!
//! The two are apart on purpose. An attempt may be over while its machine is still to be removed, and a machine runs on long after
//! its attempt has come right.

use crate::event::{
    Event, MachinePrice, MachineWish, NodeMachineIntended, NodeProvisionRequested, ProvisionFailure, ProvisionStep, RemovalReason,
};
use crate::id::CredentialId;
use crate::record::Record;
use crate::state::{Node, NodeStatus};
use crate::time::Timestamp;
use crate::token::SecretDigest;
use serde::{Deserialize, Serialize};

/// Reports of progress kept with an attempt; what comes after is refused.
pub const STAGES_MAX: usize = 40;

/// The last attempt to provision a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provision {
    /// Its number, from 1.
    pub attempt: u32,
    /// Ties its events together.
    pub correlation: u64,
    /// What machine is wanted.
    pub wish: MachineWish,
    /// Which credential pays for it.
    pub credential: CredentialId,
    /// The account, where the provider names it.
    pub account: Option<String>,
    /// What the machine proves itself with.
    pub enrolment: Enrolment,
    /// When each step was reached.
    pub reached: Reached,
    /// What the machine told of its start, oldest first; at most [`STAGES_MAX`].
    pub stages: Vec<Stage>,
    /// How it failed, if it has, and no agent has called since.
    pub failed: Option<FailedAttempt>,
}

/// When an attempt reached what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// It was asked for.
    pub requested_at: Timestamp,
    /// The credential was verified.
    pub verified_at: Option<Timestamp>,
    /// The machine was there.
    pub created_at: Option<Timestamp>,
    /// Its agent traded the enrolment token.
    pub enrolled_at: Option<Timestamp>,
    /// Its agent was let in.
    pub online_at: Option<Timestamp>,
}

/// An enrolment token, as the rules know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Its digest.
    pub digest: SecretDigest,
    /// When it dies.
    pub expires_at: Timestamp,
    /// The installation that has traded it.
    pub instance: Option<u64>,
    /// Whether it is dead: an agent was let in, or the machine goes.
    pub closed: bool,
}

/// A report of progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// When it came.
    pub at: Timestamp,
    /// What the machine does.
    pub stage: String,
    /// More, in its words.
    pub detail: String,
}

/// How an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// When.
    pub at: Timestamp,
    /// At which step.
    pub step: ProvisionStep,
    /// Why, and what to do.
    pub failure: ProvisionFailure,
    /// Until when its machine is kept.
    pub kept_until: Option<Timestamp>,
}

/// A machine that may exist at a provider, and cost money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The attempt that makes or made it.
    pub attempt: u32,
    /// Ties its events together, its removal included.
    pub correlation: u64,
    /// What was asked for.
    pub wish: MachineWish,
    /// What it is made and removed with.
    pub credential: CredentialId,
    /// Its name at the provider.
    pub name: String,
    /// What it costs, where the provider says so.
    pub price: Option<MachinePrice>,
    /// Since when it may exist.
    pub intended_at: Timestamp,
    /// What the provider answered, once it did.
    pub ordered: Option<Ordered>,
    /// When the provider's list first showed it. That its agent called does not count: a list may lag behind a machine that runs.
    pub seen_at: Option<Timestamp>,
    /// Its public address, once it is there and has one.
    pub address: Option<String>,
    /// Whether it goes.
    pub removal: Option<Removal>,
}

/// What the provider answered to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// When.
    pub at: Timestamp,
    /// How it names the machine.
    pub reference: String,
    /// What to follow.
    pub operation: Option<String>,
}

/// A removal that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub reason: RemovalReason,
}

impl Provision {
    fn requested(event: &NodeProvisionRequested, record: &Record) -> Self {
        Self {
            attempt: event.attempt,
            correlation: record.correlation,
            wish: event.wish.clone(),
            credential: event.credential,
            account: None,
            enrolment: Enrolment { digest: event.enrolment_digest, expires_at: event.enrolment_expires_at, instance: None, closed: false },
            reached: Reached { requested_at: record.at, verified_at: None, created_at: None, enrolled_at: None, online_at: None },
            stages: Vec::new(),
            failed: None,
        }
    }

    /// The step it is at, or failed at.
    #[must_use]
    pub const fn step(&self) -> ProvisionStep {
        match (self.reached.verified_at, self.reached.created_at) {
            (None, _) => ProvisionStep::VerifyCredential,
            (Some(_), None) => ProvisionStep::CreateMachine,
            (Some(_), Some(_)) => ProvisionStep::AwaitHandshake,
        }
    }

    /// Since when it is at its step.
    #[must_use]
    pub fn step_since(&self) -> Timestamp {
        let reached = self.reached;
        reached.created_at.or(reached.verified_at).unwrap_or(reached.requested_at)
    }
}

impl Machine {
    fn intended(event: &NodeMachineIntended, of: &Provision, at: Timestamp) -> Self {
        Self {
            attempt: event.attempt,
            correlation: of.correlation,
            wish: of.wish.clone(),
            credential: of.credential,
            name: event.name.clone(),
            price: event.price.clone(),
            intended_at: at,
            ordered: None,
            seen_at: None,
            address: None,
            removal: None,
        }
    }
}

impl Node {
    /// Whether an attempt to provision it is under way.
    #[must_use]
    pub const fn is_provisioning(&self) -> bool {
        matches!(self.status, NodeStatus::Provisioning { .. })
    }

    pub(super) fn apply_provision(&mut self, record: &Record) {
        match &record.event {
            Event::NodeProvisionRequested(e) => self.provision = Some(Box::new(Provision::requested(e, record))),
            Event::NodeMachineRemoved(_) | Event::NodeMachineAbandoned(_) => self.machine = None,
            Event::NodeOnline(_) => self.came_online(record.at),
            Event::NodeDeletionStarted(_) => self.close_enrolment(),
            event => {
                self.apply_attempt(event, record.at);
                self.apply_machine(event, record.at);
            }
        }
        self.fold_status(record);
    }

    fn apply_attempt(&mut self, event: &Event, at: Timestamp) {
        let Some(provision) = &mut self.provision else { return };
        match event {
            Event::NodeCredentialVerified(e) => {
                provision.reached.verified_at = Some(at);
                provision.account.clone_from(&e.account);
            }
            Event::NodeMachineIntended(e) => self.machine = Some(Box::new(Machine::intended(e, provision, at))),
            Event::NodeMachineCreated(_) => provision.reached.created_at = Some(at),
            Event::NodeProgressReported(e) => {
                provision.stages.push(Stage { at, stage: e.stage.clone(), detail: e.detail.clone() });
            }
            Event::NodeEnrolled(e) => {
                provision.enrolment.instance = Some(e.instance);
                provision.reached.enrolled_at = Some(at);
            }
            Event::NodeProvisioningFailed(e) => {
                let (step, failure, kept_until) = (e.step, e.failure.clone(), e.kept_until);
                provision.enrolment.expires_at = provision.enrolment.expires_at.max(kept_until.unwrap_or_default());
                provision.failed = Some(FailedAttempt { at, step, failure, kept_until });
            }
            _ => {}
        }
    }

    fn apply_machine(&mut self, event: &Event, at: Timestamp) {
        let Some(machine) = &mut self.machine else { return };
        match event {
            Event::NodeMachineOrdered(e) => {
                machine.ordered = Some(Ordered { at, reference: e.reference.clone(), operation: e.operation.clone() });
            }
            Event::NodeMachineCreated(e) => {
                machine.seen_at = Some(at);
                machine.address.clone_from(&e.address);
            }
            Event::NodeMachineRemovalIntended(e) => {
                machine.removal = Some(Removal { since: at, reason: e.reason });
                if self.provision.as_ref().is_some_and(|provision| provision.attempt == e.attempt) {
                    self.close_enrolment();
                }
            }
            // A machine of an earlier attempt is another one: it stays until it is removed.
            Event::NodeProvisioningFailed(e) if e.nothing_made && machine.attempt == e.attempt => self.machine = None,
            _ => {}
        }
    }

    fn close_enrolment(&mut self) {
        if let Some(provision) = &mut self.provision {
            provision.enrolment.closed = true;
        }
    }

    /// The first session ends the attempt, whatever it had come to.
    fn came_online(&mut self, at: Timestamp) {
        self.close_enrolment();
        if let Some(provision) = self.provision.as_mut().filter(|provision| provision.reached.online_at.is_none()) {
            let reached = &mut provision.reached;
            // An agent may be faster than what is told of its machine.
            reached.created_at = reached.created_at.or(Some(at));
            reached.online_at = Some(at);
            provision.failed = None;
        }
    }

    /// The status as far as the attempt says it. A node that was online once, or is going, is neither provisioning nor failed.
    fn fold_status(&mut self, record: &Record) {
        let told = matches!(
            record.event,
            Event::NodeProvisionRequested(_)
                | Event::NodeCredentialVerified(_)
                | Event::NodeMachineCreated(_)
                | Event::NodeProvisioningFailed(_)
        );
        let open = matches!(self.status, NodeStatus::Pending | NodeStatus::Provisioning { .. } | NodeStatus::ProvisioningFailed { .. });
        match &self.provision {
            Some(provision) if told && open => {
                let attempt = provision.attempt;
                self.status = match &provision.failed {
                    Some(failed) => NodeStatus::ProvisioningFailed {
                        attempt,
                        step: failed.step,
                        class: failed.failure.class,
                        message: failed.failure.message.clone(),
                    },
                    None => NodeStatus::Provisioning { attempt, step: provision.step(), since: provision.step_since() },
                };
            }
            // A failure of a time before attempts were kept.
            None => {
                if let Event::NodeProvisioningFailed(e) = &record.event {
                    let (class, message) = (e.failure.class, e.failure.message.clone());
                    self.status = NodeStatus::ProvisioningFailed { attempt: e.attempt, step: e.step, class, message };
                }
            }
            Some(_) => {}
        }
    }
}
