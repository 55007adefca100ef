//! A node's supervisor: owns its live session, liveness, drain progress and the orders in flight. Never truth.
//!
//! It is never the WebSocket actor itself: a reader that stops freezes that one, timers and all. It takes no instruction:
//! it looks at the directory whenever something may have changed, and does what is left to do.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use parking_lot::Mutex;
use spunto_core::command::{Command, NodeCommand, Request};
use spunto_core::event::{ConnectionRefusal, OfflineReason};
use spunto_core::id::{NodeId, OrgId, UnitId};
use spunto_core::protocol::{FromAgent, FromServer, Hello, agree, close};
use spunto_core::record::Actor as Who;
use spunto_core::refusal::Refusal;
use spunto_core::state::NodeStatus;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::board::{DrainProgress, LiveNode, LiveSession};
use crate::fleet::{Guard, Parts};
use crate::journal::{CommandError, Committed};
use crate::link::Link;
use crate::random;

mod inventory;
mod liveness;
mod orders;
mod refusals;
mod session;
#[cfg(test)]
mod tests;

use liveness::Vigor;
use refusals::Refusals;
use session::Session;

/// How long agents have to come back after the server was started again.
pub const RESTART_GRACE: Duration = Duration::from_secs(15);
/// How long an agent has to clean up when its node is deleted.
pub const DELETION_DEADLINE: Duration = Duration::from_secs(60);
/// Between two tries to write when the disk is full.
const NO_ROOM_PAUSE: Duration = Duration::from_secs(1);
/// How long a connection may take to close politely.
const POLITE_CLOSE: Duration = Duration::from_millis(500);

/// An agent wants in. Answers whether it is in; where it is not, it has been told.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct Connect {
    /// The version of the token that it presented, or why that is not good enough.
    pub credential: Result<u32, ConnectionRefusal>,
    /// What it says of itself.
    pub hello: Hello,
    /// Where it calls from, without the port.
    pub address: String,
    /// Its connection.
    pub link: Link,
}

/// A frame has arrived on a connection.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Arrived {
    /// Which connection.
    pub link: u64,
    /// What.
    pub frame: FromAgent,
}

/// A connection is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Closed {
    /// Which.
    pub link: u64,
    /// Why.
    pub reason: OfflineReason,
}

/// Something may have changed; look.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Wake;

/// The node has no session to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the node is not connected")]
pub struct NotConnected;

/// Asks the agent to send a unit's output on a stream of its own.
#[derive(Message)]
#[rtype(result = "Result<(), NotConnected>")]
pub struct OpenLogs {
    /// Names the stream.
    pub stream: String,
    /// Whose output.
    pub unit: UnitId,
    /// So many lines from the end.
    pub tail: u32,
    /// Whether to go on with what comes.
    pub follow: bool,
}

/// See the module.
pub struct NodeSupervisor {
    org: OrgId,
    node: NodeId,
    parts: Parts,
    live: Arc<Mutex<LiveNode>>,
    session: Option<Session>,
    refusals: Refusals,
    shutdown_sent: bool,
    deadline_set: bool,
    ticking: Option<SpawnHandle>,
    guard: Guard,
}

impl NodeSupervisor {
    pub(crate) fn new(org: OrgId, node: NodeId, parts: Parts, guard: Guard) -> Self {
        let live = parts.board.place(node);
        *live.lock() = LiveNode::default();
        let refusals = Refusals::default();
        Self { org, node, parts, live, session: None, refusals, shutdown_sent: false, deadline_set: false, ticking: None, guard }
    }

    /// Whether the log was restored and waits to be confirmed: then nothing is sent that acts.
    fn is_observing(&self) -> bool {
        self.parts.directory.read(spunto_core::state::State::is_observing)
    }

    fn request(&self, actor: Who, command: Command) -> Request {
        Request {
            actor,
            now: self.parts.clock.now(),
            correlation: random::number(),
            causation: 0,
            expected_version: None,
            idempotency: None,
            address: None,
            command,
        }
    }

    /// Hands a command in without waiting for the answer; what is refused was no longer true.
    fn submit(&self, actor: Who, command: NodeCommand, ctx: &mut Context<Self>) {
        let (name, node) = (format!("{command:?}"), self.node);
        let request = self.request(actor, Command::Node(self.org, node, command));
        let journal = self.parts.journal.clone();
        let submit = async move {
            let name = name.split([' ', '{']).next().unwrap_or("");
            loop {
                match journal.submit(request.clone()).await {
                    Ok(_) | Err(CommandError::Refused(_)) => return,
                    // It stays true, so it is told once there is room again.
                    Err(CommandError::NoRoom(_)) => tokio::time::sleep(NO_ROOM_PAUSE).await,
                    Err(failure @ (CommandError::Busy | CommandError::Unknown)) => {
                        return warn!(%node, command = name, %failure, "not carried out");
                    }
                }
            }
        };
        ctx.spawn(submit.into_actor(self));
    }

