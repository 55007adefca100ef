//! One node: what it is, who may connect as it, and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{ConnectionRefusal, Event, Isolation, MachineFacts, NodeConnectionRefused, OfflineReason, ProvisionErrorClass};
use crate::event::{Provider, ProvisionStep};
use crate::id::UnitId;
use crate::place::Ineligible;
use crate::planted::{self, Bug};
use crate::record::{Actor, Record};
use crate::state::{Machine, Provision};
use crate::time::Timestamp;
use crate::token::SecretDigest;

/// Refused connections kept with a node; the oldest go first (the log keeps them all).
pub(super) const REFUSED_CONNECTIONS_MAX: usize = 20;

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeStatus {
    /// Its agent has never connected.
    Pending,
    /// Its machine is being made, or starts.
    Provisioning {
        /// Which attempt.
        attempt: u32,
        /// At which step.
        step: ProvisionStep,
        /// Since when it is at this step.
        since: Timestamp,
    },
    /// Its machine could not be made, or has not called.
    ProvisioningFailed {
        /// Which attempt.
        attempt: u32,
        /// At which step.
        step: ProvisionStep,
        /// What kind of failure.
        class: ProvisionErrorClass,
        /// The provider's own words.
        message: String,
    },
    /// Its agent is connected.
    Online {
        /// Since when.
        since: Timestamp,
    },
    /// Its agent is connected; nothing new is placed.
    Draining {
        /// Since when.
        since: Timestamp,
        /// In the words of who asked.
        reason: String,
    },
    /// Its agent is not connected.
    Offline {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: OfflineReason,
    },
    /// It is being taken down.
    Deleting {
        /// Since when.
        since: Timestamp,
    },
}

/// A node in maintenance: nothing new is placed, whatever happens to connections.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Since when.
    pub since: Timestamp,
    /// In the words of who asked.
    pub reason: String,
    /// Who asked.
    pub by: Actor,
}

/// The credential that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// From 1, one more with each rotation.
    pub version: u32,
    /// Its digest.
    pub digest: SecretDigest,
    /// Since when.
    pub issued_at: Timestamp,
    /// Digest of the one before, so that its holder can be told that it was rotated.
    pub previous: Option<SecretDigest>,
}

/// The agent that connected last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectedAgent {
    /// The process.
    pub instance: u64,
    /// Its version.
    pub version: String,
    /// The protocol it speaks.
    pub protocol: u32,
    /// Where it called from.
    pub address: String,
    /// Its machine.
    pub facts: MachineFacts,
}

/// Somebody who was not let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedConnection {
    /// Why.
    pub reason: ConnectionRefusal,
    /// From where.
    pub address: String,
    /// When this was last recorded.
    pub at: Timestamp,
    /// Attempts recorded in all.
    pub count: u32,
}

/// A machine that runs units for its organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, unique in the organisation.
    pub name: String,
    /// How a machine became it.
    pub provider: Provider,
    /// For placement.
    pub labels: BTreeMap<String, String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Events in its stream so far.
    pub version: u64,
    /// Where it stands.
    pub status: NodeStatus,
    /// Number of its last session; 0 before the first.
    pub epoch: u64,
    /// Whether it is in maintenance.
    pub maintenance: Option<Maintenance>,
    /// Its credential.
    pub token: Token,
    /// The agent that connected last.
    pub agent: Option<ConnectedAgent>,
    /// The last attempt to make its machine; none for a node that somebody pastes a command for.
    pub provision: Option<Box<Provision>>,
    /// The machine that may exist at its provider.
    pub machine: Option<Box<Machine>>,
    /// Who was not let in, newest last.
    pub refused: Vec<RefusedConnection>,
    /// Whether its workers are isolated, as last probed.
    pub isolation: Option<Isolation>,
    /// Its units, those that don't count in the load included.
    pub units: BTreeSet<UnitId>,
    /// Units that count.
    pub load: u32,
    /// CPU that counting units asked for, in thousandths of a core.
    pub cpu_millis_reserved: u64,
    /// Memory that counting units asked for, in bytes.
    pub memory_bytes_reserved: u64,
    /// Sequence of the event that last placed something here; 0 for never.
    pub last_placed: u64,
    /// Containers that the log does not know and that stay all the same.
    pub kept: BTreeSet<String>,
    /// Since a restore, until an inventory was compared: what that has and the log does not know stays, as nobody has looked at it.
    pub keeps_unknown: bool,
}

