//! What the log says about time: how long each step takes by provider and place, how often nodes are lost, how soon they are back.
//!
//! Folded event by event. Durations go into histograms of fixed size, exact to 2 %, so that a year costs no more than a day.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::{Event, OfflineReason, Provider};
use crate::id::{NodeId, UnitId};
use crate::record::Record;
use crate::story::Usual;
use crate::time::Timestamp;

mod histogram;

pub use histogram::Histogram;

/// What happened less often is not usual.
pub const USUAL_MIN: u64 = 3;

/// Something that takes time and whose beginning and end are events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TimedStep")]
pub enum Step {
    /// From the creation of a node to its first connection.
    Connect,
    /// From a loss of the connection to the next one.
    Recover,
    /// From the placement of a container to its run, the image's download included.
    Run,
    /// From the order to start again to its run.
    Start,
    /// From the order to stop to its stand.
    Stop,
    /// From the order to remove to its end.
    Remove,
    /// From the beginning of a node's deletion to its end.
    DeleteNode,
    /// From the request for a machine to the provider's word on the credential.
    VerifyCredential,
    /// From there to the machine.
    CreateMachine,
    /// From the machine to its agent's first call.
    AwaitHandshake,
    /// From that call to the agent's first session.
    ComeOnline,
}

impl Step {
    /// In words, as in "usually takes".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Connect => "node created → online",
            Self::Recover => "offline → online",
            Self::Run => "container placed → running",
            Self::Start => "ordered to start → running",
            Self::Stop => "ordered to stop → stopped",
            Self::Remove => "ordered to remove → removed",
            Self::DeleteNode => "deletion begun → deleted",
            Self::VerifyCredential => "machine asked for → credential verified",
            Self::CreateMachine => "credential verified → machine created",
            Self::AwaitHandshake => "machine created → first call",
            Self::ComeOnline => "first call → online",
        }
    }
}

/// A step that an event ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Took {
    /// Which.
    pub step: Step,
    /// Provider and place, such as `manual`.
    pub place: String,
    /// How long.
    pub ms: u64,
}

/// Statistics of a history.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    steps: BTreeMap<(Step, String), Histogram>,
    nodes: HashMap<NodeId, Watched>,
    units: HashMap<UnitId, (NodeId, Step, Timestamp)>,
    places: HashMap<UnitId, NodeId>,
    /// Nodes that were ever online.
    connected: u64,
    lost: BTreeMap<NodeId, u64>,
    ended_ms: u64,
    last: Timestamp,
}

/// What is remembered of a node while it lives.
#[derive(Clone, Debug)]
struct Watched {
    provider: Provider,
    place: String,
    created_at: Timestamp,
    online_since: Option<Timestamp>,
    lost_at: Option<Timestamp>,
    deleting_at: Option<Timestamp>,
    /// The step of an attempt that is under way.
    attempt: Option<(Step, Timestamp)>,
}

/// How a step went in one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// Which.
    pub step: Step,
    /// Provider and place.
    pub place: String,
    /// How often.
    pub count: u64,
    /// Half took no longer.
    pub p50_ms: u64,
    /// 95 of 100 took no longer.
    pub p95_ms: u64,
    /// The longest.
    pub max_ms: u64,
}

/// How reliable nodes were.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reliability {
    /// Nodes that were ever online.
    pub nodes: u64,
    /// Connections lost without anybody's wish.
    pub lost: u64,
    /// Days of all nodes together, from their first connection on.
    pub node_days: f64,
    /// Losses per node and day.
    pub flap_rate: f64,
    /// The nodes that were lost most often, at most ten.
    pub worst: Vec<(NodeId, u64)>,
}

impl Watched {
    fn new(provider: Provider, created_at: Timestamp) -> Self {
        let place = match provider {
            Provider::Manual => "manual",
            // Until the request says which, and where in it.
            Provider::Cloud => "cloud",
        };
        let place = place.to_owned();
        Self { provider, place, created_at, online_since: None, lost_at: None, deleting_at: None, attempt: None }
    }
}

impl Statistics {
    /// Takes in one event; the step that it ended, if it ended one.
    pub fn observe(&mut self, record: &Record) -> Option<Took> {
        self.last = record.at;
        let (step, node, since) = self.follow(record)?;
        let place = self.nodes.get(&node).map_or_else(|| "unknown".to_owned(), |watched| watched.place.clone());
        let ms = record.at.ms_since(since);
        self.steps.entry((step, place.clone())).or_default().add(ms);
        if step == Step::DeleteNode {
            self.forget(node);
        }
        Some(Took { step, place, ms })
    }

