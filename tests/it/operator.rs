//! What an operator meets: setup, password, TLS with a private authority, a live stream that resumes, a graceful stop.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::json;
use spunto_tests::paths::server_binary;
use spunto_tests::scripted::Scripted;
use spunto_tests::server::Start;
use spunto_tests::stream::EventStream;
use spunto_tests::world::World;

#[test]
fn a_first_start_makes_what_is_needed_and_its_link_works_once() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let mut server = Start::new(&data, &["127.0.0.1:0"]).run().unwrap();
    let mode = |name: &str| fs::metadata(data.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("master.key"), 0o600);
    assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    let again = Command::new(server_binary()).args(["admin", "setup-link", "--data-dir"]).arg(&data).output().unwrap();
    let token = server.setup_token.clone().unwrap();
    assert!(String::from_utf8_lossy(&again.stdout).contains(&token), "shown again while the server runs");
    for path in ["/setup", "/"] {
        let page = server.api().get(path).unwrap();
        assert!(page.status == 200 && page.text.contains("<title>Spunto</title>"), "{path}");
    }
    let wrong = server.api().set_up("nonsense", "ada@example.com", "correct horse").unwrap_err();
    assert!(wrong.to_string().contains("setup_link_invalid"));
    let owner = server.api().set_up(&token, "ada@example.com", "correct horse").unwrap();
    assert_eq!(owner.get("/api/session").unwrap().ok().unwrap()["orgs"][0]["role"], "owner");
    let twice = server.api().set_up(&token, "eve@example.com", "correct horse").unwrap_err();
    assert!(twice.to_string().contains("already_set_up"));

    let reset = |stdin: &str| {
        let mut command = Command::new(server_binary());
        command.args(["admin", "reset-password", "--email", "ADA@example.com", "--data-dir"]).arg(&data);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (done, words) = reset("another horse\n");
    assert!(!done && words.contains("the server must be stopped"), "{words}");
    assert!(server.stop().unwrap().success());
    assert!(!reset("short\n").0);
    assert!(reset("another horse\n").0);
    let server = Start::new(&data, &["127.0.0.1:0"]).run().unwrap();
    assert!(server.setup_token.is_none());
    assert!(server.api().sign_in("ada@example.com", "correct horse").is_err());
    assert!(server.api().sign_in("ada@example.com", "another horse").is_ok());
    assert_eq!(server.api().with_cookie("spunto_session=x".into()).get("/api/session").unwrap().status, 401);
}

#[test]
fn an_invited_member_joins_by_the_link_and_leaves_with_their_keys() {
    let world = World::local().unwrap();
    let invited =
        world.api.post(&world.of_org("/members"), &json!({ "email": "bob@example.com", "role": "member" })).unwrap().ok().unwrap();
    let token = invited["invitation"]["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let accept = |token: &str| {
        let body = json!({ "token": token, "name": "Bob", "password": "bob's own horse" });
        spunto_tests::api::Api::new(&world.api.url).post("/api/invitations/accept", &body).unwrap()
    };
    assert_eq!(accept(&token[..60]).status, 410);
    let joined = accept(&token);
    let bob = world.api.with_cookie(joined.cookie.clone().unwrap());
    assert_eq!(accept(&token).status, 410, "a link works once");
    assert_eq!(bob.post(&world.of_org("/nodes"), &json!({ "name": "n" })).unwrap().status, 403, "members don't make nodes");
    let key = bob.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["*"] })).unwrap();
    assert_eq!(key.status, 403, "nor keys, which are an admin's business");
    let members = world.api.get(&world.of_org("/members")).unwrap().ok().unwrap();
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let path = world.of_org(&format!("/members/{}", invited["user"].as_str().unwrap()));
    world.api.send("PATCH", &path, Some(r#"{"role":"admin"}"#), &[]).unwrap().ok().unwrap();
    let key = bob.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["nodes:read"] })).unwrap().ok().unwrap();
    let key = world.api.with_key(key["secret"].as_str().unwrap().to_owned());
    assert_eq!(key.get(&world.of_org("/nodes")).unwrap().status, 200);
    world.api.delete(&path).unwrap().ok().unwrap();
    assert_eq!(key.get(&world.of_org("/nodes")).unwrap().status, 401, "a key dies with the membership");
    assert_eq!(bob.get(&world.of_org("/nodes")).unwrap().status, 404);
}

