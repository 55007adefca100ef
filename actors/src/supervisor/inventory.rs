//! Takes in an inventory, page by page, and closes the difference once it is whole.

use actix::prelude::*;
use spunto_core::command::{AgentReport, Command, NodeCommand};
use spunto_core::id::OperationId;
use spunto_core::plan;
use spunto_core::protocol::{Found, FromServer, INVENTORY_PAGE_UNITS_MAX, Work, cut};
use spunto_core::record::Actor as Who;
use tracing::warn;

use super::NodeSupervisor;
use crate::random;

/// Most containers that one node may report: far more than Docker's networks allow.
const INVENTORY_UNITS_MAX: usize = 10_000;

impl NodeSupervisor {
    pub(super) fn page(&mut self, page: u32, units: Vec<Found>, last: bool, ctx: &mut Context<Self>) -> ResponseActFuture<Self, ()> {
        let nothing = || -> ResponseActFuture<Self, ()> { Box::pin(actix::fut::ready(())) };
        let Some(session) = &mut self.session else { return nothing() };
        if page == 0 {
            session.pages = Some(Vec::new());
        }
        let Some(pages) = session.pages.as_mut().filter(|_| units.len() <= INVENTORY_PAGE_UNITS_MAX) else {
            self.broke_protocol("an inventory page that is too long or has no first page", ctx);
            return nothing();
        };
        pages.extend(units);
        if pages.len() > INVENTORY_UNITS_MAX {
            self.broke_protocol("an inventory without an end", ctx);
            return nothing();
        }
        if !last {
            return nothing();
        }
        let found = session.pages.take().unwrap_or_default();
        let epoch = session.epoch;
        if self.is_observing() {
            // Looked at, and nothing done about it: see `restoration.rs`.
            self.live.lock().found = Some(found);
            return nothing();
        }
        self.close_the_difference(epoch, found)
    }

    /// Tells the log what is news, then lets orders go; containers that belong to nothing are removed.
    fn close_the_difference(&self, epoch: u64, found: Vec<Found>) -> ResponseActFuture<Self, ()> {
        let (org, node) = (self.org, self.node);
        let (mut findings, keeps) = self.parts.directory.read(|state| {
            let known = state.orgs.get(&org);
            let keeps = known.and_then(|org| org.fleet.node(node)).is_some_and(|node| node.keeps_unknown);
            (known.map_or_else(plan::Findings::default, |org| plan::compare(org, node, &found)), keeps)
        });
        // After a restore they are newer than the log, and nobody has looked at them: the log learns them instead.
        let unknown = keeps.then(|| std::mem::take(&mut findings.orphans));
        let keep = unknown.map(|unknown| {
            let containers = unknown.into_iter().map(|container| container.container).collect();
            self.request(Who::Node(node), Command::Node(org, node, NodeCommand::KeepContainers { containers }))
        });
        let orphans = findings.orphans;
        let told = orphans.iter().map(|orphan| AgentReport::Orphan { unit: cut(&orphan.unit), container: cut(&orphan.container) });
        let reports = findings.reports.into_iter().chain(told);
        let reports = reports.map(|report| self.request(Who::Node(node), Command::Agent(org, node, epoch, report)));
        let requests: Vec<_> = reports.chain(keep).collect();
        let (journal, directory) = (self.parts.journal.clone(), self.parts.directory.clone());
        let tell = async move {
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                answers.extend(journal.enqueue(request).await);
            }
            let mut seq = 0;
            for answer in answers {
                // A refusal is a unit that has gone meanwhile.
                if let Ok(Ok(committed)) = answer.await {
                    seq = seq.max(committed.position.seq);
                }
            }
            directory.reach(seq).await;
        };
        Box::pin(tell.into_actor(self).map(move |(), this, ctx| {
            let Some(session) = this.session.as_mut().filter(|session| session.epoch == epoch) else { return };
            session.inventoried = true;
            for orphan in orphans {
                warn!(%node, unit = orphan.unit, container = orphan.container, "a container that belongs to nothing is removed");
                let work = Work::RemoveOrphan { container: orphan.container };
                // Lost with the session, if at all; the next inventory finds it again.
                let _ = session.link.send(&FromServer::Operate { operation: OperationId::from_u64(random::number()), work });
            }
            this.look(ctx);
        }))
    }
}