    fn follow(&mut self, record: &Record) -> Option<(Step, NodeId, Timestamp)> {
        let at = record.at;
        match &record.event {
            Event::NodeCreated(e) => {
                self.nodes.insert(e.node, Watched::new(e.provider, at));
                None
            }
            Event::NodeOnline(e) => {
                let watched = self.nodes.get_mut(&e.node)?;
                let first = watched.online_since.is_none();
                watched.online_since.get_or_insert(at);
                self.connected += u64::from(first);
                let lost = watched.lost_at.take();
                if let Some((step, since)) = watched.attempt.take() {
                    return Some((step, e.node, since));
                }
                match (first, watched.provider) {
                    (true, Provider::Manual) => Some((Step::Connect, e.node, watched.created_at)),
                    // A machine that calls after its attempt has failed: how long people let it be says nothing.
                    (true, Provider::Cloud) => None,
                    (false, _) => Some((Step::Recover, e.node, lost?)),
                }
            }
            Event::NodeOffline(e) => {
                // Whoever stopped the agent or rotated the token wanted that; neither the loss nor the way back tells of reliability.
                if !matches!(e.reason, OfflineReason::AgentStopped | OfflineReason::TokenRotated) {
                    self.nodes.get_mut(&e.node)?.lost_at = Some(at);
                    *self.lost.entry(e.node).or_default() += 1;
                }
                None
            }
            Event::NodeDeletionStarted(e) => {
                self.nodes.get_mut(&e.node)?.deleting_at = Some(at);
                None
            }
            Event::NodeDeleted(e) => {
                let since = self.nodes.get(&e.node)?.deleting_at;
                if since.is_none() {
                    self.forget(e.node);
                }
                Some((Step::DeleteNode, e.node, since?))
            }
            Event::NodeProvisionRequested(e) => {
                let watched = self.nodes.get_mut(&e.node)?;
                watched.place = format!("{} {}", e.wish.provider, e.wish.location);
                watched.attempt = Some((Step::VerifyCredential, at));
                None
            }
            Event::NodeCredentialVerified(e) => self.reach(e.node, Step::CreateMachine, at),
            Event::NodeMachineCreated(e) => self.reach(e.node, Step::AwaitHandshake, at),
            Event::NodeEnrolled(e) => self.reach(e.node, Step::ComeOnline, at),
            Event::NodeProvisioningFailed(e) => {
                self.nodes.get_mut(&e.node)?.attempt = None;
                None
            }
            event => self.follow_unit(event, at),
        }
    }

    /// An attempt that is under way reaches its next step; the one that it ended.
    fn reach(&mut self, node: NodeId, next: Step, at: Timestamp) -> Option<(Step, NodeId, Timestamp)> {
        let attempt = self.nodes.get_mut(&node)?.attempt.as_mut().filter(|(step, _)| *step != next)?;
        let (step, since) = std::mem::replace(attempt, (next, at));
        Some((step, node, since))
    }

