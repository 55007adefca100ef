//! Rules of a worker's life.

use super::unit::{check_spec, place};
use super::{Decision, check_version, find_org};
use crate::command::{Request, WorkerCommand};
use crate::event::{WorkerCreated, WorkerDeleteRequested, WorkerDeleted, WorkerStartRequested, WorkerStopRequested};
use crate::id::{OrgId, WorkerId};
use crate::name::check_name;
use crate::outcome::Outcome;
use crate::record::StreamId;
use crate::refusal::Refusal;
use crate::state::{Run, State};

pub(super) fn decide(state: &State, request: &Request, id: OrgId, worker: WorkerId, command: &WorkerCommand) -> Result<Decision, Refusal> {
    let org = find_org(state, id)?;
    let stream = StreamId::Worker(worker);
    let one = |event: crate::event::Event| Ok(Decision::nothing().with(Some(id), stream, event));
    if let WorkerCommand::Spawn { project, name, spec, labels, node, operation } = command {
        check_name("name", name)?;
        check_spec(spec)?;
        if !org.projects.contains_key(project) {
            return Err(Refusal::NotFound("project"));
        }
        if org.workers.contains_key(&worker) {
            return Err(Refusal::AlreadyExists("worker"));
        }
        if org.worker_names.contains_key(&(*project, name.clone())) {
            return Err(Refusal::NameTaken { what: "worker of this project", name: name.clone() });
        }
        let receipt = place(state, org, std::iter::once(spec), labels, *node)?;
        let created = WorkerCreated {
            worker,
            org: id,
            project: *project,
            name: name.clone(),
            spec: spec.clone(),
            labels: labels.clone(),
            node: receipt.chosen.node,
            operation: *operation,
            receipt,
        };
        return Ok(one(created.into())?.making(Outcome::Worker(worker)));
    }
    let known = org.workers.get(&worker).ok_or(Refusal::NotFound("worker"))?;
    check_version(request, known.version)?;
    let run = &known.unit.run;
    match command {
        WorkerCommand::Spawn { .. } => Err(Refusal::AlreadyExists("worker")),
        WorkerCommand::Stop { operation } => match run {
            Run::Placed | Run::Starting | Run::Running { .. } | Run::Restarting { .. } => {
                one(WorkerStopRequested { worker, operation: *operation }.into())
            }
            // Asked twice is asked once.
            Run::Stopping | Run::Stopped => Ok(Decision::nothing()),
            _ => Err(Refusal::WrongState { state: run.name(), advice: "only a worker that runs, or is about to, can be stopped" }),
        },
        WorkerCommand::Start { operation } => match run {
            Run::Exited(_) | Run::Failed { .. } | Run::Stopped | Run::Lost { .. } => {
                one(WorkerStartRequested { worker, operation: *operation }.into())
            }
            Run::Placed | Run::Starting | Run::Running { .. } | Run::Restarting { .. } => Ok(Decision::nothing()),
            _ => Err(Refusal::WrongState { state: run.name(), advice: "wait until it has stopped, then start it" }),
        },
        WorkerCommand::Delete { unheard: true, .. } => one(WorkerDeleted { worker, unheard: true }.into()),
        WorkerCommand::Delete { operation, .. } => match run {
            Run::Deleting { .. } => Ok(Decision::nothing()),
            _ => one(WorkerDeleteRequested { worker, operation: *operation }.into()),
        },
    }
}
