//! `kill -9`, again and again, under clients that write: what was acknowledged is there, at its position, with the same bytes.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use spunto_core::event::Event;
use spunto_core::record::Record;
use spunto_core::state::State;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_tests::api::Api;
use spunto_tests::engine::docker;
use spunto_tests::world::{SOON, WORKER_IMAGE, World};

/// Kills in `make test`; `make test-full` sets SPUNTO_KILLS.
const KILLS: usize = 100;
const CLIENTS: usize = 6;
/// Workers at a time.
const WORKERS: usize = 6;
/// Small, so that segments are sealed all the time.
const SEGMENT_EVENTS: u64 = 40;

/// What a client was told: a position, and the event that it then read there.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) seq: u64,
    pub(crate) name: String,
    event: Option<String>,
}

/// How often to do something: as the environment says, or the usual number.
pub(crate) fn times(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().unwrap())
}

fn seq_of(position: &str) -> u64 {
    position.rsplit('.').next().unwrap().parse().unwrap()
}

/// The event at a position, as the API shows it.
fn event_at(api: &Api, org: &str, position: &str) -> Option<String> {
    let (log, seq) = position.rsplit_once('.').unwrap();
    let before = seq.parse::<u64>().unwrap() - 1;
    let cursor = if before == 0 { String::new() } else { format!("&cursor={log}.{before}") };
    let page = api.get(&format!("/api/orgs/{org}/events?limit=1{cursor}")).ok()?.ok().ok()?;
    let item = page["items"].get(0)?;
    (item["position"] == position).then(|| item.to_string())
}

/// A small generator: the same delays in every run.
pub(crate) fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(seed), next).map(|state| state >> 33).skip(1)
}

/// Writes until told to stop; keeps what it was told.
pub(crate) fn client(number: usize, api: &RwLock<Api>, org: &str, told: &Mutex<Vec<Told>>, stop: &AtomicBool) {
    let mut count = 0;
    while !stop.load(Ordering::Relaxed) {
        let api = api.read().unwrap().clone();
        let name = format!("c{number}-{count}");
        count += 1;
        let answer = api.post(&format!("/api/orgs/{org}/nodes"), &json!({ "name": name }));
        let Some(body) = answer.ok().and_then(|answer| answer.ok().ok()) else { continue };
        let position = body["position"].as_str().unwrap().to_owned();
        let event = event_at(&api, org, &position);
        told.lock().unwrap().push(Told { seq: seq_of(&position), name, event });
    }
}

pub(crate) fn records(log: &SledLog) -> Vec<Record> {
    let (mut all, mut seq) = (Vec::new(), 0);
    while seq < log.head().seq {
        for group in log.read(seq + 1, 1 << 20).unwrap() {
            all.extend(group.records().map(Result::unwrap));
            seq = group.last;
        }
    }
    all
}

fn copy(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[test]
fn a_hundred_kills_lose_nothing_that_was_acknowledged() {
    let mut world = World::new().unwrap();
    world.server.stop().unwrap();
    world.start.flags.push(format!("--segment-events={SEGMENT_EVENTS}"));
    world.server = world.start.run().unwrap();
    let agent = world.add_node("runs-workers").unwrap();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["*"], "owner": "org" })).unwrap().ok().unwrap();
    let api = world.api.with_key(key["secret"].as_str().unwrap().to_owned());
    let (api, told, stop) = (RwLock::new(api), Mutex::new(Vec::new()), AtomicBool::new(false));
    let in_recovery = AtomicUsize::new(0);
    let kills = times("SPUNTO_KILLS", KILLS);
    let org = world.org.clone();
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (api, told, stop, org) = (&api, &told, &stop, &org);
            scope.spawn(move || client(number, api, org, told, stop));
        }
        let (spawner, path) = (&api, world.of_project("/workers"));
        let stopped = &stop;
        scope.spawn(move || spawn_and_delete(spawner, &path, stopped));
        let mut delays = numbers(7);
        for kill in 0..kills {
            if kill % 4 == 0 {
                // A quarter of them while the server replays, before it listens.
                world.server.kill().unwrap();
                let mut starting =
                    world.start.command().stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
                thread::sleep(Duration::from_micros(delays.next().unwrap() % 40_000));
                starting.kill().unwrap();
                starting.wait().unwrap();
                in_recovery.fetch_add(1, Ordering::Relaxed);
            } else {
                thread::sleep(Duration::from_millis(delays.next().unwrap() % 150));
                world.server.kill().unwrap();
            }
            world.server = world.start.run().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let told = told.into_inner().unwrap();
    let api = api.into_inner().unwrap();
    println!("{kills} kills, {} in recovery, {} replies recorded", in_recovery.load(Ordering::Relaxed), told.len());
    assert!(told.len() > kills, "the clients hardly wrote: {}", told.len());
    for reply in &told {
        let Some(event) = &reply.event else { continue };
        let position: Value = serde_json::from_str::<Value>(event).unwrap()["position"].clone();
        assert_eq!(event_at(&api, &org, position.as_str().unwrap()).as_ref(), Some(event), "{} changed", reply.name);
    }
    check_containers(&world, &agent.node);
    let nodes = nodes_of(&api, &org);
    world.server.stop().unwrap();
    check_log(&world, &told, &nodes);
}

