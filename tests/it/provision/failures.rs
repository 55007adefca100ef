//! Every sort of failure is told in the provider's words, can be looked at, retried to success, and deleted.

use spunto_tests::cloud::Answer as Reply;
use spunto_tests::cloud::hetzner::refusal::Refusal;

use super::*;

fn failed(place: &Place, node: &str) -> Value {
    place.wait(node, "a failure", |node| node["status"]["state"] == "provisioning_failed")
}

/// What goes wrong, how it is told, and what comes right then.
struct Case {
    wrong: fn(&Place),
    wish: (&'static str, &'static str),
    shown: &'static str,
    class: &'static str,
    words: &'static str,
    code: &'static str,
}

fn none(_: &Place) {}

fn cases() -> [Case; 6] {
    let case = |wrong, wish, shown, class, words, code| Case { wrong, wish, shown, class, words, code };
    [
        case(|place| place.cloud.cloud.limit_servers(0), ("", ""), "✓✗··", "quota", "server limit exceeded", "resource_limit_exceeded"),
        case(none, ("location", "atlantis"), "✓✗··", "bad_input", "location", "invalid_input"),
        case(none, ("machine_type", "cx99"), "✓✗··", "bad_input", "server type", "invalid_input"),
        case(none, ("image", "beos-5"), "✓✗··", "bad_input", "image", "invalid_input"),
        case(
            |place| place.cloud.plan.instead("GET", "/locations", Reply::This(Refusal::BadToken.response())),
            ("", ""),
            "✗···",
            "denied",
            "the token you have provided is invalid",
            "unauthorized",
        ),
        // Whether a token may write is tried with an order that can't be carried out.
        case(
            |place| place.cloud.plan.instead("POST", "/servers", Reply::This(Refusal::ReadOnlyToken.response())),
            ("", ""),
            "✗···",
            "forbidden",
            "token is only allowed to perform GET requests",
            "token_readonly",
        ),
    ]
}

#[test]
fn what_the_provider_says_is_what_is_shown_and_a_retry_comes_right() {
    let place = Place::new();
    for (number, case) in cases().into_iter().enumerate() {
        (case.wrong)(&place);
        let mut wish = place.wish();
        if !case.wish.0.is_empty() {
            wish[case.wish.0] = json!(case.wish.1);
        }
        let node = text(&place.try_create(&format!("fails-{number}"), &wish).ok().unwrap()["node"]["id"]);
        let seen = failed(&place, &node);
        assert_eq!(shown(&seen), case.shown, "{}: {seen}", case.class);
        let told = &seen["provision"]["failed"];
        assert_eq!((told["class"].as_str(), told["code"].as_str()), (Some(case.class), Some(case.code)), "{told}");
        assert!(text(&told["message"]).contains(case.words), "{told}");
        let by_the_cloud = case.shown == "✓✗··";
        assert!(!text(&told["next_step"]).is_empty() && (told["request_id"].is_string() || !by_the_cloud), "{told}");
        assert!(text(&seen["status"]["message"]).contains(case.words));
        assert!(seen["provision"]["machine"].is_null(), "it is certain that nothing was made");
        place.cloud.cloud.limit_servers(usize::MAX);
        place.retry(&node, &place.wish()).ok().unwrap();
        let seen = place.wait(&node, "a session", |node| node["status"]["state"] == "online");
        assert_eq!((shown(&seen).as_str(), seen["provision"]["attempt"].as_u64()), ("✓✓✓✓", Some(2)));
        assert_eq!(place.retry(&node, &json!({})).code(), "provision_not_failed");
        place.delete(&node);
        place.wait_gone(&node);
    }
    assert_eq!((place.cloud.cloud.machines(), place.cloud.cloud.ever_made()), (0, 6));
}

#[test]
fn a_wish_that_can_t_be_had_is_changed_by_a_retry() {
    let place = Place::new();
    place.cloud.cloud.sell_out("cx23", "fsn1");
    let node = place.create("sold-out");
    let seen = failed(&place, &node);
    let elsewhere = seen["provision"]["failed"]["alternatives"].as_array().unwrap().clone();
    assert!(!elsewhere.is_empty(), "it says where else it could be had: {seen}");
    assert_eq!(seen["provision"]["wish"]["location"], "fsn1", "and never goes there by itself");
    place.retry(&node, &json!({ "location": "nbg1" })).ok().unwrap();
    let seen = place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert_eq!((seen["provision"]["machine"]["location"].as_str(), place.cloud.cloud.machines()), (Some("nbg1"), 1));
}

#[test]
fn an_order_that_fails_after_it_was_taken_tells_why_and_leaves_nothing() {
    // What a minute is for at a real cloud takes a second at one on this machine.
    let place = Place::with_credential(&["--cloud-settle-ms=1000".to_owned()]);
    place.cloud.cloud.fail_later("resource_unavailable", "no host is free");
    let node = place.create("late");
    let seen = failed(&place, &node);
    let told = &seen["provision"]["failed"];
    assert_eq!((told["class"].as_str(), told["message"].as_str()), (Some("no_capacity"), Some("no host is free")));
    place.delete(&node);
    place.wait_gone(&node);
    assert_eq!(place.cloud.cloud.machines(), 0);
}

#[test]
fn a_provider_that_is_away_is_told_while_it_is_and_is_no_failure() {
    let place = Place::new();
    // The first order is the one that tries whether the token may write.
    place.cloud.plan.after("POST", "/servers", Reply::Usual);
    place.cloud.plan.never("POST", "/servers", Reply::This(Refusal::Unavailable.response()));
    let node = place.create("patient");
    let seen = place.wait(&node, "trouble", |node| node["provision"]["trouble"]["tries"].as_u64() >= Some(2));
    assert_eq!((shown(&seen).as_str(), seen["provision"]["trouble"]["class"].as_str()), ("✓▸··", Some("unavailable")));
    place.cloud.plan.clear();
    let seen = place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert!(seen["provision"]["trouble"].is_null());
}

#[test]
fn a_machine_whose_setup_fails_says_so_in_its_own_words() {
    let place = Place::new();
    place.machines.be_silent(true);
    let node = place.create("broken");
    let seen = place.wait(&node, "a machine", |node| shown(node) == "✓✓▸·");
    assert!(seen["provision"]["lines"][2]["deadline"].is_string());
    let token = place.machines.token_of(&text(&seen["provision"]["machine"]["name"])).unwrap();
    let machine = place.world.server.api().with_key(token);
    let body = json!({ "stage": "failed", "message": "Docker could not be installed: no space left" });
    assert_eq!(machine.post("/api/agent/progress", &body).unwrap().status, 204);
    let seen = failed(&place, &node);
    assert_eq!(shown(&seen), "✓✓✗·");
    let told = &seen["provision"]["failed"];
    assert_eq!((told["class"].as_str(), told["message"].as_str()), (Some("boot_failed"), body["message"].as_str()));
    assert!(told["kept_until"].is_string() && place.cloud.cloud.machines() == 1, "it is kept, to be looked at");
    place.machines.be_silent(false);
    place.retry(&node, &json!({})).ok().unwrap();
    let seen = place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    assert_eq!((seen["provision"]["attempt"].as_u64(), place.cloud.cloud.machines(), place.cloud.cloud.ever_made()), (Some(2), 1, 2));
}
