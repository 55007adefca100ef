//! An old backup: nothing is harmed before the confirmation, nothing revoked lives again unseen, the difference is printed.

use serde_json::{Value, json};
use spunto_core::event::ConnectionRefusal;
use spunto_core::id::{OperationId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::protocol::{Found, FromAgent, FromServer, close};
use spunto_core::state::NodeStatus;
use spunto_tests::api::wait_for;
use spunto_tests::scripted::{Scripted, hello};
use spunto_tests::world::{SOON, World};

use super::{back_up, digest_in, move_to, spunto, state_at, well, words};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A container that the restored log knows nothing of.
fn stranger() -> Found {
    let unit = WorkerId::from_u64(77).to_string();
    Found { unit, operation: OperationId::from_u64(78).to_string(), container: "c0ffee".repeat(8), observed: Observed::Stopped }
}

/// A session of an agent whose engine holds the stranger.
fn come(world: &World, token: &str, instance: u64) -> Scripted {
    let (mut agent, answer) = Scripted::greet(&world.api.url, token, hello(instance)).unwrap();
    assert!(matches!(answer, FromServer::Welcome { .. }), "{answer:?}");
    agent.send(&FromAgent::Inventory { page: 0, units: vec![stranger()], last: true }).unwrap();
    agent
}

fn refused(world: &World, token: &str) -> String {
    match Scripted::greet(&world.api.url, token, hello(99)).unwrap().1 {
        FromServer::Refused { code, .. } => code,
        other => panic!("let in: {other:?}"),
    }
}

/// The printed text with ids and times that differ from run to run replaced.
fn steady(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| "(),:.".contains(c));
        let id = ["nod_", "key_", "wkr_", "usr_"].iter().any(|prefix| bare.starts_with(prefix));
        let digest = bare.len() == 64 && bare.bytes().all(|c| c.is_ascii_hexdigit());
        let time = bare.len() >= 20 && bare.as_bytes()[4] == b'-' && bare.contains('T');
        if digest {
            word.replace(bare, "DIGEST")
        } else if time {
            word.replace(bare, "TIME")
        } else if id {
            word.replace(bare, "ID")
        } else {
            word.to_owned()
        }
    };
    text.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn an_old_backup_harms_nothing_and_revives_nothing_unseen() {
    let mut world = World::local().unwrap();
    let nodes: Vec<Value> = ["same", "rotated", "unseen"].iter().map(|name| world.create_node(name).unwrap()).collect();
    let tokens: Vec<String> = nodes.iter().map(|reply| text(&reply["token"])).collect();
    let ids: Vec<String> = nodes.iter().map(|reply| text(&reply["node"]["id"])).collect();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "ci", "scopes": ["*"] })).unwrap().ok().unwrap();
    let file = back_up(&world, "old.backup");
    let rotated = text(&world.operate(&ids[1], "rotate-token", &json!({})).unwrap().ok().unwrap()["token"]);
    world.api.delete(&world.of_org(&format!("/keys/{}", key["key"]["id"].as_str().unwrap()))).unwrap().ok().unwrap();
    let position = text(&world.create_node("newer").unwrap()["position"]);
    let cookie = world.api.clone();
    move_to(&mut world, &file);

    assert_eq!(cookie.get("/api/session").unwrap().status, 401, "every sign-in of before ended");
    let late = world.api.get(&format!("{}?after={position}", world.of_org("/nodes"))).unwrap();
    assert_eq!((late.status, late.code()), (409, "unknown_position"));
    assert_eq!(world.api.get("/api/installation").unwrap().ok().unwrap()["observing"], true);
    let by_key = world.api.with_key(text(&key["secret"])).get("/api/orgs").unwrap();
    assert_eq!((by_key.status, by_key.code()), (503, "observing"));
    for answer in [
        world.api.post(&world.of_org("/nodes"), &json!({ "name": "x" })).unwrap(),
        world.operate(&ids[0], "rotate-token", &json!({})).unwrap(),
        world.operate(&ids[0], "maintenance", &json!({ "reason": "x" })).unwrap(),
        world.spawn(&json!({})).unwrap(),
        world.api.delete(&world.of_org(&format!("/nodes/{}?force=true", ids[2]))).unwrap(),
    ] {
        assert_eq!((answer.status, answer.code()), (409, "observing"), "{}", answer.text);
    }

    let stale = digest_in(&well(spunto(&world, &["restore-status"]).output().unwrap()));
    let mut same = come(&world, &tokens[0], 1);
    assert_eq!(refused(&world, &rotated), "wrong_token");
    let shown = wait_for("the inventory", SOON, || {
        let shown = well(spunto(&world, &["restore-status"]).output()?);
        Ok((shown.contains("c0ffee") && shown.contains("another token")).then_some(shown))
    })
    .unwrap();
    assert_eq!(steady(&shown), include_str!("difference.txt"), "{shown}");
    let late = spunto(&world, &["confirm", &stale]).output().unwrap();
    assert!(!late.status.success() && words(&late).contains("has changed"), "{}", words(&late));
    assert_eq!(digest_in(&words(&late)), digest_in(&shown), "the new difference is printed");
    // Choices are part of what is confirmed.
    let other = spunto(&world, &["confirm", &digest_in(&shown), "--keep-keys"]).output().unwrap();
    assert!(!other.status.success() && words(&other).contains("has changed"), "{}", words(&other));
    assert_eq!(world.api.get("/api/installation").unwrap().ok().unwrap()["observing"], true);

    well(spunto(&world, &["confirm", &digest_in(&shown)]).output().unwrap());
    // Nothing but pings came until the session was ended: `receive` fails at the close, and would return any order.
    let end = same.receive().unwrap_err().to_string();
    assert!(end.contains(&close::SERVER_STOPPING.to_string()), "{end}");
    assert_eq!(world.api.get("/api/installation").unwrap().ok().unwrap()["observing"], false);
    assert_eq!(refused(&world, &tokens[1]), "token_rotated", "what was rotated after the backup does not live again");
    assert_eq!(refused(&world, &tokens[2]), "token_rotated", "nor what cannot be proven");
    let by_key = world.api.with_key(text(&key["secret"])).get("/api/orgs").unwrap();
    assert_eq!(by_key.status, 401, "nor a key: {}", by_key.text);
    let again = spunto(&world, &["confirm", &digest_in(&shown)]).output().unwrap();
    assert!(!again.status.success() && words(&again).contains("does not observe"), "{}", words(&again));

    // The agent comes back by itself; what the log does not know stays.
    let mut same = come(&world, &tokens[0], 1);
    world.wait_node(&ids[0], "online").unwrap();
    let worker = world.spawn(&json!({})).unwrap().ok().unwrap();
    let order = same.receive().unwrap();
    assert!(matches!(order, FromServer::Operate { .. }), "the first that comes is the new worker's order: {order:?}");
    assert!(
        format!("{order:?}").contains(worker["worker"]["id"].as_str().unwrap()) && !format!("{order:?}").contains("RemoveOrphan"),
        "{order:?}"
    );
    unseen_keeps_what_nobody_looked_at(&world, &ids[2]);
    world.server.stop().unwrap();
    let (state, _) = state_at(&world.start.data, u64::from(u32::MAX).min(last(&world)));
    let org = state.orgs.values().next().unwrap();
    let wrong = org.fleet.nodes().flat_map(|(_, node)| &node.refused).filter(|refused| refused.reason == ConnectionRefusal::WrongToken);
    assert_eq!(wrong.count(), 1);
    assert!(org.fleet.nodes().all(|(_, node)| !matches!(node.status, NodeStatus::Deleting { .. })));
}