    fn refuse(&mut self, reason: ConnectionRefusal, address: String, link: &Link, ctx: &mut Context<Self>) {
        let words = refusals::words(reason);
        let refused = FromServer::Refused { code: words.code.into(), message: words.message.into(), retry: words.retry };
        // A link that takes nothing is a connection that is gone.
        let _ = link.send(&refused);
        self.retire(link.clone(), close::REFUSED, words.code, ctx);
        if let Some(count) = self.refusals.count(reason, &address, self.parts.clock.now()) {
            warn!(node = %self.node, address, reason = words.code, "an agent was refused");
            self.submit(Who::Node(self.node), NodeCommand::RefuseConnection { reason, address, count }, ctx);
        }
    }

    /// Closes a connection politely, and at the socket where that does not work.
    #[expect(clippy::unused_self, reason = "a step of the supervisor, with its context")]
    fn retire(&self, link: Link, code: u16, reason: &'static str, ctx: &mut Context<Self>) {
        link.close(code, reason);
        ctx.run_later(POLITE_CLOSE, move |_, _| link.cut());
    }

    fn end_session(&mut self, reason: OfflineReason, ctx: &mut Context<Self>) -> Option<Session> {
        let session = self.session.take()?;
        if let Some(ticking) = self.ticking.take() {
            ctx.cancel_future(ticking);
        }
        {
            let mut live = self.live.lock();
            live.session = None;
            live.suspect = false;
            live.found = None;
            live.pulls.clear();
        }
        let reason = if session.said_goodbye { OfflineReason::AgentStopped } else { reason };
        info!(node = %self.node, epoch = session.epoch, ?reason, "session ended");
        self.submit(Who::System, NodeCommand::EndAgentSession { epoch: session.epoch, reason }, ctx);
        if self.shutdown_sent {
            self.submit(Who::System, NodeCommand::FinishDeletion, ctx);
        }
        Some(session)
    }

    /// The session was accepted and is durable: from here on it is the one.
    fn accepted(&mut self, connect: Connect, committed: Committed, protocol: u32, ctx: &mut Context<Self>) -> bool {
        let spunto_core::outcome::Outcome::Epoch(epoch) = committed.outcome else { return false };
        let Connect { credential, hello, address, link } = connect;
        if let Some(old) = self.session.take() {
            self.retire(old.link, close::REPLACED, "replaced", ctx);
        }
        let welcome = FromServer::Welcome { epoch, node: self.node, protocol, server_version: env!("CARGO_PKG_VERSION").into() };
        let token_version = credential.unwrap_or(0);
        let now = self.parts.clock.now();
        let clock_ahead_ms = i64::try_from(hello.clock_ms).unwrap_or(i64::MAX).saturating_sub(i64::try_from(now.ms()).unwrap_or(0));
        info!(node = %self.node, epoch, address, version = hello.agent_version, "agent connected");
        {
            let mut live = self.live.lock();
            live.session = Some(LiveSession { epoch, address, answered_at: now, round_trip_us: 0, clock_ahead_ms });
            live.suspect = false;
        }
        let mut session = Session::new(epoch, hello.instance, token_version, link, Instant::now());
        session.observes = self.is_observing();
        let welcomed = session.link.send(&welcome).is_ok();
        self.session = Some(session);
        self.look_after(liveness::phase(self.node), ctx);
        self.look(ctx);
        welcomed
    }

    /// Looks at the log's view of this node and does what is left to do.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let found = self.parts.directory.read(|state| {
            let node = state.orgs.get(&self.org)?.fleet.node(self.node)?;
            let draining = matches!(node.status, NodeStatus::Draining { .. });
            let deleting = matches!(node.status, NodeStatus::Deleting { .. });
            Some((node.token.version, draining.then_some(node.load), deleting))
        });
        let Some((token_version, draining, deleting)) = found else {
            self.guard.stopped = true;
            if let Some(session) = self.session.take() {
                session.link.close(close::NODE_DELETED, "node deleted");
            }
            return ctx.stop();
        };
        self.note_drain(draining);
        if let Some(session) = self.session.as_ref().filter(|session| session.token_version < token_version) {
            let link = session.link.clone();
            self.end_session(OfflineReason::TokenRotated, ctx);
            return self.retire(link, close::TOKEN_ROTATED, "token rotated", ctx);
        }
        let observing = self.is_observing();
        if self.session.as_ref().is_some_and(|session| session.observes && !observing) {
            // Confirmed: the agent comes back and tells everything again, and what it tells counts.
            if let Some(session) = self.end_session(OfflineReason::ServerRestarted, ctx) {
                self.retire(session.link, close::SERVER_STOPPING, "the restore was confirmed", ctx);
            }
            return;
        }
        if observing {
            return;
        }
        if deleting {
            return self.shut_down(ctx);
        }
        self.send_orders(ctx);
    }

    fn note_drain(&self, left: Option<u32>) {
        let mut live = self.live.lock();
        live.drain = left
            .map(|units_left| DrainProgress { units_at_start: live.drain.map_or(units_left, |drain| drain.units_at_start), units_left });
    }

    fn shut_down(&mut self, ctx: &mut Context<Self>) {
        if !self.deadline_set {
            self.deadline_set = true;
            ctx.run_later(DELETION_DEADLINE, |supervisor, ctx| supervisor.submit(Who::System, NodeCommand::FinishDeletion, ctx));
        }
        if let Some(session) = &self.session
            && !self.shutdown_sent
        {
            self.shutdown_sent = session.link.send(&FromServer::Shutdown { reason: "the node was deleted".into() }).is_ok();
        }
    }
}

