//! A node as clients see it: what the log says, and what is live.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use spunto_actors::board::LiveNode;
use spunto_core::event::{ConnectionRefusal, Isolation, MachineFacts, OfflineReason, ProvisionErrorClass, ProvisionStep};
use spunto_core::id::NodeId;
use spunto_core::protocol::Gauges;
use spunto_core::state::{Node, NodeStatus};
use spunto_core::time::Timestamp;
use spunto_core::usual::UsualTimes;

use super::past::AsOf;
use super::provision::ProvisionView;

/// Where a node stands.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are those of the state, documented there")]
#[schemars(rename = "NodeState")]
pub enum StatusView {
    Pending,
    Provisioning { attempt: u32, step: ProvisionStep, since: Timestamp },
    ProvisioningFailed { attempt: u32, step: ProvisionStep, class: ProvisionErrorClass, message: String },
    Online { since: Timestamp },
    Draining { since: Timestamp, reason: String },
    Offline { since: Timestamp, reason: OfflineReason },
    Deleting { since: Timestamp },
}

impl From<&NodeStatus> for StatusView {
    fn from(status: &NodeStatus) -> Self {
        match status.clone() {
            NodeStatus::Pending => Self::Pending,
            NodeStatus::Provisioning { attempt, step, since } => Self::Provisioning { attempt, step, since },
            NodeStatus::ProvisioningFailed { attempt, step, class, message } => Self::ProvisioningFailed { attempt, step, class, message },
            NodeStatus::Online { since } => Self::Online { since },
            NodeStatus::Draining { since, reason } => Self::Draining { since, reason },
            NodeStatus::Offline { since, reason } => Self::Offline { since, reason },
            NodeStatus::Deleting { since } => Self::Deleting { since },
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Maintenance")]
struct MaintenanceView {
    since: Timestamp,
    reason: String,
    by: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Agent")]
struct AgentView {
    version: String,
    protocol: u32,
    address: String,
    instance: String,
    machine: MachineFacts,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Token")]
struct TokenView {
    version: u32,
    issued_at: Timestamp,
    fingerprint: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Refused")]
struct RefusedView {
    reason: ConnectionRefusal,
    address: String,
    at: Timestamp,
    count: u32,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct SessionView {
    epoch: u64,
    address: String,
    answered_at: Timestamp,
    round_trip_us: u64,
    clock_ahead_ms: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Drain")]
struct DrainView {
    units_at_start: u32,
    units_left: u32,
}

/// What is live and in no event; there is nothing in it of a node as it was.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "Live")]
struct LiveView {
    #[serde(skip_serializing_if = "Option::is_none")]
    suspect: Option<bool>,
    session: Option<SessionView>,
    drain: Option<DrainView>,
    gauges: Option<GaugesView>,
}

/// Gauges with the time of their arrival.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Gauges")]
pub struct GaugesView {
    at: Timestamp,
    #[serde(flatten)]
    gauges: Gauges,
}

impl GaugesView {
    /// Of these gauges.
    #[must_use]
    pub const fn new(at: Timestamp, gauges: Gauges) -> Self {
        Self { at, gauges }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Reserved")]
struct ReservedView {
    cpu_millis: u64,
    memory_bytes: u64,
}

/// A node.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Node")]
pub struct NodeView {
    id: NodeId,
    name: String,
    /// `manual`, or the name of the cloud that makes its machine.
    provider: String,
    labels: BTreeMap<String, String>,
    status: StatusView,
    created_at: Timestamp,
    version: u64,
    epoch: u64,
    load: u32,
    reserved: ReservedView,
    maintenance: Option<MaintenanceView>,
    token: TokenView,
    agent: Option<AgentView>,
    isolation: Option<Isolation>,
    /// None of a node that somebody runs a command for.
    provision: Option<ProvisionView>,
    connection_refusals: Vec<RefusedView>,
    live: LiveView,
    /// The moment that it is shown as of; absent in what is shown as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<AsOf>,
}

impl NodeView {
    /// Of this node.
    #[must_use]
    pub fn new(id: NodeId, node: &Node, live: &LiveNode, usual: &UsualTimes) -> Self {
        let token = &node.token;
        Self {
            id,
            name: node.name.clone(),
            provider: node.provision.as_ref().map_or_else(|| "manual".to_owned(), |provision| provision.wish.provider.clone()),
            labels: node.labels.clone(),
            status: (&node.status).into(),
            created_at: node.created_at,
            version: node.version,
            epoch: node.epoch,
            load: node.load,
            reserved: ReservedView { cpu_millis: node.cpu_millis_reserved, memory_bytes: node.memory_bytes_reserved },
            maintenance: node.maintenance.as_ref().map(|maintenance| MaintenanceView {
                since: maintenance.since,
                reason: maintenance.reason.clone(),
                by: maintenance.by.to_string(),
            }),
            token: TokenView { version: token.version, issued_at: token.issued_at, fingerprint: token.digest.fingerprint() },
            agent: node.agent.as_ref().map(|agent| AgentView {
                version: agent.version.clone(),
                protocol: agent.protocol,
                address: agent.address.clone(),
                instance: format!("{:016x}", agent.instance),
                machine: agent.facts.clone(),
            }),
            isolation: node.isolation.clone(),
            provision: ProvisionView::of(node, live, usual),
            connection_refusals: node
                .refused
                .iter()
                .map(|refused| RefusedView {
                    reason: refused.reason,
                    address: refused.address.clone(),
                    at: refused.at,
                    count: refused.count,
                })
                .collect(),
            live: live_view(live),
            as_of: None,
        }
    }

    /// Of this node as it was. How long steps usually take is as known now.
    #[must_use]
    pub fn then(id: NodeId, node: &Node, usual: &UsualTimes, as_of: Option<AsOf>) -> Self {
        Self { live: LiveView::default(), as_of, ..Self::new(id, node, &LiveNode::default(), usual) }
    }
}

fn live_view(live: &LiveNode) -> LiveView {
    LiveView {
        suspect: Some(live.suspect),
        session: live.session.as_ref().map(|session| SessionView {
            epoch: session.epoch,
            address: session.address.clone(),
            answered_at: session.answered_at,
            round_trip_us: session.round_trip_us,
            clock_ahead_ms: session.clock_ahead_ms,
        }),
        drain: live.drain.map(|drain| DrainView { units_at_start: drain.units_at_start, units_left: drain.units_left }),
        gauges: live.gauges.latest().map(|(at, gauges)| GaugesView::new(at, gauges)),
    }
}