    fn follow_unit(&mut self, event: &Event, at: Timestamp) -> Option<(Step, NodeId, Timestamp)> {
        match event {
            Event::WorkerCreated(e) => self.enter(UnitId::Worker(e.worker), e.node, at),
            Event::DeploymentCreated(e) => {
                for plan in &e.services {
                    self.enter(UnitId::Service(plan.service), e.node, at);
                }
                None
            }
            Event::WorkerStartRequested(e) => self.begin(UnitId::Worker(e.worker), Step::Start, at),
            Event::WorkerStopRequested(e) => self.begin(UnitId::Worker(e.worker), Step::Stop, at),
            Event::WorkerDeleteRequested(e) => self.begin(UnitId::Worker(e.worker), Step::Remove, at),
            Event::DeploymentStartRequested(e) => self.begin_all(&e.orders, Step::Start, at),
            Event::DeploymentStopRequested(e) => self.begin_all(&e.orders, Step::Stop, at),
            Event::DeploymentDeleteRequested(e) => self.begin_all(&e.orders, Step::Remove, at),
            Event::WorkerStarted(e) => self.end(UnitId::Worker(e.worker)),
            Event::WorkerStopped(e) => self.end(UnitId::Worker(e.worker)),
            Event::WorkerDeleted(e) => {
                let ended = self.end(UnitId::Worker(e.worker)).filter(|_| !e.unheard);
                self.places.remove(&UnitId::Worker(e.worker));
                ended
            }
            Event::ServiceStarted(e) => self.end(UnitId::Service(e.service)),
            Event::ServiceStopped(e) => self.end(UnitId::Service(e.service)),
            Event::ServiceRemoved(e) => {
                let ended = self.end(UnitId::Service(e.service));
                self.places.remove(&UnitId::Service(e.service));
                ended
            }
            // What fails or ends otherwise says nothing about how long the step takes.
            Event::WorkerFailed(e) => self.give_up(UnitId::Worker(e.worker)),
            Event::WorkerExited(e) => self.give_up(UnitId::Worker(e.worker)),
            Event::WorkerLost(e) => self.give_up(UnitId::Worker(e.worker)),
            Event::ServiceFailed(e) => self.give_up(UnitId::Service(e.service)),
            Event::ServiceExited(e) => self.give_up(UnitId::Service(e.service)),
            Event::ServiceLost(e) => self.give_up(UnitId::Service(e.service)),
            _ => None,
        }
    }

    fn enter(&mut self, unit: UnitId, node: NodeId, at: Timestamp) -> Option<(Step, NodeId, Timestamp)> {
        self.places.insert(unit, node);
        self.units.insert(unit, (node, Step::Run, at));
        None
    }

    fn begin(&mut self, unit: UnitId, step: Step, at: Timestamp) -> Option<(Step, NodeId, Timestamp)> {
        let node = *self.places.get(&unit)?;
        self.units.insert(unit, (node, step, at));
        None
    }

    fn begin_all(&mut self, orders: &[crate::event::ServiceOrder], step: Step, at: Timestamp) -> Option<(Step, NodeId, Timestamp)> {
        for order in orders {
            self.begin(UnitId::Service(order.service), step, at);
        }
        None
    }

    fn end(&mut self, unit: UnitId) -> Option<(Step, NodeId, Timestamp)> {
        self.units.remove(&unit).map(|(node, step, since)| (step, node, since))
    }

    fn give_up(&mut self, unit: UnitId) -> Option<(Step, NodeId, Timestamp)> {
        self.units.remove(&unit);
        None
    }

    /// A node is gone: its days are counted.
    fn forget(&mut self, node: NodeId) {
        if let Some(since) = self.nodes.remove(&node).and_then(|watched| watched.online_since) {
            self.ended_ms += self.last.ms_since(since);
        }
    }

    /// How long a step usually takes in a place; none before it happened there [`USUAL_MIN`] times.
    #[must_use]
    pub fn usual(&self, step: Step, place: &str) -> Option<Usual> {
        let found = self.steps.get(&(step, place.to_owned())).filter(|found| found.count() >= USUAL_MIN)?;
        Some(Usual { p50_ms: found.quantile(50), p95_ms: found.quantile(95) })
    }

    /// Every step in every place, in order.
    #[must_use]
    pub fn steps(&self) -> Vec<StepRow> {
        let row = |((step, place), found): (&(Step, String), &Histogram)| StepRow {
            step: *step,
            place: place.clone(),
            count: found.count(),
            p50_ms: found.quantile(50),
            p95_ms: found.quantile(95),
            max_ms: found.max(),
        };
        self.steps.iter().map(row).collect()
    }

    /// How reliable nodes were, up to the last event.
    #[must_use]
    pub fn reliability(&self) -> Reliability {
        const DAY_MS: f64 = 86_400_000.0;
        let living: u64 = self.nodes.values().filter_map(|watched| watched.online_since).map(|since| self.last.ms_since(since)).sum();
        let lost = self.lost.values().sum();
        let node_days = (self.ended_ms + living) as f64 / DAY_MS;
        let mut worst: Vec<(NodeId, u64)> = self.lost.iter().map(|(node, count)| (*node, *count)).collect();
        worst.sort_by_key(|(node, count)| (std::cmp::Reverse(*count), *node));
        worst.truncate(10);
        Reliability {
            nodes: self.connected,
            lost,
            node_days,
            flap_rate: if node_days > 0.0 { lost as f64 / node_days } else { 0.0 },
            worst,
        }
    }
}

#[cfg(test)]
mod tests;