impl Actor for NodeSupervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // A node that was connected when the server stopped gets time to come back before it is called offline.
        ctx.run_later(RESTART_GRACE, |supervisor, ctx| {
            let epoch = supervisor.parts.directory.read(|state| {
                let node = state.orgs.get(&supervisor.org)?.fleet.node(supervisor.node)?;
                node.is_connected().then_some(node.epoch)
            });
            if let (None, Some(epoch)) = (&supervisor.session, epoch) {
                let reason = OfflineReason::ServerRestarted;
                supervisor.submit(Who::System, NodeCommand::EndAgentSession { epoch, reason }, ctx);
            }
        });
        self.look(ctx);
    }
}

impl Handler<Connect> for NodeSupervisor {
    // Atomic: two connections at once are let in one after the other.
    type Result = AtomicResponse<Self, bool>;

    fn handle(&mut self, connect: Connect, ctx: &mut Context<Self>) -> Self::Result {
        let refused = |this: &mut Self, connect: Connect, reason, ctx: &mut Context<Self>| {
            this.refuse(reason, connect.address, &connect.link, ctx);
            AtomicResponse::new(Box::pin(actix::fut::ready(false)))
        };
        let token_version = match connect.credential {
            Ok(version) => version,
            Err(reason) => return refused(self, connect, reason, ctx),
        };
        let Some(protocol) = agree(&connect.hello) else {
            return refused(self, connect, ConnectionRefusal::UnsupportedProtocol, ctx);
        };
        let answers = self.session.as_ref().filter(|session| session.liveness.vigor(Instant::now()) == Vigor::Alive);
        if answers.is_some_and(|session| session.instance != connect.hello.instance) {
            return refused(self, connect, ConnectionRefusal::AlreadyConnected, ctx);
        }
        let accept = NodeCommand::AcceptSession {
            token_version,
            instance: connect.hello.instance.0,
            agent_version: connect.hello.agent_version.clone(),
            protocol,
            address: connect.address.clone(),
            facts: connect.hello.facts.clone(),
        };
        let request = self.request(Who::Node(self.node), Command::Node(self.org, self.node, accept));
        let (journal, directory) = (self.parts.journal.clone(), self.parts.directory.clone());
        let submit = async move {
            let committed = journal.submit(request).await?;
            directory.reach(committed.position.seq).await;
            Ok::<_, CommandError>(committed)
        };
        AtomicResponse::new(Box::pin(submit.into_actor(self).map(move |committed, this, ctx| match committed {
            Ok(committed) => this.accepted(connect, committed, protocol, ctx),
            Err(CommandError::Refused(refusal)) => {
                let goes = refusal == Refusal::MachineGoes;
                let reason = if goes { ConnectionRefusal::MachineRemoved } else { ConnectionRefusal::TokenRotated };
                this.refuse(reason, connect.address, &connect.link, ctx);
                false
            }
            Err(CommandError::Busy | CommandError::NoRoom(_) | CommandError::Unknown) => {
                this.retire(connect.link, close::SERVER_STOPPING, "try again", ctx);
                false
            }
        })))
    }
}

impl Handler<Arrived> for NodeSupervisor {
    // The connection waits for this answer before it reads on: that is the bound on what an agent can queue here.
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, arrived: Arrived, ctx: &mut Context<Self>) -> Self::Result {
        let known = self.session.as_ref().is_some_and(|session| session.link.id() == arrived.link);
        // A frame of a session that is over counts for nothing.
        if known { self.arrived(arrived.frame, ctx) } else { Box::pin(actix::fut::ready(())) }
    }
}

impl Handler<Closed> for NodeSupervisor {
    type Result = ();
    fn handle(&mut self, closed: Closed, ctx: &mut Context<Self>) {
        // An old connection that ends late must not end the new one's session.
        if self.session.as_ref().is_some_and(|session| session.link.id() == closed.link) {
            self.end_session(closed.reason, ctx);
        }
    }
}

impl Handler<Wake> for NodeSupervisor {
    type Result = ();
    fn handle(&mut self, _: Wake, ctx: &mut Context<Self>) {
        self.look(ctx);
    }
}

impl Handler<OpenLogs> for NodeSupervisor {
    type Result = Result<(), NotConnected>;
    fn handle(&mut self, open: OpenLogs, _: &mut Context<Self>) -> Self::Result {
        let OpenLogs { stream, unit, tail, follow } = open;
        let session = self.session.as_ref().ok_or(NotConnected)?;
        session.link.send(&FromServer::OpenLogs { stream, unit, tail, follow }).map_err(|_| NotConnected)
    }
}
