//! Why a unit is where it is: the whole table of nodes at the position of the decision, computed again the slow and obvious
//! way, and what it would have been had something been otherwise.
//!
//! Looks at every node, without the index that placement keeps; so it checks that index as well.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::Event;
use crate::id::NodeId;
use crate::place::{Choice, Decider, Ineligible, Policy, RUNNERS_UP_MAX, Rank, Receipt, Requirements, fits};
use crate::state::{Fleet, Node, NodeStatus, candidate, rank};
use crate::time::Timestamp;

/// A placement as the log tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement<'a> {
    /// Name of what was placed.
    pub name: &'a str,
    /// Where.
    pub node: NodeId,
    /// The receipt.
    pub receipt: &'a Receipt,
    /// What was asked for.
    pub asked: Requirements,
    /// Whether `asked` is all of it: events of the first version say only how many labels were asked for.
    pub complete: bool,
}

/// The placement that an event tells of; none for other events.
#[must_use]
pub fn placement(event: &Event) -> Option<Placement<'_>> {
    let (name, node, receipt, labels) = match event {
        Event::WorkerCreated(e) => (&e.name, e.node, &e.receipt, &e.labels),
        Event::DeploymentCreated(e) => (&e.name, e.node, &e.receipt, &e.labels),
        _ => return None,
    };
    let asked = Requirements {
        cpu_millis: receipt.cpu_millis,
        memory_bytes: receipt.memory_bytes,
        labels: labels.clone(),
        node: receipt.node_requested.then_some(node),
    };
    Some(Placement { name, node, receipt, asked, complete: labels.len() == usize::from(receipt.labels) })
}

/// How nodes are compared in a what-if.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The fewest units: the policy in force.
    #[default]
    LeastLoaded,
    /// The most units, to fill one node before the next.
    MostLoaded,
    /// The one placed on longest ago, whatever its load.
    LongestAgo,
}

/// Something that might have been otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This node does not drain.
    NotDraining(NodeId),
    /// This node is not in maintenance.
    NotInMaintenance(NodeId),
    /// This node is online and takes units.
    Ready(NodeId),
    /// This node is not there.
    Absent(NodeId),
    /// This node has so many units.
    Load(NodeId, u32),
    /// This label is not asked for.
    WithoutLabel(String),
    /// This label is asked for too.
    WithLabel(String, String),
    /// No one node is asked for.
    AnyNode,
    /// Nodes are compared otherwise.
    Compare(Comparison),
}

/// One node's line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The node.
    pub node: NodeId,
    /// Its name then.
    pub name: String,
    /// Its units that counted.
    pub load: u32,
    /// Sequence of the event that last placed something on it; 0 for never.
    pub last_placed: u64,
    /// Free CPU in thousandths of a core.
    pub cpu_millis_free: u64,
    /// Free memory in bytes.
    pub memory_bytes_free: u64,
    /// Place in the order of preference, from 1; none when it was not eligible.
    pub place: Option<usize>,
    /// Why it was not eligible.
    pub ineligible: Option<Ineligible>,
}

/// Every node, the chosen one first, those that could not take it last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Table {
    /// The lines.
    pub rows: Vec<Row>,
    /// What made the first win; none when no node could take it.
    pub decided_by: Option<Decider>,
}

impl Table {
    /// The node that it gives.
    #[must_use]
    pub fn chosen(&self) -> Option<NodeId> {
        self.rows.first().filter(|row| row.ineligible.is_none()).map(|row| row.node)
    }

    fn eligible(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.ineligible.is_none())
    }

    /// Where this table and a receipt disagree, in words; empty when the receipt is what the table gives.
    #[must_use]
    pub fn differences(&self, receipt: &Receipt) -> Vec<String> {
        let choice = |row: &Row| Choice { node: row.node, load: row.load };
        let mut best = self.eligible().map(choice);
        let mut found = Vec::new();
        match best.next() {
            Some(chosen) if chosen == receipt.chosen => {}
            Some(chosen) => found.push(format!(
                "the receipt chose {} with load {}, the table gives {} with load {}",
                receipt.chosen.node, receipt.chosen.load, chosen.node, chosen.load
            )),
            None => found.push(format!("the receipt chose {}, by the table no node could take it", receipt.chosen.node)),
        }
        if best.take(RUNNERS_UP_MAX).collect::<Vec<_>>() != receipt.runners_up {
            found.push("the runners-up are others".to_owned());
        }
        if self.decided_by != Some(receipt.decided_by) {
            found.push(format!("decided by {:?}, not by {:?}", self.decided_by, receipt.decided_by));
        }
        let mut counts: BTreeMap<Ineligible, u32> = BTreeMap::new();
        self.rows.iter().filter_map(|row| row.ineligible).for_each(|why| *counts.entry(why).or_default() += 1);
        if counts.into_iter().collect::<Vec<_>>() != receipt.ineligible {
            found.push("the counts of nodes that could not take it are others".to_owned());
        }
        found
    }
}

