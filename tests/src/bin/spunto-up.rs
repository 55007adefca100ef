//! `make up` and `make down`: a control plane on this machine, the machine itself as a node, one worker. Does everything
//! through the public API, and runs the very command that the API returns.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use spunto_tests::api::{Api, wait_for};
use spunto_tests::engine::{bridge_gateway, docker, log_of, paste, remove_all_of};
use spunto_tests::paths::{repository, server_binary};
use spunto_tests::server::Start;

const AGENT: &str = "spunto-agent";
const AGENT_IMAGE: &str = "spunto-agent:local";
const WORKER_IMAGE: &str = "spunto-busybox:local";
const EMAIL: &str = "owner@example.com";
/// How long the server may take to answer, and an agent to connect.
const WITHIN: Duration = Duration::from_secs(60);

/// What is remembered between two runs; readable by its owner only.
#[derive(Default, Serialize, Deserialize)]
struct State {
    port: u16,
    pid: Option<i32>,
    password: String,
    node: Option<String>,
}

fn directory() -> PathBuf {
    std::env::var_os("SPUNTO_STATE").map_or_else(|| repository().join(".spunto"), PathBuf::from)
}

fn load() -> anyhow::Result<State> {
    match fs::read_to_string(directory().join("state.json")) {
        Ok(text) => serde_json::from_str(&text).context(".spunto/state.json is not readable; make reset begins anew"),
        Err(_) => Ok(State::default()),
    }
}

fn save(state: &State) -> anyhow::Result<()> {
    let path = directory().join("state.json");
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(serde_json::to_string_pretty(state)?.as_bytes())?;
    file.sync_all()?;
    Ok(fs::rename(draft, path)?)
}

/// Whether a process is the server that was started here, and still the binary that is there now.
fn runs(pid: i32) -> Option<bool> {
    let exe = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = exe.to_string_lossy();
    let ours = text.trim_end_matches(" (deleted)") == server_binary().to_string_lossy();
    ours.then(|| !text.ends_with(" (deleted)"))
}

fn stop(pid: i32) -> anyhow::Result<()> {
    if runs(pid).is_none() {
        return Ok(());
    }
    let process = rustix::process::Pid::from_raw(pid).context("a process id")?;
    rustix::process::kill_process(process, rustix::process::Signal::TERM)?;
    wait_for("the server to stop", Duration::from_secs(20), || Ok(runs(pid).is_none().then_some(())))
}

fn free_port(gateway: &str) -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind((gateway, 0)).context("no port is free on Docker's bridge")?.local_addr()?.port())
}

fn serve(state: &mut State) -> anyhow::Result<Api> {
    let gateway = bridge_gateway()?;
    if state.port == 0 {
        state.port = free_port(&gateway)?;
        save(state)?;
    }
    let url = format!("http://{gateway}:{}", state.port);
    let api = Api::new(&url);
    let healthy = || Ok((api.get("/healthz")?.status == 200).then_some(()));
    match state.pid.and_then(|pid| Some((pid, runs(pid)?))) {
        Some((_, true)) if matches!(healthy(), Ok(Some(()))) => return Ok(api),
        Some((pid, _)) => stop(pid)?,
        None => {}
    }
    let data = directory().join("data");
    let log = File::options().create(true).append(true).open(directory().join("server.log"))?;
    let mut start = Start::new(&data, &[&format!("{gateway}:{}", state.port), &format!("127.0.0.1:{}", state.port)]);
    start.flags = vec![format!("--public-url={url}"), format!("--agent-image={AGENT_IMAGE}")];
    let mut command = start.command();
    // It outlives this program and its terminal.
    command.process_group(0).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().context("starting the server")?;
    state.pid = Some(i32::try_from(child.id())?);
    save(state)?;
    wait_for("the server to answer; its log is .spunto/server.log", WITHIN, || match child.try_wait()? {
        Some(status) => bail!("the server ended with {status}; its log is .spunto/server.log"),
        None => healthy(),
    })?;
    Ok(api)
}

