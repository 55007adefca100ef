//! Rotating a token: the old one dies at once, and no token is anywhere it must not be.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::path::Path;

use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER};
use serde_json::json;
use spunto_tests::api::wait_for;
use spunto_tests::engine::{docker, paste};
use spunto_tests::world::{SOON, World, container_of, renamed};

/// Forms in which a token could lie around: as shown, its secret's bytes, and both in hexadecimal and base64.
fn forms(token: &str) -> Vec<Vec<u8>> {
    let secret = BASE32_NOPAD.decode(token[token.len() - 52..].to_uppercase().as_bytes()).unwrap();
    let mut forms = vec![token.as_bytes().to_vec(), secret.clone()];
    for bytes in [token.as_bytes(), &secret] {
        forms.push(HEXLOWER.encode(bytes).into_bytes());
        // Without the end, which depends on what follows.
        forms.push(BASE64.encode(bytes).as_bytes()[..40].to_vec());
    }
    forms
}

fn holds(haystack: &[u8], forms: &[Vec<u8>]) -> bool {
    /// Longer than any form; what reaches over a block's end is found in the block that begins half a block later.
    const BLOCK: usize = 4096;
    let blocks = (0..haystack.len()).step_by(BLOCK / 2).map(|start| &haystack[start..haystack.len().min(start + BLOCK)]);
    // Preallocated files are mostly zeros.
    let used = blocks.filter(|block| block.iter().any(|byte| *byte != 0));
    used.into_iter().any(|block| forms.iter().any(|form| block.windows(form.len()).any(|window| window == form)))
}

/// Files below a directory that hold a token in any form.
fn search(directory: &Path, forms: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(search(&path, forms));
        } else if holds(&fs::read(&path).unwrap(), forms) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn the_old_token_dies_at_once_and_both_commands_of_the_reply_work() {
    let mut world = World::new().unwrap();
    let agent = world.add_node("n1").unwrap();
    let worker = world.running(&json!({ "name": "stays" })).unwrap();
    let before = docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &container_of(&worker)]).unwrap();
    let reply = world.operate(&agent.node, "rotate-token", &json!({})).unwrap().ok().unwrap();
    world.wait_node(&agent.node, "offline").unwrap();
    assert!(world.timeline(&agent.node).unwrap().contains(&"node.token_rotated".to_owned()));
    wait_for("the old agent's readable reason", SOON, || {
        let log = std::process::Command::new("docker").args(["logs", &agent.container]).output()?;
        let log = [log.stdout, log.stderr].concat();
        Ok(String::from_utf8_lossy(&log).contains("refused by the control plane: this token was rotated").then_some(()))
    })
    .unwrap();
    let node = world.node(&agent.node).unwrap();
    assert_eq!(node["connection_refusals"][0]["reason"], "token_rotated");

    assert_eq!(reply["commands"]["remove"], "docker rm -f spunto-agent");
    paste(&format!("docker rm -f {}", agent.container)).unwrap();
    paste(&renamed(reply["commands"]["run"].as_str().unwrap(), &agent.container)).unwrap();
    world.wait_node(&agent.node, "online").unwrap();
    let seen = wait_for("the worker to be reachable", SOON, || {
        let seen = world.wait_worker(worker["id"].as_str().unwrap(), "running")?;
        Ok((seen["reachable"] == true).then_some(seen))
    });
    seen.unwrap();
    assert_eq!(docker(&["inspect", "-f", "{{.Id}} {{.State.StartedAt}}", &container_of(&worker)]).unwrap(), before, "the worker runs on");

    // Nowhere: data directory, server's log, agent's log, events, problem bodies.
    let mut all = forms(&agent.token);
    all.extend(forms(reply["token"].as_str().unwrap()));
    let plant = world.directory.path().join("planted");
    for (number, form) in all.iter().enumerate() {
        fs::write(&plant, [b"before".as_slice(), form, b"after"].concat()).unwrap();
        assert_eq!(search(world.directory.path(), &all), [plant.display().to_string()], "form {number} is not found, or a token is");
    }
    fs::remove_file(&plant).unwrap();
    let events = world.api.get(&world.of_org("/events?limit=1000")).unwrap().text;
    let log = std::process::Command::new("docker").args(["logs", &agent.container]).output().unwrap();
    let wrong = spunto_tests::api::Api::new(&world.api.url).with_key(agent.token.clone());
    let problems = [wrong.get("/api/agent/check").unwrap().text, wrong.get("/api/orgs").unwrap().text];
    assert!(problems.iter().all(|problem| problem.contains("detail")));
    for text in [events.into_bytes(), log.stdout, log.stderr].into_iter().chain(problems.map(String::into_bytes)) {
        assert!(!holds(&text, &all), "a token is in {}", String::from_utf8_lossy(&text));
    }
}
