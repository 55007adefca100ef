//! A provision that failed by quota is told alike by `spunto-replay`, from the stopped data directory and over HTTP, and by the API.

use crate::replay::{answer, key, replay};

use super::*;

/// Where the failed step stands, what failed, and in whose words.
const AGREED: [&str; 9] = ["position", "at", "attempt", "step", "class", "message", "code", "request_id", "took_ms"];

fn agreed(failure: &Value) -> Vec<(&'static str, Value)> {
    AGREED.iter().map(|name| (*name, failure[*name].clone())).collect()
}

/// The same of a row of `failures`.
fn of_row(row: &Value) -> Vec<(&'static str, Value)> {
    let mut row = row.clone();
    row["took_ms"] = row["duration_ms"].clone();
    agreed(&row)
}

/// A text without what differs from run to run: ids, times, durations.
fn masked(text: &str) -> String {
    let mask = |word: &str, unit: Option<&&str>| {
        let bare = word.trim_matches(|c: char| "(),;".contains(c));
        let id = ["nod_", "usr_", "org_"].into_iter().find(|prefix| bare.starts_with(prefix));
        let digits = bare.chars().all(|c| c.is_ascii_digit() || ".:-".contains(c));
        let timed = unit.is_some_and(|unit| unit.starts_with("ms") || unit.trim_matches(')') == "s");
        match id {
            Some(prefix) => word.replace(bare, &format!("{prefix}…")),
            None if bare.starts_with("spunto-") && bare != "spunto-replay" => word.replace(bare, "spunto-…"),
            None if digits && bare.len() == 8 && bare.contains(':') => word.replace(bare, "HH:MM:SS"),
            None if digits && bare.len() == 10 && bare.contains('-') => word.replace(bare, "DATE"),
            None if timed => word.replace(bare.trim_start_matches('+'), "N"),
            None => word.to_owned(),
        }
    };
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let words: Vec<String> = words.iter().enumerate().map(|(number, word)| mask(word, words.get(number + 1))).collect();
        // A gap of nothing is not shown.
        words.join(" ").replace("N ms", "N s").replace(" +N s", "")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn a_quota_is_told_alike_by_the_program_the_api_and_the_stopped_log() {
    let mut place = Place::new();
    place.cloud.cloud.limit_servers(0);
    let node = place.create("cloud-3");
    let seen = place.wait(&node, "a failure", |node| node["status"]["state"] == "provisioning_failed");
    let key = key(&place.world);
    let api = place.world.server.api().with_key(key.clone());
    let of_node = |rest: &str| api.get(&place.world.of_org(&format!("/nodes/{node}{rest}"))).unwrap();

    let told = of_node("/story").ok().unwrap();
    let by_api = agreed(&told["failure"]);
    assert_eq!((&by_api[3].1, &by_api[4].1), (&json!("create_machine"), &json!("quota")), "{told}");
    assert!(text(&by_api[5].1).contains("server limit exceeded") && by_api[7].1.is_string(), "{told}");
    let line = &told["lines"][usize::try_from(told["failed"].as_u64().unwrap()).unwrap()];
    assert_eq!((line["position"].clone(), line["kind"].clone()), (by_api[0].1.clone(), json!("node.provisioning_failed")));
    assert_eq!(told["next"], seen["provision"]["failed"]["next_step"]);
    assert_eq!((told["attempts"].as_array().unwrap().len(), agreed(&told["attempts"][0]["failure"])), (1, by_api.clone()));
    for name in ["step", "class", "message", "code", "request_id"] {
        assert_eq!(told["failure"][name], seen["provision"]["failed"][name], "the node itself says the same");
    }

    let (url, org) = (place.world.api.url.clone(), place.world.org.clone());
    let server = ["--url", url.as_str(), "--org", org.as_str()];
    let slice = place.world.directory.path().join("node.slice");
    let download = of_node("/slice");
    let named = download.header("content-disposition").unwrap_or_default().to_owned();
    assert_eq!((download.status, named.contains(&format!("{node}.slice"))), (200, true), "{named}");
    fetch(&url, &place.world.of_org(&format!("/nodes/{node}/slice")), &key, &slice);
    let file = ["--file", slice.to_str().unwrap()];
    let (verdict, code) = replay(None, &[&file[..], &["verify"]].concat());
    assert!(code == 0 && verdict.contains("sound"), "{verdict}");
    let ask = |from: &[&str], key: Option<&str>| {
        let failures = answer(key, &[from, &["failures"]].concat());
        let story = answer(key, &[from, &["story", "cloud-3"]].concat());
        assert_eq!(of_row(&failures["failures"][0]), by_api, "failures, {from:?}");
        assert_eq!(agreed(&story["failure"]), by_api, "story, {from:?}");
        let texts = |story: &Value| story["lines"].as_array().unwrap().iter().map(|line| line["text"].clone()).collect::<Vec<_>>();
        assert_eq!((texts(&story), &story["next"]), (texts(&told), &told["next"]), "{from:?}");
    };
    ask(&server, Some(&key));
    ask(&file, None);
    let kept = answer(None, &[&file[..], &["timeline"]].concat());
    let kinds: Vec<&str> = kept["events"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"credential.added") && kinds.iter().all(|kind| !kind.starts_with("member.") && !kind.starts_with("api_key.")));

    assert!(place.world.server.stop().unwrap().success());
    let data = place.world.start.data.to_str().unwrap().to_owned();
    let stopped = ["--data-dir", data.as_str()];
    ask(&stopped, None);
    let (failures, _) = replay(None, &[&stopped[..], &["failures"]].concat());
    let (story, _) = replay(None, &[&stopped[..], &["story", "cloud-3"]].concat());
    let transcript = masked(&format!("$ spunto-replay failures\n{failures}\n$ spunto-replay story cloud-3\n{story}"));
    let kept = include_str!("quota.transcript");
    assert_eq!(transcript, kept, "the transcript has changed; look at it, and put it into quota.transcript:\n{transcript}");
}

