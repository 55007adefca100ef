//! Whom the API lets in: every endpoint of its description, asked by everybody, about what is theirs, foreign and absent.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::Value;
use spunto_tests::api::{Answer, Api};

mod policy;
mod scene;

use scene::{Ids, Scene, Somebody};

/// An endpoint of the description.
struct Call {
    id: String,
    method: String,
    path: String,
    conditional: bool,
    stream: bool,
    /// Whether it can look at the past.
    past: bool,
}

fn calls(document: &Value) -> Vec<Call> {
    let mut all = Vec::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        for (method, call) in calls.as_object().unwrap() {
            let id = call["operationId"].as_str().unwrap().to_owned();
            let takes = |name: &str| call["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == name);
            let (conditional, past) = (takes("If-Match"), takes("as_of"));
            let of = |stream| Call { id: id.clone(), method: method.to_uppercase(), path: path.clone(), conditional, stream, past };
            all.push(of(false));
            if call["responses"]["200"]["content"]["text/event-stream"].is_object() {
                all.push(of(true));
            }
        }
    }
    all
}

/// Sends a call so that being let in changes nothing: what would, names a version that never was, or sends nothing that is taken.
fn send(api: &Api, call: &Call, ids: &Ids, query: &str) -> Answer {
    let path = ids.fill(&call.path) + query;
    let mut headers = Vec::new();
    if call.conditional {
        headers.push(("If-Match", "\"999999999\""));
    }
    if call.stream {
        return api.open(&path, &[("Accept", "text/event-stream")]).unwrap();
    }
    let body = (call.method != "GET").then_some("[]");
    api.send(&call.method, &path, body, &headers).unwrap()
}

fn let_in(answer: &Answer) -> bool {
    !matches!(answer.code(), "unauthenticated" | "forbidden") && answer.status != 401 && answer.status < 500
}

/// What must be: let in, or not.
fn expected(call: &Call, who: &Somebody) -> bool {
    let id = call.id.as_str();
    if policy::PUBLIC.contains(&id) {
        return true;
    }
    if policy::PERSON.contains(&id) {
        return who.known && who.scopes.is_none();
    }
    if policy::SIGNED_IN.contains(&id) {
        return who.known;
    }
    let (_, role, scope) =
        policy::ORG.iter().find(|(known, ..)| *known == id).unwrap_or_else(|| panic!("no policy says who may call {id}"));
    who.known && policy::allows(role, scope, who.role, who.scopes.as_deref())
}

/// The past takes the right to read events besides.
fn expected_of_past(call: &Call, who: &Somebody) -> bool {
    expected(call, who) && policy::allows("member", "events:read", who.role, who.scopes.as_deref())
}

/// A query for how things stand now, as of a position that everything in the scene was there at.
fn as_of_now(scene: &Scene) -> String {
    let events = scene.world.api.get(&format!("/api/orgs/{}/events?limit=1", scene.ids.org())).unwrap().ok().unwrap();
    format!("?as_of={}", events["end"].as_str().unwrap())
}

/// Things whose ids are random even where being let in is shown by 404: never what a test needs later.
fn harmless(ids: &Ids, call: &Call) -> Ids {
    let dangerous = call.method == "DELETE" && !call.conditional;
    if dangerous { Ids::absent().below(ids.org()) } else { ids.clone() }
}

#[test]
fn everybody_gets_what_is_theirs_and_nothing_else() {
    let scene = Scene::new();
    let calls = calls(&scene.world.api.get("/api/openapi.json").unwrap().ok().unwrap());
    let (mut cells, mut wrong) = (0, Vec::new());
    let as_of = as_of_now(&scene);
    assert_eq!(
        calls.iter().filter(|call| call.past).count(),
        8,
        "nodes, workers and deployments, each alone and in lists, those of all projects too"
    );
    for call in &calls {
        // Signing out ends the session that asks; its own test is in `operator`.
        if call.id == "session.end" {
            continue;
        }
        for who in &scene.everybody {
            for query in ["", "?after=0000000000000000.0.1", as_of.as_str()] {
                let past = query == as_of;
                if past && !call.past {
                    continue;
                }
                let expected = if past { expected_of_past } else { expected };
                if !query.is_empty() && (call.method != "GET" || policy::PUBLIC.contains(&call.id.as_str())) {
                    continue;
                }
                cells += 1;
                let answer = send(&who.api, call, &harmless(&scene.ids, call), query);
                let outside = who.known && who.role == "nobody" && call.path.contains("{org}");
                let right = if outside { answer.status == 404 } else { let_in(&answer) == expected(call, who) };
                // A read that is allowed gives the thing itself, or the test would pass on a server that refuses all.
                let real = call.method != "GET"
                    || !query.is_empty() && !past
                    || call.path.ends_with("/logs")
                    || !expected(call, who)
                    || answer.status == 200;
                if !right || !real {
                    let cell = format!("{} asks {} {}{query}", who.name, call.method, call.path);
                    wrong.push(format!("{cell}: {} {} stream: {}", answer.status, answer.code(), call.stream));
                }
            }
        }
    }
    println!("{cells} cells: {} endpoints, {} who ask", calls.len(), scene.everybody.len());
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 1500, "{cells}");
}

/// An answer without what differs from call to call, or belongs to the connection.
fn comparable(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id" | "connection"));
    (answer.status, answer.text.clone(), headers)
}

