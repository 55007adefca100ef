//! The agent protocol: the frames that a node's agent and the control plane send each other over one WebSocket.
//!
//! Owns shapes, limits and versions; `PROTOCOL.md` beside this crate tells them so that another agent could be written from
//! it alone. Must not know sockets, containers or rules.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::event::{Isolation, MachineFacts, RestartPolicy};
use crate::id::{DeploymentId, NodeId, OperationId, UnitId};
use crate::observe::Observed;
use crate::secret::Secret;

/// The protocol's version spoken here.
pub const PROTOCOL: u32 = 1;
/// The oldest version still understood.
pub const PROTOCOL_MIN: u32 = 1;
/// Longest frame to the server, in bytes. A session keeps a buffer of the longest frame it ever got.
pub const FRAME_TO_SERVER_BYTES_MAX: usize = 8 * 1024;
/// Longest frame to an agent, in bytes: an order carries its environment.
pub const FRAME_TO_AGENT_BYTES_MAX: usize = 256 * 1024;
/// Most units in one page of the inventory; with every field at its longest a page stays below the frame's limit.
pub const INVENTORY_PAGE_UNITS_MAX: usize = 8;
/// How often the server pings, in milliseconds.
pub const PING_EVERY_MS: u64 = 3_000;
/// Without an answer for so long a node is suspect, in milliseconds.
pub const SUSPECT_AFTER_MS: u64 = 5_000;
/// Without an answer for so long a node is offline, and an answer to an older ping counts for nothing, in milliseconds.
pub const DEADLINE_MS: u64 = 8_000;
/// An agent that hears nothing for so long dials again, in milliseconds.
pub const SERVER_SILENCE_MS: u64 = 12_000;
/// How often an agent sends gauges, in milliseconds.
pub const GAUGES_EVERY_MS: u64 = 5_000;
/// How long an agent may take from the handshake to its `hello`, in milliseconds.
pub const HELLO_WITHIN_MS: u64 = 5_000;
/// Longest text of a person's or a machine's that a frame may carry, in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;

/// Close codes of the WebSocket beyond those of RFC 6455.
pub mod close {
    /// The same agent connected again; this session is over.
    pub const REPLACED: u16 = 4001;
    /// The token was rotated.
    pub const TOKEN_ROTATED: u16 = 4002;
    /// The agent was not let in; a `refused` frame came before.
    pub const REFUSED: u16 = 4003;
    /// The node was deleted.
    pub const NODE_DELETED: u16 = 4004;
    /// No answer to pings in time.
    pub const NO_ANSWER: u16 = 4005;
    /// The server stops; dial again.
    pub const SERVER_STOPPING: u16 = 4006;
}

/// One run of an agent's process: the same across its reconnects, another after it was started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance(pub u64);

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Instance {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "an instance is 16 hexadecimal digits";
        if text.len() != 16 || !text.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(SHAPE);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| SHAPE)
    }
}

impl Serialize for Instance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret that must travel in a frame: serialises as what it is, prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Confidential(Secret<String>);

impl Confidential {
    /// Wraps a text.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(Secret::new(text))
    }

    /// The text itself. Each call is a place to look at in a review.
    #[must_use]
    pub const fn expose(&self) -> &String {
        self.0.expose()
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confidential(…)")
    }
}

impl Serialize for Confidential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Confidential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The first frame of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The newest protocol it speaks.
    pub protocol: u32,
    /// The oldest protocol it speaks.
    pub protocol_min: u32,
    /// Its own version.
    pub agent_version: String,
    /// This run of it.
    pub instance: Instance,
    /// Its machine.
    pub facts: MachineFacts,
    /// Its wall clock, milliseconds since the Unix epoch, so that a skew can be told.
    pub clock_ms: u64,
}

/// A container with the node's label, as an agent finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its unit label, as it stands there.
    pub unit: String,
    /// Its operation label, as it stands there: the order that made it.
    pub operation: String,
    /// Its id.
    pub container: String,
    /// How it is. `stopped` for one that was made and never ran.
    pub observed: Observed,
}

