//! What a dashboard is told: everything once, then what changes.

use schemars::JsonSchema;
use serde::Serialize;

use super::account::ProjectView;
use super::event::EventView;
use super::node::NodeView;
use super::unit::{DeploymentView, WorkerView};

/// Changes of an organisation: what happened, and how what it concerns looks now. Whoever applies them in order, replacing by id,
/// has what the lists would give.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "LiveChanges")]
pub struct Changes {
    /// Forget what is known of the organisation: what follows is everything.
    pub reset: bool,
    /// False while more of everything follows.
    pub complete: bool,
    /// Where the log stands with this.
    pub position: String,
    /// What happened, oldest first; nothing of the time before a reset.
    pub events: Vec<EventView>,
    /// Nodes that changed, live parts included.
    pub nodes: Vec<NodeView>,
    /// Workers that changed, the progress of pulls included.
    pub workers: Vec<WorkerView>,
    /// Deployments that changed.
    pub deployments: Vec<DeploymentView>,
    /// Projects that changed.
    pub projects: Vec<ProjectView>,
    /// Ids of nodes, workers, deployments and projects that are no more.
    pub gone: Vec<String>,
}

impl Changes {
    /// Whether there is nothing to tell.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.nodes.is_empty()
            && self.workers.is_empty()
            && self.deployments.is_empty()
            && self.projects.is_empty()
            && self.gone.is_empty()
    }
}