#[test]
fn what_the_log_does_not_know_is_removed_where_the_operator_says_so() {
    let mut world = World::local().unwrap();
    let token = text(&world.create_node("same").unwrap()["token"]);
    let file = back_up(&world, "old.backup");
    move_to(&mut world, &file);
    let agent = come(&world, &token, 1);
    let shown = wait_for("the inventory", SOON, || {
        let shown = well(spunto(&world, &["restore-status", "--remove-unknown"]).output()?);
        Ok(shown.contains("c0ffee").then_some(shown))
    })
    .unwrap();
    assert!(shown.contains("removed"), "{shown}");
    let kept = spunto(&world, &["confirm", &digest_in(&shown)]).output().unwrap();
    assert!(!kept.status.success() && words(&kept).contains("has changed"), "{}", words(&kept));
    let wrong = spunto(&world, &["confirm", "deadbeef HTTP/1.1"]).output().unwrap();
    assert!(!wrong.status.success() && words(&wrong).contains("restore-status"), "{}", words(&wrong));
    well(spunto(&world, &["confirm", &digest_in(&shown), "--remove-unknown"]).output().unwrap());
    drop(agent);
    let mut agent = come(&world, &token, 1);
    let order = format!("{:?}", agent.receive().unwrap());
    assert!(order.contains("RemoveOrphan") && order.contains("c0ffee"), "{order}");
}

/// A node that nobody saw before the confirmation comes with a new token: what it has stays, in this session and the next.
fn unseen_keeps_what_nobody_looked_at(world: &World, node: &str) {
    let token = text(&world.operate(node, "rotate-token", &json!({})).unwrap().ok().unwrap()["token"]);
    for number in [1, 2] {
        let mut agent = come(world, &token, 3);
        wait_for("the containers to be known", SOON, || {
            let kept = world.timeline(node)?.iter().filter(|kind| *kind == "node.containers_kept").count();
            Ok((kept == 1).then_some(()))
        })
        .unwrap();
        world.wait_node(node, "online").unwrap();
        world.spawn(&json!({ "name": format!("u{number}"), "node": node })).unwrap().ok().unwrap();
        // A removal would be the first order that comes.
        let order = format!("{:?}", agent.receive().unwrap());
        assert!(order.contains("work: Run") && !order.contains("RemoveOrphan"), "{order}");
    }
}

fn last(world: &World) -> u64 {
    use spunto_events::log::EventLog;
    use spunto_events::log::sled::{LogOptions, SledLog};
    SledLog::open(&world.start.data.join("log"), LogOptions::default()).unwrap().head().seq
}
