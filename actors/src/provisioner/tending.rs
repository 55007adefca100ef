//! One node's machine, tended until nothing is left to do: look, do the one thing, tell, look again.

use std::sync::Arc;
use std::time::Duration;

use spunto_core::command::{Command, ProvisionCommand, Request};
use spunto_core::event::ProvisionFailure;
use spunto_core::id::{CredentialId, NodeId, OrgId};
use spunto_core::plan::provision::{Circumstances, Intent, Next, deadline, next, pause_ms};
use spunto_core::record::Actor;
use spunto_core::state::{Machine, Provision};
use spunto_core::time::Timestamp;
use tracing::{info, warn};

use super::accounts::{Account, AccountError};
use super::asked::Asked;
use super::{Parts, Wake, failure, point};
use crate::board::Trouble;
use crate::cloud::{Fault, Reply};
use crate::journal::CommandError;
use crate::random;

/// Between two tries to write when the disk is full.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause between two questions about something that goes on.
const POLL_MS_MAX: u64 = 10 * 1000;

/// What became of an intent.
pub(super) enum Done {
    /// It was told; look again.
    Told,
    /// The provider is at it; ask again after a pause.
    UnderWay,
    /// It is to be asked again after this time, at the latest.
    Later(Duration),
    /// It did not work; try again after a pause of at least so many milliseconds.
    Again(Box<ProvisionFailure>, u64),
}

impl Done {
    /// The provider's fault, to be tried again.
    pub(super) fn again(fault: &Fault) -> Self {
        Self::Again(Box::new(failure::of_fault(fault)), failure::asked_pause_ms(fault))
    }
}

/// What the log says of the node, at one moment.
pub(super) struct Look {
    next: Next,
    pub(super) provision: Option<Provision>,
    pub(super) machine: Option<Machine>,
}

/// An intent that was carried out and did not end.
struct Tried {
    intent: Intent,
    tries: u32,
    since: Timestamp,
    /// When it is due again.
    due: Timestamp,
}

/// See the module.
pub(super) struct Tending {
    pub(super) parts: Parts,
    pub(super) org: OrgId,
    pub(super) node: NodeId,
    up_since: Timestamp,
    wake: Arc<Wake>,
    /// What is known of calls to make the machine. What an earlier provisioner asked ended with it, before this one began.
    pub(super) asked: Asked,
    /// What was tried last and did not end.
    tried: Option<Tried>,
    /// What was in the way last.
    pub(super) last_failure: Option<ProvisionFailure>,
}

impl Tending {
    pub(super) fn new(parts: Parts, (org, node): (OrgId, NodeId), up_since: Timestamp, asked: Asked, wake: Arc<Wake>) -> Self {
        Self { parts, org, node, up_since, wake, asked, tried: None, last_failure: None }
    }

    /// Tends it until nothing is left to do. Says what is known of calls then; none when the journal
    /// has stopped: what it was told last may be in the log, so nobody may act on what the directory says any more.
    pub(super) async fn run(mut self) -> Option<Asked> {
        while let Some(look) = self.look() {
            let until = match &look.next {
                Next::Nothing => break,
                Next::Wait(until) => {
                    self.go_on();
                    *until
                }
                Next::Do(intent) => match self.not_due(intent) {
                    Some(due) => due,
                    None => match self.carry_out(intent, &look).await {
                        Some(done) => self.until(intent, done),
                        None => return None,
                    },
                },
            };
            let deadline = look.provision.as_ref().map(deadline).filter(|deadline| *deadline > self.now());
            self.sleep(deadline.map_or(until, |deadline| until.min(deadline))).await;
        }
        Some(self.asked)
    }

    /// When an intent that did not end is due again; none when it is now. News of other things does not bring it forward.
    fn not_due(&self, intent: &Intent) -> Option<Timestamp> {
        let tried = self.tried.as_ref().filter(|tried| tried.intent == *intent)?;
        (tried.due > self.now() && !self.wake.hurried()).then_some(tried.due)
    }

