//! Which things an event concerns, and how they look now.

use std::collections::BTreeSet;

use spunto_actors::board::Board;
use spunto_actors::directory::View;
use spunto_core::access::{Permission, Role, Scope};
use spunto_core::event::Event;
use spunto_core::id::{DeploymentId, NodeId, ProjectId, UnitId, WorkerId};
use spunto_core::record::{Record, StreamId};
use spunto_core::state::Org;

use crate::view::account::ProjectView;
use crate::view::live::Changes;
use crate::view::node::NodeView;
use crate::view::unit::{DeploymentView, WorkerView};

/// What somebody may see of an organisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    nodes: bool,
    work: bool,
    projects: bool,
}

impl Sight {
    /// Of somebody with this role and, for a key, these scopes.
    pub(super) fn of(role: Role, scopes: Option<&[Scope]>) -> Self {
        let may = |permission: Permission| permission.allows(role, scopes);
        Self { nodes: may(Permission::NODES_READ), work: may(Permission::WORKERS_READ), projects: may(Permission::PROJECTS_READ) }
    }
}

/// Things to be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    pub(super) nodes: BTreeSet<NodeId>,
    pub(super) workers: BTreeSet<WorkerId>,
    pub(super) deployments: BTreeSet<DeploymentId>,
    pub(super) projects: BTreeSet<ProjectId>,
}

impl Touched {
    /// Everything of an organisation.
    pub(super) fn everything(org: &Org) -> Self {
        Self {
            nodes: org.fleet.nodes().map(|(id, _)| id).collect(),
            workers: org.workers.keys().copied().collect(),
            deployments: org.deployments.keys().copied().collect(),
            projects: org.projects.keys().copied().collect(),
        }
    }

    /// Adds what an event concerns. What a node carries counts as reachable or not with its node.
    pub(super) fn note(&mut self, record: &Record, org: Option<&Org>) {
        match record.stream {
            StreamId::System | StreamId::Org(_) => self.note_account(&record.event),
            StreamId::Worker(id) => {
                self.workers.insert(id);
            }
            StreamId::Deployment(id) => {
                self.deployments.insert(id);
            }
            StreamId::Node(id) => {
                self.nodes.insert(id);
                if matches!(record.event, Event::NodeOnline(_) | Event::NodeOffline(_)) {
                    let units = org.and_then(|org| org.fleet.node(id)).map(|node| &node.units);
                    units.into_iter().flatten().for_each(|unit| self.note_unit(*unit, org));
                }
            }
        }
    }

    /// Adds a unit.
    pub(super) fn note_unit(&mut self, unit: UnitId, org: Option<&Org>) {
        match unit {
            UnitId::Worker(worker) => {
                self.workers.insert(worker);
            }
            UnitId::Service(service) => self.deployments.extend(org.and_then(|org| org.services.get(&service))),
        }
    }

    fn note_account(&mut self, event: &Event) {
        self.projects.extend(match event {
            Event::ProjectCreated(created) => Some(created.project),
            Event::ProjectRenamed(renamed) => Some(renamed.project),
            Event::ProjectDeleted(deleted) => Some(deleted.project),
            _ => None,
        });
    }

    /// Takes out at most `most` of the things.
    pub(super) fn take(&mut self, most: usize) -> Self {
        fn some<T: Ord + Copy>(from: &mut BTreeSet<T>, left: &mut usize) -> BTreeSet<T> {
            let rest = from.iter().nth(*left).copied();
            let kept = rest.map_or_else(BTreeSet::new, |rest| from.split_off(&rest));
            let taken = std::mem::replace(from, kept);
            *left -= taken.len();
            taken
        }
        let mut left = most;
        Self {
            projects: some(&mut self.projects, &mut left),
            nodes: some(&mut self.nodes, &mut left),
            workers: some(&mut self.workers, &mut left),
            deployments: some(&mut self.deployments, &mut left),
        }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.workers.is_empty() && self.deployments.is_empty() && self.projects.is_empty()
    }

    /// How these things look, as far as `sight` goes; without an organisation they are all gone.
    pub(super) fn look(&self, view: &View, org: Option<&Org>, board: &Board, sight: Sight) -> Changes {
        let mut changes = Changes { complete: true, ..Changes::default() };
        for id in self.nodes.iter().filter(|_| sight.nodes) {
            match org.and_then(|org| org.fleet.node(*id)) {
                Some(node) => changes.nodes.push(NodeView::new(*id, node, &board.look(*id), &view.usual)),
                None => changes.gone.push(id.to_string()),
            }
        }
        for id in self.workers.iter().filter(|_| sight.work) {
            match org.and_then(|org| Some((org, org.workers.get(id)?))) {
                Some((org, worker)) => changes.workers.push(WorkerView::new(org, *id, worker, &board.look(worker.unit.node))),
                None => changes.gone.push(id.to_string()),
            }
        }
        for id in self.deployments.iter().filter(|_| sight.work) {
            match org.and_then(|org| Some((org, org.deployments.get(id)?))) {
                Some((org, known)) => changes.deployments.push(DeploymentView::new(org, *id, known, &board.look(known.node))),
                None => changes.gone.push(id.to_string()),
            }
        }
        for id in self.projects.iter().filter(|_| sight.projects) {
            match org.and_then(|org| org.projects.get(id)) {
                Some(project) => changes.projects.push(ProjectView::new(*id, project)),
                None => changes.gone.push(id.to_string()),
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_taken_in_portions_and_none_is_lost() {
        let all = Touched {
            nodes: (0..5).map(NodeId::from_u64).collect(),
            workers: (0..5).map(WorkerId::from_u64).collect(),
            deployments: (0..2).map(DeploymentId::from_u64).collect(),
            projects: (0..1).map(ProjectId::from_u64).collect(),
        };
        let (mut rest, mut together, mut portions) = (all.clone(), Touched::default(), 0);
        while !rest.is_empty() {
            let mut portion = rest.take(3);
            let count = portion.nodes.len() + portion.workers.len() + portion.deployments.len() + portion.projects.len();
            assert!((1..=3).contains(&count), "{count}");
            together.nodes.append(&mut portion.nodes);
            together.workers.append(&mut portion.workers);
            together.deployments.append(&mut portion.deployments);
            together.projects.append(&mut portion.projects);
            portions += 1;
        }
        assert_eq!((together, portions), (all, 5));
    }
}