#[test]
fn a_foreign_thing_answers_like_one_that_does_not_exist() {
    let scene = Scene::new();
    let calls = calls(&scene.world.api.get("/api/openapi.json").unwrap().ok().unwrap());
    let mut compared = 0;
    let as_of = as_of_now(&scene);
    let asked = calls
        .iter()
        .flat_map(|call| ["", as_of.as_str()].into_iter().filter(|query| call.past || query.is_empty()).map(move |query| (call, query)));
    for (call, query) in asked.filter(|(call, _)| call.path.contains("{org}")) {
        for who in scene.everybody.iter().filter(|who| who.known) {
            let ask = |ids: &Ids| comparable(&send(&who.api, call, ids, query));
            if who.role == "nobody" {
                let absent = ask(&Ids::absent());
                assert_eq!(absent.0, 404, "{} asks {}", who.name, call.id);
                assert_eq!(ask(&scene.ids), absent, "{} asks {}", who.name, call.id);
                compared += 1;
            } else if call.path.matches('{').count() > 1 {
                // What is in another organisation, asked for below one's own.
                let (absent, foreign) = (Ids::absent().below(scene.ids.org()), scene.foreign.below(scene.ids.org()));
                assert_eq!(ask(&foreign), ask(&absent), "{} asks {}", who.name, call.id);
                compared += 1;
            }
        }
    }
    println!("{compared} pairs compared byte by byte");
    assert!(compared > 500, "{compared}");
}

#[test]
fn a_cookie_alone_changes_nothing() {
    let scene = Scene::new();
    let owner = scene.everybody.iter().find(|who| who.name == "owner").unwrap();
    let calls = calls(&scene.world.api.get("/api/openapi.json").unwrap().ok().unwrap());
    let guarded = calls.iter().filter(|call| call.method != "GET" && !policy::PUBLIC.contains(&call.id.as_str()));
    let mut tried = 0;
    for call in guarded {
        let path = scene.ids.fill(&call.path);
        let answer = owner.api.without_csrf().send(&call.method, &path, Some("[]"), &[]).unwrap();
        assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{}", call.id);
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn guessing_a_password_is_slowed_down_and_told() {
    let scene = Scene::new();
    let nobody = scene.world.server.api();
    let guess = |password: &str| {
        let body = serde_json::json!({ "email": "admin@example.com", "password": password });
        nobody.post("/api/session", &body).unwrap()
    };
    for _ in 0..5 {
        assert_eq!(guess("wrong password").status, 401);
    }
    let refused = guess("correct horse battery");
    assert_eq!((refused.status, refused.code()), (429, "too_many_attempts"), "even the right one waits");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=900).contains(&wait), "{wait}");
    let other = nobody.sign_in("member@example.com", "correct horse battery");
    assert!(other.is_ok(), "somebody else is not held up: {:?}", other.err());
}

#[test]
fn the_audit_says_who_did_what_and_from_where() {
    let scene = Scene::new();
    let path = format!("/api/orgs/{}/audit?limit=1000", scene.ids.org());
    let entries = scene.world.api.get(&path).unwrap().ok().unwrap()["items"].as_array().unwrap().clone();
    let has = |action: &str| {
        entries.iter().find(|entry| entry["action"] == action).unwrap_or_else(|| panic!("{action} is missing: {entries:#?}"))
    };
    for action in ["node.created", "worker.created", "deployment.created", "api_key.created", "api_key.revoked", "session.started"] {
        let entry = has(action);
        assert_eq!(entry["address"], "127.0.0.1", "{entry}");
        assert!(entry["actor"].as_str().unwrap().starts_with("usr_"), "{entry}");
    }
    for (action, prefix) in
        [("node.created", "nod_"), ("project.created", "prj_"), ("api_key.revoked", "key_"), ("invitation.created", "usr_")]
    {
        assert!(has(action)["subject"].as_str().unwrap().starts_with(prefix), "what it was done to: {}", has(action));
    }
    assert!(entries.iter().all(|entry| entry["action"] != "node.online"), "agents do nothing of their own accord");
    let positions: Vec<&str> = entries.iter().map(|entry| entry["position"].as_str().unwrap()).collect();
    let paged = pages(&scene.world.api, &format!("/api/orgs/{}/audit?limit=7", scene.ids.org()));
    assert_eq!(paged, positions, "pages hold the same, newest first");
}

fn pages(api: &Api, path: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("{path}{cursor}")).unwrap().ok().unwrap();
        all.extend(page["items"].as_array().unwrap().iter().map(|item| item["position"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[test]
fn a_revoked_key_sees_no_more_of_a_worker_s_output() {
    use std::io::{BufRead, BufReader, Write};
    let mut world = spunto_tests::world::World::new().unwrap();
    world.add_node("n1").unwrap();
    let worker = world.running(&serde_json::json!({ "command": ["sh", "-c", "while true; do echo tick; sleep 0.1; done"] })).unwrap();
    let body = serde_json::json!({ "name": "k", "scopes": ["workers:read"], "owner": "org" });
    let key = world.api.post(&world.of_org("/keys"), &body).unwrap().ok().unwrap();
    let path = world.of_project(&format!("/workers/{}/logs?follow=true", worker["id"].as_str().unwrap()));
    let address = world.api.url.trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    stream.set_read_timeout(Some(spunto_tests::world::SOON)).unwrap();
    let secret = key["secret"].as_str().unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().contains("tick")), "the output comes");
    world.api.delete(&world.of_org(&format!("/keys/{}", key["key"]["id"].as_str().unwrap()))).unwrap().ok().unwrap();
    // What was on its way may still come; then the stream ends, by an end or a broken chunk.
    let after = lines.take_while(Result::is_ok).filter(|line| line.as_ref().is_ok_and(|line| line.contains("tick"))).count();
    assert!(after < 50, "{after} lines came after the key was revoked");
}
