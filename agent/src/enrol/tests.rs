//! Trades with a control plane that answers as it is told, on a real socket.

#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use spunto_core::id::{NodeId, OrgId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use super::*;

const ORG: OrgId = OrgId::from_u64(1);
const NODE: NodeId = NodeId::from_u64(2);

fn token() -> NodeToken {
    NodeToken::new(ORG, NODE, [3; 32])
}

/// Answers one request after the other with these, the last for ever; keeps what was asked.
async fn server(answers: Vec<String>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut answers = answers.into_iter().peekable();
        let mut answer = String::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer = answers.next().unwrap_or(answer);
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("\"}") {
                let mut byte = [0; 1024];
                let read = stream.read(&mut byte).await.unwrap();
                if read == 0 {
                    break;
                }
                request.extend_from_slice(&byte[..read]);
            }
            keep.lock().await.push(String::from_utf8_lossy(&request).into_owned());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.0 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn good() -> String {
    answer("200 OK", &format!("{{\"node\":\"{NODE}\",\"token\":\"{}\"}}", token().reveal().expose()))
}

fn settings(url: &str, state: &Path) -> Settings {
    Settings {
        node_token: None,
        enrolment_token: Some(EnrolmentToken::new(ORG, NODE, [4; 32]).reveal().expose().clone()),
        state_dir: state.join("state"),
        api_url: Some(url.to_owned()),
        network_pool: "10.213.0.0/16".parse().unwrap(),
        allow_plaintext: false,
        docker_socket: String::new(),
        log: String::new(),
    }
}

#[tokio::test]
async fn a_token_is_traded_once_and_kept_where_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let (url, asked) = server(vec![good()]).await;
    let settings = settings(&url, directory.path());
    assert!(kept(&settings).unwrap().is_none());
    let config = config(&settings).await.unwrap();
    assert_eq!(config.token.node, NODE);
    assert_eq!(super::config(&settings).await.unwrap().token.node, NODE);
    let asked = asked.lock().await;
    assert_eq!(asked.len(), 1, "after a reboot nobody is asked again");
    assert!(asked[0].starts_with("POST /api/agent/enrol HTTP/1.0\r\n"));
    assert!(asked[0].contains("\r\nAuthorization: Bearer spe_"));
    for name in [TOKEN_FILE, INSTANCE_FILE] {
        let mode = fs::metadata(settings.state_dir.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_lost_reply_is_asked_for_again_by_the_same_installation() {
    let directory = tempfile::tempdir().unwrap();
    let lost = || String::new();
    let (url, asked) = server(vec![lost(), answer("503 Service Unavailable", "{}"), lost(), good()]).await;
    let settings = settings(&url, directory.path());
    assert_eq!(config(&settings).await.unwrap().token.node, NODE);
    let asked = asked.lock().await;
    let bodies: Vec<&str> = asked.iter().map(|request| request.split_once("\r\n\r\n").unwrap().1).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0]) && bodies[0].starts_with("{\"instance\":\""), "{bodies:?}");
}

#[tokio::test]
async fn two_that_start_at_once_are_one_installation() {
    let directory = tempfile::tempdir().unwrap();
    let state = State(directory.path());
    let first = state.instance().unwrap();
    assert_eq!(State(directory.path()).instance().unwrap(), first);
    fs::write(directory.path().join(INSTANCE_FILE), "").unwrap();
    assert_ne!(state.instance().unwrap(), first, "a file that a power cut emptied is made anew");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_asks_seldom() {
    let mut answers = vec![
        Ok(token().reveal()),
        Err(Refusal::Later("used".to_owned())),
        Err(Refusal::Later("used".to_owned())),
        Err(Refusal::Soon("down".to_owned())),
    ];
    let before = tokio::time::Instant::now();
    let traded = until_traded(async || answers.pop().unwrap()).await;
    assert_eq!(traded, token().reveal());
    assert!(before.elapsed() >= 2 * LATER && before.elapsed() < 3 * LATER, "{:?}", before.elapsed());
}

#[tokio::test]
async fn answers_are_told_apart_by_who_can_change_them() {
    let directory = tempfile::tempdir().unwrap();
    let other = NodeToken::new(ORG, NodeId::from_u64(9), [3; 32]).reveal();
    let said = "{\"detail\":\"this enrolment token was used\",\"code\":\"enrolment_used\"}";
    let cases = [
        (answer("409 Conflict", said), true),
        (answer("401 Unauthorized", "<html>"), true),
        (answer("200 OK", &format!("{{\"token\":\"{}\"}}", other.expose())), true),
        (answer("200 OK", "<html>"), false),
        (answer("200 OK", "{\"token\":7}"), false),
        (answer("429 Too Many Requests", "{}"), false),
        (answer("502 Bad Gateway", "<html>"), false),
        ("SSH-2.0-OpenSSH_9.2\r\n".to_owned(), false),
    ];
    for (reply, later) in cases {
        let (url, _) = server(vec![reply.clone()]).await;
        let enrolment = EnrolmentToken::new(ORG, NODE, [4; 32]);
        let refusal = trade(&settings(&url, directory.path()), &enrolment, Instance(7)).await.unwrap_err();
        assert_eq!(matches!(refusal, Refusal::Later(_)), later, "{reply}: {refusal:?}");
        if reply.contains("detail") {
            assert!(matches!(refusal, Refusal::Later(why) if why == "this enrolment token was used"));
        }
    }
}

#[test]
fn a_volume_of_another_node_is_of_no_use() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings("https://spunto.example", directory.path());
    let other = NodeToken::new(ORG, NodeId::from_u64(9), [3; 32]).reveal();
    State(&settings.state_dir).write(TOKEN_FILE, other.expose()).unwrap();
    assert!(kept(&settings).unwrap().is_none());
    State(&settings.state_dir).write(TOKEN_FILE, token().reveal().expose()).unwrap();
    assert_eq!(kept(&settings).unwrap().unwrap().token.node, NODE);
}

#[test]
fn a_node_token_that_is_set_comes_first_and_nothing_set_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = settings("https://spunto.example", directory.path());
    settings.node_token = Some(token().reveal().expose().clone());
    assert!(kept(&settings).unwrap().is_some());
    (settings.node_token, settings.enrolment_token) = (None, None);
    assert!(kept(&settings).unwrap_err().to_string().contains("NODE_TOKEN is not set"));
    settings.enrolment_token = Some("spe_short".to_owned());
    assert!(kept(&settings).unwrap_err().to_string().contains("copy it whole"));
}
