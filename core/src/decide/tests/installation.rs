//! A restored log: nothing that acts is decided until it is confirmed.

use super::*;
use crate::command::{AccountCommand as C, NodeCommand};

#[test]
fn a_restored_log_only_observes_until_it_is_confirmed() {
    let mut world = World::new();
    world.given(account(C::RecordRestoration { installation: 1, from: 2, seq: 3, taken_at: Timestamp::from_ms(4) }));
    let project = ProjectId::from_u64(9);
    check(&mut world, account(C::CreateProject { org: ORG, project, name: "late".into() }), Err("observing"));
    check(&mut world, account(C::RenameOrg { org: ORG, name: "late".into() }), Err("observing"));
    check(&mut world, account(C::ConfirmRestoration { difference: [0; 32] }), Ok(&["installation.confirmed"]));
    check(&mut world, account(C::ConfirmRestoration { difference: [0; 32] }), Err("not_observing"));
    check(&mut world, account(C::CreateProject { org: ORG, project, name: "late".into() }), Ok(&["project.created"]));
    // The installation's number stays.
    assert_eq!(world.state.system.installation, Some(1));
}

/// A world whose log was just restored.
fn restored(mut world: World) -> World {
    world.given(account(C::RecordRestoration { installation: 1, from: 2, seq: 3, taken_at: Timestamp::from_ms(4) }));
    world
}

#[test]
fn what_a_node_has_that_a_restored_log_does_not_know_stays_once() {
    let mut world = World::new();
    world.given(create_node(1));
    let keep = |containers: &[&str]| {
        let containers = containers.iter().map(|container| (*container).to_owned()).collect();
        Command::Node(ORG, NodeId::from_u64(1), NodeCommand::KeepContainers { containers })
    };
    check(&mut world, keep(&[]), Ok(&[]));
    let mut world = restored(world);
    world.given(account(C::ConfirmRestoration { difference: [0; 32] }));
    assert!(world.node(1).keeps_unknown);
    check(&mut world, keep(&[]), Ok(&["node.containers_kept"]));
    assert!(!world.node(1).keeps_unknown, "from now on what belongs to nothing goes");
    check(&mut world, keep(&[]), Ok(&[]));
    check(&mut world, keep(&["c1"]), Ok(&["node.containers_kept"]));
    assert!(world.node(1).kept.contains("c1"));
}

#[test]
fn an_enrolment_token_and_refusals_of_before_count_no_more() {
    let mut world = super::provision::after(5);
    assert!(!world.node(1).provision.as_ref().unwrap().enrolment.closed);
    world.given(Command::Node(
        ORG,
        NodeId::from_u64(1),
        NodeCommand::RefuseConnection { reason: crate::event::ConnectionRefusal::WrongToken, address: "203.0.113.9".into(), count: 1 },
    ));
    assert_eq!(world.node(1).refused.len(), 1);
    let world = restored(world);
    assert!(world.node(1).provision.as_ref().unwrap().enrolment.closed, "it may have been used since");
    assert!(world.node(1).refused.is_empty(), "who comes with another token from now on is seen");
}