/// Downloads bytes that are no text.
fn fetch(url: &str, path: &str, key: &str, into: &std::path::Path) {
    let mut answer = ureq::get(format!("{url}{path}")).header("Authorization", format!("Bearer {key}")).call().unwrap();
    std::fs::write(into, answer.body_mut().read_to_vec().unwrap()).unwrap();
}

#[test]
fn a_node_is_shown_as_it_was_at_each_of_its_events() {
    let place = Place::new();
    place.cloud.cloud.limit_servers(0);
    let node = place.create("then");
    place.wait(&node, "a failure", |node| node["status"]["state"] == "provisioning_failed");
    let get = |path: &str| place.world.api.get(&place.world.of_org(path)).unwrap();
    let events = get(&format!("/nodes/{node}/events")).ok().unwrap()["items"].as_array().unwrap().clone();
    let mut states = Vec::new();
    for event in &events {
        let position = text(&event["position"]);
        let then = get(&format!("/nodes/{node}?as_of={position}")).ok().unwrap();
        assert_eq!((&then["as_of"]["position"], &then["as_of"]["at"]), (&event["position"], &event["at"]));
        assert_eq!((&then["version"], &then["live"]["suspect"]), (&event["stream_version"], &Value::Null));
        let listed = get(&format!("/nodes?as_of={position}")).ok().unwrap();
        assert_eq!((&listed["items"][0]["version"], &listed["as_of"]["position"]), (&then["version"], &event["position"]));
        assert_eq!(get(&format!("/workers?node={node}&as_of={position}")).ok().unwrap()["items"], json!([]));
        states.push(text(&then["status"]["state"]));
    }
    assert!(states.contains(&"provisioning".to_owned()) && states.last().unwrap() == "provisioning_failed", "{states:?}");
    let now = get(&format!("/nodes/{node}")).ok().unwrap();
    let last = get(&format!("/nodes/{node}?as_of={}", text(&events.last().unwrap()["position"]))).ok().unwrap();
    assert_eq!((&now["provision"]["failed"], &now["status"]), (&last["provision"]["failed"], &last["status"]));
    let of_time = get(&format!("/nodes/{node}?as_of={}", text(&events[0]["at"]))).ok().unwrap();
    assert_eq!(of_time["as_of"]["at"], events[0]["at"]);

    let early = get(&format!("/nodes/{node}?as_of={}", text(&events[0]["position"]).rsplit_once('.').unwrap().0.to_owned() + ".1"));
    let (status, code, body) = (early.status, early.code().to_owned(), early.text.clone());
    assert!((status, code.as_str()) == (404, "not_yet_created") && body.contains(events[0]["at"].as_str().unwrap()), "{body}");
    for (moment, status, code) in [
        ("2999-01-01T00:00:00Z", 400, "in_the_future"),
        ("yesterday", 400, "bad_request"),
        ("0000000000000abc.0.1", 409, "unknown_position"),
        ("1971-01-01T00:00:00Z", 404, "not_yet_created"),
    ] {
        let answer = get(&format!("/nodes/{node}?as_of={moment}"));
        assert_eq!((answer.status, answer.code()), (status, code), "{moment}");
    }
    place.delete(&node);
    place.wait_gone(&node);
    let end = text(&get("/events?limit=1").ok().unwrap()["end"]);
    assert_eq!(get(&format!("/nodes/{node}?as_of={end}")).code(), "deleted_before");
    let then = get(&format!("/nodes/{node}?as_of={}", text(&events[0]["position"]))).ok().unwrap();
    assert_eq!(then["name"], "then", "what is gone can still be looked at as it was");
    assert_eq!(get(&format!("/nodes/{node}/story")).ok().unwrap()["stands"], "deleted");
}