/// What an agent measures of its machine. Shown live, never an event, no sign of life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gauges {
    /// CPU in use since the last gauges, 0 to 100 over all cores.
    pub cpu_percent: f32,
    /// RAM in use, in bytes: total less available.
    pub memory_used_bytes: u64,
    /// RAM, in bytes.
    pub memory_total_bytes: u64,
    /// Disk in use where containers live, in bytes.
    pub disk_used_bytes: u64,
    /// That disk's size, in bytes.
    pub disk_total_bytes: u64,
    /// Since the machine started, in seconds.
    pub uptime_s: u64,
    /// Load average over a minute.
    pub load_1m: f32,
}

/// How far an image has been pulled. Shown live, never an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PullProgress {
    /// Layers that are complete.
    pub layers_done: u32,
    /// Layers known so far.
    pub layers: u32,
    /// Bytes downloaded.
    pub bytes_done: u64,
    /// Bytes to download, as far as known.
    pub bytes: u64,
}

/// A frame from an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromAgent {
    /// Who it is; the first frame.
    Hello(Hello),
    /// Answers a ping; the only sign of life.
    Pong {
        /// The ping's.
        nonce: u32,
    },
    /// A page of what runs; the first page follows `welcome`. Nothing is judged lost before the page that is `last`.
    Inventory {
        /// From 0.
        page: u32,
        /// At most [`INVENTORY_PAGE_UNITS_MAX`].
        units: Vec<Found>,
        /// Whether this is the last page.
        last: bool,
    },
    /// Something happened to a unit; sent again after a reconnect until it is acknowledged.
    Observation {
        /// Rises by one with each observation of this instance.
        id: u64,
        /// Of what.
        unit: UnitId,
        /// The order that it answers, or the one that made the container.
        operation: OperationId,
        /// What.
        observed: Observed,
    },
    /// An order has arrived and is being carried out.
    Accepted {
        /// Which.
        operation: OperationId,
    },
    /// An image is on its way.
    PullProgress {
        /// For what.
        unit: UnitId,
        /// How far.
        progress: PullProgress,
    },
    /// How the machine is.
    Gauges(Gauges),
    /// Whether workers are isolated.
    Probe {
        /// The answer.
        isolation: Isolation,
    },
    /// The agent stops on purpose; its workers run on.
    Goodbye {
        /// Why, in plain words.
        reason: String,
    },
    /// It could not understand a frame.
    Error {
        /// What it did not understand.
        message: String,
    },
}

/// When a refused agent should try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// As after any lost connection.
    Soon,
    /// Only a person can change the answer; once a minute is enough.
    Later,
}

/// On which network a unit lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Network {
    /// One of its own, with nobody else.
    Own,
    /// The one of its deployment, found there by its alias.
    Deployment {
        /// Whose.
        deployment: DeploymentId,
        /// Its host name there.
        alias: String,
    },
}

/// All that an agent needs to make a unit's container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The unit's name, for people.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Command and arguments; empty means the image's own.
    pub command: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, Confidential>,
    /// CPU limit in thousandths of a core; none means no limit.
    pub cpu_millis: Option<u32>,
    /// Memory limit in bytes; none means no limit.
    pub memory_bytes: Option<u64>,
    /// When Docker starts it again.
    pub restart: RestartPolicy,
    /// Where it lives.
    pub network: Network,
}

