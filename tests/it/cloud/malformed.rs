//! Answers that no API should give and some do, calls that never end, and what must not get out.

use std::time::{Duration, Instant};

use serde_json::json;
use spunto_actors::cloud::conformance::{Rig, clear, order};
use spunto_actors::cloud::{Architecture, Deletion, FaultKind, Happened, Operation, Progress, Provider, Resource};
use spunto_core::id::NodeId;
use spunto_tests::cloud::hetzner::{Hetzner, TOKEN};
use spunto_tests::cloud::{Answer, Response, Running};

use super::rig::{AtGoogle, AtHetzner, Place, endless, json_answer};

const SOON: Duration = Duration::from_secs(1);

async fn pages_of_the_web(place: impl Place) {
    let provider = place.ours();
    let order = order(&place, 5, 1);
    let create = place.paths().create;
    for (status, kind) in [(502, FaultKind::Unavailable), (403, FaultKind::Unknown), (200, FaultKind::Unavailable)] {
        place.plan().instead("POST", create, Answer::This(Response::page(status, "Some <b>Proxy")));
        let fault = provider.create(&order).await.unwrap_err();
        assert_eq!((&fault.kind, fault.happened), (&kind, Happened::Unknown), "{fault}");
        assert!(fault.message.contains("a web page: Some") && fault.message.contains(&status.to_string()), "{fault}");
    }
    assert_eq!(place.ever_made(), 0);
    // The same after it was done: the same order finds what it made.
    place.plan().after("POST", create, Answer::This(Response::page(200, "Welcome")));
    assert_eq!(provider.create(&order).await.unwrap_err().happened, Happened::Unknown);
    assert!(provider.create(&order).await.unwrap().found);
    // A page that says "not found" is not the API's word that something is gone.
    let machine = provider.find(order.node).await.unwrap().remove(0);
    place.plan().instead("GET", &machine.reference, Answer::This(Response::page(404, "Not Found")));
    assert!(provider.delete(&machine).await.is_err());
    place.plan().instead("DELETE", &machine.reference, Answer::This(Response::page(404, "Not Found")));
    assert!(provider.delete(&machine).await.is_err());
    assert_eq!((place.machines(), place.ever_made()), (1, 1));
}

#[tokio::test]
async fn a_proxy_s_page_is_no_answer() {
    pages_of_the_web(AtHetzner::new()).await;
    pages_of_the_web(AtGoogle::new()).await;
}

async fn endless_bodies(place: impl Place) {
    let provider = place.ours();
    let paths = place.paths();
    place.plan().instead("GET", paths.list, Answer::Huge(10 << 20));
    let fault = provider.list().await.unwrap_err();
    assert!(fault.message.contains("more than can be taken in"), "{fault}");
    // Were it read, this one would take the test's machine with it.
    place.plan().after("POST", paths.create, Answer::Huge(64 << 30));
    let order = order(&place, 5, 1);
    let fault = provider.create(&order).await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::Unknown), "{fault}");
    assert!(provider.create(&order).await.unwrap().found);
    assert_eq!(place.ever_made(), 1);
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_largest_size() {
    endless_bodies(AtHetzner::new()).await;
    endless_bodies(AtGoogle::new()).await;
}

async fn slow_answers(place: impl Place) {
    let provider = place.limited(SOON, 1 << 20);
    provider.verify().await.unwrap();
    let create = place.paths().create;
    let tries = [(false, Answer::Never), (true, Answer::Drip(Duration::from_millis(20))), (true, Answer::Late(Duration::from_secs(600)))];
    for (attempt, (acts, answer)) in (1..).zip(tries) {
        let (before, order) = (Instant::now(), order(&place, 5, attempt));
        if acts {
            place.plan().after("POST", create, answer);
        } else {
            place.plan().instead("POST", create, answer);
        }
        let fault = provider.create(&order).await.unwrap_err();
        assert!(before.elapsed() < SOON * 10, "{:?}", before.elapsed());
        assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::Unknown), "{fault}");
        assert!(fault.message.contains("no complete answer within 1 s"), "{fault}");
        clear(&*place.ours(), order.node).await;
    }
    assert_eq!(place.ever_made(), 2);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_however_it_drags_on() {
    slow_answers(AtHetzner::new()).await;
    slow_answers(AtGoogle::new()).await;
}

