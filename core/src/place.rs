//! Placement: which node gets the next unit, and the receipt that says why.
//!
//! Works on a reduced problem ([`Candidate`]s and [`Requirements`]); knows no events, no organisations, no containers.
//! `least-loaded` is the contract: the fewest running workers and deployment services, in-flight placements included;
//! ties go to the node placed on longest ago, then to the smaller id.

use crate::planted::{self, Bug};
use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// Version of the policy's rules; a change of rules is a new version, so that old receipts can be explained by old rules.
pub const LEAST_LOADED_VERSION: u16 = 1;
/// Runners-up kept in a receipt.
pub const RUNNERS_UP_MAX: usize = 3;

/// How nodes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The fewest units.
    LeastLoaded,
}

/// What a unit (or the services of a deployment together) asks of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requirements {
    /// CPU in thousandths of a core; 0 asks for none.
    pub cpu_millis: u64,
    /// Memory in bytes; 0 asks for none.
    pub memory_bytes: u64,
    /// Labels that the node must carry.
    pub labels: BTreeMap<String, String>,
    /// The one node that will do.
    pub node: Option<NodeId>,
}

impl Requirements {
    /// Whether any ready node will do, so that the first in order is the answer.
    #[must_use]
    pub fn are_none(&self) -> bool {
        self.cpu_millis == 0 && self.memory_bytes == 0 && self.labels.is_empty() && self.node.is_none()
    }
}

/// Why a node was not eligible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ineligible {
    /// Its agent has never connected.
    Pending,
    /// Its machine is being made, or that failed.
    NotProvisioned,
    /// Its agent is not connected.
    Offline,
    /// It is draining.
    Draining,
    /// It is in maintenance.
    Maintenance,
    /// It is being deleted.
    Deleting,
    /// Its free CPU is less than asked for.
    CpuShort,
    /// Its free memory is less than asked for.
    MemoryShort,
    /// It lacks a label that is asked for.
    LabelMissing,
    /// Another node was asked for by name.
    NotRequested,
}

impl Ineligible {
    /// In words, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pending => "its agent has never connected: run the docker command on the server",
            Self::NotProvisioned => "its machine is not provisioned",
            Self::Offline => "its agent is not connected",
            Self::Draining => "it is draining",
            Self::Maintenance => "it is in maintenance",
            Self::Deleting => "it is being deleted",
            Self::CpuShort => "it has less free CPU than the worker asks for",
            Self::MemoryShort => "it has less free memory than the worker asks for",
            Self::LabelMissing => "it lacks a label that the worker asks for",
            Self::NotRequested => "another node was asked for",
        }
    }
}

/// A node's place in the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    /// Units that run on it, or are on their way.
    pub load: u32,
    /// Sequence of the event that last placed something here; 0 for never.
    pub last_placed: u64,
    /// The node.
    pub node: NodeId,
}

/// What placement needs to know of a node beyond its rank.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Free CPU in thousandths of a core.
    pub cpu_millis_free: u64,
    /// Free memory in bytes.
    pub memory_bytes_free: u64,
    /// Its labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// A node and how loaded it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// The node.
    pub node: NodeId,
    /// Its load before this placement.
    pub load: u32,
}

/// What decided between the chosen node and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// There was no other.
    OnlyCandidate,
    /// It had fewer units.
    Load,
    /// Same load; it was placed on longer ago.
    PlacedLongestAgo,
    /// Same in both; the smaller id.
    Id,
}

/// Why a unit is where it is. At most 512 bytes in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Receipt {
    /// How nodes were compared.
    pub policy: Policy,
    /// Version of the policy.
    pub policy_version: u16,
    /// Sequence of the last event that the decision saw.
    pub decided_at: u64,
    /// CPU asked for, in thousandths of a core.
    pub cpu_millis: u64,
    /// Memory asked for, in bytes.
    pub memory_bytes: u64,
    /// How many labels were asked for (their text is the request's, not the receipt's).
    pub labels: u8,
    /// Whether one node was asked for by name.
    pub node_requested: bool,
    /// The winner.
    pub chosen: Choice,
    /// The next best.
    pub runners_up: Vec<Choice>,
    /// What made the winner win.
    pub decided_by: Decider,
    /// How many nodes were out, by reason.
    pub ineligible: Vec<(Ineligible, u32)>,
}

/// Checks one ready node against what is asked.
///
/// # Errors
/// The first requirement it fails.
pub fn fits(rank: Rank, candidate: Candidate<'_>, asked: &Requirements) -> Result<(), Ineligible> {
    if asked.node.is_some_and(|node| node != rank.node) {
        return Err(Ineligible::NotRequested);
    }
    if asked.labels.iter().any(|(key, value)| candidate.labels.get(key) != Some(value)) {
        return Err(Ineligible::LabelMissing);
    }
    if asked.cpu_millis > 0 && candidate.cpu_millis_free < asked.cpu_millis {
        return Err(Ineligible::CpuShort);
    }
    if asked.memory_bytes > 0 && candidate.memory_bytes_free < asked.memory_bytes {
        return Err(Ineligible::MemoryShort);
    }
    Ok(())
}

/// Picks a node from `ready` (in order of preference) and says why; `out` counts the nodes that are not ready at all.
///
/// Costs O(log n) when nothing is asked for; otherwise it looks at every ready node once, so that the receipt counts them.
/// Returns the counts per reason when no node fits.
///
/// # Errors
/// No ready node fits; the counts say why.
pub fn choose<'a>(
    ready: &BTreeSet<Rank>,
    out: &BTreeMap<Ineligible, u32>,
    candidate: impl Fn(NodeId) -> Candidate<'a>,
    asked: &Requirements,
    decided_at: u64,
) -> Result<Receipt, BTreeMap<Ineligible, u32>> {
    let mut ineligible = out.clone();
    let mut best: Vec<Rank> = Vec::with_capacity(1 + RUNNERS_UP_MAX);
    for rank in ready {
        let full = best.len() > RUNNERS_UP_MAX;
        if asked.are_none() {
            if full {
                break;
            }
            best.push(*rank);
            continue;
        }
        match fits(*rank, candidate(rank.node), asked) {
            Ok(()) if full => {}
            Ok(()) => best.push(*rank),
            Err(why) => *ineligible.entry(why).or_default() += 1,
        }
    }
    if planted::is(Bug::WorstNode) {
        best.reverse();
    }
    let Some(winner) = best.first() else { return Err(ineligible) };
    let decided_by = match best.get(1) {
        None => Decider::OnlyCandidate,
        Some(next) if next.load > winner.load => Decider::Load,
        Some(next) if next.last_placed > winner.last_placed => Decider::PlacedLongestAgo,
        Some(_) => Decider::Id,
    };
    let choice = |rank: &Rank| Choice { node: rank.node, load: rank.load };
    Ok(Receipt {
        policy: Policy::LeastLoaded,
        policy_version: LEAST_LOADED_VERSION,
        decided_at,
        cpu_millis: asked.cpu_millis,
        memory_bytes: asked.memory_bytes,
        labels: u8::try_from(asked.labels.len()).unwrap_or(u8::MAX),
        node_requested: asked.node.is_some(),
        chosen: choice(winner),
        runners_up: best[1..].iter().map(choice).collect(),
        decided_by,
        ineligible: ineligible.into_iter().filter(|(_, count)| *count > 0).collect(),
    })
}
