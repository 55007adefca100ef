//! A provision that comes right, as its page shows it, and its end.

use super::*;

#[test]
fn a_node_goes_through_four_lines_to_online_and_takes_its_machine_along() {
    let place = Place::new();
    place.cloud.cloud.pace(|pace| pace.held = true);
    let node = place.create("cloud-1");
    let seen = place.wait(&node, "the order", |node| node["provision"]["machine"]["reference"].is_string());
    assert_eq!((shown(&seen).as_str(), seen["status"]["state"].as_str()), ("✓▸··", Some("provisioning")));
    assert_eq!((seen["provider"].as_str(), seen["status"]["step"].as_str()), (Some("hetzner"), Some("create_machine")));
    let price = &seen["provision"]["machine"]["price"];
    assert_eq!((price["currency"].as_str(), price["hourly"].as_str()), (Some("EUR"), Some("0.005619")));
    let lines = &seen["provision"]["lines"];
    assert!(lines[0]["took_ms"].is_u64() && lines[1]["took_ms"].is_null() && lines[1]["deadline"].is_string());
    assert!(lines[2]["usual"].is_null(), "nobody has got past it yet");
    place.cloud.cloud.pace(|pace| pace.held = false);
    let seen = place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert_eq!(shown(&seen), "✓✓✓✓");
    let stages: Vec<&str> = seen["provision"]["stages"].as_array().unwrap().iter().map(|told| told["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["installing_docker", "pulling_agent", "starting_agent"]);
    assert_eq!((place.cloud.cloud.machines(), place.cloud.cloud.ever_made()), (1, 1));
    // What one attempt took is what is usual for the next.
    let second = place.create("cloud-2");
    let seen = place.wait(&second, "a session", |node| node["status"]["state"] == "online");
    assert!(seen["provision"]["lines"].as_array().unwrap().iter().all(|line| line["usual"]["attempts"].as_u64() >= Some(1)), "{seen}");
    for node in [&node, &second] {
        place.delete(node);
        place.wait_gone(node);
    }
    assert_eq!((place.cloud.cloud.machines(), place.cloud.cloud.ever_made()), (0, 2));
    let events = place.world.api.get(&place.world.of_org("/events?limit=1000")).unwrap().ok().unwrap();
    let of_node = |event: &&Value| event["stream"] == json!(node);
    let kinds: Vec<&str> =
        events["items"].as_array().unwrap().iter().filter(of_node).map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.ends_with(&["node.machine_removed", "node.deleted"]), "{kinds:?}");
}

#[test]
fn a_repeated_creation_makes_one_machine() {
    let place = Place::new();
    let body = json!({ "name": "once", "cloud": place.wish() }).to_string();
    let ask = || {
        let headers = [("Idempotency-Key", "once-1")];
        place.world.api.send("POST", &place.world.of_org("/nodes"), Some(&body), &headers).unwrap().ok().unwrap()
    };
    let (first, again) = (ask(), ask());
    assert_eq!(first["node"]["id"], again["node"]["id"]);
    assert!(first["token"].is_null() && first["command"].is_null(), "there is nothing to paste");
    let node = text(&first["node"]["id"]);
    place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert_eq!(place.cloud.cloud.ever_made(), 1);
}