/// What an agent is to do. Each order may come more than once and must then be answered as the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Work {
    /// Make and start a unit's container, unless there is one of this order.
    Run {
        /// Which.
        unit: UnitId,
        /// How.
        launch: Launch,
    },
    /// Start a unit's container again, or make it where it is gone.
    Start {
        /// Which.
        unit: UnitId,
        /// How, where it is gone.
        launch: Launch,
    },
    /// Stop it.
    Stop {
        /// Which.
        unit: UnitId,
        /// Between the polite signal and the other, in seconds.
        grace_s: u32,
    },
    /// Remove it and the network that nothing else lives on.
    Remove {
        /// Which.
        unit: UnitId,
    },
    /// Remove a container with this node's label that belongs to nothing.
    RemoveOrphan {
        /// Its id.
        container: String,
    },
}

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromServer {
    /// The session is accepted.
    Welcome {
        /// Number of this session; a session with a lower number is over.
        epoch: u64,
        /// Who the agent is.
        node: NodeId,
        /// The protocol that both speak from here on.
        protocol: u32,
        /// The server's version.
        server_version: String,
    },
    /// The agent is not let in; the connection closes.
    Refused {
        /// Stable, for programs.
        code: String,
        /// For people, and says what to do.
        message: String,
        /// When to try again.
        retry: Retry,
    },
    /// Answer at once.
    Ping {
        /// To be given back.
        nonce: u32,
    },
    /// Do something.
    Operate {
        /// The order's id.
        operation: OperationId,
        /// What.
        work: Work,
    },
    /// An observation is durable; it need not be sent again.
    Ack {
        /// Its number.
        id: u64,
    },
    /// Send a unit's output on a connection of its own, `GET /api/agent/streams/{stream}`.
    OpenLogs {
        /// Names the connection.
        stream: String,
        /// Whose output.
        unit: UnitId,
        /// So many lines from the end.
        tail: u32,
        /// Whether to go on with what comes.
        follow: bool,
    },
    /// The node is deleted: remove every container and network of this node, then stop and don't come back.
    Shutdown {
        /// In plain words.
        reason: String,
    },
    /// The server could not understand a frame; it was ignored.
    Error {
        /// What it did not understand.
        message: String,
    },
}

/// How a log stream ended: its only text frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsEnd {
    /// What went wrong, in plain words; none when the output is at its end.
    pub error: Option<String>,
}

/// First byte of a binary frame of a log stream: standard output follows.
pub const LOGS_STDOUT: u8 = 1;
/// First byte of a binary frame of a log stream: standard error follows.
pub const LOGS_STDERR: u8 = 2;

/// Why a text is no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A newer peer may say what we don't know yet: answer with an `error` frame and go on.
    #[error("unknown frame type \"{0}\"; it was ignored")]
    UnknownType(String),
    /// The peer breaks the protocol: end the session.
    #[error("not a frame of this protocol: {0}")]
    Malformed(String),
    /// Longer than agreed: end the session.
    #[error("a frame of {bytes} bytes is longer than the {bytes_max} that are allowed")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
}

const FROM_AGENT_TYPES: &[&str] =
    &["hello", "pong", "inventory", "observation", "accepted", "pull_progress", "gauges", "probe", "goodbye", "error"];
const FROM_SERVER_TYPES: &[&str] = &["welcome", "refused", "ping", "operate", "ack", "open_logs", "shutdown", "error"];

fn parse<T: DeserializeOwned>(text: &str, bytes_max: usize, types: &[&str]) -> Result<T, FrameError> {
    #[derive(Deserialize)]
    struct Tag {
        #[serde(rename = "type")]
        kind: String,
    }
    if text.len() > bytes_max {
        return Err(FrameError::TooLong { bytes: text.len(), bytes_max });
    }
    serde_json::from_str(text).map_err(|error| match serde_json::from_str::<Tag>(text) {
        Ok(tag) if !types.contains(&tag.kind.as_str()) => FrameError::UnknownType(tag.kind.chars().take(40).collect()),
        // serde quotes values of the wrong type; an environment value must not get into a log that way.
        _ => FrameError::Malformed(format!("line {} column {}: {:?} error", error.line(), error.column(), error.classify())),
    })
}

impl FromAgent {
    /// Reads a frame.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        parse(text, FRAME_TO_SERVER_BYTES_MAX, FROM_AGENT_TYPES)
    }
}

impl FromServer {
    /// Reads a frame.
    ///
    /// # Errors
    /// See [`FrameError`].
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        parse(text, FRAME_TO_AGENT_BYTES_MAX, FROM_SERVER_TYPES)
    }
}

/// Writes a frame.
#[must_use]
pub fn write<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("frames have string keys only")
}

/// The newest protocol that both sides speak.
#[must_use]
pub fn agree(hello: &Hello) -> Option<u32> {
    let newest = hello.protocol.min(PROTOCOL);
    (newest >= PROTOCOL_MIN && newest >= hello.protocol_min).then_some(newest)
}

/// Cuts a text from outside to what a frame may carry, at a character's edge.
#[must_use]
pub fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    let end = (0..=TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}… (cut)", &text[..end])
}

#[cfg(test)]
mod tests;
