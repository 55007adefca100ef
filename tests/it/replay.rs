//! `spunto-replay` on what a real server wrote: while it runs, over HTTP, and on its data directory once it has stopped.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use spunto_tests::paths::server_binary;
use spunto_tests::scripted::Scripted;
use spunto_tests::world::World;

/// What the program printed, and its exit code.
pub(crate) fn replay(key: Option<&str>, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(server_binary().with_file_name("spunto-replay"));
    command.args(arguments).env_remove("SPUNTO_DATA_DIR").env_remove("SPUNTO_API_KEY").env_remove("SSL_CERT_FILE");
    command.envs(key.map(|key| ("SPUNTO_API_KEY", key)));
    let output = command.output().expect("spunto-replay is built; make test builds it");
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (text, output.status.code().unwrap())
}

pub(crate) fn answer(key: Option<&str>, arguments: &[&str]) -> Value {
    let (text, code) = replay(key, &[&["--json"], arguments].concat());
    assert_eq!(code, 0, "{arguments:?}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// A key that may read events, and nothing else.
pub(crate) fn key(world: &World) -> String {
    let body = json!({ "name": "replay", "scopes": ["events:read"], "owner": "org" });
    world.api.post(&world.of_org("/keys"), &body).unwrap().ok().unwrap()["secret"].as_str().unwrap().to_owned()
}

/// A node that is lost and comes back, one that drains, a worker with a secret in its environment; the secrets that were seen.
fn live(world: &World) -> Vec<String> {
    let mut secrets = Vec::new();
    for (number, name) in [(1, "web-1"), (2, "web-2")] {
        let created = world.create_node(name).unwrap();
        let token = created["token"].as_str().unwrap().to_owned();
        let session = Scripted::session(&world.api.url, &token, number).unwrap();
        let id = created["node"]["id"].as_str().unwrap().to_owned();
        world.wait_node(&id, "online").unwrap();
        if number == 1 {
            let spec = json!({ "name": "api", "image": "registry.example/api:1", "env": { "PASSWORD": "hunter2-of-the-worker" } });
            world.spawn(&spec).unwrap().ok().unwrap();
            drop(session);
            world.wait_node(&id, "offline").unwrap();
        } else {
            world.operate(&id, "drain", &json!({ "reason": "new kernel" })).unwrap().ok().unwrap();
            // Its session ends with the server's.
            std::mem::forget(session);
        }
        secrets.push(token);
    }
    secrets.push("hunter2-of-the-worker".to_owned());
    secrets
}

/// The organisation's events as the API lists them.
fn listed(world: &World) -> Vec<Value> {
    world.api.get(&world.of_org("/events?limit=200")).unwrap().ok().unwrap()["items"].as_array().unwrap().clone()
}

/// What the list of the API and the program's timeline say alike.
fn common(event: &Value) -> [Value; 4] {
    ["position", "kind", "at", "stream"].map(|name| event[name].clone())
}

fn check_no_secret(bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret is in what was written");
    }
}

#[test]
fn a_running_server_and_its_stopped_directory_tell_the_same() {
    let mut world = World::local().unwrap();
    let secret_key = key(&world);
    let mut secrets = live(&world);
    secrets.push(secret_key.clone());
    let (url, org) = (world.api.url.clone(), world.org.clone());
    let server = ["--url", url.as_str(), "--org", org.as_str()];
    let running = |question: &[&str]| answer(Some(&secret_key), &[&server, question].concat());
    let data = world.start.data.to_str().unwrap().to_owned();

    let timeline = running(&["timeline"]);
    let expected: Vec<[Value; 4]> = listed(&world).iter().map(common).collect();
    let told: Vec<[Value; 4]> = timeline["events"].as_array().unwrap().iter().map(common).collect();
    assert!(expected.len() > 10 && told == expected, "{told:#?}\n{expected:#?}");
    let story = running(&["story", "web-1"]);
    let kinds: Vec<&str> = story["lines"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["node.created", "node.online", "node.offline"]);
    assert!(story["failed"] == 2 && story["next"].as_str().unwrap().contains("spunto-agent check"), "{story}");
    let (text, code) = replay(Some(&secret_key), &[&server[..], &["verify"]].concat());
    assert!(code == 0 && text.contains("digests of") && text.contains("sound"), "{text}");

    let (text, code) = replay(None, &["--data-dir", &data, "story", "web-1"]);
    assert!(code == 4 && text.contains("a server runs on"), "{text}");
    let (text, code) = replay(Some("spk_nonsense"), &[&server[..], &["timeline"]].concat());
    assert!(code == 4 && text.contains("401") && !text.contains("nonsense"), "{text}");

    assert!(world.server.stop().unwrap().success());
    let stopped = |question: &[&str]| answer(None, &[&["--data-dir", data.as_str()], question].concat());
    let (told, of_directory) = (running_less(&timeline), stopped(&["timeline", &org]));
    assert_eq!(&running_less(&of_directory)[..told.len()], told, "what came after is the end of sessions");
    let before = contents(&world.start.data);
    let verdict = stopped(&["verify", "--placements"]);
    assert!(verdict["sound"] == true && verdict["placements"] == 1, "{verdict}");
    assert_eq!(stopped(&["state", "web-2"])["state"]["name"], "web-2");
    assert_eq!(stopped(&["placement", "api"])["chosen_name"], "web-1");
    assert_eq!(stopped(&["bisect", "node web-2 status = draining"])["event"]["kind"], "node.draining");
    let slice = world.directory.path().join("slice");
    stopped(&["export", slice.to_str().unwrap(), "--of", "web-1"]);
    check_no_secret(&fs::read(&slice).unwrap(), &secrets);
    let whole = world.directory.path().join("whole");
    stopped(&["export", whole.to_str().unwrap()]);
    check_no_secret(&fs::read(&whole).unwrap(), &secrets);
    assert!(contents(&world.start.data) == before, "asking changed the data directory");
    world.restart().unwrap();
    assert_eq!(world.api.get(&world.of_org("/nodes")).unwrap().status, 200, "the server goes on with what it had");
}

/// The events of a timeline without what depends on where they were read.
fn running_less(timeline: &Value) -> Vec<[Value; 4]> {
    timeline["events"].as_array().unwrap().iter().map(common).collect()
}

/// Every file below a directory with its bytes.
fn contents(directory: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// A process that is ended with the test.
struct Follower(std::process::Child);

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_running_server_appends_is_followed_without_a_gap() {
    let mut world = World::local().unwrap();
    let secret_key = key(&world);
    let mut command = Command::new(server_binary().with_file_name("spunto-replay"));
    command.args(["--json", "--url", &world.api.url, "--org", &world.org, "tail", "-n", "1", "-f"]).env("SPUNTO_API_KEY", &secret_key);
    let mut follower = Follower(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(follower.0.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["kind"], "api_key.created", "the last one there is");
    let mut expected = Vec::new();
    for name in ["one", "two", "three"] {
        if name == "three" {
            world.restart().unwrap();
        }
        world.create_node(name).unwrap();
        let told = std::iter::from_fn(|| Some(next())).find(|event| event["kind"] == "node.created").unwrap();
        assert_eq!(told["about"], format!("node {name}"));
        expected.push(told["seq"].as_u64().unwrap());
    }
    let listed = listed(&world);
    let created = listed.iter().filter(|event| event["kind"] == "node.created");
    let seqs = created.map(|event| event["position"].as_str().unwrap().rsplit('.').next().unwrap().parse::<u64>().unwrap());
    assert_eq!(seqs.collect::<Vec<_>>(), expected);
}

#[test]
fn an_excerpt_shows_nothing_of_another_organisation() {
    let world = World::local().unwrap();
    let secret_key = key(&world);
    world.create_node("mine").unwrap();
    let foreign = replay(Some(&secret_key), &["--url", &world.api.url, "--org", "org_aaaaaaaaaaaaa", "timeline"]);
    assert!(foreign.1 == 4 && foreign.0.contains("404"), "{}", foreign.0);
    let told = answer(Some(&secret_key), &["--url", &world.api.url, "--org", &world.org, "timeline"]);
    let system = told["events"].as_array().unwrap().iter().filter(|event| event["stream"] == "system").count();
    assert_eq!(system, 0, "who signed in belongs to no organisation");
}
