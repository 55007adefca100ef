//! What of a node can change without an event (gauges, suspicion, drains, pulls), or by an event of something else (its load).
//!
//! Remembers how each node looked when it was last told of, in a few bytes, and says which look different now. A round trip that
//! took a little longer is no news.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use spunto_actors::board::{Board, LiveNode};
use spunto_core::id::{NodeId, UnitId};
use spunto_core::state::{Node, Org};

use super::touched::Touched;

/// How a node looked.
#[derive(Clone, Default)]
struct Glance {
    node: u64,
    pulls: u64,
    pulling: Vec<UnitId>,
}

impl Glance {
    fn of(node: &Node, live: &LiveNode) -> Self {
        let (mut look, mut pulls) = (DefaultHasher::new(), DefaultHasher::new());
        let gauges_at = live.gauges.latest().map(|(at, _)| at.ms());
        let session = live.session.as_ref().map(|session| session.epoch);
        let drain = live.drain.map(|drain| (drain.units_at_start, drain.units_left));
        (node.version, node.load, node.cpu_millis_reserved, node.memory_bytes_reserved).hash(&mut look);
        let trouble = live.trouble.as_ref().map(|trouble| (trouble.tries, trouble.again_at.ms()));
        (gauges_at, session, drain, live.suspect, trouble).hash(&mut look);
        for (unit, pull) in &live.pulls {
            (unit, pull.layers_done, pull.layers, pull.bytes_done, pull.bytes).hash(&mut pulls);
        }
        Self { node: look.finish(), pulls: pulls.finish(), pulling: live.pulls.keys().copied().collect() }
    }
}

/// How every node of an organisation looked.
#[derive(Default)]
pub(super) struct Glances {
    seen: HashMap<NodeId, Glance>,
}

impl Glances {
    /// Adds what looks different than last time, and remembers it.
    pub(super) fn note_changed(&mut self, org: &Org, board: &Board, touched: &mut Touched) {
        if self.seen.len() > org.fleet.nodes().count() {
            self.seen.retain(|id, _| org.fleet.node(*id).is_some());
        }
        for (id, node) in org.fleet.nodes() {
            let now = board.glance(id, |live| Glance::of(node, live));
            let before = self.seen.entry(id).or_default();
            if now.node != before.node {
                touched.nodes.insert(id);
            }
            if now.pulls != before.pulls {
                before.pulling.iter().chain(&now.pulling).for_each(|unit| touched.note_unit(*unit, Some(org)));
            }
            *before = now;
        }
    }
}
