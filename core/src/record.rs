//! What surrounds an event: where in the log it stands, who caused it, and when.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::{ApiKeyId, DeploymentId, NodeId, OrgId, UserId, WorkerId};
use crate::time::Timestamp;

/// The history that an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamId {
    /// What crosses organisations: users, sessions.
    System,
    /// An organisation: its name, members, projects, keys, remembered requests.
    Org(OrgId),
    /// One node.
    Node(NodeId),
    /// One worker.
    Worker(WorkerId),
    /// One deployment and its services.
    Deployment(DeploymentId),
}

/// Who caused an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The control plane itself: a deadline, a reconciliation.
    System,
    /// A signed-in person.
    User(UserId),
    /// Whoever holds this API key.
    ApiKey(ApiKeyId),
    /// This node's agent.
    Node(NodeId),
    /// Somebody at the server's own command line.
    Operator,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::User(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Node(id) => id.fmt(f),
            Self::Operator => f.write_str("operator"),
        }
    }
}

/// Whoever a remembered request belongs to: the same key of two principals is two requests.
pub type Principal = Actor;

/// A committed event with everything around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Place in the log, from 1, without gaps.
    pub seq: u64,
    /// The organisation it belongs to; none for the system stream.
    pub org: Option<OrgId>,
    /// The history it belongs to.
    pub stream: StreamId,
    /// Place in that history, from 1.
    pub stream_version: u64,
    /// When; never earlier than the record before.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The request or attempt that it is part of.
    pub correlation: u64,
    /// Sequence of the event that led to it; 0 when a request did.
    pub causation: u64,
    /// What.
    pub event: Event,
}

/// A place in the log as clients see it: opaque, but ordered within one incarnation. Written `incarnation.shard.seq`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Random number of this log; another after a restore.
    pub incarnation: u64,
    /// Shard; there is one, 0.
    pub shard: u32,
    /// Sequence in the shard; 0 is before the first event.
    pub seq: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}.{}", self.incarnation, self.shard, self.seq)
    }
}

/// The text is no position of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position; pass one back exactly as a reply gave it")]
pub struct InvalidPosition;

impl FromStr for Position {
    type Err = InvalidPosition;
    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let mut parts = text.split('.');
        let (Some(incarnation), Some(shard), Some(seq), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidPosition);
        };
        if incarnation.len() != 16 {
            return Err(InvalidPosition);
        }
        Ok(Self {
            incarnation: u64::from_str_radix(incarnation, 16).map_err(|_| InvalidPosition)?,
            shard: shard.parse().map_err(|_| InvalidPosition)?,
            seq: seq.parse().map_err(|_| InvalidPosition)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_print_what_they_parse_and_refuse_the_rest() {
        let position = Position { incarnation: 0xabc, shard: 0, seq: 42 };
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in ["", "1.2", "x.0.1", "0000000000000abc.0.-1", "0000000000000abc.0.1.2", "abc.0.1"] {
            assert_eq!(text.parse::<Position>(), Err(InvalidPosition), "{text}");
        }
    }
}
