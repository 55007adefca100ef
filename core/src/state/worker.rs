//! Folds a worker's life.

use serde::{Deserialize, Serialize};

use super::{Org, Unit};
use crate::event::Event;
use crate::id::{ProjectId, UnitId, WorkerId};
use crate::place::Receipt;
use crate::record::Record;
use crate::time::Timestamp;

/// A worker: one isolated container of a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Of which project.
    pub project: ProjectId,
    /// Its name, unique in the project.
    pub name: String,
    /// Events in its stream so far.
    pub version: u64,
    /// Since when.
    pub created_at: Timestamp,
    /// Why it is where it is.
    pub receipt: Receipt,
    /// Its container.
    pub unit: Unit,
}

impl Org {
    pub(super) fn apply_worker(&mut self, id: WorkerId, record: &Record) {
        let at = record.at;
        match &record.event {
            Event::WorkerCreated(e) => {
                let unit = Unit::placed(e.node, e.spec.clone(), e.operation, at);
                self.fleet.enter(UnitId::Worker(id), &unit, record.seq);
                self.worker_names.insert((e.project, e.name.clone()), id);
                let worker = Worker {
                    project: e.project,
                    name: e.name.clone(),
                    version: record.stream_version,
                    created_at: at,
                    receipt: e.receipt.clone(),
                    unit,
                };
                self.workers.insert(id, worker);
                return;
            }
            Event::WorkerDeleted(_) => {
                if let Some(worker) = self.workers.remove(&id) {
                    self.fleet.leave(UnitId::Worker(id), &worker.unit);
                    self.worker_names.remove(&(worker.project, worker.name));
                }
                return;
            }
            _ => {}
        }
        let Some(worker) = self.workers.get_mut(&id) else { return };
        worker.version = record.stream_version;
        let counted = worker.unit.run.counts();
        match &record.event {
            Event::WorkerStarted(e) => worker.unit.started(&e.run, at),
            Event::WorkerFailed(e) => worker.unit.failed(&e.run, at),
            Event::WorkerExited(e) => worker.unit.exited(&e.run, at),
            Event::WorkerRestarting(e) => worker.unit.restarting(&e.run, at),
            Event::WorkerLost(e) => worker.unit.lost(&e.run, at),
            Event::WorkerStopRequested(e) => worker.unit.order_stop(e.operation, at),
            Event::WorkerStartRequested(e) => worker.unit.order_start(e.operation, at),
            Event::WorkerDeleteRequested(e) => worker.unit.order_remove(e.operation, at),
            Event::WorkerStopped(_) => worker.unit.stopped(at),
            _ => {}
        }
        self.fleet.recount(&worker.unit, counted);
    }
}