/// Spawns workers and deletes them again until told to stop.
fn spawn_and_delete(api: &RwLock<Api>, path: &str, stop: &AtomicBool) {
    let mut mine: Vec<String> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let api = api.read().unwrap().clone();
        let body = json!({ "image": WORKER_IMAGE, "command": ["sleep", "1000000"] });
        let spawned = api.post(path, &body).ok().and_then(|answer| answer.ok().ok());
        mine.extend(spawned.and_then(|body| body["worker"]["id"].as_str().map(str::to_owned)));
        if mine.len() > WORKERS {
            // What was deleted, or may have been, is gone in the end or still listed: the check looks at both.
            let _ = api.delete(&format!("{path}/{}", mine.remove(0)));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// In the end the engine holds one container for each worker that the API lists as running, and no other.
fn check_containers(world: &World, node: &str) {
    let expected = || {
        let page = world.api.get(&world.of_org(&format!("/workers?limit=1000&node={node}")))?.ok()?;
        let workers = page["items"].as_array().cloned().unwrap_or_default();
        let settled = workers.iter().all(|worker| worker["status"]["state"] == "running" && worker["reachable"] == true);
        let mut ids: Vec<String> = workers.iter().map(|worker| worker["id"].as_str().unwrap_or_default().to_owned()).collect();
        ids.sort();
        let filter = format!("label=net.spunto.node={node}");
        let listed = docker(&["ps", "-a", "--filter", &filter, "--format", "{{.Label \"net.spunto.unit\"}}"])?;
        let mut there: Vec<String> = listed.lines().filter(|unit| unit.starts_with("wkr_")).map(str::to_owned).collect();
        there.sort();
        Ok((settled && ids == there).then_some(ids))
    };
    let workers = spunto_tests::api::wait_for("the engine to hold what the log says, once each", SOON, expected).unwrap();
    println!("{} workers, one container each", workers.len());
}

/// Names of all nodes, as the API lists them.
fn nodes_of(api: &Api, org: &str) -> BTreeSet<String> {
    let (mut names, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page = api.get(&format!("/api/orgs/{org}/nodes?limit=1000{cursor}")).unwrap().ok().unwrap();
        names.extend(page["items"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

fn check_log(world: &World, told: &[Told], nodes: &BTreeSet<String>) {
    // Opening verifies every checksum and the chain.
    let log = SledLog::open(&world.start.data.join("log"), LogOptions::default()).unwrap();
    let all = records(&log);
    let sealed = fs::read_dir(world.start.data.join("log"))
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "log"));
    let sealed = sealed.count();
    println!("{} events, {sealed} sealed segments", all.len());
    assert!(sealed >= 3, "no segment was sealed meanwhile");
    let server = fs::read_to_string(&world.start.log).unwrap();
    let from_snapshots = server.lines().filter(|line| line.contains("the log is replayed") && !line.contains("snapshot=0 ")).count();
    println!("{from_snapshots} starts from a snapshot");
    assert!(from_snapshots >= 3, "kills never met a snapshot");
    assert!(all.iter().zip(1..).all(|(record, seq)| record.seq == seq), "a gap");
    for reply in told {
        let record = &all[usize::try_from(reply.seq).unwrap() - 1];
        let Event::NodeCreated(created) = &record.event else { panic!("{} is another event: {record:?}", reply.name) };
        assert_eq!(created.name, reply.name);
    }
    // An independent fold: names alone, against the state's own and against what the API listed.
    let created = all.iter().filter_map(|record| if let Event::NodeCreated(e) = &record.event { Some(e.name.clone()) } else { None });
    let created: BTreeSet<String> = created.collect();
    let mut state = State::default();
    all.iter().for_each(|record| state.apply(record));
    let folded: BTreeSet<String> = state.orgs.values().flat_map(|org| org.fleet.nodes().map(|(_, node)| node.name.clone())).collect();
    assert_eq!(created, folded);
    assert_eq!(created, *nodes);
}

#[test]
fn a_server_with_a_damaged_log_refuses_to_start_and_says_what_to_do() {
    let mut world = World::local().unwrap();
    world.server.stop().unwrap();
    world.start.flags.push("--segment-events=10".to_owned());
    world.server = world.start.run().unwrap();
    for number in 0..200 {
        world.create_node(&format!("n{number}")).unwrap();
    }
    assert!(world.server.stop().unwrap().success(), "a graceful stop is a success");
    let sound = world.start.data.clone();
    let damages: [(&str, Damage); 4] = [
        ("a missing tail", |data| fs::remove_file(data.join("log/tail")).unwrap()),
        ("a missing segment", |data| fs::remove_file(sealed(data)).unwrap()),
        ("a cut segment", |data| {
            let bytes = fs::read(sealed(data)).unwrap();
            fs::write(sealed(data), &bytes[..bytes.len() - 10]).unwrap();
        }),
        ("a flipped bit", |data| {
            let mut bytes = fs::read(sealed(data)).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(sealed(data), bytes).unwrap();
        }),
    ];
    for (what, damage) in damages {
        let data = sound.with_extension(what.replace(' ', "-"));
        copy(&sound, &data);
        damage(&data);
        let mut start = world.start.clone();
        start.data = data;
        let error = start.run().expect_err(what).to_string();
        assert!(error.contains("sound up to event") && error.contains("restore"), "{what}: {error}");
    }
    world.server = world.start.run().unwrap();
    assert_eq!(nodes_of(&world.api, &world.org).len(), 200, "the sound one starts");
}

type Damage = fn(&Path);

/// The first sealed segment.
fn sealed(data: &Path) -> PathBuf {
    let entries = fs::read_dir(data.join("log")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "log")).min().unwrap()
}
