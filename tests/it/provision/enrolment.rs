//! Enrolment tokens at the API: traded by one installation until its first session; anything else is refused, recorded and shown.

use spunto_tests::scripted::Scripted;

use super::*;

#[test]
fn a_token_is_traded_by_one_installation_and_refusals_are_shown() {
    let place = Place::new();
    place.machines.be_silent(true);
    let node = place.create("quiet");
    let seen = place.wait(&node, "a machine", |node| shown(node) == "✓✓▸·");
    let token = place.machines.token_of(&text(&seen["provision"]["machine"]["name"])).unwrap();
    let machine = place.world.server.api().with_key(token);
    let enrol = |instance: u64| machine.post("/api/agent/enrol", &json!({ "instance": format!("{instance:016x}") })).unwrap();
    assert_eq!(machine.post("/api/agent/enrol", &json!({})).unwrap().status, 400);
    let first = enrol(7).ok().unwrap();
    assert_eq!(first["node"], json!(node));
    assert_eq!(enrol(7).ok().unwrap(), first, "a lost reply is given again");
    assert_eq!(shown(&place.world.node(&node).unwrap()), "✓✓✓▸");
    assert_eq!(enrol(8).code(), "enrolment_used");
    let refused = place.world.node(&node).unwrap()["connection_refusals"].clone();
    assert_eq!((refused[0]["reason"].as_str(), refused[0]["count"].as_u64()), (Some("enrolment_used"), Some(1)));
    let session = Scripted::session(&place.world.api.url, &text(&first["token"]), 7).unwrap();
    place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert_eq!(enrol(7).code(), "enrolment_used", "after the first session it is dead");
    assert_eq!(machine.post("/api/agent/progress", &json!({ "stage": "starting_agent" })).unwrap().status, 204);
    assert_eq!(machine.post("/api/agent/progress", &json!({ "stage": "<b>" })).unwrap().code(), "invalid_input");
    drop(session);
}

#[test]
fn who_has_no_token_of_a_node_that_is_made_learns_nothing() {
    let place = Place::new();
    let node = text(&place.world.create_node("manual").unwrap()["node"]["id"]);
    let bare = place.world.server.api();
    let body = json!({ "instance": "0000000000000007" });
    assert_eq!(bare.post("/api/agent/enrol", &body).unwrap().code(), "unknown_token");
    let made_up = spunto_core::token::EnrolmentToken::new(place.world.org.parse().unwrap(), node.parse().unwrap(), [9; 32]);
    let made_up = bare.with_key(made_up.reveal().into_exposed());
    for path in ["/api/agent/enrol", "/api/agent/progress"] {
        let answer = made_up.post(path, &json!({ "instance": "0000000000000007", "stage": "x" })).unwrap();
        assert_eq!((answer.status, answer.code()), (401, "unknown_token"), "{path}");
    }
}