async fn newer_api(place: impl Place) {
    for method in ["GET", "POST", "DELETE"] {
        place.plan().always(method, "", Answer::Newer);
    }
    let provider = place.ours();
    provider.verify().await.unwrap();
    let (location, ..) = place.choice();
    assert!(!provider.locations().await.unwrap().is_empty());
    let types = provider.machine_types(&location).await.unwrap();
    assert!(!types.is_empty() && types.iter().all(|found| found.architecture.is_none()), "an architecture that we don't know is none");
    assert!(!provider.images(Architecture::X86).await.unwrap().is_empty());
    let order = order(&place, 5, 1);
    let begun = provider.create(&order).await.unwrap();
    assert_eq!(provider.progress(&begun.operation.unwrap()).await.unwrap(), Progress::Done);
    assert!(provider.create(&order).await.unwrap().found);
    assert_eq!(provider.find(order.node).await.unwrap(), provider.list().await.unwrap());
    assert!(matches!(provider.delete(&begun.machine).await.unwrap(), Deletion::Going { .. }));
    assert!(provider.list().await.unwrap().is_empty());
    // A state that we don't know is not the end of an operation.
    let unknown = json!({ "status": "entangled", "actions": [{ "id": 1, "status": "entangled" }], "error": null });
    place.plan().clear();
    place.plan().instead("GET", place.paths().operations, json_answer(200, &unknown));
    assert_eq!(provider.progress(&Operation("zones/z/operations/1".into())).await.unwrap(), Progress::Running);
}

#[tokio::test]
async fn fields_and_words_of_a_newer_api_are_taken() {
    newer_api(AtHetzner::new()).await;
    newer_api(AtGoogle::new()).await;
}

/// Every call, with what it gave: whether it was taken for a success.
async fn every_call(provider: &dyn Provider, place: &impl Place, machine: &Resource) -> Vec<(&'static str, bool)> {
    let operation = Operation("zones/z/operations/1".to_owned());
    vec![
        ("verify", provider.verify().await.is_ok()),
        ("locations", provider.locations().await.is_ok()),
        ("machine_types", provider.machine_types("x").await.is_ok()),
        ("images", provider.images(Architecture::X86).await.is_ok()),
        ("create", provider.create(&order(place, 9, 1)).await.is_ok()),
        ("progress", matches!(provider.progress(&operation).await, Ok(Progress::Done))),
        ("find", provider.find(NodeId::from_u64(9)).await.is_ok_and(|found| !found.is_empty())),
        ("delete", matches!(provider.delete(machine).await, Ok(Deletion::Gone))),
        ("list", provider.list().await.is_ok_and(|found| !found.is_empty())),
    ]
}

async fn junk(place: impl Place) {
    let provider = place.ours();
    provider.verify().await.unwrap();
    let machine = provider.create(&order(&place, 5, 1)).await.unwrap().machine;
    let bodies = [
        "",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "7",
        "{\"error\":null}",
        "{\"error\":\"x\"}",
        "{\"error\":{\"code\":[]}}",
        "{\"error\":{\"errors\":{}}}",
        "{\"servers\":{},\"items\":[]}",
        "{\"servers\":[{\"id\":\"x\"}],\"items\":{\"z\":{\"instances\":[{}]}}}",
        "{\"servers\":[null],\"items\":{\"z\":null}}",
        "{\"server\":{\"id\":-1},\"action\":{\"id\":1e400}}",
        "{\"name\":{}}",
        "{\"actions\":[{}],\"meta\":[],\"status\":7}",
        "\u{feff}{}",
        "{\"a\":",
    ];
    let mut tried = 0;
    for status in [200, 204, 302, 400, 404, 418, 500, 599] {
        for body in bodies {
            for method in ["GET", "POST", "DELETE"] {
                let response = Response { status, headers: Vec::new(), kind: "application/json", body: body.as_bytes().to_vec() };
                // The token's endpoint as well, when its turn comes.
                place.plan().never(method, "", Answer::This(response));
            }
            for (call, taken) in every_call(&*provider, &place, &machine).await {
                let harmless = matches!(call, "verify" | "locations" | "machine_types" | "images");
                assert!(!taken || harmless, "{call} took {status} {body:?} for a success");
                tried += 1;
            }
            place.plan().clear();
        }
    }
    assert_eq!(tried, 8 * 18 * 9);
    assert_eq!((place.machines(), place.ever_made()), (1, 1));
}