fn sign_in(api: &Api, state: &mut State) -> anyhow::Result<Api> {
    if api.get("/api/setup")?.ok()?["needed"] != true {
        return api.sign_in(EMAIL, &state.password).context("signing in with the password in .spunto/state.json");
    }
    let mut bytes = [0; 12];
    File::open("/dev/urandom").and_then(|mut random| std::io::Read::read_exact(&mut random, &mut bytes))?;
    state.password = data_encoding::BASE32_NOPAD.encode(&bytes).to_lowercase();
    save(state)?;
    let data = directory().join("data");
    let link = std::process::Command::new(server_binary()).args(["admin", "setup-link", "--data-dir"]).arg(data).output()?;
    let link = String::from_utf8_lossy(&link.stdout).into_owned();
    let token = link.lines().next().and_then(|line| line.split_once('#')).context("spunto admin setup-link printed no link")?.1;
    api.set_up(token, EMAIL, &state.password)
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

/// Runs the command that the API returned, and says how long the node took from then on.
fn become_node(api: &Api, path: &str, command: &str) -> anyhow::Result<()> {
    println!("Running the command that the API returned:\n");
    println!("{}\n", hide_token(command));
    paste(command)?;
    let returned = now_ms();
    let node = wait_online(api, path)?;
    let since = node["status"]["since"].as_str().unwrap_or_default();
    let online = spunto_core::time::Timestamp::parse(since).map_or(returned, |at| u128::from(at.ms()));
    println!("docker run returned -> node.online: {} ms", online.saturating_sub(returned));
    Ok(())
}

fn hide_token(command: &str) -> String {
    command.split_inclusive('\n').map(|line| if line.contains("NODE_TOKEN=") { "  -e NODE_TOKEN=spn_… \\\n" } else { line }).collect()
}

fn wait_online(api: &Api, path: &str) -> anyhow::Result<Value> {
    let waited = wait_for("the node to be online", WITHIN, || {
        let node = api.get(path)?.ok()?;
        let connected = matches!(node["status"]["state"].as_str(), Some("online" | "draining")) && !node["live"]["session"].is_null();
        Ok(connected.then_some(node))
    });
    waited.with_context(|| format!("the agent says: {}", log_of(AGENT, 5)))
}

/// The agent's container: whether there is one, and whether it is this node's.
fn agent_container(node: &str) -> anyhow::Result<Option<bool>> {
    let Ok(env) = docker(&["inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", AGENT]) else { return Ok(None) };
    let token = env.lines().find_map(|line| line.strip_prefix("NODE_TOKEN=")).unwrap_or_default();
    Ok(Some(token.contains(node.trim_start_matches("nod_"))))
}

fn ensure_node(api: &Api, org: &str, state: &mut State) -> anyhow::Result<String> {
    let nodes = format!("/api/orgs/{org}/nodes");
    let known = match &state.node {
        Some(node) if api.get(&format!("{nodes}/{node}"))?.status == 200 => Some(node.clone()),
        _ => None,
    };
    let foreign = |node: &str| agent_container(node).map(|found| found == Some(false));
    let Some(node) = known else {
        if agent_container("")?.is_some() {
            bail!("a container called {AGENT} exists already; remove it (docker rm -f {AGENT}) and run this again");
        }
        let created = api.post(&nodes, &json!({ "name": "this-machine" }))?.ok()?;
        let node = created["node"]["id"].as_str().context("the reply names no node")?.to_owned();
        state.node = Some(node.clone());
        save(state)?;
        let command = created["command"].as_str().context("the reply has no command")?;
        become_node(api, &format!("{nodes}/{node}"), command)?;
        return Ok(node);
    };
    let path = format!("{nodes}/{node}");
    if foreign(&node)? {
        bail!("a container called {AGENT} exists that belongs to another node; remove it (docker rm -f {AGENT}) and run this again");
    }
    if agent_container(&node)?.is_none() {
        println!("The agent's container is gone; its token can't be shown again, so it is rotated.");
        let rotated = api.post(&format!("{path}/rotate-token"), &json!({}))?.ok()?;
        become_node(api, &path, rotated["commands"]["run"].as_str().context("the reply has no command")?)?;
    } else {
        docker(&["start", AGENT])?;
        wait_online(api, &path)?;
    }
    Ok(node)
}

fn ensure_worker(api: &Api, org: &str, project: &str) -> anyhow::Result<Value> {
    let workers = format!("/api/orgs/{org}/projects/{project}/workers");
    let all = api.get(&format!("{workers}?limit=1000"))?.ok()?;
    let found = all["items"].as_array().and_then(|items| items.iter().find(|worker| worker["name"] == "hello").cloned());
    let worker = match found {
        Some(worker) => {
            let path = format!("{workers}/{}/start", worker["id"].as_str().unwrap_or_default());
            api.post(&path, &json!({}))?.ok()?["worker"].clone()
        }
        None => {
            let script = "echo hello from $(hostname); while true; do date; sleep 10; done";
            let body = json!({ "name": "hello", "image": WORKER_IMAGE, "command": ["sh", "-c", script], "restart": "unless-stopped" });
            api.post(&workers, &body)?.ok()?["worker"].clone()
        }
    };
    let path = format!("{workers}/{}", worker["id"].as_str().context("the reply names no worker")?);
    wait_for("the worker to run", WITHIN, || {
        let worker = api.get(&path)?.ok()?;
        match worker["status"]["state"].as_str() {
            Some("running") => Ok(Some(worker)),
            Some("failed") => bail!("the worker failed: {}", worker["status"]["message"]),
            _ => Ok(None),
        }
    })
}

fn up() -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory())?;
    let mut state = load()?;
    let api = serve(&mut state)?;
    let api = sign_in(&api, &mut state)?;
    let (org, project) = api.home()?;
    let node = ensure_node(&api, &org, &mut state)?;
    let worker = ensure_worker(&api, &org, &project)?;
    let (url, id) = (&api.url, worker["id"].as_str().unwrap_or_default());
    println!("
Spunto runs at      {url}  (also http://127.0.0.1:{port})
Sign in as          {EMAIL} with the password in .spunto/state.json
Node                this-machine ({node}) is online
Worker              hello ({id}) is running on it: docker ps

Try next:
  curl -s -c .spunto/cookies {url}/api/session -d \"{{\\\"email\\\":\\\"{EMAIL}\\\",\\\"password\\\":\\\"$(sed -n 's/.*\\\"password\\\": \\\"\\(.*\\)\\\".*/\\1/p' .spunto/state.json)\\\"}}\"
  curl -s -b .spunto/cookies {url}/api/orgs/{org}/nodes
  curl -s -b .spunto/cookies {url}/api/orgs/{org}/projects/{project}/workers/{id}/logs
  curl -sN -b .spunto/cookies -H 'Accept: text/event-stream' {url}/api/orgs/{org}/events
  docker logs -f {AGENT}
  make down", port = state.port);
    Ok(())
}

fn down() -> anyhow::Result<()> {
    let mut state = load()?;
    if let Some(node) = &state.node {
        if agent_container(node)? == Some(true) {
            docker(&["rm", "-f", AGENT])?;
        }
        remove_all_of(node)?;
    }
    if let Some(pid) = state.pid.take() {
        stop(pid)?;
        save(&state)?;
    }
    println!("Stopped. The data is in .spunto; make up goes on with it, make reset forgets it.");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("up") => up(),
        Some("down") => down(),
        _ => bail!("usage: spunto-up up|down"),
    }
}
