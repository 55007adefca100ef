//! Sessions: one a node, found when they are dead, freed when they are stuck.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::process::Command;

use serde_json::json;
use spunto_core::protocol::{FromAgent, FromServer, Gauges, close};
use spunto_tests::api::wait_for;
use spunto_tests::engine::docker;
use spunto_tests::scripted::{Scripted, hello};
use spunto_tests::world::{SOON, World};

fn scripted_node(world: &World) -> (String, String) {
    let reply = world.create_node("n1").unwrap();
    (reply["node"]["id"].as_str().unwrap().to_owned(), reply["token"].as_str().unwrap().to_owned())
}

fn connections(world: &World) -> String {
    let text = world.api.get("/metrics").unwrap().text;
    text.lines().find(|line| line.starts_with("spunto_agent_connections ")).unwrap().to_owned()
}

#[test]
fn a_second_agent_with_the_same_token_is_refused_and_recorded_once() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    for _ in 0..5 {
        let (second, answer) = Scripted::greet(&world.api.url, &agent.token, hello(7)).unwrap();
        let FromServer::Refused { code, message, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(code, "already_connected");
        assert!(message.contains("another agent with this token is connected"));
        assert_eq!(second.closed(), close::REFUSED);
    }
    let recorded = wait_for("the refusal to be shown", SOON, || {
        let node = world.node(&agent.node)?;
        Ok((!node["connection_refusals"][0].is_null()).then_some(node))
    });
    let node = recorded.unwrap();
    assert_eq!((&node["status"]["state"], &node["epoch"]), (&json!("online"), &json!(1)), "the first is undisturbed");
    assert_eq!(node["connection_refusals"][0]["reason"], "already_connected");
    let recorded = world.timeline(&agent.node).unwrap().iter().filter(|kind| *kind == "node.connection_refused").count();
    assert_eq!(recorded, 1);
    world.running(&json!({})).unwrap();
}

#[test]
fn the_same_agent_again_replaces_its_session_and_the_old_one_ends_nothing() {
    let world = World::local().unwrap();
    let (node, token) = scripted_node(&world);
    let first = Scripted::session(&world.api.url, &token, 7).unwrap();
    world.wait_node(&node, "online").unwrap();
    let mut second = Scripted::session(&world.api.url, &token, 7).unwrap();
    assert_eq!(first.closed(), close::REPLACED);
    second.send(&FromAgent::Gauges(Gauges { uptime_s: 77, ..Gauges::default() })).unwrap();
    wait_for("the second session's gauges", SOON, || Ok((world.node(&node)?["live"]["gauges"]["uptime_s"] == 77).then_some(()))).unwrap();
    let seen = world.node(&node).unwrap();
    assert_eq!((&seen["status"]["state"], &seen["epoch"]), (&json!("online"), &json!(2)));
    second.send(&FromAgent::Goodbye { reason: "test".into() }).unwrap();
    second.socket.close(None).unwrap();
    let _ = second.closed();
    assert_eq!(world.wait_node(&node, "offline").unwrap()["status"]["reason"], "agent_stopped");
    wait_for("both connections to be freed", SOON, || Ok(connections(&world).ends_with(" 0").then_some(()))).unwrap();
}

#[test]
fn a_stopped_process_is_found_and_comes_back() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    docker(&["pause", &agent.container]).unwrap();
    wait_for("the node to be suspect", SOON, || Ok((world.node(&agent.node)?["live"]["suspect"] == true).then_some(()))).unwrap();
    assert_eq!(world.wait_node(&agent.node, "offline").unwrap()["status"]["reason"], "no_answer");
    docker(&["unpause", &agent.container]).unwrap();
    world.wait_node(&agent.node, "online").unwrap();
}

#[test]
fn dropped_packets_are_found() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let pid = docker(&["inspect", "-f", "{{.State.Pid}}", &agent.container]).unwrap();
    let cut = Command::new("nsenter").args(["-t", &pid, "-n", "ip", "link", "set", "eth0", "down"]).status().unwrap();
    assert!(cut.success());
    assert_eq!(world.wait_node(&agent.node, "offline").unwrap()["status"]["reason"], "no_answer");
}

#[test]
fn a_reader_that_stops_reading_but_still_sends_is_found_and_freed() {
    let world = World::local().unwrap();
    let (node, token) = scripted_node(&world);
    let mut deaf = Scripted::session(&world.api.url, &token, 7).unwrap();
    world.wait_node(&node, "online").unwrap();
    assert!(connections(&world).ends_with(" 1"));
    // Sends on for as long as the server takes it; never reads a ping.
    let sends = std::thread::spawn(move || {
        while deaf.send(&FromAgent::Gauges(Gauges::default())).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    assert_eq!(world.wait_node(&node, "offline").unwrap()["status"]["reason"], "no_answer");
    wait_for("its connection to be freed", SOON, || Ok(connections(&world).ends_with(" 0").then_some(()))).unwrap();
    sends.join().unwrap();
}

#[test]
fn after_a_restart_agents_that_do_not_come_back_are_offline() {
    let mut world = World::local().unwrap();
    let (node, token) = scripted_node(&world);
    let session = Scripted::session(&world.api.url, &token, 7).unwrap();
    world.wait_node(&node, "online").unwrap();
    world.restart().unwrap();
    drop(session);
    assert_eq!(world.node(&node).unwrap()["status"]["state"], "online", "they get time to come back");
    assert_eq!(world.wait_node(&node, "offline").unwrap()["status"]["reason"], "server_restarted");
}
