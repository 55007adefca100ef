//! The past: how a node, a worker, a deployment or a whole organisation stood at a moment, folded from the log anew.
//!
//! A node's past costs what its own events cost, however long the log is: the view knows where they stand, and the log is asked for
//! just these. An organisation's past is a fold of all its events, so it is cached ([`Archive`]). Everything here blocks on the disk and
//! belongs on a thread that may; nothing here waits for the journal, and the directory is held only to look up where events stand.

use std::str::FromStr;

use spunto_core::id::{DeploymentId, NodeId, OrgId, ProjectId, WorkerId};
use spunto_core::record::{Position, StreamId};
use spunto_core::state::{Org, State};
use spunto_core::time::Timestamp;
use spunto_events::codec::DecodeError;
use spunto_events::log::{EventLog, ReadError};

use crate::directory::Directory;
use crate::journal::ReplayError;

mod archive;
mod life;
mod pick;
mod scan;
mod story;

pub use archive::Archive;
pub(crate) use scan::scan;
pub use story::{LINES_MAX, NodeStory, story};

/// Most events that the past of one thing is folded of. A node that is lost and back every hour has a third of it after five months.
pub const EVENTS_MAX: usize = 20_000;

/// A moment, as somebody names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After the event at this position.
    Position(Position),
    /// After the last event at or before this time.
    Time(Timestamp),
}

/// A text that names no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment: pass a position exactly as a reply gave it, or a time like 2026-11-24T08:00:00Z")]
pub struct InvalidMoment;

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, InvalidMoment> {
        let position = text.parse().map(Self::Position);
        position.or_else(|_| Timestamp::parse(text).map(Self::Time)).map_err(|_| InvalidMoment)
    }
}

/// Why the past can't be told.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The position belongs to another log.
    #[error("this position is not of this log; it may have been restored from a backup: read the present, and take positions from there")]
    OtherLog,
    /// That has not happened yet.
    #[error("this lies in the future: the log ends at {end}; leave as_of away to read the present")]
    Future {
        /// Where the log ends.
        end: Position,
    },
    /// There never was such a thing in this organisation.
    #[error("there is no such thing, or it is not yours to see")]
    Unknown,
    /// It came into being later.
    #[error("it did not exist then: it was created at {at}, position {position}")]
    NotYet {
        /// When it was created.
        at: Timestamp,
        /// Where in the log.
        position: Position,
    },
    /// It was deleted before.
    #[error("it did not exist any more: it was deleted at {at}, position {position}")]
    Gone {
        /// When it was deleted.
        at: Timestamp,
        /// Where in the log.
        position: Position,
    },
    /// Too much happened to it.
    #[error("{events} events would have to be read, more than {EVENTS_MAX}: export the log and ask `spunto-replay state NAME --at …`")]
    TooLong {
        /// How many.
        events: usize,
    },
    /// Enough is being read.
    #[error("enough of the past is being read for others; try again in a moment")]
    Busy,
    /// The log could not be read.
    #[error(transparent)]
    Log(#[from] ReplayError),
}

impl From<ReadError> for PastError {
    fn from(error: ReadError) -> Self {
        Self::Log(error.into())
    }
}

impl From<DecodeError> for PastError {
    fn from(error: DecodeError) -> Self {
        Self::Log(error.into())
    }
}

/// A state as it was: of the organisation, or of as much of it as was asked for.
#[derive(Clone, Debug)]
pub struct Then {
    /// The fold; it holds one organisation.
    pub state: State,
    /// Which.
    pub org: OrgId,
    /// The last event of the log that it may know of.
    pub position: Position,
    /// The time that was asked for; else when the last of the events happened that it is folded of.
    pub at: Timestamp,
}

impl Then {
    /// The organisation as it was.
    ///
    /// # Errors
    /// It did not exist.
    pub fn org(&self) -> Result<&Org, PastError> {
        self.state.orgs.get(&self.org).ok_or(PastError::Unknown)
    }
}

/// A moment of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    seq: u64,
    asked: Option<Timestamp>,
}

