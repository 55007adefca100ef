//! What a server with thousands of connected agents does, and what it costs. Server and agents are processes of their own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::json;
use spunto_core::access::{KeyOwner, Scope};
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::{ApiKeyId, NodeId};
use spunto_core::token::{ApiKey, NodeToken};
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::master::MasterKeyFile;

use super::fleet::PING;
use super::history::{Historian, ORG, PROJECT};
use super::row::{Row, Wanted, median, spread};
use crate::api::{Api, wait_for};
use crate::server::{Server, Start};

/// How long anything may take that a measurement waits for.
pub(super) const WITHIN: Duration = Duration::from_secs(120);
/// Connections of the client that asks for workers.
const CLIENTS: usize = 48;

/// The secret of a credential in a measurement: no secret at all.
fn secret(number: u64) -> [u8; 32] {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}

/// A server on a log with these nodes, and somebody who may do everything.
pub struct Stage {
    /// The server.
    pub server: Server,
    /// Signed in by key.
    pub api: Api,
    key: String,
    tokens: Vec<String>,
}

impl Stage {
    /// Writes the log, then starts the server on it.
    ///
    /// # Errors
    /// The disk failed, or the server does not start.
    pub fn set(directory: &Path, nodes: u64, events: u64) -> anyhow::Result<Self> {
        let data = directory.join("data");
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        std::fs::create_dir_all(&data)?;
        let mut permissions = std::fs::metadata(&data)?.permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o700);
        std::fs::set_permissions(&data, permissions)?;
        MasterKeyFile::load_or_create(&data.join("master.key"))?;
        let log = SledLog::open(&data.join("log"), LogOptions::default())?;
        let mut historian = if events > 0 { Historian::with_nodes(10)? } else { Historian::with_nodes(0)? };
        let mut tokens = Vec::new();
        for number in 1..=nodes {
            let token = NodeToken::new(ORG, NodeId::from_u64(1_000_000 + number), secret(number));
            historian.add_pending(token.node, token.digest())?;
            tokens.push(token.reveal().expose().clone());
        }
        let key = ApiKey::new(ORG, ApiKeyId::from_u64(1), secret(0));
        let create = AccountCommand::CreateApiKey {
            org: ORG,
            key: key.key,
            name: "bench".into(),
            scopes: vec![Scope::All],
            owner: KeyOwner::Org,
            digest: key.digest(),
        };
        historian.write(Command::Account(create))?;
        let mut number = 0;
        while historian.state.seq < events {
            number += 1;
            historian.live_and_die(number)?;
        }
        historian.flush(&log)?;
        drop(log);
        let start = Start::new(&data, &["127.0.0.1:0"]);
        let server = start.run()?;
        let key = key.reveal().expose().clone();
        let api = server.api().with_key(key.clone());
        Ok(Self { server, api, key, tokens })
    }

    /// Resident memory of the server, in KiB.
    ///
    /// # Errors
    /// It is gone.
    pub fn resident_kib(&self) -> anyhow::Result<f64> {
        resident_kib(self.server.pid())
    }

    pub(super) fn online(&self) -> anyhow::Result<u64> {
        let org = self.api.get(&format!("/api/orgs/{ORG}"))?.ok()?;
        org["nodes_online"].as_u64().context("the organisation tells no number")
    }
}

/// Resident memory of a process, in KiB.
///
/// # Errors
/// It is gone.
pub fn resident_kib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("no number")?.parse()?)
}

