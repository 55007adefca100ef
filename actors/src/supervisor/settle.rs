//! Where a supervisor lives: on its connection's thread, so that a frame wakes no other one on its way. A connection comes in on
//! whichever thread the kernel gave it to; a supervisor with nothing at hand follows it there.

use std::thread::ThreadId;

use actix::prelude::*;

use super::NodeSupervisor;

/// Asks a supervisor to go on elsewhere. Answers with the one to start there, or with none when it lives on that thread already
/// or has something at hand; after an answer the asked one is gone.
#[derive(Message)]
#[rtype(result = "Option<Box<NodeSupervisor>>")]
pub(crate) struct Settle {
    pub(crate) thread: ThreadId,
}

impl NodeSupervisor {
    /// Whether nothing would be lost with this actor: no session, no deadline of a deletion, nothing that is still to be told to
    /// the journal, no connection that is still to be cut.
    const fn is_idle(&self) -> bool {
        self.session.is_none() && !self.shutdown_sent && !self.deadline_set && self.at_hand == 0
    }

    /// One more thing that must come to its end in this actor.
    pub(super) const fn begin(&mut self) {
        self.at_hand += 1;
    }

    /// It has.
    pub(super) const fn end(&mut self) {
        self.at_hand -= 1;
    }
}

impl Handler<Settle> for NodeSupervisor {
    type Result = Option<Box<Self>>;

    fn handle(&mut self, settle: Settle, ctx: &mut Context<Self>) -> Self::Result {
        if std::thread::current().id() == settle.thread || !self.is_idle() {
            return None;
        }
        // Lost on its way, the guard tells the fleet, which makes another.
        let guard = self.guard.take()?;
        ctx.stop();
        Some(Box::new(Self {
            org: self.org,
            node: self.node,
            parts: self.parts.clone(),
            live: self.live.clone(),
            session: None,
            refusals: std::mem::take(&mut self.refusals),
            shutdown_sent: false,
            deadline_set: false,
            ticking: None,
            at_hand: 0,
            guard: Some(guard),
        }))
    }
}
