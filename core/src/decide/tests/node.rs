//! A node's life.

use super::*;
use crate::event::ConnectionRefusal;
use crate::state::NodeStatus;

#[test]
fn create_needs_a_free_and_proper_name() {
    let mut world = World::new();
    check(&mut world, create_node(1), Ok(&["node.created"]));
    check(&mut world, create_node(1), Err("already_exists"));
    let named =
        |number, name: &str| on_node(number, NodeCommand::Create { name: name.into(), labels: BTreeMap::new(), token_digest: digest(1) });
    check(&mut world, named(2, "node-1"), Err("name_taken"));
    check(&mut world, named(2, "No Name"), Err("invalid_input"));
    let foreign = Command::Node(OrgId::from_u64(99), node(1), NodeCommand::Undrain);
    check(&mut world, foreign, Err("not_found"));
    check(&mut world, on_node(77, NodeCommand::Undrain), Err("not_found"));
}

#[test]
fn a_rename_frees_the_old_name_and_unchanged_is_no_event() {
    let mut world = World::with_nodes([1]);
    let rename = |name: &str| on_node(1, NodeCommand::Update { name: Some(name.into()), labels: None });
    check(&mut world, rename("node-1"), Ok(&[]));
    check(&mut world, rename("other"), Ok(&["node.renamed"]));
    check(
        &mut world,
        on_node(2, NodeCommand::Create { name: "node-1".into(), labels: BTreeMap::new(), token_digest: digest(1) }),
        Ok(&["node.created"]),
    );
    check(&mut world, rename("node-1"), Err("name_taken"));
    let labels = BTreeMap::from([("zone".to_owned(), "eu".to_owned())]);
    check(&mut world, on_node(1, NodeCommand::Update { name: None, labels: Some(labels) }), Ok(&["node.labels_changed"]));
}

#[test]
fn every_accepted_session_is_online_with_the_next_epoch_and_ends_a_drain() {
    let mut world = World::with_nodes([1]);
    assert_eq!(world.node(1).epoch, 1);
    check(&mut world, on_node(1, NodeCommand::Drain { reason: "kernel".into() }), Ok(&["node.draining"]));
    check(&mut world, on_node(1, NodeCommand::Drain { reason: String::new() }), Err("already_draining"));
    check(&mut world, connect(1), Ok(&["node.online"]));
    assert_eq!(world.node(1).epoch, 2);
    assert!(matches!(world.node(1).status, NodeStatus::Online { .. }));
    check(&mut world, on_node(1, NodeCommand::Undrain), Err("not_draining"));
    check(&mut world, on_node(1, NodeCommand::Drain { reason: String::new() }), Ok(&["node.draining"]));
    check(&mut world, on_node(1, NodeCommand::Undrain), Ok(&["node.undrained"]));
}

#[test]
fn an_old_session_ends_nothing() {
    let mut world = World::with_nodes([1]);
    world.given(connect(1));
    let end = |epoch| on_node(1, NodeCommand::EndAgentSession { epoch, reason: OfflineReason::NoAnswer });
    check(&mut world, end(1), Err("stale_epoch"));
    check(&mut world, end(2), Ok(&["node.offline"]));
    check(&mut world, end(2), Ok(&[]));
    check(&mut world, on_node(1, NodeCommand::Drain { reason: String::new() }), Err("node_not_online"));
}

#[test]
fn maintenance_survives_reconnects() {
    let mut world = World::with_nodes([1]);
    let start = || on_node(1, NodeCommand::StartMaintenance { reason: "disk".into() });
    check(&mut world, start(), Ok(&["node.maintenance_started"]));
    check(&mut world, start(), Err("already_in_maintenance"));
    world.given(connect(1));
    check(&mut world, spawn(1), Err("no_node_available"));
    check(&mut world, on_node(1, NodeCommand::EndMaintenance), Ok(&["node.maintenance_ended"]));
    check(&mut world, on_node(1, NodeCommand::EndMaintenance), Err("not_in_maintenance"));
    check(&mut world, spawn(1), Ok(&["worker.created"]));
}

