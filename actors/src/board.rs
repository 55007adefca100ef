//! The board: what is live and in no event: sessions, suspicion, gauges with a short history, pull progress, drain progress.
//!
//! Supervisors and the provisioner write it, readers look; nothing here survives the process, and nothing is decided by it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub mod history;

pub use history::{GAUGES_KEPT_MAX, History};

use parking_lot::{Mutex, RwLock};
use spunto_core::event::ProvisionFailure;
use spunto_core::id::{NodeId, UnitId};
use spunto_core::protocol::{Found, Gauges, PullProgress};
use spunto_core::time::Timestamp;

/// Units of a node whose pull is shown.
const PULLS_MAX: usize = 256;

/// A session that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// Its number.
    pub epoch: u64,
    /// Where the agent called from.
    pub address: String,
    /// When it answered last.
    pub answered_at: Timestamp,
    /// Time between the last ping and its answer, in microseconds.
    pub round_trip_us: u64,
    /// How far the agent's clock is ahead of ours, in milliseconds, at its hello.
    pub clock_ahead_ms: i64,
}

/// How far a drain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainProgress {
    /// Units that ran when this process first saw the drain.
    pub units_at_start: u32,
    /// Units that still run.
    pub units_left: u32,
}

/// Something about a node's machine that did not work and is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong last.
    pub failure: ProvisionFailure,
    /// Since when it does not go on.
    pub since: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// When it is tried again.
    pub again_at: Timestamp,
}

/// What is live of one node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveNode {
    /// Its session.
    pub session: Option<LiveSession>,
    /// Whether it has owed an answer for too long, and may soon be offline.
    pub suspect: bool,
    /// Its drain.
    pub drain: Option<DrainProgress>,
    /// Its gauges, with the time of their arrival.
    pub gauges: History,
    /// Images on their way.
    pub pulls: BTreeMap<UnitId, PullProgress>,
    /// What is in the way of its machine.
    pub trouble: Option<Box<Trouble>>,
    /// Its whole inventory, while a restored log waits to be confirmed.
    pub found: Option<Vec<Found>>,
}

impl LiveNode {
    /// Adds gauges; the oldest go.
    pub fn push_gauges(&mut self, at: Timestamp, gauges: Gauges) {
        self.gauges.push(at, gauges);
    }

    /// Notes how far a pull has come.
    pub fn note_pull(&mut self, unit: UnitId, progress: PullProgress) {
        if self.pulls.len() < PULLS_MAX || self.pulls.contains_key(&unit) {
            self.pulls.insert(unit, progress);
        }
    }
}

/// What is live of every node.
#[derive(Clone, Default)]
pub struct Board {
    nodes: Arc<RwLock<HashMap<NodeId, Arc<Mutex<LiveNode>>>>>,
}

impl Board {
    /// The place of one node, to be written to by its supervisor.
    #[must_use]
    pub fn place(&self, node: NodeId) -> Arc<Mutex<LiveNode>> {
        Arc::clone(self.nodes.write().entry(node).or_default())
    }

    /// What is live of a node; nothing when there is nothing.
    #[must_use]
    pub fn look(&self, node: NodeId) -> LiveNode {
        self.nodes.read().get(&node).map_or_else(LiveNode::default, |place| place.lock().clone())
    }

    /// Looks at what is live of a node without copying it. Be brief: its supervisor waits meanwhile.
    pub fn glance<T>(&self, node: NodeId, look: impl FnOnce(&LiveNode) -> T) -> T {
        match self.nodes.read().get(&node) {
            Some(place) => look(&place.lock()),
            None => look(&LiveNode::default()),
        }
    }

    /// Shows what is in the way of a node's machine, or that nothing is.
    pub fn note_trouble(&self, node: NodeId, trouble: Option<Trouble>) {
        if trouble.is_some() || self.glance(node, |live| live.trouble.is_some()) {
            self.place(node).lock().trouble = trouble.map(Box::new);
        }
    }

    /// Forgets a node that is gone.
    pub fn clear(&self, node: NodeId) {
        self.nodes.write().remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_and_pulls_are_bounded() {
        let mut live = LiveNode::default();
        for ms in 0..1000 {
            live.push_gauges(Timestamp::from_ms(ms), Gauges::default());
            live.note_pull(UnitId::Worker(spunto_core::id::WorkerId::from_u64(ms)), PullProgress::default());
        }
        assert_eq!(live.gauges.iter().count(), GAUGES_KEPT_MAX);
        assert_eq!(live.gauges.latest().map(|(at, _)| at.ms()), Some(999));
        assert_eq!(live.pulls.len(), PULLS_MAX);
    }
}