/// The agents' process.
pub(super) struct Agents {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Agents {
    pub(super) fn start(stage: &Stage, directory: &Path) -> anyhow::Result<Self> {
        let tokens = directory.join("tokens");
        std::fs::write(&tokens, stage.tokens.join("\n"))?;
        let mut child = Process::new(std::env::current_exe()?)
            .arg("agents")
            .arg(&stage.api.url)
            .arg(&tokens)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (words, answers) = (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
        Ok(Self { child, words, answers: BufReader::new(answers) })
    }

    pub(super) fn tell(&mut self, word: &str) -> anyhow::Result<Vec<f64>> {
        writeln!(self.words, "{word}")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the agents are gone");
        }
        Ok(line.split_whitespace().skip(1).filter_map(|number| number.parse().ok()).collect())
    }
}

impl Drop for Agents {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Rows about many sessions: `session.kib storm.9500 command.p50 halfopen`.
///
/// # Errors
/// Server or agents fail.
pub fn sessions(directory: &Path, storms: usize) -> anyhow::Result<Vec<Row>> {
    const AGENTS: u64 = 9500;
    let stage = Stage::set(directory, AGENTS, 0)?;
    let mut agents = Agents::start(&stage, directory)?;
    let before = stage.resident_kib()?;
    let all = || Ok((stage.online()? == AGENTS).then_some(()));
    agents.tell("connect")?;
    wait_for("all agents online", WITHIN, all)?;
    for _ in 0..5 {
        agents.tell("gauges 10")?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let kib = (stage.resident_kib()? - before) / AGENTS as f64;
    // Two rounds of pings and a half, so that every session has a round trip of its own.
    std::thread::sleep(Duration::from_secs(8));
    let trips = round_trips(&stage)?;
    let port = agents.tell("echo")?.first().copied().context("no port")?;
    let raw: Vec<f64> = raw_round_trips(port as u16, trips.len().min(2000))?;
    let (trip, raw) = (median(&trips), median(&raw));
    let mut taken = Vec::new();
    for _ in 0..storms {
        agents.tell("drop")?;
        wait_for("all agents offline", WITHIN, || Ok((stage.online()? == 0).then_some(())))?;
        let told = agents.tell("connect")?;
        wait_for("all agents online again", WITHIN, all)?;
        anyhow::ensure!(told.get(1) == Some(&0.0), "agents lost their connections in the storm: {told:?}");
        taken.push(told[0] / 1e6);
    }
    agents.tell("mute")?;
    let start = Instant::now();
    wait_for("silent agents found", WITHIN, || Ok((stage.online()? == 0).then_some(())))?;
    let half_open = start.elapsed().as_secs_f64();
    let mut command = Row::fixed("command.p50", trip, "µs", Wanted::AtMost(4.0, 2.5));
    (command.reference, command.ratio) = (Some(raw), Some(trip / raw));
    let mut storm = Row::fixed("storm.9500", median(&taken), "s", Wanted::AtMost(3.0, 1.0));
    storm.spread = spread(&taken);
    Ok(vec![
        Row::fixed("session.kib", kib, "KiB", Wanted::AtMost(23.0, 5.0)),
        storm,
        command,
        Row::fixed("halfopen", half_open, "s", Wanted::AtMost(10.0, 10.0)),
    ])
}

/// Every node's last round trip, as its supervisor measured it, in microseconds.
fn round_trips(stage: &Stage) -> anyhow::Result<Vec<f64>> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = stage.api.get(&format!("/api/orgs/{ORG}/nodes?limit=1000{cursor}"))?.ok()?;
        let nodes = page["items"].as_array().cloned().unwrap_or_default();
        all.extend(nodes.iter().filter_map(|node| node["live"]["session"]["round_trip_us"].as_f64()).filter(|trip| *trip > 0.0));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(all),
        }
    }
}

/// A ping and its answer of the same size over bare TCP on loopback, in microseconds. Between the same two kinds of processes as
/// the real ones, while all sessions are there: two threads of one process would share what the real ends don't.
fn raw_round_trips(port: u16, many: usize) -> anyhow::Result<Vec<f64>> {
    let mut near = TcpStream::connect(("127.0.0.1", port))?;
    near.set_nodelay(true)?;
    let mut bytes = [0; PING.len()];
    let mut trips = Vec::with_capacity(many);
    for _ in 0..many {
        // As rare as the pings of idle sessions are: a loop without rest would keep both ends awake.
        std::thread::sleep(Duration::from_micros(300));
        let start = Instant::now();
        near.write_all(PING)?;
        near.read_exact(&mut bytes)?;
        trips.push(start.elapsed().as_secs_f64() * 1e6);
    }
    Ok(trips)
}

/// Row `place.socket.5000`: asked over HTTP, placed, durable, sent to the agents and taken by them.
///
/// # Errors
/// Server or agents fail.
pub fn placements(directory: &Path, time: Duration) -> anyhow::Result<Row> {
    const AGENTS: u64 = 5000;
    let stage = Stage::set(directory, AGENTS, 0)?;
    let mut agents = Agents::start(&stage, directory)?;
    agents.tell("connect")?;
    wait_for("all agents online", WITHIN, || Ok((stage.online()? == AGENTS).then_some(())))?;
    let stop = AtomicBool::new(false);
    let start = Instant::now();
    let made = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| client(&stage, &stop))).collect();
        std::thread::sleep(time);
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().map_err(|_| anyhow::anyhow!("a client panicked"))?).sum::<anyhow::Result<u64>>()
    })?;
    wait_for("every order to be taken", WITHIN, || Ok((agents.tell("orders")?.first() >= Some(&(made as f64))).then_some(())))?;
    let rate = made as f64 / start.elapsed().as_secs_f64();
    Ok(Row::fixed("place.socket.5000", rate, "placements/s", Wanted::AtLeast(5000.0, 20_000.0)))
}

/// Asks for workers over one connection that stays; how many it got.
fn client(stage: &Stage, stop: &AtomicBool) -> anyhow::Result<u64> {
    let address = stage.api.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address)?;
    stream.set_nodelay(true)?;
    let body = json!({ "image": "registry.example/team/app:1.2.3", "command": ["serve"] }).to_string();
    let key = &stage.key;
    let request = format!(
        "POST /api/orgs/{ORG}/projects/{PROJECT}/workers HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut made = 0;
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(request.as_bytes())?;
        let (mut status, mut length) = (String::new(), 0);
        reader.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        anyhow::ensure!(status.contains(" 201 "), "{status}{}", String::from_utf8_lossy(&answer));
        made += 1;
    }
    Ok(made)
}

/// Row `server.rss_mb`: idle, with 1,000 nodes and 100,000 events.
///
/// # Errors
/// The server fails.
pub fn resident(directory: &Path) -> anyhow::Result<Row> {
    let stage = Stage::set(directory, 990, 100_000)?;
    // What starting took is given back within this, or never.
    std::thread::sleep(Duration::from_secs(2));
    Ok(Row::fixed("server.rss_mb", stage.resident_kib()? / 1024.0, "MiB", Wanted::AtMost(120.0, 60.0)))
}
