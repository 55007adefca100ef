//! Rotating a token: the old one dies at once, and no token is anywhere it must not be.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::json;
use spunto_tests::api::wait_for;
use spunto_tests::engine::{docker, paste};
use spunto_tests::traces::Traces;
use spunto_tests::world::{SOON, World, container_of, renamed};

#[test]
fn the_old_token_dies_at_once_and_both_commands_of_the_reply_work() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let worker = world.running(&json!({ "name": "stays" })).unwrap();
    let before = docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &container_of(&worker)]).unwrap();
    let reply = world.operate(&agent.node, "rotate-token", &json!({})).unwrap().ok().unwrap();
    world.wait_node(&agent.node, "offline").unwrap();
    assert!(world.timeline(&agent.node).unwrap().contains(&"node.token_rotated".to_owned()));
    wait_for("the old agent's readable reason", SOON, || {
        let log = std::process::Command::new("docker").args(["logs", &agent.container]).output()?;
        let log = [log.stdout, log.stderr].concat();
        Ok(String::from_utf8_lossy(&log).contains("refused by the control plane: this token was rotated").then_some(()))
    })
    .unwrap();
    let node = world.node(&agent.node).unwrap();
    assert_eq!(node["connection_refusals"][0]["reason"], "token_rotated");

    assert_eq!(reply["commands"]["remove"], "docker rm -f spunto-agent");
    paste(&format!("docker rm -f {}", agent.container)).unwrap();
    paste(&renamed(reply["commands"]["run"].as_str().unwrap(), &agent.container)).unwrap();
    world.wait_node(&agent.node, "online").unwrap();
    let seen = wait_for("the worker to be reachable", SOON, || {
        let seen = world.wait_worker(worker["id"].as_str().unwrap(), "running")?;
        Ok((seen["reachable"] == true).then_some(seen))
    });
    seen.unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &container_of(&worker)]).unwrap(), before, "the worker runs on");

    // Nowhere: data directory, server's log, agent's log, events, problem bodies.
    let traces = Traces::default().with_token(&agent.token).with_token(reply["token"].as_str().unwrap());
    let directory = world.directory.path();
    assert_eq!(traces.missed(directory, &directory.join("planted")), Vec::<String>::new());
    let events = world.api.get(&world.of_org("/events?limit=1000")).unwrap().text;
    let log = std::process::Command::new("docker").args(["logs", &agent.container]).output().unwrap();
    let wrong = spunto_tests::api::Api::new(&world.api.url).with_key(agent.token.clone());
    let problems = [wrong.get("/api/agent/check").unwrap().text, wrong.get("/api/orgs").unwrap().text];
    assert!(problems.iter().all(|problem| problem.contains("detail")));
    for text in [events.into_bytes(), log.stdout, log.stderr].into_iter().chain(problems.map(String::into_bytes)) {
        assert!(!traces.are_in(&text), "a token is in {}", String::from_utf8_lossy(&text));
    }
}
