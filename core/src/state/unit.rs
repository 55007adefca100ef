//! The life of one container that we asked a node to run, whether a worker or a service.

use serde::{Deserialize, Serialize};

use crate::event::{Exited, Failed, Lost, Restarting, Started, UnitSpec, UnitStep};
use crate::id::{NodeId, OperationId};
use crate::time::Timestamp;

/// What a node is to do with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Task {
    /// Make and start it.
    Run,
    /// Start it, or make it where it is gone.
    Start,
    /// Stop it.
    Stop,
    /// Remove it.
    Remove,
}

/// An order to the node that was not answered yet. Idempotent by its id: it may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id.
    pub operation: OperationId,
    /// What to do.
    pub task: Task,
}

/// Where a container stands, as far as events tell. Pull progress and reachability are live and not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Run {
    /// Ordered; the node has not said that it runs.
    Placed,
    /// It was ordered to start again.
    Starting,
    /// It runs.
    Running {
        /// The container's id.
        container: String,
        /// Digest or id of its image.
        image_digest: String,
        /// Since when, by the node's clock.
        started_at: Timestamp,
    },
    /// It keeps ending and Docker starts it again.
    Restarting {
        /// Last exit code.
        code: i64,
        /// Starts by Docker so far.
        restarts: u32,
    },
    /// It ended by itself.
    Exited(Exited),
    /// An order failed.
    Failed {
        /// What was being done.
        step: UnitStep,
        /// Docker's own words.
        message: String,
    },
    /// It was ordered to stop.
    Stopping,
    /// It stands still, as ordered.
    Stopped,
    /// It can't be found.
    Lost {
        /// In plain words.
        reason: String,
    },
    /// It was ordered to be removed.
    Deleting {
        /// Whether it may still be running.
        live: bool,
    },
    /// It is removed (services only, until the whole deployment is).
    Removed,
}

impl Run {
    /// The name of the state in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Starting => "starting",
            Self::Running { .. } => "running",
            Self::Restarting { .. } => "restarting",
            Self::Exited(_) => "exited",
            Self::Failed { .. } => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Lost { .. } => "lost",
            Self::Deleting { .. } => "deleting",
            Self::Removed => "removed",
        }
    }

    /// Whether it counts in its node's load: it runs, is on its way, or may still be running.
    #[must_use]
    pub const fn counts(&self) -> bool {
        match self {
            Self::Placed | Self::Starting | Self::Running { .. } | Self::Restarting { .. } | Self::Stopping => true,
            Self::Deleting { live } => *live,
            Self::Exited(_) | Self::Failed { .. } | Self::Stopped | Self::Lost { .. } | Self::Removed => false,
        }
    }
}

/// A container of ours on a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Where.
    pub node: NodeId,
    /// What to run.
    pub spec: UnitSpec,
    /// Where it stands.
    pub run: Run,
    /// Since when it stands there.
    pub since: Timestamp,
    /// What its node still has to do.
    pub pending: Option<Order>,
}

impl Unit {
    pub(super) fn placed(node: NodeId, spec: UnitSpec, operation: OperationId, at: Timestamp) -> Self {
        Self { node, spec, run: Run::Placed, since: at, pending: Some(Order { operation, task: Task::Run }) }
    }

    fn move_to(&mut self, run: Run, pending: Option<Order>, at: Timestamp) {
        self.run = run;
        self.pending = pending;
        self.since = at;
    }

    pub(super) fn order_stop(&mut self, operation: OperationId, at: Timestamp) {
        self.move_to(Run::Stopping, Some(Order { operation, task: Task::Stop }), at);
    }

    pub(super) fn order_start(&mut self, operation: OperationId, at: Timestamp) {
        self.move_to(Run::Starting, Some(Order { operation, task: Task::Start }), at);
    }

    pub(super) fn order_remove(&mut self, operation: OperationId, at: Timestamp) {
        let live = self.run.counts();
        self.move_to(Run::Deleting { live }, Some(Order { operation, task: Task::Remove }), at);
    }

    pub(super) fn started(&mut self, run: &Started, at: Timestamp) {
        let Started { container, image_digest, started_at, .. } = run.clone();
        self.move_to(Run::Running { container, image_digest, started_at }, None, at);
    }

    pub(super) fn failed(&mut self, run: &Failed, at: Timestamp) {
        self.move_to(Run::Failed { step: run.step, message: run.message.clone() }, None, at);
    }

    pub(super) fn exited(&mut self, run: &Exited, at: Timestamp) {
        self.move_to(Run::Exited(run.clone()), None, at);
    }

    pub(super) fn restarting(&mut self, run: &Restarting, at: Timestamp) {
        self.move_to(Run::Restarting { code: run.code, restarts: run.restarts }, None, at);
    }

    pub(super) fn stopped(&mut self, at: Timestamp) {
        self.move_to(Run::Stopped, None, at);
    }

    pub(super) fn removed(&mut self, at: Timestamp) {
        self.move_to(Run::Removed, None, at);
    }

    pub(super) fn lost(&mut self, run: &Lost, at: Timestamp) {
        self.move_to(Run::Lost { reason: run.reason.clone() }, None, at);
    }
}
