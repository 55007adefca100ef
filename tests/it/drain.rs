//! Draining and maintenance.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::json;
use spunto_tests::engine::docker;
use spunto_tests::world::World;

#[test]
fn a_drained_node_gets_nothing_new_until_its_agent_reconnects() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let worker = world.running(&json!({ "name": "old" })).unwrap();
    world.operate(&agent.node, "drain", &json!({ "reason": "new disk" })).unwrap().ok().unwrap();
    let node = world.wait_node(&agent.node, "draining").unwrap();
    assert_eq!(node["status"]["reason"], "new disk");
    let drain = spunto_tests::api::wait_for("the drain's progress", spunto_tests::world::SOON, || {
        Ok(Some(world.node(&agent.node)?["live"]["drain"].clone()).filter(|drain| !drain.is_null()))
    });
    assert_eq!(drain.unwrap(), json!({ "units_at_start": 1, "units_left": 1 }));
    let refused = world.spawn(&json!({})).unwrap();
    assert_eq!((refused.status, refused.code(), &refused.body["nodes"][0]["reason"]), (409, "no_node_available", &json!("draining")));
    assert_eq!(world.operate(&agent.node, "drain", &json!({})).unwrap().code(), "already_draining");
    world.wait_worker(worker["id"].as_str().unwrap(), "running").unwrap();

    docker(&["restart", &agent.container]).unwrap();
    let node = world.wait_node(&agent.node, "online").unwrap();
    assert!(node["live"]["drain"].is_null());
    world.running(&json!({ "name": "new" })).unwrap();
    let told = world.timeline(&agent.node).unwrap();
    let place = |kind: &str| told.iter().rposition(|told| told == kind).unwrap_or_else(|| panic!("{kind} is not in {told:?}"));
    assert!(place("node.draining") < place("node.online"), "{told:?}");

    world.operate(&agent.node, "drain", &json!({})).unwrap().ok().unwrap();
    world.operate(&agent.node, "undrain", &json!({})).unwrap().ok().unwrap();
    world.wait_node(&agent.node, "online").unwrap();
}

#[test]
fn maintenance_survives_reconnects_and_restarts_of_the_server() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    world.operate(&agent.node, "maintenance", &json!({ "reason": "kernel update" })).unwrap().ok().unwrap();
    let in_maintenance = |world: &World| {
        let node = world.wait_node(&agent.node, "online").unwrap();
        assert_eq!(node["maintenance"]["reason"], "kernel update");
        assert!(node["maintenance"]["by"].as_str().unwrap().starts_with("usr_"));
        assert_eq!(world.spawn(&json!({})).unwrap().body["nodes"][0]["reason"], "maintenance");
    };
    in_maintenance(&world);
    docker(&["restart", &agent.container]).unwrap();
    spunto_tests::api::wait_for("the agent's second session", spunto_tests::world::SOON, || {
        Ok(world.node(&agent.node)?["epoch"].as_u64().is_some_and(|epoch| epoch >= 2).then_some(()))
    })
    .unwrap();
    in_maintenance(&world);
    world.restart().unwrap();
    in_maintenance(&world);
    let path = world.of_org(&format!("/nodes/{}/maintenance", agent.node));
    world.api.delete(&path).unwrap().ok().unwrap();
    spunto_tests::api::wait_for("the session after the restart", spunto_tests::world::SOON, || {
        Ok((!world.node(&agent.node)?["live"]["session"].is_null()).then_some(()))
    })
    .unwrap();
    world.running(&json!({})).unwrap();
}
