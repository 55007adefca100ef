//! An extract: what belongs to the life of one node, worker or deployment, and must be in a slice about it so that the slice replays
//! alone. Of its organisation's own history it takes the frame, no more: the organisation's name, the projects of what ran on it, and
//! the credentials that its machine was paid with (by name and version; no event holds a secret).

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Event;
use crate::id::{CredentialId, NodeId, OrgId, ProjectId};
use crate::record::{Record, StreamId};

/// Which events an extract takes. First it must see every event of the organisation, then it can tell.
#[derive(Clone, Debug)]
pub struct Extract {
    subject: StreamId,
    streams: BTreeSet<StreamId>,
    org: Option<OrgId>,
    projects: BTreeSet<ProjectId>,
    /// The credentials that each node's machines were asked for with: a worker's node is known only later.
    credentials: BTreeMap<NodeId, BTreeSet<CredentialId>>,
    last: u64,
}

impl Extract {
    /// About this node, worker or deployment.
    #[must_use]
    pub fn about(subject: StreamId) -> Self {
        let streams = BTreeSet::from([subject]);
        Self { subject, streams, org: None, projects: BTreeSet::new(), credentials: BTreeMap::new(), last: 0 }
    }

    /// Sees an event. In order, each once.
    pub fn see(&mut self, record: &Record) {
        match &record.event {
            Event::NodeProvisionRequested(e) => drop(self.credentials.entry(e.node).or_default().insert(e.credential)),
            Event::WorkerCreated(e) => self.placed(record.stream, e.node, e.project),
            Event::DeploymentCreated(e) => self.placed(record.stream, e.node, e.project),
            _ => {}
        }
        if record.stream == self.subject {
            self.org = record.org;
        }
        if self.streams.contains(&record.stream) {
            self.last = record.seq;
        }
    }

    fn placed(&mut self, stream: StreamId, node: NodeId, project: ProjectId) {
        if self.subject == StreamId::Node(node) {
            self.streams.insert(stream);
        } else if self.subject == stream {
            // Without its node there is nowhere for it to be.
            self.streams.insert(StreamId::Node(node));
        } else {
            return;
        }
        self.projects.insert(project);
    }

    /// The organisation it is about; none when nothing was ever known of the subject.
    #[must_use]
    pub const fn org(&self) -> Option<OrgId> {
        self.org
    }

    /// Sequence of the last event of the subject, or of what ran on it.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Whether it takes the events of this history as they are; none when that depends on the event: ask [`Self::takes`].
    #[must_use]
    pub fn takes_stream(&self, stream: StreamId) -> Option<bool> {
        match stream {
            StreamId::Org(org) if self.org == Some(org) => None,
            _ => Some(self.streams.contains(&stream)),
        }
    }

    /// Whether it takes this event of the organisation's own history.
    #[must_use]
    pub fn takes(&self, event: &Event) -> bool {
        match event {
            Event::OrgCreated(_) | Event::OrgRenamed(_) => true,
            Event::ProjectCreated(e) => self.projects.contains(&e.project),
            Event::ProjectRenamed(e) => self.projects.contains(&e.project),
            Event::ProjectDeleted(e) => self.projects.contains(&e.project),
            Event::CredentialAdded(e) => self.paid_with(e.credential),
            Event::CredentialReplaced(e) => self.paid_with(e.credential),
            Event::CredentialDeleted(e) => self.paid_with(e.credential),
            _ => false,
        }
    }

    fn paid_with(&self, credential: CredentialId) -> bool {
        let of_ours = |node: &NodeId| self.streams.contains(&StreamId::Node(*node));
        self.credentials.iter().any(|(node, theirs)| of_ours(node) && theirs.contains(&credential))
    }
}
