//! What a person waits for: a node to come online, a worker to run; and what the agent costs on every node.

use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use super::row::{Row, Wanted, median, spread};
use super::sockets::resident_kib;
use crate::api::wait_for;
use crate::engine::{docker, paste};
use crate::world::{AGENT_IMAGE, SOON, WORKER_IMAGE, World, renamed};

/// Rows `online spawn agent.rss_mb agent.image_mb`.
///
/// # Errors
/// Docker or the server fails.
pub fn rows(repeats: usize) -> anyhow::Result<Vec<Row>> {
    let mut world = World::new()?;
    let mut online = Vec::new();
    for number in 0..repeats {
        let reply = world.create_node(&format!("n{number}"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("the reply lacks something");
        let (node, command) = (text(&reply["node"]["id"])?, text(&reply["command"])?);
        let container = format!("spunto-agent-bench-{}-{number}", std::process::id());
        world.adopt(crate::world::Agent { node: node.clone(), container: container.clone(), token: String::new() });
        paste(&renamed(&command, &container))?;
        let start = Instant::now();
        wait_for("the node", SOON, || Ok((world.node(&node)?["status"]["state"] == "online").then_some(())))?;
        online.push(start.elapsed().as_secs_f64());
    }
    let container = format!("spunto-agent-bench-{}-0", std::process::id());
    let pid: u32 = docker(&["inspect", "-f", "{{.State.Pid}}", &container])?.trim().parse()?;
    let agent_mib = resident_kib(pid)? / 1024.0;
    let image_bytes: f64 = docker(&["image", "inspect", "-f", "{{.Size}}", AGENT_IMAGE])?.trim().parse()?;
    let mut pairs = Vec::new();
    for number in 0..repeats {
        pairs.push((through_us(&world)?, bare(number)?));
    }
    let ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| ours / theirs).collect();
    let spawn = Row {
        id: "spawn",
        value: median(&pairs.iter().map(|pair| pair.0).collect::<Vec<_>>()),
        unit: "s",
        reference: Some(median(&pairs.iter().map(|pair| pair.1).collect::<Vec<_>>())),
        ratio: Some(median(&ratios)),
        spread: spread(&ratios),
        wanted: Wanted::AtMost(1.15, 1.03),
    };
    let mut row = Row::fixed("online", median(&online), "s", Wanted::AtMost(3.0, 1.0));
    row.spread = spread(&online);
    Ok(vec![
        row,
        spawn,
        Row { reference: Some(13.6), ..Row::fixed("agent.rss_mb", agent_mib, "MiB", Wanted::AtMost(13.0, 8.0)) },
        Row { reference: Some(33.7), ..Row::fixed("agent.image_mb", image_bytes / 1e6, "MB", Wanted::AtMost(12.0, 6.0)) },
    ])
}

/// Seconds until a worker runs.
fn through_us(world: &World) -> anyhow::Result<f64> {
    let start = Instant::now();
    let body = json!({ "image": WORKER_IMAGE, "command": ["sleep", "1000000"] });
    let worker = world.api.post(&world.of_project("/workers"), &body)?.ok()?["worker"]["id"].clone();
    let path = world.of_project(&format!("/workers/{}", worker.as_str().unwrap_or_default()));
    loop {
        let seen = world.api.get(&path)?.ok()?;
        if seen["status"]["state"] == "running" {
            let took = start.elapsed().as_secs_f64();
            world.api.delete(&path)?.ok()?;
            wait_for("the worker to be gone", SOON, || Ok((world.api.get(&path)?.status == 404).then_some(())))?;
            return Ok(took);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

/// The same by hand.
fn bare(number: usize) -> anyhow::Result<f64> {
    let name = format!("spunto-bench-{}-{number}", std::process::id());
    let start = Instant::now();
    docker(&["network", "create", &name])?;
    docker(&["run", "-d", "--name", &name, "--network", &name, WORKER_IMAGE, "sleep", "1000000"])?;
    let took = start.elapsed().as_secs_f64();
    docker(&["rm", "-f", &name])?;
    docker(&["network", "rm", &name])?;
    Ok(took)
}
