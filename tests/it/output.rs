//! Output as clients get it, from a scripted agent: why there is none is an answer of its own, and an end is only an end.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use spunto_core::protocol::{FromServer, LOGS_STDOUT, LogsEnd, write};
use spunto_tests::api::Answer;
use spunto_tests::scripted::Scripted;
use spunto_tests::world::World;
use tokio_tungstenite::tungstenite::Message;

/// Asks for the output of a worker; the agent dials in, sends these chunks and its last word, and hangs up in the same breath.
fn told(world: &World, agent: &mut Scripted, token: &str, path: &str, chunks: &[&str], error: Option<&str>) -> Answer {
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| world.api.get(path).unwrap());
        let stream = loop {
            if let FromServer::OpenLogs { stream, .. } = agent.receive().unwrap() {
                break stream;
            }
        };
        let mut output = Scripted::output(&world.api.url, token, &stream).unwrap();
        for chunk in chunks {
            output.socket.write(Message::binary([&[LOGS_STDOUT], chunk.as_bytes()].concat())).unwrap();
        }
        output.socket.write(Message::text(write(&LogsEnd { error: error.map(Into::into) }))).unwrap();
        output.socket.close(None).unwrap();
        drop(output);
        asked.join().unwrap()
    })
}

#[test]
fn an_output_that_is_not_there_is_a_problem_and_one_that_ends_just_ends() {
    let world = World::local().unwrap();
    let reply = world.create_node("n1").unwrap();
    let token = reply["token"].as_str().unwrap();
    let mut agent = Scripted::session(&world.api.url, token, 1).unwrap();
    world.wait_node(reply["node"]["id"].as_str().unwrap(), "online").unwrap();
    let worker = world.spawn(&serde_json::json!({})).unwrap().ok().unwrap()["worker"].clone();
    let logs = world.of_project(&format!("/workers/{}/logs", worker["id"].as_str().unwrap()));
    // Hanging up is seen by the server together with the last words, or before: many times, so that both are met.
    for follow in ["true", "false"].repeat(10) {
        let path = format!("{logs}?follow={follow}");
        let why = "the worker has no container on its node";
        let absent = told(&world, &mut agent, token, &path, &[], Some(why));
        assert_eq!((absent.status, absent.code()), (502, "logs_unavailable"), "{}", absent.text);
        assert!(absent.text.contains(why), "{}", absent.text);
        assert_eq!(told(&world, &mut agent, token, &path, &["", "one\n", "two\n"], None).text, "one\ntwo\n");
        assert_eq!(told(&world, &mut agent, token, &path, &[""], None).text, "");
        let broken = told(&world, &mut agent, token, &path, &["one\n"], Some("the disk failed"));
        assert_eq!(broken.text, "one\n\nspunto: the output ends here: the disk failed\n");
    }
}
