//! The main job on the real engine: a pasted command makes a node, a worker runs on it, and what can go wrong is told.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::time::Duration;

use serde_json::json;
use spunto_tests::api::wait_for;
use spunto_tests::engine::docker;
use spunto_tests::world::{SOON, World, container_of};

/// Runs the command exactly as the API returned it; the one test that takes the agent's own name.
#[test]
fn the_returned_command_makes_a_node_that_listens_on_nothing_and_runs_workers() {
    let taken = docker(&["ps", "-aq", "--filter", "name=^spunto-agent$"]).unwrap();
    assert!(taken.is_empty(), "a container called spunto-agent exists; run `make down` first: this test pastes the command as it is");
    let mut world = World::new().unwrap();
    let reply = world.create_node("prod-eu-1").unwrap();
    let token = reply["token"].as_str().unwrap();
    let expected = format!(
        "docker run -d \\\n  --name spunto-agent \\\n  --restart unless-stopped \\\n  -v /var/run/docker.sock:/var/run/docker.sock \\\n  -e NODE_TOKEN={token} \\\n  -e API_URL={} \\\n  spunto-agent:local",
        world.api.url
    );
    assert_eq!(reply["command"], expected.as_str());
    let agent = world.run_agent(&reply, "spunto-agent").unwrap();

    let pid = docker(&["inspect", "-f", "{{.State.Pid}}", "spunto-agent"]).unwrap();
    let sockets = std::process::Command::new("nsenter").args(["-t", &pid, "-n", "ss", "-Hlntu"]).output().unwrap();
    assert!(sockets.status.success(), "{}", String::from_utf8_lossy(&sockets.stderr));
    assert_eq!(String::from_utf8_lossy(&sockets.stdout), "", "the agent listens on nothing");

    let worker =
        world.running(&json!({ "name": "w1", "env": { "GREETING": "hello" }, "memory_bytes": 64 << 20, "cpu_millis": 500 })).unwrap();
    let inspect = |format: &str| docker(&["inspect", "-f", format, &container_of(&worker)]).unwrap();
    assert_eq!(inspect("{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}"), "67108864 500000000 4096");
    assert_eq!(inspect("{{.HostConfig.SecurityOpt}} {{.HostConfig.Init}}"), "[no-new-privileges] true");
    assert_eq!(inspect("{{len .HostConfig.PortBindings}} {{.HostConfig.PublishAllPorts}}"), "0 false");
    assert!(inspect("{{.Config.Env}}").contains("GREETING=hello"), "{}", inspect("{{.Config.Env}}"));
    let gauges =
        wait_for("gauges", SOON, || Ok(Some(world.node(&agent.node)?["live"]["gauges"].clone()).filter(|gauges| !gauges.is_null())));
    assert!(gauges.unwrap()["memory_total_bytes"].as_u64().unwrap() > 0);
    let probed =
        wait_for("the isolation probe", SOON, || Ok(Some(world.node(&agent.node)?["isolation"].clone()).filter(|told| !told.is_null())));
    assert_eq!(probed.unwrap(), "isolated");
}

#[test]
fn a_worker_is_stopped_started_read_and_deleted() {
    let mut world = World::new().unwrap();
    world.add_node("n1").unwrap();
    let script = "echo out; echo err >&2; trap 'exit 0' TERM; while true; do sleep 1; done";
    let worker = world.running(&json!({ "name": "w1", "command": ["sh", "-c", script] })).unwrap();
    let path = world.of_project(&format!("/workers/{}", worker["id"].as_str().unwrap()));
    let logs = || world.api.get(&format!("{path}/logs?tail=10")).unwrap();
    wait_for("both outputs", SOON, || Ok((logs().text.contains("out\n") && logs().text.contains("err\n")).then_some(()))).unwrap();

    world.api.post(&format!("{path}/stop"), &json!({})).unwrap().ok().unwrap();
    let id = worker["id"].as_str().unwrap();
    world.wait_worker(id, "stopped").unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.State.Running}}", &container_of(&worker)]).unwrap(), "false");
    let before = docker(&["inspect", "-f", "{{.Id}}", &container_of(&worker)]).unwrap();
    world.api.post(&format!("{path}/start"), &json!({})).unwrap().ok().unwrap();
    world.wait_worker(id, "running").unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.Id}}", &container_of(&worker)]).unwrap(), before, "started again, not made anew");

    world.api.delete(&path).unwrap().ok().unwrap();
    wait_for("the worker to be gone", SOON, || Ok((world.api.get(&path)?.status == 404).then_some(()))).unwrap();
    assert!(docker(&["inspect", &container_of(&worker)]).is_err());
    assert!(docker(&["network", "inspect", &container_of(&worker)]).is_err(), "its network is gone too");
}