#[test]
fn a_rotated_token_is_dead_at_once() {
    let mut world = World::with_nodes([1]);
    let rotate = |token_version| on_node(1, NodeCommand::RotateToken { token_version, token_digest: digest(2) });
    check(&mut world, rotate(3), Err("token_version_taken"));
    check(&mut world, rotate(2), Ok(&["node.token_rotated"]));
    check(&mut world, rotate(2), Err("token_version_taken"));
    check(&mut world, connect_with(1, 1), Err("token_rotated"));
    check(&mut world, connect_with(1, 2), Ok(&["node.online"]));
}

#[test]
fn refused_connections_are_recorded_once_an_hour_and_reason_and_address() {
    let mut world = World::with_nodes([1]);
    let refuse = |address: &str, count| {
        let reason = ConnectionRefusal::AlreadyConnected;
        on_node(1, NodeCommand::RefuseConnection { reason, address: address.into(), count })
    };
    check(&mut world, refuse("203.0.113.9", 1), Ok(&["node.connection_refused"]));
    check(&mut world, refuse("203.0.113.9", 1), Ok(&[]));
    check(&mut world, refuse("203.0.113.10", 1), Ok(&["node.connection_refused"]));
    world.now_ms += super::super::node::REFUSAL_RECORD_EVERY_MS;
    check(&mut world, refuse("203.0.113.9", 41), Ok(&["node.connection_refused"]));
    assert_eq!(world.node(1).refused.last().unwrap().count, 42);
}

#[test]
fn deletion_with_workers_needs_force_and_takes_them_along() {
    let mut world = World::with_nodes([1]);
    world.given(spawn(1));
    let delete = |forced, connected| on_node(1, NodeCommand::Delete { forced, connected });
    check(&mut world, delete(false, true), Err("node_not_empty"));
    check(&mut world, on_node(1, NodeCommand::FinishDeletion), Err("node_not_deleting"));
    check(&mut world, delete(true, true), Ok(&["node.deletion_started"]));
    check(&mut world, delete(false, true), Err("node_not_empty"));
    check(&mut world, spawn(2), Err("no_node_available"));
    check(&mut world, on_node(1, NodeCommand::FinishDeletion), Ok(&["worker.deleted", "node.deleted"]));
    check(&mut world, connect(1), Err("not_found"));
    check(&mut world, create_node(1), Ok(&["node.created"]));
}

#[test]
fn deletion_of_an_unconnected_node_waits_for_nobody() {
    let mut world = World::new();
    world.given(create_node(1));
    check(&mut world, on_node(1, NodeCommand::Delete { forced: false, connected: false }), Ok(&["node.deletion_started", "node.deleted"]));
}

#[test]
fn a_stale_version_is_refused_with_both_versions() {
    let mut world = World::with_nodes([1]);
    let mut asked = request(world.now_ms, on_node(1, NodeCommand::Drain { reason: String::new() }));
    asked.expected_version = Some(1);
    assert_eq!(world.send(&asked), Err(Refusal::VersionMismatch { expected: 1, actual: 2 }));
    asked.expected_version = Some(2);
    assert!(world.send(&asked).is_ok());
}

#[test]
fn a_repeated_create_answers_as_the_first_did() {
    let mut world = World::new();
    let ask = |number: u64, key: &str, body: u8, now_ms| {
        let mut asked = request(now_ms, create_node(number));
        asked.idempotency = Some(Idempotency { key: key.into(), body_hash: [body; 32] });
        asked
    };
    let now = world.now_ms;
    let first = world.send(&ask(1, "k", 1, now)).unwrap();
    assert_eq!(first.drafts.len(), 2);
    let again = world.send(&ask(2, "k", 1, now)).unwrap();
    assert!(again.repeated && again.drafts.is_empty());
    assert_eq!(again.outcome, first.outcome);
    assert_eq!(world.send(&ask(2, "k", 2, now)), Err(Refusal::IdempotencyKeyReused));
    assert_eq!(world.send(&ask(2, "", 2, now)).unwrap_err().code(), "out_of_range");
    let tomorrow = now + crate::state::REQUEST_MEMORY_MS;
    assert!(!world.send(&ask(3, "k", 2, tomorrow)).unwrap().repeated);
}
