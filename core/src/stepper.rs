//! The stepper: a provision as four lines, each with its state and its times. Computed from an attempt, so that every browser, and
//! every moment of the past, shows the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::provision::deadline;
use crate::state::Provision;
use crate::time::Timestamp;

/// A line of the stepper, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The provider accepts the credential.
    CredentialVerified,
    /// The machine is there.
    MachineCreated,
    /// The machine boots, and its agent trades its enrolment token.
    AgentHandshake,
    /// The agent's first session.
    NodeOnline,
}

/// How far a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// It is done.
    Done,
    /// It is under way.
    Current,
    /// Its turn has not come.
    Pending,
    /// It is where the attempt failed.
    Failed,
}

/// A line with its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTimes {
    /// Which.
    pub line: Line,
    /// How far it is.
    pub state: LineState,
    /// When its turn came.
    pub started_at: Option<Timestamp>,
    /// When it was done, or failed.
    pub ended_at: Option<Timestamp>,
    /// When it must be done; only while it is under way.
    pub deadline: Option<Timestamp>,
}

/// The four lines of an attempt.
#[must_use]
pub fn lines(provision: &Provision) -> [LineTimes; 4] {
    let reached = provision.reached;
    let handshake = reached.enrolled_at.or(reached.online_at);
    let places = [
        (Line::CredentialVerified, Some(reached.requested_at), reached.verified_at),
        (Line::MachineCreated, reached.verified_at, reached.created_at),
        (Line::AgentHandshake, reached.created_at, reached.created_at.and(handshake)),
        (Line::NodeOnline, reached.created_at.and(handshake), reached.online_at),
    ];
    let current = places.iter().position(|(.., ended)| ended.is_none()).unwrap_or(places.len());
    let mut place = 0;
    places.map(|(line, started_at, ended_at)| {
        let (here, failed_at) = (place, provision.failed.as_ref().map(|failed| failed.at));
        place += 1;
        let (state, ended_at, deadline) = match (here.cmp(&current), failed_at) {
            (std::cmp::Ordering::Less, _) => (LineState::Done, ended_at, None),
            (std::cmp::Ordering::Equal, Some(at)) => (LineState::Failed, Some(at), None),
            (std::cmp::Ordering::Equal, None) => (LineState::Current, None, Some(deadline(provision))),
            (std::cmp::Ordering::Greater, _) => (LineState::Pending, None, None),
        };
        let started_at = started_at.filter(|_| state != LineState::Pending);
        LineTimes { line, state, started_at, ended_at, deadline }
    })
}

impl LineTimes {
    /// How long it took, in milliseconds; none before its end.
    #[must_use]
    pub fn took_ms(&self) -> Option<u64> {
        Some(self.ended_at?.ms_since(self.started_at?))
    }
}
