//! Bad input: a clear answer, nothing lost, no panic.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::json;
use spunto_core::protocol::{FromAgent, FromServer, close};
use spunto_tests::scripted::{Scripted, hello};
use spunto_tests::world::World;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

fn node(world: &World) -> String {
    world.create_node("n1").unwrap()["token"].as_str().unwrap().to_owned()
}

fn no_panic(world: &World) {
    let log = std::fs::read_to_string(&world.start.log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

/// The one check of frames: this message in an open session ends it with this code.
fn check_frame(world: &World, token: &str, message: Message, code: u16) {
    let mut session = Scripted::session(&world.api.url, token, 7).unwrap();
    session.socket.send(message.clone()).unwrap();
    assert_eq!(session.closed(), code, "{}", message.to_string().chars().take(80).collect::<String>());
}

#[test]
fn frames_that_break_the_protocol_end_the_session_with_the_right_code() {
    let world = World::local().unwrap();
    let token = node(&world);
    for text in ["", "{", "null", "[]", r#"{"type":"pong"}"#, r#"{"type":"pong","nonce":-1}"#, r#"{"type":7}"#, "\u{0}"] {
        check_frame(&world, &token, Message::text(text), 1002);
    }
    check_frame(&world, &token, Message::text("[".repeat(8000)), 1002);
    check_frame(&world, &token, Message::binary(vec![1, 2, 3]), 1003);
    let long = format!(r#"{{"type":"goodbye","reason":"{}"}}"#, "a".repeat(9000));
    check_frame(&world, &token, Message::text(long), 1009);
    let fragment = Frame::message(b"{\"type\":".to_vec(), OpCode::Data(Data::Text), false);
    check_frame(&world, &token, Message::Frame(fragment), 1002);
    let pages = FromAgent::Inventory { page: 3, units: Vec::new(), last: true };
    check_frame(&world, &token, Message::text(spunto_core::protocol::write(&pages)), 1002);
    check_frame(&world, &token, Message::text(spunto_core::protocol::write(&FromAgent::Hello(hello(7)))), 1002);
    no_panic(&world);
}

#[test]
fn unknown_frames_are_answered_and_unknown_versions_refused() {
    let world = World::local().unwrap();
    let token = node(&world);
    let mut session = Scripted::session(&world.api.url, &token, 7).unwrap();
    session.socket.send(Message::text(r#"{"type":"dance","to":"music"}"#)).unwrap();
    let answer = session.receive().unwrap();
    assert!(matches!(&answer, FromServer::Error { message } if message.contains("dance")), "{answer:?}");
    session.send(&FromAgent::Goodbye { reason: "test".into() }).unwrap();
    drop(session);

    let newer = spunto_core::protocol::Hello { protocol: 9, protocol_min: 8, ..hello(8) };
    let (refused, answer) = Scripted::greet(&world.api.url, &token, newer).unwrap();
    assert!(matches!(&answer, FromServer::Refused { code, .. } if code == "unsupported_protocol"), "{answer:?}");
    assert_eq!(refused.closed(), close::REFUSED);
    let mut first = Scripted::open(&world.api.url, &token).unwrap();
    first.send(&FromAgent::Pong { nonce: 1 }).unwrap();
    assert_eq!(first.closed(), 1002, "the first frame is a hello");
    for token in ["", "spn_x", &token[..60], &format!("{}x", &token[..token.len() - 1])] {
        // A last letter that no token has is a malformed one; another letter would be a wrong one.
        let error = Scripted::open(&world.api.url, token).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("401") || token.ends_with('x') && token.len() > 61, "{error}");
    }
    no_panic(&world);
}

#[test]
fn bodies_names_and_paths_are_refused_in_words() {
    let world = World::local().unwrap();
    let nodes = world.of_org("/nodes");
    let post = |path: &str, body: &str| world.api.send("POST", path, Some(body), &[]).unwrap();
    for (body, status, code) in [
        ("{", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        ("{}", 400, "bad_request"),
        (r#"{"name": 7}"#, 400, "bad_request"),
        (r#"{"name": ""}"#, 422, "invalid_input"),
        (r#"{"name": "Upper"}"#, 422, "invalid_input"),
        (r#"{"name": "../../etc"}"#, 422, "invalid_input"),
        (r#"{"name": "a", "labels": {"bad key": "x"}}"#, 422, "invalid_input"),
    ] {
        let answer = post(&nodes, body);
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
        assert!(!answer.body["detail"].as_str().unwrap().is_empty());
    }
    let long = format!(r#"{{"name": "{}"}}"#, "a".repeat(300_000));
    assert_eq!(post(&nodes, &long).status, 413);
    let binary = world.api.send("POST", &nodes, Some("\u{0}\u{1}"), &[]).unwrap();
    assert_eq!(binary.status, 400);
    let workers = world.of_project("/workers");
    for body in [
        json!({ "image": "a b" }),
        json!({ "image": "" }),
        json!({ "image": "x", "env": { "A=B": "c" } }),
        json!({ "image": "x", "env": { "A": "b".repeat(40_000) } }),
        json!({ "image": "x", "memory_bytes": 1 }),
        json!({ "image": "x", "command": ["a".repeat(20_000)] }),
    ] {
        assert_eq!(post(&workers, &body.to_string()).status, 422, "{}", body.to_string().chars().take(60).collect::<String>());
    }
    for path in [
        "/api/nope",
        "/assets/../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/api/orgs/x/nodes",
        "/api/orgs/org_aaaaaaaaaaaaa/nodes",
        &format!("{nodes}/nod_x"),
        &format!("{nodes}/..%2f.."),
    ] {
        assert_eq!(world.api.get(path).unwrap().status, 404, "{path}");
    }
    // Any other path is the dashboard's page, which finds its own way, and never a file of the machine.
    let page = world.api.get("/etc/passwd").unwrap();
    assert!(page.status == 200 && page.text.starts_with("<!doctype html>"), "{}", page.text);
    assert_eq!(world.api.send("PUT", &nodes, Some("{}"), &[]).unwrap().status, 405);
    assert_eq!(world.api.get(&format!("{nodes}?cursor=zzz")).unwrap().status, 400);
    assert_eq!(world.api.get(&format!("{nodes}?after=zzz")).unwrap().status, 400);
    assert_eq!(world.api.send("POST", &nodes, Some(r#"{"name":"a"}"#), &[("Idempotency-Key", "a b")]).unwrap().status, 422);
    no_panic(&world);
}

#[test]
fn foreign_and_absent_things_look_the_same_and_strangers_get_nothing() {
    let world = World::local().unwrap();
    let stranger = spunto_tests::api::Api::new(&world.api.url);
    for path in [world.of_org("/nodes"), world.of_org("/events"), world.of_org(""), "/api/orgs".to_owned(), "/api/session".to_owned()] {
        assert_eq!(stranger.get(&path).unwrap().status, 401, "{path}");
    }
    let other = world.api.post("/api/orgs", &json!({ "name": "Other" })).unwrap().ok().unwrap()["org"]["id"].as_str().unwrap().to_owned();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["nodes:read"] })).unwrap().ok().unwrap();
    let key = world.api.with_key(key["secret"].as_str().unwrap().to_owned());
    assert_eq!(key.get(&world.of_org("/nodes")).unwrap().status, 200);
    assert_eq!(key.post(&world.of_org("/nodes"), &json!({ "name": "a" })).unwrap().status, 403);
    let (foreign, absent) = (key.get(&format!("/api/orgs/{other}/nodes")).unwrap(), key.get("/api/orgs/org_aaaaaaaaaaaaa/nodes").unwrap());
    assert_eq!((foreign.status, &foreign.text), (404, &absent.text));
    let cookie_alone =
        ureq::post(&format!("{}{}", world.api.url, world.of_org("/nodes"))).header("Cookie", "spunto_session=x").send_empty();
    assert!(cookie_alone.is_err());
    assert_eq!(world.api.send("DELETE", "/metrics", None, &[]).unwrap().status, 405);
}

#[test]
fn a_repeated_creation_answers_as_the_first_did() {
    let world = World::local().unwrap();
    let send = |key: &str, body: &str| world.api.send("POST", &world.of_org("/nodes"), Some(body), &[("Idempotency-Key", key)]).unwrap();
    let first = send("k1", r#"{"name":"a"}"#).ok().unwrap();
    let again = send("k1", r#"{"name":"a"}"#).ok().unwrap();
    assert_eq!((&first["node"]["id"], &first["token"], &first["command"]), (&again["node"]["id"], &again["token"], &again["command"]));
    assert_eq!(send("k1", r#"{"name":"b"}"#).code(), "idempotency_key_reused");
    assert_eq!(send("k2", r#"{"name":"a"}"#).code(), "name_taken");
    let node = first["node"]["id"].as_str().unwrap();
    let path = world.of_org(&format!("/nodes/{node}"));
    let stale = world.api.send("PATCH", &path, Some(r#"{"name":"b"}"#), &[("If-Match", "\"9\"")]).unwrap();
    assert_eq!((stale.status, stale.code()), (412, "version_mismatch"));
    world.api.send("PATCH", &path, Some(r#"{"name":"b"}"#), &[("If-Match", "\"1\"")]).unwrap().ok().unwrap();
}
