//! The live stream that dashboards hang on: whoever applies its frames has what the lists give.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spunto_core::protocol::{FromAgent, Gauges};
use spunto_tests::scripted::Scripted;
use spunto_tests::stream::EventStream;
use spunto_tests::world::World;

/// A client that keeps what it is told.
#[derive(Default)]
struct Told {
    things: BTreeMap<String, Value>,
    events: Vec<String>,
    resets: usize,
    last: String,
}

impl Told {
    fn apply(&mut self, id: &str, changes: &Value) {
        if changes["reset"] == true {
            self.things.clear();
            self.resets += 1;
        }
        for kind in ["nodes", "workers", "deployments", "projects"] {
            for thing in changes[kind].as_array().unwrap() {
                self.things.insert(thing["id"].as_str().unwrap().to_owned(), thing.clone());
            }
        }
        for gone in changes["gone"].as_array().unwrap() {
            self.things.remove(gone.as_str().unwrap());
        }
        self.events.extend(changes["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap().to_owned()));
        if !id.is_empty() {
            id.clone_into(&mut self.last);
        }
    }

    /// Applies frames until `done`.
    fn until(&mut self, stream: &mut EventStream, what: &str, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            let frame = stream.next().unwrap_or_else(|| panic!("{what}: the stream ended; events {:?}", self.events));
            assert_eq!(frame.event, "changes");
            self.apply(&frame.id, &serde_json::from_str(&frame.data).unwrap());
        }
    }
}

fn key(world: &World, scopes: &[&str]) -> String {
    let body = json!({ "name": format!("k{}", scopes.len()), "scopes": scopes, "owner": "org" });
    world.api.post(&world.of_org("/keys"), &body).unwrap().ok().unwrap()["secret"].as_str().unwrap().to_owned()
}

/// A thing without what moves from moment to moment.
fn still(thing: &Value) -> Value {
    let mut thing = thing.clone();
    if let Some(session) = thing.pointer_mut("/live/session").and_then(Value::as_object_mut) {
        session.retain(|name, _| name == "epoch" || name == "address");
    }
    thing
}

#[test]
fn whoever_applies_the_frames_has_what_the_lists_give() {
    let mut world = World::local().unwrap();
    let key = key(&world, &["*"]);
    let path = world.of_org("/live");
    let mut stream = EventStream::open(&world.api.url, &path, &key, None).unwrap();
    let mut told = Told::default();
    told.until(&mut stream, "a snapshot", |told| told.resets == 1);
    assert!(told.things.contains_key(&world.project), "the snapshot has the first project");

    let (n1, n2) = (world.create_node("n1").unwrap(), world.create_node("n2").unwrap());
    let (n1, n2) = (n1["node"]["id"].as_str().unwrap().to_owned(), (n2["node"]["id"].as_str().unwrap().to_owned(), n2["token"].clone()));
    let mut agent = Scripted::session(&world.api.url, n2.1.as_str().unwrap(), 7).unwrap();
    told.until(&mut stream, "a node online", |told| told.events.iter().any(|kind| kind == "node.online"));
    let spec = json!({ "name": "w", "image": "x", "command": ["sh"] });
    let worker = world.api.post(&world.of_project("/workers"), &spec).unwrap().ok().unwrap();
    let worker = worker["worker"]["id"].as_str().unwrap().to_owned();
    // Its node's load changes by an event of the worker.
    told.until(&mut stream, "a worker and its load", |told| told.things.contains_key(&worker) && told.things[&n2.0]["load"] == 1);
    agent.send(&FromAgent::Gauges(Gauges { cpu_percent: 42.0, ..Gauges::default() })).unwrap();
    told.until(&mut stream, "gauges", |told| told.things[&n2.0]["live"]["gauges"]["cpu_percent"] == 42.0);
    assert_eq!(told.things[&worker]["reachable"], true);
    drop(agent);
    told.until(&mut stream, "unreachable with its node", |told| told.things[&worker]["reachable"] == false);
    world.api.delete(&world.of_org(&format!("/nodes/{n1}"))).unwrap().ok().unwrap();
    told.until(&mut stream, "a node gone", |told| !told.things.contains_key(&n1));

    for (list, kind) in [("/nodes", "nod_"), ("/workers", "wkr_"), ("/projects", "prj_")] {
        let listed = world.api.get(&world.of_org(list)).unwrap().ok().unwrap();
        let listed: Vec<Value> = listed["items"].as_array().unwrap().iter().map(still).collect();
        let known: Vec<Value> = told.things.iter().filter(|(id, _)| id.starts_with(kind)).map(|(_, thing)| still(thing)).collect();
        assert_eq!(known, listed, "{list}");
    }

    drop(stream);
    world.create_node("n3").unwrap();
    world.restart().unwrap();
    world.create_node("n4").unwrap();
    told.events.clear();
    let mut stream = EventStream::open(&world.api.url, &path, &key, Some(&told.last)).unwrap();
    told.until(&mut stream, "what was missed", |told| told.events.iter().filter(|kind| *kind == "node.created").count() == 2);
    assert_eq!(told.resets, 1, "a stream that resumes starts nothing anew");
    let foreign = format!("{path}?from=00000000000000ff.0.3");
    let mut stream = EventStream::open(&world.api.url, &foreign, &key, None).unwrap();
    told.until(&mut stream, "everything anew", |told| told.resets == 2);
}

#[test]
fn what_a_key_may_not_read_is_not_told() {
    let world = World::local().unwrap();
    let blind = key(&world, &["events:read"]);
    world.create_node("n1").unwrap();
    let mut stream = EventStream::open(&world.api.url, &world.of_org("/live"), &blind, None).unwrap();
    let mut told = Told::default();
    told.until(&mut stream, "a snapshot", |told| told.resets == 1);
    world.create_node("n2").unwrap();
    told.until(&mut stream, "an event", |told| told.events.contains(&"node.created".to_owned()));
    assert!(told.things.is_empty(), "{:?}", told.things.keys());
    let whole = world.api.with_key(blind).get(&world.of_org("/live")).unwrap().ok().unwrap();
    assert_eq!((&whole["nodes"], &whole["complete"]), (&json!([]), &json!(true)));
    let seen = world.api.get(&world.of_org("/live")).unwrap().ok().unwrap();
    assert_eq!(seen["nodes"].as_array().unwrap().len(), 2);
}

#[test]
fn a_large_organisation_is_told_in_portions() {
    let world = World::local().unwrap();
    let key = key(&world, &["*"]);
    for number in 0..620 {
        world.create_node(&format!("n{number}")).unwrap();
    }
    let mut stream = EventStream::open(&world.api.url, &world.of_org("/live"), &key, None).unwrap();
    let frames: Vec<_> = stream.by_ref().take(2).collect();
    assert!(frames[0].id.is_empty() && !frames[1].id.is_empty(), "nobody resumes in the middle of a snapshot");
    let last = frames[1].id.clone();
    let frames: Vec<Value> = frames.iter().map(|frame| serde_json::from_str(&frame.data).unwrap()).collect();
    let shape = |frame: &Value| (frame["reset"] == true, frame["complete"] == true, frame["nodes"].as_array().unwrap().len());
    assert_eq!(frames.iter().map(shape).collect::<Vec<_>>(), [(true, false, 499), (false, true, 121)], "500 things, a project among them");
    let mut resumed = EventStream::open(&world.api.url, &world.of_org("/live"), &key, Some(&last)).unwrap();
    let greeting: Value = serde_json::from_str(&resumed.next().unwrap().data).unwrap();
    assert!(!shape(&greeting).0, "who resumes is told at once, and nothing anew");
}

/// Positions of all pages of a list, as they come.
fn pages(world: &World, path: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.api.get(&format!("{path}{cursor}")).unwrap().ok().unwrap();
        all.extend(page["items"].as_array().unwrap().iter().map(|item| item["position"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn events_are_read_from_either_end() {
    let world = World::local().unwrap();
    let node = world.create_node("n0").unwrap()["node"]["id"].as_str().unwrap().to_owned();
    let rename = |name: &str| {
        let body = json!({ "name": name }).to_string();
        world.api.send("PATCH", &world.of_org(&format!("/nodes/{node}")), Some(&body), &[]).unwrap().ok().unwrap();
    };
    (1..12).for_each(|number| rename(&format!("n{number}")));
    world.create_node("other").unwrap();
    for path in ["/events?limit=5", &format!("/events?limit=3&stream={node}"), &format!("/nodes/{node}/events?limit=4")] {
        let mut backwards = pages(&world, &world.of_org(&format!("{path}&order=newest")));
        backwards.reverse();
        let forwards = pages(&world, &world.of_org(path));
        assert_eq!(backwards, forwards, "{path}");
        assert!(forwards.len() >= 12, "{path}: {}", forwards.len());
    }
}
