//! The dashboard in a real browser, beside a fleet that reports all the time.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::history::ORG;
use super::row::{Row, Wanted, median, spread};
use super::sockets::{Agents, Stage, WITHIN};
use crate::api::wait_for;
use crate::paths::repository;

/// Nodes on the page.
const NODES: u64 = 1000;
/// Between two reports of a node: 200 a second in all.
const EACH_MS: u64 = 5000;

/// Somebody who may operate nodes comes in by invitation; their browser's cookie.
fn join(stage: &Stage) -> anyhow::Result<String> {
    let invite = json!({ "email": "ada@example.com", "role": "admin" });
    let invited = stage.api.post(&format!("/api/orgs/{ORG}/members"), &invite)?.ok()?;
    let link = invited["invitation"]["link"].as_str().context("no invitation")?;
    let token = link.split_once('#').context("the link has no secret")?.1;
    let accept = json!({ "token": token, "name": "Ada", "password": "correct horse battery" });
    stage.server.api().post("/api/invitations/accept", &accept)?.cookie.context("no cookie")
}

/// Rows `dashboard.task` (the longest task on the page) and `dashboard.pixels` (from asking for a change to seeing it drawn), with
/// 1,000 nodes and 200 updates a second.
///
/// # Errors
/// Server, agents or browser fail.
pub fn rows(directory: &Path, time: Duration) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::set(directory, NODES, 0)?;
    let cookie = join(&stage)?;
    let mut agents = Agents::start(&stage, directory)?;
    agents.tell("connect")?;
    wait_for("all agents online", WITHIN, || Ok((stage.online()? == NODES).then_some(())))?;
    agents.tell(&format!("pace {EACH_MS}"))?;
    let mut page = Command::new("node")
        .arg("measure.mjs")
        .arg(&stage.api.url)
        .arg(ORG.to_string())
        .arg(time.as_secs().to_string())
        .current_dir(repository().join("tests/browser"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting node; make browser installs what it needs")?;
    // The cookie goes through a pipe: command lines can be read by everybody.
    writeln!(page.stdin.take().context("no input")?, "{cookie}")?;
    let mut told = String::new();
    BufReader::new(page.stdout.take().context("no output")?).read_line(&mut told)?;
    anyhow::ensure!(page.wait()?.success(), "the page could not be measured: {told}");
    let told: Value = serde_json::from_str(&told)?;
    let number = |name: &str| told[name].as_f64().with_context(|| format!("{name} was not measured: {told}"));
    let updates = number("updates")? / time.as_secs_f64();
    anyhow::ensure!(updates > 150.0, "only {updates:.0} updates a second came to the page");
    let drawn: Vec<f64> = told["drawn_ms"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    anyhow::ensure!(drawn.len() >= 20, "only {} changes were seen", drawn.len());
    let mut pixels = Row::fixed("dashboard.pixels", median(&drawn), "ms", Wanted::AtMost(100.0, 50.0));
    pixels.spread = spread(&drawn);
    Ok(vec![Row::fixed("dashboard.task", number("longest_task_ms")?, "ms", Wanted::AtMost(100.0, 50.0)), pixels])
}