impl Point {
    /// Finds a moment in the log; `now` tells what is still to come. By time in as many reads as the log's length has binary digits.
    ///
    /// # Errors
    /// It lies in the future, or in another log; the log can't be read.
    pub fn find(directory: &Directory, moment: Moment, now: Timestamp) -> Result<Self, PastError> {
        let end = directory.feed().position();
        match moment {
            Moment::Position(asked) if asked.incarnation != end.incarnation || asked.shard != end.shard => Err(PastError::OtherLog),
            Moment::Position(asked) if asked.seq > end.seq => Err(PastError::Future { end }),
            Moment::Position(asked) => Ok(Self { seq: asked.seq, asked: None }),
            Moment::Time(at) if at > now => Err(PastError::Future { end }),
            Moment::Time(at) => Ok(Self { seq: last_before(directory.feed().log(), end.seq, at)?, asked: Some(at) }),
        }
    }

    /// After the event with this sequence.
    #[must_use]
    pub const fn after(seq: u64) -> Self {
        Self { seq, asked: None }
    }

    fn then(self, directory: &Directory, org: OrgId, state: State) -> Then {
        let at = self.asked.unwrap_or(state.at);
        Then { state, org, position: directory.feed().at(self.seq), at }
    }
}

/// The last event at or before a time; 0 for none. Time never runs backwards in a log.
fn last_before(log: &dyn EventLog, end: u64, at: Timestamp) -> Result<u64, PastError> {
    // Every event up to `before` is at or before the time; the one after `after` is not, or is not there.
    let (mut before, mut after) = (0, end);
    let mut picker = pick::Picker::new(log);
    while before < after {
        let middle = before + (after - before).div_ceil(2);
        if picker.time(middle)? <= at {
            before = middle;
        } else {
            after = middle - 1;
        }
    }
    Ok(before)
}

/// A node as it was, with everything that ran on it, folded of its own events and theirs.
///
/// # Errors
/// It was not there then, or is not of this organisation; too much happened to it; the log can't be read.
pub fn node(directory: &Directory, org: OrgId, node: NodeId, point: Point) -> Result<Then, PastError> {
    let then = life::fold(directory, org, None, StreamId::Node(node), point)?;
    then.org()?.fleet.node(node).is_some().then_some(()).ok_or_else(|| life::gone(directory, StreamId::Node(node), point))?;
    Ok(then)
}

/// Checks that there is, or ever was, such a node in an organisation.
///
/// # Errors
/// There never was; the log can't be read.
pub fn check_node(directory: &Directory, org: OrgId, node: NodeId) -> Result<(), PastError> {
    let first = directory.view().timeline(StreamId::Node(node)).first().copied().ok_or(PastError::Unknown)?;
    let record = pick::Picker::new(directory.feed().log()).record(first, None)?;
    (record.org == Some(org)).then_some(()).ok_or(PastError::Unknown)
}

/// A worker of a project as it was, with its node.
///
/// # Errors
/// See [`node()`].
pub fn worker(directory: &Directory, org: OrgId, project: ProjectId, worker: WorkerId, point: Point) -> Result<Then, PastError> {
    let then = life::fold(directory, org, Some(project), StreamId::Worker(worker), point)?;
    then.org()?.workers.contains_key(&worker).then_some(()).ok_or_else(|| life::gone(directory, StreamId::Worker(worker), point))?;
    Ok(then)
}

/// A deployment of a project as it was, with its node.
///
/// # Errors
/// See [`node()`].
pub fn deployment(
    directory: &Directory,
    org: OrgId,
    project: ProjectId,
    deployment: DeploymentId,
    point: Point,
) -> Result<Then, PastError> {
    let then = life::fold(directory, org, Some(project), StreamId::Deployment(deployment), point)?;
    then.org()?
        .deployments
        .contains_key(&deployment)
        .then_some(())
        .ok_or_else(|| life::gone(directory, StreamId::Deployment(deployment), point))?;
    Ok(then)
}

#[cfg(test)]
mod tests;
