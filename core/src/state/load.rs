//! The nodes of an organisation in the order of placement, kept up with every event so that placing costs O(log n).

use crate::planted::{self, Bug};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Node, Unit};
use crate::event::Event;
use crate::id::{NodeId, UnitId};
use crate::place::{Candidate, Ineligible, Rank, Receipt, Requirements, choose, fits};
use crate::record::{Record, StreamId};

/// The nodes of one organisation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fleet {
    nodes: BTreeMap<NodeId, Node>,
    names: BTreeMap<String, NodeId>,
    ready: BTreeSet<Rank>,
    out: BTreeMap<Ineligible, u32>,
}

impl Fleet {
    /// The node with this id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// Every node, in the order of their ids.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (NodeId, &Node)> {
        self.nodes.iter().map(|(id, node)| (*id, node))
    }

    /// The node with this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<NodeId> {
        self.names.get(name).copied()
    }

    /// Picks a node and says why; see [`choose`].
    ///
    /// # Errors
    /// No node fits; so many for each reason.
    pub fn place(&self, asked: &Requirements, decided_at: u64) -> Result<Receipt, BTreeMap<Ineligible, u32>> {
        choose(&self.ready, &self.out, |id| candidate(self.nodes.get(&id).expect("only known nodes are ranked")), asked, decided_at)
    }

    /// Every node's own answer to `asked`: none when it fits. What a refusal lists and `explain` shows.
    pub fn explain<'a>(&'a self, asked: &'a Requirements) -> impl Iterator<Item = (NodeId, Option<Ineligible>)> + 'a {
        self.nodes.iter().map(|(id, node)| {
            let why = if asked.node.is_some_and(|wanted| wanted != *id) {
                Some(Ineligible::NotRequested)
            } else {
                node.not_ready().or_else(|| fits(rank(*id, node), candidate(node), asked).err())
            };
            (*id, why)
        })
    }

    pub(super) fn after_restore(&mut self) {
        self.nodes.values_mut().for_each(Node::after_restore);
    }

    pub(super) fn apply(&mut self, record: &Record) {
        let StreamId::Node(id) = record.stream else { return };
        match &record.event {
            Event::NodeCreated(e) => {
                self.names.insert(e.name.clone(), id);
                self.nodes.insert(id, Node::created(e, record));
                self.index(id);
            }
            Event::NodeDeleted(_) => {
                self.unindex(id);
                if let Some(node) = self.nodes.remove(&id) {
                    self.names.remove(&node.name);
                }
            }
            _ => self.change(id, |node, names| {
                let name = node.name.clone();
                node.apply(record);
                if node.name != name {
                    names.remove(&name);
                    names.insert(node.name.clone(), id);
                }
            }),
        }
    }

    /// A new unit is on its way to its node.
    pub(super) fn enter(&mut self, unit: UnitId, placed: &Unit, seq: u64) {
        self.change(placed.node, |node, _| {
            node.units.insert(unit);
            node.last_placed = seq;
        });
        self.recount(placed, false);
    }

    /// A unit is gone from its node.
    pub(super) fn leave(&mut self, unit: UnitId, was: &Unit) {
        let counted = was.run.counts();
        self.change(was.node, |node, _| {
            node.units.remove(&unit);
            if counted {
                uncount(node, was);
            }
        });
    }

    /// A unit has changed; `counted` says whether it counted before.
    pub(super) fn recount(&mut self, unit: &Unit, counted: bool) {
        match (counted, unit.run.counts()) {
            (false, true) => self.change(unit.node, |node, _| {
                node.load += 1;
                node.cpu_millis_reserved += u64::from(unit.spec.cpu_millis.unwrap_or(0));
                node.memory_bytes_reserved = node.memory_bytes_reserved.saturating_add(unit.spec.memory_bytes.unwrap_or(0));
            }),
            (true, false) if planted::is(Bug::LoadDrifts) => {}
            (true, false) => self.change(unit.node, |node, _| uncount(node, unit)),
            (true, true) | (false, false) => {}
        }
    }

    fn change(&mut self, id: NodeId, change: impl FnOnce(&mut Node, &mut BTreeMap<String, NodeId>)) {
        self.unindex(id);
        if let Some(node) = self.nodes.get_mut(&id) {
            change(node, &mut self.names);
        }
        self.index(id);
    }

    fn index(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        match node.not_ready() {
            None => {
                self.ready.insert(rank(id, node));
            }
            Some(why) => *self.out.entry(why).or_default() += 1,
        }
    }

    fn unindex(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get(&id) else { return };
        match node.not_ready() {
            None => {
                self.ready.remove(&rank(id, node));
            }
            Some(why) => {
                // Absent instead of zero, so that equal fleets compare equal whatever their history.
                if let Some(count) = self.out.get_mut(&why) {
                    *count -= 1;
                    if *count == 0 {
                        self.out.remove(&why);
                    }
                }
            }
        }
    }
}

fn uncount(node: &mut Node, unit: &Unit) {
    node.load = node.load.saturating_sub(1);
    node.cpu_millis_reserved = node.cpu_millis_reserved.saturating_sub(u64::from(unit.spec.cpu_millis.unwrap_or(0)));
    node.memory_bytes_reserved = node.memory_bytes_reserved.saturating_sub(unit.spec.memory_bytes.unwrap_or(0));
}

pub(crate) fn rank(id: NodeId, node: &Node) -> Rank {
    Rank { load: node.load, last_placed: node.last_placed, node: id }
}

pub(crate) fn candidate(node: &Node) -> Candidate<'_> {
    let facts = node.agent.as_ref().map(|agent| &agent.facts);
    let cpu_millis = facts.map_or(0, |facts| u64::from(facts.cpus) * 1000);
    let memory_bytes = facts.map_or(0, |facts| facts.memory_bytes);
    Candidate {
        cpu_millis_free: cpu_millis.saturating_sub(node.cpu_millis_reserved),
        memory_bytes_free: memory_bytes.saturating_sub(node.memory_bytes_reserved),
        labels: &node.labels,
    }
}