impl Node {
    pub(super) fn created(event: &crate::event::NodeCreated, record: &Record) -> Self {
        Self {
            name: event.name.clone(),
            provider: event.provider,
            labels: event.labels.clone(),
            created_at: record.at,
            version: record.stream_version,
            status: NodeStatus::Pending,
            epoch: 0,
            maintenance: None,
            token: Token { version: 1, digest: event.token_digest, issued_at: record.at, previous: None },
            agent: None,
            provision: None,
            machine: None,
            refused: Vec::new(),
            isolation: None,
            units: BTreeSet::new(),
            load: 0,
            cpu_millis_reserved: 0,
            memory_bytes_reserved: 0,
            last_placed: 0,
            kept: BTreeSet::new(),
            keeps_unknown: false,
        }
    }

    /// The log was restored: nothing that was used up or refused after the backup counts as it did then.
    pub(super) fn after_restore(&mut self) {
        self.keeps_unknown = true;
        self.refused.clear();
        if let Some(provision) = &mut self.provision {
            provision.enrolment.closed = true;
        }
    }

    /// Whether an agent's session is accepted at present.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        matches!(self.status, NodeStatus::Online { .. } | NodeStatus::Draining { .. })
    }

    /// Why nothing can be placed here at all; none when it is ready.
    #[must_use]
    pub fn not_ready(&self) -> Option<Ineligible> {
        match self.status {
            NodeStatus::Pending => Some(Ineligible::Pending),
            NodeStatus::Provisioning { .. } | NodeStatus::ProvisioningFailed { .. } => Some(Ineligible::NotProvisioned),
            NodeStatus::Offline { .. } => Some(Ineligible::Offline),
            NodeStatus::Deleting { .. } => Some(Ineligible::Deleting),
            NodeStatus::Draining { .. } if !planted::is(Bug::DrainLeaks) => Some(Ineligible::Draining),
            NodeStatus::Online { .. } | NodeStatus::Draining { .. } if self.maintenance.is_some() => Some(Ineligible::Maintenance),
            NodeStatus::Online { .. } | NodeStatus::Draining { .. } => None,
        }
    }

    pub(super) fn apply(&mut self, record: &Record) {
        self.version = record.stream_version;
        let since = record.at;
        match &record.event {
            Event::NodeOnline(e) => {
                self.epoch = e.epoch;
                self.agent = Some(ConnectedAgent {
                    instance: e.instance,
                    version: e.agent_version.clone(),
                    protocol: e.protocol,
                    address: e.address.clone(),
                    facts: e.facts.clone(),
                });
                // A node that is going may connect once more to clean up; that makes it no less going.
                if !matches!(self.status, NodeStatus::Deleting { .. }) {
                    self.status = NodeStatus::Online { since };
                }
            }
            Event::NodeOffline(e) if self.is_connected() => self.status = NodeStatus::Offline { since, reason: e.reason },
            Event::NodeDraining(e) => self.status = NodeStatus::Draining { since, reason: e.reason.clone() },
            Event::NodeUndrained(_) => self.status = NodeStatus::Online { since },
            Event::NodeMaintenanceStarted(e) => {
                self.maintenance = Some(Maintenance { since, reason: e.reason.clone(), by: record.actor });
            }
            Event::NodeMaintenanceEnded(_) => self.maintenance = None,
            Event::NodeTokenRotated(e) => {
                let previous = Some(self.token.digest);
                self.token = Token { version: e.token_version, digest: e.token_digest, issued_at: since, previous };
            }
            Event::NodeRenamed(e) => self.name.clone_from(&e.name),
            Event::NodeLabelsChanged(e) => self.labels.clone_from(&e.labels),
            Event::NodeConnectionRefused(e) => self.connection_refused(e, since),
            Event::NodeDeletionStarted(_) => self.status = NodeStatus::Deleting { since },
            Event::NodeContainersKept(e) => {
                self.kept.extend(e.containers.iter().cloned());
                self.keeps_unknown = false;
            }
            Event::NodeIsolationProbed(e) => self.isolation = Some(e.isolation.clone()),
            _ => {}
        }
        self.apply_provision(record);
    }

    fn connection_refused(&mut self, e: &NodeConnectionRefused, at: Timestamp) {
        let before = self.refused.iter().position(|known| known.reason == e.reason && known.address == e.address);
        let counted = before.map_or(0, |place| self.refused.remove(place).count);
        self.refused.push(RefusedConnection { reason: e.reason, address: e.address.clone(), at, count: counted.saturating_add(e.count) });
        if self.refused.len() > REFUSED_CONNECTIONS_MAX {
            self.refused.remove(0);
        }
    }
}