#[test]
fn what_docker_refuses_is_told_in_its_own_words() {
    let mut world = World::new().unwrap();
    world.add_node("n1").unwrap();
    let failed = |image: &str| {
        let worker = world.spawn(&json!({ "image": image })).unwrap().ok().unwrap()["worker"].clone();
        world.wait_worker(worker["id"].as_str().unwrap(), "failed").unwrap()["status"].clone()
    };
    let unknown = failed("spunto.invalid/nothing:1");
    assert_eq!(unknown["step"], "pull_image");
    assert!(unknown["message"].as_str().unwrap().contains("spunto.invalid"), "{unknown}");
    let malformed = failed("NOT/An//Image");
    assert!(malformed["message"].as_str().unwrap().contains("invalid reference format"), "{malformed}");
    let worker = world.spawn(&json!({ "memory_bytes": 64 << 20, "cpu_millis": 1_000_000 })).unwrap().ok();
    assert!(worker.unwrap_err().to_string().contains("no_node_available"), "more CPU than any node has");
    let ends = world.spawn(&json!({ "command": ["/no/such/program"] })).unwrap().ok().unwrap()["worker"].clone();
    // With an init process in front, Docker starts the container, and the container says what it could not find.
    let ends = world.wait_worker(ends["id"].as_str().unwrap(), "exited").unwrap();
    assert_eq!(ends["status"]["code"], 127);
    let path = world.of_project(&format!("/workers/{}/logs", ends["id"].as_str().unwrap()));
    wait_for("the output", SOON, || Ok(world.api.get(&path)?.text.contains("/no/such/program").then_some(()))).unwrap();
}

#[test]
fn with_nothing_online_the_error_names_each_node_s_reason() {
    let mut world = World::new().unwrap();
    let none = world.spawn(&json!({})).unwrap();
    assert_eq!((none.status, none.code()), (409, "no_node_available"));
    assert!(none.body["detail"].as_str().unwrap().contains("no node yet"));
    world.create_node("never-connected").unwrap();
    let agent = world.add_node("gone").unwrap();
    docker(&["rm", "-f", &agent.container]).unwrap();
    world.wait_node(&agent.node, "offline").unwrap();
    let refused = world.spawn(&json!({})).unwrap();
    assert_eq!((refused.status, refused.code()), (409, "no_node_available"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.contains("gone: its agent is not connected") && detail.contains("never-connected: its agent has never connected"),
        "{detail}"
    );
    let reasons: Vec<&str> = refused.body["nodes"].as_array().unwrap().iter().map(|node| node["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons.contains(&"offline") && reasons.contains(&"pending"));
}

#[test]
fn exits_that_happened_while_the_agent_was_away_are_told_when_it_is_back() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let stays = world.running(&json!({ "name": "stays" })).unwrap();
    let ends =
        world.running(&json!({ "name": "ends", "command": ["sh", "-c", "while [ ! -e /end ]; do sleep 0.1; done; exit 7"] })).unwrap();
    let lost = world.running(&json!({ "name": "lost" })).unwrap();
    docker(&["kill", &agent.container]).unwrap();
    world.wait_node(&agent.node, "offline").unwrap();
    let seen = world.wait_worker(ends["id"].as_str().unwrap(), "running").unwrap();
    assert_eq!(seen["reachable"], false, "offline changes no worker");
    docker(&["exec", &container_of(&ends), "touch", "/end"]).unwrap();
    docker(&["wait", &container_of(&ends)]).unwrap();
    docker(&["rm", "-f", &container_of(&lost)]).unwrap();
    docker(&["start", &agent.container]).unwrap();
    world.wait_node(&agent.node, "online").unwrap();
    let told = world.wait_worker(ends["id"].as_str().unwrap(), "exited").unwrap();
    assert_eq!(told["status"]["code"], 7);
    world.wait_worker(lost["id"].as_str().unwrap(), "lost").unwrap();
    world.wait_worker(stays["id"].as_str().unwrap(), "running").unwrap();
}

#[test]
fn an_order_that_was_carried_out_while_the_server_was_away_makes_no_second_container() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    for round in 0..3 {
        // Killed at once: whether the order has left, or its answer has come, differs from round to round.
        let worker = world.spawn(&json!({ "name": format!("w{round}") })).unwrap().ok().unwrap()["worker"].clone();
        world.restart().unwrap();
        let worker = world.wait_worker(worker["id"].as_str().unwrap(), "running").unwrap();
        let label = format!("label=net.spunto.unit={}", worker["id"].as_str().unwrap());
        assert_eq!(docker(&["ps", "-aq", "--filter", &label]).unwrap().lines().count(), 1);
    }
    assert_eq!(world.node(&agent.node).unwrap()["load"], 3);
}

#[test]
fn a_deleted_node_is_cleaned_up_and_its_agent_stops() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let worker = world.running(&json!({})).unwrap();
    let path = world.of_org(&format!("/nodes/{}", agent.node));
    let refused = world.api.delete(&path).unwrap();
    assert_eq!((refused.status, refused.code()), (409, "node_not_empty"));
    world.api.delete(&format!("{path}?force=true")).unwrap().ok().unwrap();
    wait_for("the node to be gone", SOON, || Ok((world.api.get(&path)?.status == 404).then_some(()))).unwrap();
    assert!(docker(&["inspect", &container_of(&worker)]).is_err(), "its worker is gone");
    let stopped = || Ok((docker(&["inspect", "-f", "{{.State.Running}}", &agent.container])? == "false").then_some(()));
    wait_for("the agent to stop itself", Duration::from_secs(30), stopped).unwrap();
}