#[test]
fn a_live_stream_resumes_without_a_gap_and_ends_with_the_right_to_read() {
    let mut world = World::local().unwrap();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["events:read"] })).unwrap().ok().unwrap();
    let (id, key) = (key["key"]["id"].as_str().unwrap().to_owned(), key["secret"].as_str().unwrap().to_owned());
    let events = world.of_org("/events");
    let mut live = EventStream::open(&world.api.url, &events, &key, None).unwrap();
    world.create_node("n1").unwrap();
    let first = live.next().unwrap();
    assert_eq!(first.event, "node.created");
    drop(live);
    world.create_node("n2").unwrap();
    world.restart().unwrap();
    world.create_node("n3").unwrap();
    let mut resumed = EventStream::open(&world.api.url, &events, &key, Some(&first.id)).unwrap();
    let (second, third) = (resumed.next().unwrap(), resumed.next().unwrap());
    let seq = |id: &str| id.rsplit('.').next().unwrap().parse::<u64>().unwrap();
    assert_eq!((seq(&second.id), seq(&third.id)), (seq(&first.id) + 1, seq(&first.id) + 2));
    let mut foreign = EventStream::open(&world.api.url, &events, &key, Some("00000000000000ff.0.3")).unwrap();
    assert_eq!(foreign.next().unwrap().event, "reset", "a position of another log");

    world.api.delete(&world.of_org(&format!("/keys/{id}"))).unwrap().ok().unwrap();
    world.create_node("n4").unwrap();
    assert!(resumed.next().is_none_or(|frame| frame.event != "node.created"), "a revoked key sees nothing more");
}

#[test]
fn a_graceful_stop_ends_sessions_and_streams_and_loses_nothing() {
    let mut world = World::local().unwrap();
    let reply = world.create_node("n1").unwrap();
    let _session = Scripted::session(&world.api.url, reply["token"].as_str().unwrap(), 7).unwrap();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["*"] })).unwrap().ok().unwrap();
    let _live = EventStream::open(&world.api.url, &world.of_org("/events"), key["secret"].as_str().unwrap(), None).unwrap();
    assert!(world.server.stop().unwrap().success());
    world.server = world.start.run().unwrap();
    assert_eq!(world.api.get(&world.of_org("/nodes")).unwrap().ok().unwrap()["items"].as_array().unwrap().len(), 1);
}

/// Bytes of a connection handed on both ways, behind a CONNECT: a proxy.
fn proxy() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for inside in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(inside.try_clone().unwrap());
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                let target = line.split_whitespace().nth(1).unwrap().to_owned();
                while line.trim_end() != "" {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                }
                let mut inside = inside;
                let mut outside = TcpStream::connect(target).unwrap();
                inside.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                let (mut back, mut from) = (inside.try_clone().unwrap(), outside.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut back));
                let _ = std::io::copy(&mut reader, &mut outside);
            });
        }
    });
    address
}

#[test]
fn an_agent_trusts_a_private_authority_and_goes_through_a_proxy() {
    let directory = tempfile::tempdir().unwrap();
    let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    fs::write(&cert, signed.cert.pem()).unwrap();
    fs::write(&key, signed.signing_key.serialize_pem()).unwrap();
    // Two listeners would both speak TLS, and the harness's client does not: a plain server makes node and token first.
    let mut world = World::local().unwrap();
    let reply = world.create_node("n1").unwrap();
    world.server.stop().unwrap();
    let port = world.api.url.rsplit(':').next().unwrap().to_owned();
    let mut command = world.start.command();
    command.args([format!("--tls-cert={}", cert.display()), format!("--tls-key={}", key.display())]);
    let mut server = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("https://"), "{line}");

    let check = |more: &[(&str, &str)]| {
        let mut command = Command::new(server_binary().with_file_name("spunto-agent"));
        command.arg("check").env("NODE_TOKEN", reply["token"].as_str().unwrap()).env("API_URL", format!("https://localhost:{port}"));
        let output = command.envs(more.iter().copied()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (well, told) = check(&[]);
    assert!(!well && told.contains("SSL_CERT_FILE"), "{told}");
    let trusted = ("SSL_CERT_FILE", cert.to_str().unwrap());
    let (well, told) = check(&[trusted]);
    assert!(well && told.contains("✓ token: accepted") && told.contains("✓ clock") && told.contains("✓ Docker"), "{told}");
    let proxy = proxy();
    let (well, told) = check(&[trusted, ("HTTPS_PROXY", &proxy)]);
    assert!(well, "{told}");
    let (well, told) = check(&[trusted, ("HTTPS_PROXY", "127.0.0.1:1")]);
    assert!(!well && told.contains("cannot reach 127.0.0.1:1"), "{told}");
    server.kill().unwrap();
    server.wait().unwrap();
    let (well, told) = check(&[trusted]);
    assert!(!well && told.contains("cannot reach"), "{told}");
}

#[test]
fn the_help_teaches() {
    let help = Command::new(server_binary()).args(["serve", "--help"]).output().unwrap();
    let text = String::from_utf8_lossy(&help.stdout).into_owned();
    for word in ["--public-url", "SPUNTO_PUBLIC_URL", "--trusted-proxy", "--tls-cert", "--config"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("segment-events"));
    assert_eq!(Command::new(server_binary()).arg("dance").output().unwrap().status.code(), Some(2));
}