    fn look(&self) -> Option<Look> {
        let at = Circumstances { now: self.now(), up_since: self.up_since };
        self.parts.directory.read(|state| {
            let known = state.orgs.get(&self.org)?.fleet.node(self.node)?;
            let (provision, machine) = (known.provision.as_deref().cloned(), known.machine.as_deref().cloned());
            Some(Look { next: next(known, &at), provision, machine })
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// It goes on: what was in the way is no longer.
    fn go_on(&mut self) {
        self.tried = None;
        self.parts.board.note_trouble(self.node, None);
    }

    /// When to look again, after an intent was carried out or not.
    fn until(&mut self, intent: &Intent, done: Done) -> Timestamp {
        let now = self.now();
        let before = self.tried.take().filter(|tried| tried.intent == *intent);
        let (tries, since) = before.map_or((0, now), |tried| (tried.tries, tried.since));
        let pause_ms = pause_ms(tries, random::number());
        let due = match &done {
            Done::Told => {
                self.go_on();
                self.last_failure = None;
                return now;
            }
            Done::Later(wait) => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
                now.plus_ms(pause_ms.min(POLL_MS_MAX).min(wait_ms))
            }
            Done::UnderWay => now.plus_ms(pause_ms.min(POLL_MS_MAX)),
            Done::Again(_, least_ms) => now.plus_ms(pause_ms.max(*least_ms)),
        };
        let tries = tries.saturating_add(1);
        self.tried = Some(Tried { intent: intent.clone(), tries, since, due });
        match done {
            Done::Again(failure, _) => {
                let node = self.node;
                warn!(%node, message = failure.message, code = failure.code, tries, "something is in the way; tried again");
                self.last_failure = Some((*failure).clone());
                self.parts.board.note_trouble(node, Some(Trouble { failure: *failure, since, tries, again_at: due }));
            }
            _ => self.parts.board.note_trouble(self.node, None),
        }
        due
    }

    /// Until this time, or something may have changed.
    async fn sleep(&self, until: Timestamp) {
        let wait = Duration::from_millis(until.ms_since(self.now()));
        if wait.is_zero() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.wake.woken() => {}
        }
    }

    async fn carry_out(&mut self, intent: &Intent, look: &Look) -> Option<Done> {
        match (intent, &look.provision, &look.machine) {
            (Intent::Remove, _, Some(machine)) => self.remove(machine).await,
            (Intent::BeginRemoval(reason), _, Some(machine)) => {
                let (attempt, reason) = (machine.attempt, *reason);
                self.tell(machine.correlation, ProvisionCommand::IntendRemoval { attempt, reason }).await
            }
            (Intent::Verify, Some(provision), _) => self.verify(provision).await,
            (Intent::Intend, Some(provision), _) => self.intend(provision).await,
            (Intent::Create, Some(provision), _) => self.create(provision).await,
            (Intent::Follow { operation }, Some(provision), _) => self.follow(provision, operation.as_deref()).await,
            (Intent::GiveUp, Some(provision), _) => {
                let failure = failure::too_late(provision, self.last_failure.take());
                self.fail(provision, failure, self.asked.is_answered()).await
            }
            // The plan names only what there is.
            _ => Some(Done::UnderWay),
        }
    }

    /// The account of a credential, or why there is none.
    pub(super) async fn account(&self, credential: CredentialId) -> Result<Account, AccountError> {
        self.parts.accounts.open(self.org, credential).await
    }

    /// Waits for a provider's answer, with room for the call.
    pub(super) async fn ask<'a, T: 'a>(account: &'a Account, call: impl FnOnce() -> Reply<'a, T>) -> Result<T, Fault> {
        // It is never closed; without room the call would only be one more at a time.
        let _room = account.room.acquire().await.ok();
        point::pass().await;
        let answer = call().await;
        point::pass().await;
        answer
    }

    /// Makes it an event. None when the journal has stopped.
    pub(super) async fn tell(&mut self, correlation: u64, command: ProvisionCommand) -> Option<Done> {
        let (actor, command) = (Actor::System, Command::Provision(self.org, self.node, command));
        let request = Request {
            actor,
            now: self.now(),
            correlation,
            causation: 0,
            expected_version: None,
            idempotency: None,
            address: None,
            command,
        };
        loop {
            point::pass().await;
            match self.parts.journal.submit(request.clone()).await {
                Ok(committed) => {
                    point::pass().await;
                    let there = self.parts.directory.reach(committed.position.seq).await;
                    return there.then_some(Done::Told);
                }
                // Whatever it was, it is no longer true; what is, the next look shows.
                Err(CommandError::Refused(refusal)) => {
                    info!(node = %self.node, %refusal, "no longer so");
                    return Some(Done::UnderWay);
                }
                Err(CommandError::NoRoom(_) | CommandError::Busy) => tokio::time::sleep(NO_ROOM_PAUSE).await,
                Err(CommandError::Unknown) => return None,
            }
        }
    }

    pub(super) async fn fail(&mut self, provision: &Provision, failure: ProvisionFailure, nothing_made: bool) -> Option<Done> {
        info!(node = %self.node, attempt = provision.attempt, class = ?failure.class, message = failure.message, "a provision failed");
        let command = ProvisionCommand::Fail { attempt: provision.attempt, failure, nothing_made };
        self.tell(provision.correlation, command).await
    }
}
