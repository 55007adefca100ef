//! With a real agent and real containers: a restored log restarts none of them and removes none.

use serde_json::json;
use spunto_tests::api::wait_for;
use spunto_tests::engine::docker;
use spunto_tests::world::{SOON, World, container_of};

use super::{back_up, digest_in, move_to, spunto, well};

/// When a container was started, and whether it runs.
fn since(container: &str) -> String {
    docker(&["inspect", "-f", "{{.State.Running}} {{.State.StartedAt}}", container]).unwrap()
}

#[test]
fn containers_run_on_through_restore_and_confirmation_also_those_made_since() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let older = world.running(&json!({ "name": "older" })).unwrap();
    let file = back_up(&world, "old.backup");
    let newer = world.running(&json!({ "name": "newer" })).unwrap();
    let containers = [container_of(&older), container_of(&newer)];
    let before = containers.each_ref().map(|container| since(container));
    assert!(before.iter().all(|seen| seen.starts_with("true")), "{before:?}");
    move_to(&mut world, &file);
    world.wait_node(&agent.node, "online").unwrap();
    let shown = wait_for("the inventory", SOON, || {
        let shown = well(spunto(&world, &["restore-status"]).output()?);
        Ok(shown.contains(newer["id"].as_str().unwrap()).then_some(shown))
    })
    .unwrap();
    assert!(shown.contains("running, is not in this log -> kept") && !shown.contains(older["id"].as_str().unwrap()), "{shown}");
    assert_eq!(containers.each_ref().map(|container| since(container)), before, "observed only");
    well(spunto(&world, &["confirm", &digest_in(&shown)]).output().unwrap());
    wait_for("a session that acts", SOON, || {
        let node = world.node(&agent.node)?;
        Ok((node["status"]["state"] == "online" && node["epoch"].as_u64() >= Some(3)).then_some(()))
    })
    .unwrap();
    world.running(&json!({ "name": "latest" })).unwrap();
    world.wait_worker(older["id"].as_str().unwrap(), "running").unwrap();
    assert_eq!(containers.each_ref().map(|container| since(container)), before, "none was restarted, none removed");
}