/// The table for `asked` with the nodes of `fleet`, after `changes`. For the re-run of a decision, the fleet as it was at its position.
#[must_use]
pub fn table(fleet: &Fleet, asked: &Requirements, changes: &[Change]) -> Table {
    let mut asked = asked.clone();
    let mut comparison = Comparison::default();
    for change in changes {
        match change {
            Change::WithoutLabel(key) => drop(asked.labels.remove(key)),
            Change::WithLabel(key, value) => drop(asked.labels.insert(key.clone(), value.clone())),
            Change::AnyNode => asked.node = None,
            Change::Compare(other) => comparison = *other,
            _ => {}
        }
    }
    let (mut eligible, mut others): (Vec<(Rank, Row)>, Vec<Row>) = (Vec::new(), Vec::new());
    for (id, node) in fleet.nodes() {
        let Some(node) = altered(id, node, changes) else { continue };
        let (rank, free) = (rank(id, &node), candidate(&node));
        let ineligible = node.not_ready().or_else(|| fits(rank, free, &asked).err());
        let row = Row {
            node: id,
            name: node.name.clone(),
            load: node.load,
            last_placed: node.last_placed,
            cpu_millis_free: free.cpu_millis_free,
            memory_bytes_free: free.memory_bytes_free,
            place: None,
            ineligible,
        };
        if ineligible.is_none() { eligible.push((rank, row)) } else { others.push(row) }
    }
    eligible.sort_by_key(|(rank, _)| match comparison {
        Comparison::LeastLoaded => (u64::from(rank.load), rank.last_placed, rank.node),
        Comparison::MostLoaded => (u64::from(u32::MAX - rank.load), rank.last_placed, rank.node),
        Comparison::LongestAgo => (0, rank.last_placed, rank.node),
    });
    let decided_by = eligible.first().map(|(first, _)| match eligible.get(1) {
        None => Decider::OnlyCandidate,
        Some((next, _)) if next.load != first.load && comparison != Comparison::LongestAgo => Decider::Load,
        Some((next, _)) if next.last_placed != first.last_placed => Decider::PlacedLongestAgo,
        Some(_) => Decider::Id,
    });
    others.sort_by(|a, b| (a.ineligible, &a.name).cmp(&(b.ineligible, &b.name)));
    let mut rows: Vec<Row> = eligible.into_iter().map(|(_, row)| row).collect();
    rows.iter_mut().zip(1..).for_each(|(row, place)| row.place = Some(place));
    rows.extend(others);
    Table { rows, decided_by }
}

/// A node as it would have been; none when it would not have been there.
fn altered<'a>(id: NodeId, node: &'a Node, changes: &[Change]) -> Option<Cow<'a, Node>> {
    if changes.is_empty() {
        return Some(Cow::Borrowed(node));
    }
    let mut node = node.clone();
    let online = |node: &Node| {
        let since = match &node.status {
            NodeStatus::Online { since } | NodeStatus::Draining { since, .. } => *since,
            _ => Timestamp::default(),
        };
        NodeStatus::Online { since }
    };
    for change in changes {
        match change {
            Change::NotDraining(of) if *of == id && matches!(node.status, NodeStatus::Draining { .. }) => node.status = online(&node),
            Change::NotInMaintenance(of) if *of == id => node.maintenance = None,
            Change::Ready(of) if *of == id => {
                node.maintenance = None;
                node.status = online(&node);
            }
            Change::Absent(of) if *of == id => return None,
            Change::Load(of, load) if *of == id => node.load = *load,
            _ => {}
        }
    }
    Some(Cow::Owned(node))
}

/// A decision taken again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rerun {
    /// Every node, as the decision saw it.
    pub table: Table,
    /// Where the table and the receipt disagree, in words; empty when the decision comes out the same.
    pub differences: Vec<String>,
    /// Whether all that was asked for is known; otherwise only what is known was compared.
    pub complete: bool,
}

/// Takes a decision again. `fleet` is as it was at the receipt's position.
#[must_use]
pub fn rerun(fleet: &Fleet, placement: &Placement<'_>) -> Rerun {
    let Policy::LeastLoaded = placement.receipt.policy;
    let table = table(fleet, &placement.asked, &[]);
    let differences = if placement.complete {
        table.differences(placement.receipt)
    } else {
        // Without the labels' text more nodes look eligible than were; the chosen one must be among them, with the load it had.
        let chosen = placement.receipt.chosen;
        let there = table.eligible().any(|row| row.node == chosen.node && row.load == chosen.load);
        if there { Vec::new() } else { vec![format!("the receipt chose {}, which could not take it", chosen.node)] }
    };
    Rerun { table, differences, complete: placement.complete }
}

#[cfg(test)]
mod tests;
