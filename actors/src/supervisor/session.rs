//! One open session, and what its frames lead to.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use spunto_core::command::{AgentReport, Command};
use spunto_core::event::OfflineReason;
use spunto_core::id::OperationId;
use spunto_core::protocol::{Found, FromAgent, FromServer, Instance, close};
use spunto_core::record::Actor as Who;
use spunto_core::refusal::Refusal;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::liveness::{Liveness, Vigor};
use super::{NO_ROOM_PAUSE, NodeSupervisor};
use crate::journal::CommandError;
use crate::link::Link;
use crate::random;

/// A session that was accepted.
pub(super) struct Session {
    pub(super) epoch: u64,
    pub(super) instance: Instance,
    pub(super) token_version: u32,
    pub(super) link: Link,
    pub(super) liveness: Liveness,
    pub(super) said_goodbye: bool,
    /// It was begun while the log waited to be confirmed: what it told came to nothing.
    pub(super) observes: bool,
    /// Pages of the inventory so far; none when no inventory is under way.
    pub(super) pages: Option<Vec<Found>>,
    /// Whether a whole inventory was taken in: before that no order is sent, as it may answer some.
    pub(super) inventoried: bool,
    /// Orders sent in this session, and whether the agent has said that it has them.
    pub(super) sent: HashMap<OperationId, bool>,
}

impl Session {
    pub(super) fn new(epoch: u64, instance: Instance, token_version: u32, link: Link, now: Instant) -> Self {
        // Nonces start anywhere, so that an answer that belongs to another session is not taken for one of this.
        let first_nonce = u32::from_le_bytes(random::bytes());
        Self {
            epoch,
            instance,
            token_version,
            link,
            liveness: Liveness::new(now, first_nonce),
            said_goodbye: false,
            observes: false,
            pages: None,
            inventoried: false,
            sent: HashMap::new(),
        }
    }
}

impl NodeSupervisor {
    /// Looks after the session in a while, and then on and on.
    pub(super) fn look_after(&mut self, after: Duration, ctx: &mut Context<Self>) {
        let next = ctx.run_later(after, |supervisor, ctx| supervisor.tick(ctx));
        if let Some(old) = self.ticking.replace(next) {
            ctx.cancel_future(old);
        }
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.ticking = None;
        let now = Instant::now();
        let Some(session) = &mut self.session else { return };
        let vigor = session.liveness.vigor(now);
        self.live.lock().suspect = vigor == Vigor::Suspect;
        if vigor == Vigor::Dead {
            let link = session.link.clone();
            self.end_session(OfflineReason::NoAnswer, ctx);
            self.retire(link, close::NO_ANSWER, "no answer", ctx);
            return;
        }
        // A full queue is a reader that has stopped: the deadline finds it.
        let pinged = session.liveness.ping(now).map(|nonce| session.link.send(&FromServer::Ping { nonce })).is_some();
        let next = session.liveness.next(now);
        self.look_after(next, ctx);
        if pinged {
            // Makes good a wake that was lost to a full mailbox.
            self.look(ctx);
        }
    }

    /// Takes in a frame of the session.
    pub(super) fn arrived(&mut self, frame: FromAgent, ctx: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        let Some(session) = &mut self.session else { return Box::pin(actix::fut::ready(())) };
        match frame {
            FromAgent::Pong { nonce } => {
                if let Some(took) = session.liveness.pong(nonce, Instant::now()) {
                    let mut live = self.live.lock();
                    live.suspect = false;
                    if let Some(shown) = &mut live.session {
                        shown.answered_at = self.parts.clock.now();
                        shown.round_trip_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                    }
                }
            }
            FromAgent::Gauges(gauges) => self.live.lock().push_gauges(self.parts.clock.now(), gauges),
            FromAgent::PullProgress { unit, progress } => self.live.lock().note_pull(unit, progress),
            FromAgent::Accepted { operation } => {
                if let Some(accepted) = session.sent.get_mut(&operation) {
                    *accepted = true;
                }
                self.send_orders(ctx);
            }
            FromAgent::Inventory { page, units, last } => return self.page(page, units, last, ctx),
            FromAgent::Observation { id, unit, operation, observed } => {
                self.live.lock().pulls.remove(&unit);
                let epoch = session.epoch;
                return self.report(epoch, AgentReport::Observed { unit, operation, observed }, Some(id));
            }
            FromAgent::Probe { isolation } => {
                let epoch = session.epoch;
                return self.report(epoch, AgentReport::Isolation(isolation), None);
            }
            FromAgent::Goodbye { .. } => session.said_goodbye = true,
            FromAgent::Error { message } => warn!(node = %self.node, message, "the agent did not understand a frame"),
            FromAgent::Hello(_) => self.broke_protocol("a second hello", ctx),
        }
        Box::pin(actix::fut::ready(()))
    }

    /// Ends the session of an agent that does not keep to the protocol.
    pub(super) fn broke_protocol(&mut self, what: &'static str, ctx: &mut Context<Self>) {
        warn!(node = %self.node, what, "the agent broke the protocol");
        if let Some(session) = self.end_session(OfflineReason::ProtocolError, ctx) {
            self.retire(session.link, PROTOCOL_ERROR, what, ctx);
        }
    }

    /// Hands a report to the journal; waits for room there, so that the connection does too, but not for the answer.
    pub(super) fn report(&self, epoch: u64, report: AgentReport, ack: Option<u64>) -> ResponseActFuture<Self, ()> {
        let node = self.node;
        let request = self.request(Who::Node(node), Command::Agent(self.org, node, epoch, report));
        let (journal, again) = (self.parts.journal.clone(), request.clone());
        let enqueue = async move { journal.enqueue(request).await };
        Box::pin(enqueue.into_actor(self).map(move |answer, this, ctx| {
            let (Ok(answer), Some(id)) = (answer, ack) else { return };
            let journal = this.parts.journal.clone();
            let told = async move {
                let mut answer = answer.await.unwrap_or(Err(CommandError::Unknown));
                while let Err(CommandError::NoRoom(_)) = answer {
                    tokio::time::sleep(NO_ROOM_PAUSE).await;
                    answer = journal.submit(again.clone()).await;
                }
                answer
            };
            let wait = told.into_actor(this).map(move |answer, this, _| match answer {
                Ok(_) => this.acknowledge(epoch, id),
                // The agent keeps it until the server acts again.
                Err(CommandError::Refused(Refusal::Observing)) => {}
                Err(CommandError::Refused(refusal)) => {
                    // Of a unit that is gone, or a session that is over: sending it again would not help.
                    debug!(%node, %refusal, "an observation came to nothing");
                    this.acknowledge(epoch, id);
                }
                // It is not known to be durable: the agent keeps it.
                Err(CommandError::Busy | CommandError::NoRoom(_) | CommandError::Unknown) => {}
            });
            ctx.spawn(wait);
        }))
    }

    fn acknowledge(&self, epoch: u64, id: u64) {
        if let Some(session) = self.session.as_ref().filter(|session| session.epoch == epoch) {
            // Lost with the connection, if at all; the agent sends the observation again then.
            let _ = session.link.send(&FromServer::Ack { id });
        }
    }
}

/// RFC 6455's close code for a broken protocol.
const PROTOCOL_ERROR: u16 = 1002;
const _: () = assert!(PROTOCOL_ERROR < close::REPLACED, "our own codes are apart from the standard's");
