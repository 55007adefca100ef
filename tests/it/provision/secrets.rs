//! No credential and no token is anywhere in clear, whatever happens to a provision: data directory, the server's log at its most
//! talkative, events, answers.

use spunto_tests::cloud::Answer as Reply;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::cloud::hetzner::refusal::Refusal;
use spunto_tests::traces::Traces;

use super::*;

/// A token of Hetzner's shape that nobody accepts.
const WRONG: &str = "wrongwrongwrongwrongwrongwrongwrongwrongwrongwrongwrongwrong1234";

/// A life with all that can happen: made, failed, retried, its credential replaced and refused, deleted, restarted in between.
fn live(place: &mut Place) {
    let path = place.of_credential("/secret");
    let put =
        |place: &Place, secret: &str| place.world.api.send("PUT", &path, Some(&json!({ "secret": secret }).to_string()), &[]).unwrap();
    let node = place.create("works");
    place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    place.cloud.plan.never("POST", "/servers", Reply::This(Refusal::ServerLimit.response()));
    let failing = place.create("fails");
    place.wait(&failing, "a failure", |node| node["status"]["state"] == "provisioning_failed");
    place.cloud.plan.clear();
    assert_eq!(put(place, WRONG).code(), "credential_refused");
    put(place, TOKEN).ok().unwrap();
    place.delete(&node);
    place.wait_gone(&node);
    place.world.server.kill().unwrap();
    place.world.server = place.world.start.run().unwrap();
    place.retry(&failing, &json!({})).ok().unwrap();
    place.wait(&failing, "a session", |node| node["status"]["state"] == "online");
}

#[test]
fn no_credential_or_token_is_in_clear_anywhere() {
    let google_cloud = Running::start(Google::with_hook(Box::new(|_| {}))).unwrap();
    let flags = [
        "--log=trace".to_owned(),
        format!("--cloud-base=google={}/compute/v1", google_cloud.url),
        format!("--cloud-base=google-token={}", google_cloud.url),
    ];
    let mut place = Place::with_credential(&flags);
    let key = google::account();
    let body = json!({ "name": "other", "provider": "google", "secret": key });
    place.world.api.post(&place.world.of_org("/credentials"), &body).unwrap().ok().unwrap();
    assert!(google_cloud.cloud.tokens_given() > 0);
    live(&mut place);

    let pem = serde_json::from_str::<Value>(&key).unwrap()["private_key"].as_str().unwrap().to_owned();
    let mut traces = Traces::default().with_text(TOKEN).with_text(WRONG).with_pem(&pem);
    for given in google_cloud.cloud.access_tokens() {
        traces = traces.with_text(&given);
    }
    let (enrolment, node) = (place.machines.tokens(), place.machines.node_tokens());
    assert!(enrolment.len() >= 2 && node.len() >= 2, "{} enrolment tokens, {} node tokens", enrolment.len(), node.len());
    for token in enrolment.iter().chain(&node) {
        traces = traces.with_token(token);
    }
    // What the machines keep for themselves is theirs; the rest is ours.
    std::fs::remove_dir_all(place.world.directory.path().join("machines")).unwrap();
    let log = std::fs::read_to_string(&place.world.start.log).unwrap();
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log is not talkative");
    let directory = place.world.directory.path();
    assert_eq!(traces.missed(directory, &directory.join("planted")), Vec::<String>::new());
    assert_eq!(traces.below(place.data.path()), Vec::<String>::new());
    for path in ["/events?limit=1000", "/credentials", "/nodes", "/events/raw?since=0"] {
        let answer = place.world.api.get(&place.world.of_org(path)).unwrap();
        assert!(answer.status == 200 && !traces.are_in(answer.text.as_bytes()), "{path}");
    }
}
