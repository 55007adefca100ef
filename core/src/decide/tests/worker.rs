//! A worker's life, and what agents say of it.

use super::*;
use crate::event::{Exited, Lost, Restarting, UnitStep};

const W: UnitId = UnitId::Worker(WorkerId::from_u64(1));

fn exited(at: u64) -> Observed {
    Observed::Exited(Exited { code: 3, oom_killed: false, message: String::new(), finished_at: Timestamp::from_ms(at) })
}

fn stop(by: u64) -> Command {
    on_worker(1, WorkerCommand::Stop { operation: operation(by) })
}

fn start(by: u64) -> Command {
    on_worker(1, WorkerCommand::Start { operation: operation(by) })
}

#[test]
fn a_spawn_needs_a_project_a_name_and_a_proper_spec() {
    let mut world = World::with_nodes([1]);
    check(&mut world, spawn(1), Ok(&["worker.created"]));
    check(&mut world, spawn(1), Err("already_exists"));
    let with = |change: fn(&mut UnitSpec)| {
        let mut changed = spec();
        change(&mut changed);
        spawn_with(2, changed, None)
    };
    check(&mut world, with(|spec| spec.image = "a b".into()), Err("invalid_input"));
    check(&mut world, with(|spec| spec.env_names = vec!["A=B".into()]), Err("invalid_input"));
    check(&mut world, with(|spec| spec.memory_bytes = Some(1)), Err("out_of_range"));
    check(&mut world, with(|spec| spec.cpu_millis = Some(0)), Err("out_of_range"));
    check(&mut world, with(|spec| spec.command = vec!["x".repeat(20_000)]), Err("out_of_range"));
    check(&mut world, with(|spec| spec.command = vec!["a\0".into()]), Err("out_of_range"));
    check(&mut world, with(|spec| spec.restart = RestartPolicy::OnFailure { max_retries: 0 }), Err("out_of_range"));
    let elsewhere = |project, name: &str| {
        let (labels, node) = (BTreeMap::new(), None);
        on_worker(2, WorkerCommand::Spawn { project, name: name.into(), spec: spec(), labels, node, operation: operation(2) })
    };
    check(&mut world, elsewhere(ProjectId::from_u64(77), "w"), Err("not_found"));
    check(&mut world, elsewhere(PROJECT, "worker-1"), Err("name_taken"));
    check(&mut world, elsewhere(PROJECT, "Bad"), Err("invalid_input"));
}

#[test]
fn it_runs_stops_starts_and_goes() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    check(&mut world, report(1, 1, W, 1, started()), Ok(&["worker.started"]));
    check(&mut world, report(1, 1, W, 1, started()), Ok(&[]));
    check(&mut world, start(2), Ok(&[]));
    check(&mut world, stop(3), Ok(&["worker.stop_requested"]));
    check(&mut world, stop(4), Ok(&[]));
    assert_eq!(world.node(1).load, 1, "it runs until it has stopped");
    check(&mut world, report(1, 1, W, 3, Observed::Stopped), Ok(&["worker.stopped"]));
    assert_eq!(world.node(1).load, 0);
    check(&mut world, report(1, 1, W, 1, exited(8)), Ok(&[]));
    check(&mut world, start(5), Ok(&["worker.start_requested"]));
    check(&mut world, report(1, 1, W, 1, exited(8)), Ok(&[]));
    check(&mut world, report(1, 1, W, 5, started()), Ok(&["worker.started"]));
    let delete = |unheard| on_worker(1, WorkerCommand::Delete { operation: operation(6), unheard });
    check(&mut world, delete(false), Ok(&["worker.delete_requested"]));
    check(&mut world, delete(false), Ok(&[]));
    check(&mut world, stop(7), Err("wrong_state"));
    check(&mut world, start(7), Err("wrong_state"));
    check(&mut world, report(1, 1, W, 6, Observed::Removed), Ok(&["worker.deleted"]));
    check(&mut world, report(1, 1, W, 6, Observed::Removed), Err("not_this_nodes"));
    check(&mut world, stop(8), Err("not_found"));
}

#[test]
fn a_failure_keeps_dockers_words_and_can_be_tried_again() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    let message = format!("no such image {}", "é".repeat(4000));
    let failed = Observed::Failed { step: UnitStep::PullImage, message };
    check(&mut world, report(1, 1, W, 1, failed.clone()), Ok(&["worker.failed"]));
    check(&mut world, report(1, 1, W, 1, failed), Ok(&[]));
    let crate::state::Run::Failed { message, .. } = &world.state.orgs[&ORG].workers[&worker(1)].unit.run else { panic!() };
    assert!(message.starts_with("no such image") && message.len() < 2100);
    check(&mut world, stop(2), Err("wrong_state"));
    check(&mut world, start(3), Ok(&["worker.start_requested"]));
    assert_eq!(world.run_of(1), "starting");
}

#[test]
fn exits_restarts_and_losses_are_news_once() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    world.given(report(1, 1, W, 1, started()));
    let restarting = |restarts| Observed::Restarting(Restarting { code: 1, restarts });
    check(&mut world, report(1, 1, W, 1, restarting(1)), Ok(&["worker.restarting"]));
    check(&mut world, report(1, 1, W, 1, restarting(1)), Ok(&[]));
    check(&mut world, report(1, 1, W, 1, restarting(4)), Ok(&["worker.restarting"]));
    check(&mut world, report(1, 1, W, 1, exited(9)), Ok(&["worker.exited"]));
    check(&mut world, report(1, 1, W, 1, exited(9)), Ok(&[]));
    let lost = || Observed::Lost(Lost { reason: "no container".into() });
    check(&mut world, report(1, 1, W, 1, lost()), Ok(&["worker.lost"]));
    check(&mut world, report(1, 1, W, 1, lost()), Ok(&[]));
    check(&mut world, on_worker(1, WorkerCommand::Delete { operation: operation(2), unheard: true }), Ok(&["worker.deleted"]));
}

#[test]
fn only_the_current_session_of_its_own_node_is_believed() {
    let mut world = World::with_nodes([1, 2]);
    world.given(spawn_with(1, spec(), Some(node(1))));
    check(&mut world, report(2, 1, W, 1, started()), Err("not_this_nodes"));
    world.given(connect(1));
    check(&mut world, report(1, 1, W, 1, started()), Err("stale_epoch"));
    check(&mut world, report(1, 2, W, 1, started()), Ok(&["worker.started"]));
}

#[test]
fn offline_changes_no_worker() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    world.given(report(1, 1, W, 1, started()));
    world.given(on_node(1, NodeCommand::EndAgentSession { epoch: 1, reason: OfflineReason::NoAnswer }));
    assert_eq!(world.run_of(1), "running");
    world.given(connect(1));
    check(&mut world, report(1, 2, W, 1, exited(9)), Ok(&["worker.exited"]));
}
