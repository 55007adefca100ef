//! The fleet: starts one supervisor a node, wakes it when the log tells of its node, and makes a new one when one dies.
//!
//! actix's own `Supervisor` does not survive a panic and keeps old state after a stop; here each supervisor carries a guard
//! whose drop tells the fleet, and the next one is made from the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use parking_lot::RwLock;
use spunto_core::event::Event;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Record, StreamId};
use spunto_events::vault::Vault;
use tracing::{error, warn};

use crate::board::Board;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::feed::Delivery;
use crate::journal::Journal;
use crate::supervisor::{NodeSupervisor, Wake};

/// How long a node is without a supervisor after one died, so that one that dies at once does not spin.
const RESTART_AFTER: Duration = Duration::from_millis(500);

/// How often, and how many times, one that is being made is looked for: an agent may be faster than the feed.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOKS_MAX: u32 = 100;

/// What every supervisor works with.
#[derive(Clone)]
pub struct Parts {
    /// Takes commands.
    pub journal: Journal,
    /// Answers questions.
    pub directory: Directory,
    /// Holds environments.
    pub vault: Arc<Vault>,
    /// Shows what is live.
    pub board: Board,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

/// Finds a node's supervisor. Clones share it.
#[derive(Clone, Default)]
pub struct Supervisors {
    by_node: Arc<RwLock<HashMap<NodeId, Addr<NodeSupervisor>>>>,
}

impl Supervisors {
    /// The supervisor of a node; none when there is no such node (or it has just died and is being made anew).
    #[must_use]
    pub fn find(&self, node: NodeId) -> Option<Addr<NodeSupervisor>> {
        self.by_node.read().get(&node).cloned()
    }

    /// The same, waiting a moment for one that is just being made.
    pub async fn wait_for(&self, node: NodeId) -> Option<Addr<NodeSupervisor>> {
        for _ in 0..LOOKS_MAX {
            if let Some(found) = self.find(node) {
                return Some(found);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.find(node)
    }
}

/// A supervisor has ended.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Ended {
    pub(crate) org: OrgId,
    pub(crate) node: NodeId,
    pub(crate) crashed: bool,
}

/// Tells the fleet when the supervisor that holds it is gone, however that came.
pub(crate) struct Guard {
    pub(crate) fleet: Addr<Fleet>,
    pub(crate) org: OrgId,
    pub(crate) node: NodeId,
    /// Set by an orderly stop.
    pub(crate) stopped: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // One message in a supervisor's life, so a bound is not what is meant here; losing it would lose the node.
        self.fleet.do_send(Ended { org: self.org, node: self.node, crashed: !self.stopped });
    }
}

/// The parent of all supervisors.
pub struct Fleet {
    parts: Parts,
    supervisors: Supervisors,
    arbiters: Vec<ArbiterHandle>,
    started: usize,
}

impl Fleet {
    /// Starts the fleet on the calling arbiter, with supervisors on `arbiters`.
    pub fn launch(parts: Parts, supervisors: Supervisors, arbiters: Vec<ArbiterHandle>) {
        // It lives on: what follows the feed holds its address.
        Self { parts, supervisors, arbiters, started: 0 }.start();
    }

    fn supervise(&mut self, org: OrgId, node: NodeId, fleet: Addr<Self>) {
        let guard = Guard { fleet, org, node, stopped: false };
        let supervisor = NodeSupervisor::new(org, node, self.parts.clone(), guard);
        let addr = if self.arbiters.is_empty() {
            supervisor.start()
        } else {
            self.started = self.started.wrapping_add(1);
            let arbiter = &self.arbiters[self.started % self.arbiters.len()];
            NodeSupervisor::start_in_arbiter(arbiter, |_| supervisor)
        };
        self.supervisors.by_node.write().insert(node, addr);
    }

    fn follow(&mut self, delivery: &Delivery, ctx: &Context<Self>) {
        for record in delivery.records() {
            if let (Event::NodeCreated(created), Some(org)) = (&record.event, record.org) {
                self.supervise(org, created.node, ctx.address());
            }
            if matches!(record.event, Event::InstallationConfirmed(_)) {
                // Full means that it looks for news soon.
                self.supervisors.by_node.read().values().for_each(|supervisor| drop(supervisor.try_send(Wake)));
            }
            let Some(node) = self.concerns(record) else { continue };
            if let Some(supervisor) = self.supervisors.find(node) {
                // Full means that it has messages to handle; it looks for news after each.
                let _ = supervisor.try_send(Wake);
            }
            if let Event::NodeDeleted(deleted) = &record.event {
                self.supervisors.by_node.write().remove(&deleted.node);
                self.parts.board.clear(deleted.node);
            }
        }
    }

    /// The node that an event gives something to do.
    fn concerns(&self, record: &Record) -> Option<NodeId> {
        match record.stream {
            StreamId::Node(node) => Some(node),
            StreamId::Worker(worker) => self.parts.directory.read(|state| {
                let org = state.orgs.get(&record.org?)?;
                org.workers.get(&worker).map(|worker| worker.unit.node)
            }),
            StreamId::Deployment(deployment) => self.parts.directory.read(|state| {
                let org = state.orgs.get(&record.org?)?;
                org.deployments.get(&deployment).map(|deployment| deployment.node)
            }),
            StreamId::System | StreamId::Org(_) => None,
        }
    }
}

impl Actor for Fleet {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let (seq, nodes) = self.parts.directory.read(|state| {
            let nodes = state.orgs.iter().flat_map(|(org, known)| known.fleet.nodes().map(|(node, _)| (*org, node)));
            (state.seq, nodes.collect::<Vec<_>>())
        });
        for (org, node) in nodes {
            self.supervise(org, node, ctx.address());
        }
        let directory = self.parts.directory.clone();
        let mut subscription = directory.feed().subscribe_after(seq);
        let fleet = ctx.address();
        ctx.spawn(
            async move {
                loop {
                    match subscription.next().await {
                        Ok(Some(delivery)) => {
                            // Who is woken must find the news in the directory.
                            let there = directory.reach(delivery.last().unwrap_or(0)).await;
                            if !there || fleet.send(News(delivery)).await.is_err() {
                                return;
                            }
                        }
                        Ok(None) => return,
                        Err(failure) => return error!(%failure, "the fleet stands still: the log can't be read"),
                    }
                }
            }
            .into_actor(self),
        );
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct News(Delivery);

impl Handler<News> for Fleet {
    type Result = ();
    fn handle(&mut self, News(delivery): News, ctx: &mut Context<Self>) {
        self.follow(&delivery, ctx);
    }
}

impl Handler<Ended> for Fleet {
    type Result = ();
    fn handle(&mut self, Ended { org, node, crashed }: Ended, ctx: &mut Context<Self>) {
        let exists = self.parts.directory.read(|state| state.orgs.get(&org).is_some_and(|org| org.fleet.node(node).is_some()));
        if !exists {
            return;
        }
        if crashed {
            warn!(%node, "a node's supervisor died; the next one starts from the log");
        }
        self.supervisors.by_node.write().remove(&node);
        ctx.run_later(RESTART_AFTER, move |fleet, ctx| {
            if fleet.supervisors.find(node).is_none() {
                fleet.supervise(org, node, ctx.address());
            }
        });
    }
}