#[tokio::test]
async fn junk_is_never_taken_for_a_success() {
    junk(AtHetzner::new()).await;
    junk(AtGoogle::new()).await;
}

async fn lists(place: impl Place) {
    let provider = place.ours();
    place.plan().always("GET", place.paths().list, endless());
    let fault = provider.list().await.unwrap_err();
    assert!(fault.message.contains("more than 100 pages"), "{fault}");
    place.plan().clear();
    // One that can't be read makes the whole list a fault: it could be the one that is looked for.
    let nameless = json!({ "servers": [{ "name": "x" }], "items": { "zones/z": { "instances": [{ "id": "1" }] } }, "meta": {} });
    place.plan().instead("GET", place.paths().list, json_answer(200, &nameless));
    assert!(provider.find(NodeId::from_u64(5)).await.unwrap_err().message.contains("without"));
}

#[tokio::test]
async fn half_a_list_is_a_fault() {
    lists(AtHetzner::new()).await;
    lists(AtGoogle::new()).await;
}

async fn one_call_each(place: impl Place, elsewhere: Running<Hetzner>) {
    let provider = place.ours();
    provider.verify().await.unwrap();
    let before = place.plan().calls().len();
    let moved = json_answer(307, &json!({}));
    let Answer::This(moved) = moved else { unreachable!() };
    place.plan().instead("GET", "", Answer::This(moved.with("Location", &elsewhere.url)));
    assert!(provider.locations().await.is_err());
    assert_eq!(elsewhere.plan.calls(), Vec::<String>::new(), "a redirect would take the credential elsewhere");
    place.plan().instead("GET", "", Answer::This(Response::page(503, "busy")));
    assert!(provider.locations().await.is_err());
    assert_eq!(place.plan().calls().len() - before, 2, "a call is tried once");
}

#[tokio::test]
async fn a_call_is_made_once_and_where_it_was_meant_to_go() {
    let elsewhere = || Running::start(Hetzner::default()).unwrap();
    one_call_each(AtHetzner::new(), elsewhere()).await;
    one_call_each(AtGoogle::new(), elsewhere()).await;
}

#[tokio::test]
async fn a_credential_that_is_sent_back_is_not_repeated() {
    let place = AtHetzner::new();
    let echo = json!({ "error": { "code": "unauthorized", "message": format!("no such token: {TOKEN}"), "details": {} } });
    place.plan().instead("POST", "/servers", json_answer(401, &echo));
    let fault = place.ours().create(&order(&place, 5, 1)).await.unwrap_err();
    assert!(!format!("{fault} {fault:?}").contains(&TOKEN[..20]) && fault.message.starts_with("no such token: …"), "{fault:?}");
    place.plan().instead("POST", "/servers", Answer::This(Response::page(403, &format!("blocked {TOKEN}"))));
    let fault = place.ours().create(&order(&place, 5, 1)).await.unwrap_err();
    assert!(!format!("{fault:?}").contains(&TOKEN[..20]));
    // The answer to a creation has a password in it; nothing keeps it.
    let begun = place.ours().create(&order(&place, 5, 1)).await.unwrap();
    assert!(!format!("{begun:?}").contains("YItygq1v3GYjjMomLaKc"));
}

#[tokio::test]
async fn a_pasted_key_s_own_addresses_are_not_called() {
    let place = AtGoogle::new();
    let trap = Running::start(Hetzner::default()).unwrap();
    let pasted = place.credential().replace("http://127.0.0.1:9", &trap.url);
    assert!(pasted.contains(&trap.url));
    let provider = place.account(&place.settings(1), &pasted);
    provider.verify().await.unwrap();
    assert_eq!(trap.plan.calls(), Vec::<String>::new());
    assert!(place.plan().calls().contains(&"POST /token".to_owned()));
}
