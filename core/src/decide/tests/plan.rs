//! What a node still has to do, and what its inventory means.

use super::*;
use crate::event::Exited;
use crate::plan::{compare, open_orders};
use crate::protocol::Found;
use crate::state::{Run, Task};

fn found(unit: UnitId, by: u64, observed: Observed) -> Found {
    Found { unit: unit.to_string(), operation: operation(by).to_string(), container: format!("c-{unit}"), observed }
}

fn w(number: u64) -> UnitId {
    UnitId::Worker(worker(number))
}

/// Feeds an inventory to the rules as a supervisor does, and returns the orphans.
fn tell(world: &mut World, containers: &[Found]) -> Vec<Found> {
    let findings = compare(&world.state.orgs[&ORG], node(1), containers);
    for told in findings.reports {
        world.given(Command::Agent(ORG, node(1), 1, told));
    }
    findings.orphans
}

#[test]
fn open_orders_are_what_was_asked_and_not_answered() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    world.given(spawn(2));
    world.given(report(1, 1, w(1), 1, started()));
    let open: Vec<_> = open_orders(&world.state.orgs[&ORG], node(1)).map(|open| (open.unit, open.order.task)).collect();
    assert_eq!(open, [(w(2), Task::Run)]);
    world.given(on_worker(1, WorkerCommand::Stop { operation: operation(9) }));
    let org = &world.state.orgs[&ORG];
    assert_eq!(open_orders(org, node(1)).map(|open| open.order.task).collect::<Vec<_>>(), [Task::Stop, Task::Run]);
    assert_eq!(open_orders(org, node(7)).count(), 0);
}

#[test]
fn an_inventory_tells_exits_and_losses_and_answers_orders() {
    let mut world = World::with_nodes([1]);
    for number in 1..=4 {
        world.given(spawn(number));
    }
    for number in 1..=3 {
        world.given(report(1, 1, w(number), number, started()));
    }
    let exited = Observed::Exited(Exited { code: 3, oom_killed: false, message: String::new(), finished_at: Timestamp::from_ms(9) });
    // 1 runs on, 2 ended meanwhile, 3 is gone, 4's order was carried out and its answer lost.
    let orphans = tell(&mut world, &[found(w(1), 1, started()), found(w(2), 2, exited), found(w(4), 4, started())]);
    assert!(orphans.is_empty());
    let runs: Vec<&str> = (1..=4).map(|number| world.state.orgs[&ORG].workers[&worker(number)].unit.run.name()).collect();
    assert_eq!(runs, ["running", "exited", "lost", "running"]);
    assert_eq!(world.node(1).load, 2);
}

#[test]
fn a_container_that_was_made_and_never_ran_is_not_the_one_that_runs() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    tell(&mut world, &[found(w(1), 1, Observed::Stopped)]);
    assert_eq!(world.run_of(1), "placed", "its order is still open, and will be sent again");
    world.given(report(1, 1, w(1), 1, started()));
    tell(&mut world, &[found(w(1), 1, Observed::Stopped)]);
    assert_eq!(world.run_of(1), "lost");
}

#[test]
fn an_order_that_never_arrived_is_not_a_loss() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    tell(&mut world, &[]);
    assert_eq!(world.state.orgs[&ORG].workers[&worker(1)].unit.run, Run::Placed);
}

#[test]
fn containers_of_nothing_are_orphans() {
    let mut world = World::with_nodes([1, 2]);
    world.given(spawn_with(1, spec(), Some(node(2))));
    let strange = Found { unit: "<script>".into(), ..found(w(8), 1, started()) };
    let elsewhere = found(w(1), 1, started());
    assert_eq!(tell(&mut world, &[strange.clone(), elsewhere.clone()]), [strange, elsewhere]);
}

#[test]
fn what_is_told_after_the_end_of_its_session_counts_in_the_next() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    let end = NodeCommand::EndAgentSession { epoch: 1, reason: OfflineReason::NoAnswer };
    world.given(on_node(1, end));
    check(&mut world, report(1, 1, w(1), 1, started()), Err("stale_epoch"));
    world.given(connect(1));
    check(&mut world, report(1, 2, w(1), 1, started()), Ok(&["worker.started"]));
}
