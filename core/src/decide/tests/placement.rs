//! Which node takes the next unit.

use super::*;
use crate::place::{Decider, Ineligible, Receipt};

fn receipt(world: &World, number: u64) -> Receipt {
    world.state.orgs[&ORG].workers[&worker(number)].receipt.clone()
}

#[test]
fn eight_workers_on_two_nodes_are_four_and_four() {
    let mut world = World::with_nodes([1, 2]);
    (1..=8).for_each(|number| world.given(spawn(number)));
    assert_eq!((world.node(1).load, world.node(2).load), (4, 4));
}

#[test]
fn workers_and_services_count_together() {
    let mut world = World::with_nodes([1, 2]);
    (1..=3).for_each(|number| world.given(spawn_with(number, spec(), Some(node(1)))));
    (4..=5).for_each(|number| world.given(spawn_with(number, spec(), Some(node(2)))));
    let services = [1, 2].map(|number| NewService {
        service: ServiceId::from_u64(number),
        name: format!("s{number}"),
        spec: spec(),
        operation: operation(number),
    });
    let create = DeploymentCommand::Create {
        project: PROJECT,
        name: "shop".into(),
        services: services.into(),
        labels: BTreeMap::new(),
        node: Some(node(2)),
    };
    world.given(Command::Deployment(ORG, DeploymentId::from_u64(1), create));
    world.given(spawn(9));
    let receipt = receipt(&world, 9);
    assert_eq!((receipt.chosen.node, receipt.chosen.load), (node(1), 3));
    assert_eq!(receipt.runners_up.iter().map(|choice| choice.load).collect::<Vec<_>>(), [4]);
    assert_eq!(receipt.decided_by, Decider::Load);
}

#[test]
fn ties_go_to_the_node_placed_on_longest_ago() {
    let mut world = World::with_nodes([1, 2]);
    let done = |world: &mut World, number: u64, on: u64| {
        world.given(report(
            on,
            1,
            UnitId::Worker(worker(number)),
            number,
            Observed::Failed { step: crate::event::UnitStep::PullImage, message: String::new() },
        ));
    };
    world.given(spawn(1));
    assert_eq!((receipt(&world, 1).chosen.node, receipt(&world, 1).decided_by), (node(1), Decider::Id));
    done(&mut world, 1, 1);
    world.given(spawn(2));
    assert_eq!((receipt(&world, 2).chosen.node, receipt(&world, 2).decided_by), (node(2), Decider::PlacedLongestAgo));
    done(&mut world, 2, 2);
    world.given(spawn(3));
    assert_eq!(receipt(&world, 3).chosen.node, node(1));
}

#[test]
fn with_no_candidate_each_node_has_its_reason() {
    let mut world = World::new();
    assert!(world.when(spawn(1)).unwrap_err().to_string().contains("no node yet"));
    world = World::with_nodes([1, 2, 3]);
    world.given(create_node(4));
    world.given(on_node(1, NodeCommand::Drain { reason: String::new() }));
    world.given(on_node(2, NodeCommand::StartMaintenance { reason: "disk".into() }));
    world.given(on_node(3, NodeCommand::EndAgentSession { epoch: 1, reason: OfflineReason::NoAnswer }));
    let Err(Refusal::NoNodeAvailable { nodes, unnamed }) = world.when(spawn(1)) else { panic!("nothing may be placed") };
    let expected = [
        (node(1), Ineligible::Draining),
        (node(2), Ineligible::Maintenance),
        (node(3), Ineligible::Offline),
        (node(4), Ineligible::Pending),
    ];
    assert_eq!((nodes.as_slice(), unnamed), (expected.as_slice(), 0));
}

#[test]
fn stated_needs_are_reserved() {
    let mut world = World::with_nodes([1, 2]);
    let big = || UnitSpec { memory_bytes: Some(3 << 30), ..spec() };
    world.given(spawn_with(1, big(), None));
    world.given(spawn_with(2, big(), None));
    assert_ne!(receipt(&world, 1).chosen.node, receipt(&world, 2).chosen.node);
    check(&mut world, spawn_with(3, big(), None), Err("no_node_available"));
    let greedy = UnitSpec { cpu_millis: Some(2001), ..spec() };
    check(&mut world, spawn_with(3, greedy, None), Err("no_node_available"));
    check(&mut world, spawn_with(3, spec(), Some(node(77))), Err("not_found"));
}

#[test]
fn a_receipt_fits_in_512_bytes() {
    let mut world = World::with_nodes(1..=6);
    for number in 1..=40 {
        world.given(spawn(number));
    }
    let json = serde_json::to_vec(&receipt(&world, 40)).unwrap();
    assert_eq!(receipt(&world, 40).runners_up.len(), crate::place::RUNNERS_UP_MAX);
    assert!(json.len() <= 512, "{} bytes even as JSON", json.len());
}
