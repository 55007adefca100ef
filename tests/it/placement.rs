//! Where workers land, and that they are alone there.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use spunto_tests::api::wait_for;
use spunto_tests::engine::{docker, paste};
use spunto_tests::world::{SOON, WORKER_IMAGE, World, container_of};

fn address_of(container: &str) -> String {
    docker(&["inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container]).unwrap()
}

/// Whether one container gets an answer from another; asks for it by name or address.
fn reaches(from: &str, to: &str) -> bool {
    docker(&["exec", from, "nc", "-w", "2", to, "7", "-e", "true"]).is_ok()
}

const LISTENS: [&str; 3] = ["sh", "-c", "while true; do nc -l -p 7 -e echo here; done"];

#[test]
fn eight_workers_posted_at_once_are_shared_by_two_agents_on_one_engine() {
    let mut world = World::new().unwrap();
    world.add_node("n1").unwrap();
    world.add_node("n2").unwrap();
    let replies: Vec<Value> = thread::scope(|scope| {
        let posts: Vec<_> = (0..8).map(|_| scope.spawn(|| world.spawn(&json!({})).unwrap().ok().unwrap()["worker"].clone())).collect();
        posts.into_iter().map(|post| post.join().unwrap()).collect()
    });
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for worker in &replies {
        *counts.entry(worker["node"].as_str().unwrap().to_owned()).or_default() += 1;
        world.wait_worker(worker["id"].as_str().unwrap(), "running").unwrap();
    }
    assert_eq!(counts.values().copied().collect::<Vec<_>>(), [4, 4]);
    for (node, _) in counts {
        let label = format!("label=net.spunto.node={node}");
        let units = docker(&["ps", "-q", "--filter", &label, "--filter", "label=net.spunto.unit"]).unwrap();
        assert_eq!(units.lines().count(), 4, "each agent runs what was placed on its node");
    }
}

#[test]
fn the_next_worker_goes_where_the_sum_of_workers_and_services_is_lower() {
    let mut world = World::new().unwrap();
    let one = world.add_node("n1").unwrap();
    let other = world.add_node("n2").unwrap();
    for _ in 0..3 {
        world.running(&json!({ "node": one.node })).unwrap();
    }
    for _ in 0..2 {
        world.running(&json!({ "node": other.node })).unwrap();
    }
    let service = |name: &str| json!({ "name": name, "image": WORKER_IMAGE, "command": LISTENS });
    let body = json!({ "name": "shop", "node": other.node, "services": [service("web"), service("db")] });
    let created = world.api.post(&world.of_project("/deployments"), &body).unwrap().ok().unwrap()["deployment"].clone();
    let path = world.of_project(&format!("/deployments/{}", created["id"].as_str().unwrap()));
    let running = wait_for("both services", SOON, || {
        let seen = world.api.get(&path)?.ok()?;
        let all =
            seen["services"].as_array().is_some_and(|services| services.iter().all(|service| service["status"]["state"] == "running"));
        Ok(all.then_some(seen))
    });
    let containers: Vec<String> = running.unwrap()["services"].as_array().unwrap().iter().map(container_of).collect();
    wait_for("services to find each other by name", SOON, || Ok(reaches(&containers[0], "db").then_some(()))).unwrap();
    assert!(reaches(&containers[1], "web") || reaches(&containers[0], "web"));

    let next = world.running(&json!({})).unwrap();
    assert_eq!(next["node"], one.node.as_str(), "three workers are fewer than two workers and two services");
    assert_eq!(next["placement"]["chosen"]["load"], 3);
    assert_eq!(next["placement"]["runners_up"][0]["load"], 4);
    assert_eq!(next["placement"]["decided_by"], "load");

    world.api.post(&format!("{path}/stop"), &json!({})).unwrap().ok().unwrap();
    wait_for("the services to stop", SOON, || Ok((world.node(&other.node)?["load"] == 2).then_some(()))).unwrap();
    world.api.delete(&path).unwrap().ok().unwrap();
    wait_for("the deployment to be gone", SOON, || Ok((world.api.get(&path)?.status == 404).then_some(()))).unwrap();
    let networks = docker(&[
        "network",
        "ls",
        "-q",
        "--filter",
        "label=net.spunto.deployment",
        "--filter",
        &format!("label=net.spunto.node={}", other.node),
    ]);
    assert_eq!(networks.unwrap(), "", "its network went with it");
}

#[test]
fn workers_on_one_node_reach_neither_each_other_nor_the_metadata_service() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let quiet = container_of(&world.running(&json!({ "name": "quiet" })).unwrap());
    let listens = container_of(&world.running(&json!({ "name": "listens", "command": LISTENS })).unwrap());
    // The control: on a network of its own something that listens is reached, by name and address.
    let network = docker(&["inspect", "-f", "{{.HostConfig.NetworkMode}}", &listens]).unwrap();
    let label = format!("net.spunto.node={}", agent.node);
    let control = docker(&[
        "run",
        "-d",
        "--label",
        &label,
        "--label",
        "net.spunto.unit=control",
        "--network",
        &network,
        WORKER_IMAGE,
        "sleep",
        "1000",
    ])
    .unwrap();
    wait_for("the control to reach it", SOON, || Ok(reaches(&control, &address_of(&listens)).then_some(()))).unwrap();
    assert!(reaches(&control, &listens), "by name within one network");
    assert!(!reaches(&quiet, &address_of(&listens)), "by address from another worker");
    assert!(!reaches(&quiet, &listens) && !reaches(&quiet, "listens"), "by name from another worker");
    for container in [&quiet, &listens] {
        assert_eq!(docker(&["port", container]).unwrap(), "", "no port of the host");
    }
    let seen = wait_for("the probe", SOON, || Ok(Some(world.node(&agent.node)?["isolation"].clone()).filter(|told| !told.is_null())));
    assert_eq!(seen.unwrap(), "isolated");
    docker(&["rm", "-f", &control]).unwrap();

    let planted = Planted::new().unwrap();
    let outside = docker(&["run", "-d", "--label", &label, "--label", "net.spunto.unit=control", WORKER_IMAGE, "sleep", "1000"]).unwrap();
    let metadata = |from: &str| docker(&["exec", from, "nc", "-w", "2", METADATA, "80", "-e", "true"]).is_ok();
    wait_for("the control, on no worker's network, to reach the planted service", SOON, || Ok(metadata(&outside).then_some(()))).unwrap();
    assert!(!metadata(&quiet), "a worker reached the metadata service");
    docker(&["rm", "-f", &outside]).unwrap();
    drop(planted);
}

const METADATA: &str = "169.254.169.254";

/// A metadata service beside the host, as clouds have it: in a network namespace of its own, behind a route.
struct Planted(Child);

impl Planted {
    fn new() -> anyhow::Result<Self> {
        // Left over from a run that was cut off, perhaps.
        let _ = paste("ip netns del spunto-metadata; ip link del spunto-md0");
        paste(&format!(
            "set -e; ip netns add spunto-metadata; ip link add spunto-md0 type veth peer name spunto-md1 netns spunto-metadata
            ip addr add 169.254.169.1/30 dev spunto-md0; ip link set spunto-md0 up
            ip -n spunto-metadata addr add 169.254.169.2/30 dev spunto-md1; ip -n spunto-metadata addr add {METADATA}/32 dev spunto-md1
            ip -n spunto-metadata link set spunto-md1 up; ip -n spunto-metadata route add default via 169.254.169.1
            ip route add {METADATA}/32 via 169.254.169.2"
        ))?;
        let serves = "while true; do busybox nc -l -p 80 -e /bin/true; done";
        Ok(Self(Command::new("ip").args(["netns", "exec", "spunto-metadata", "sh", "-c", serves]).stderr(Stdio::null()).spawn()?))
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        // The namespace goes with its last process.
        let _ = paste("ip netns pids spunto-metadata | xargs -r kill -9; ip netns del spunto-metadata; ip link del spunto-md0");
        let _ = self.0.wait();
    }
}

#[test]
fn a_hundred_workers_on_one_node() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    for _ in 0..100 {
        world.spawn(&json!({})).unwrap().ok().unwrap();
    }
    let within = std::time::Duration::from_secs(300);
    wait_for("a hundred workers to run", within, || {
        let page = world.api.get(&world.of_org("/workers?limit=1000"))?.ok()?;
        let states: Vec<&str> = page["items"]
            .as_array()
            .map_or_else(Vec::new, |items| items.iter().filter_map(|item| item["status"]["state"].as_str()).collect());
        anyhow::ensure!(!states.contains(&"failed"), "{}", page);
        Ok((states.len() == 100 && states.iter().all(|state| *state == "running")).then_some(()))
    })
    .unwrap();
    assert_eq!(world.node(&agent.node).unwrap()["load"], 100);
    let label = format!("label=net.spunto.node={}", agent.node);
    assert_eq!(docker(&["ps", "-q", "--filter", &label, "--filter", "label=net.spunto.unit"]).unwrap().lines().count(), 100);
}
