//! Credentials: verified before they are kept, listed without secrets, and not deleted while machines need them.

use spunto_tests::cloud::Answer as Reply;
use spunto_tests::cloud::hetzner::READ_ONLY;
use spunto_tests::cloud::hetzner::refusal::Refusal;

use super::*;

#[test]
fn a_credential_is_kept_only_when_its_provider_accepts_it() {
    let place = Place::without_credential();
    let add = |name: &str, provider: &str, secret: &str| {
        let body = json!({ "name": name, "provider": provider, "secret": secret });
        place.world.api.post(&place.world.of_org("/credentials"), &body).unwrap()
    };
    let wrong = add("wrong", "hetzner", "not-a-token");
    assert_eq!((wrong.status, wrong.code()), (422, "credential_refused"));
    assert!(text(&wrong.body["detail"]).contains("the token you have provided is invalid"), "{}", wrong.text);
    assert_eq!((wrong.body["class"].as_str(), wrong.body["provider_code"].as_str()), (Some("denied"), Some("unauthorized")));
    assert!(!text(&wrong.body["next_step"]).is_empty() && !wrong.text.contains("not-a-token"));
    let read_only = add("read-only", "hetzner", READ_ONLY);
    assert_eq!((read_only.status, read_only.code()), (422, "credential_refused"), "{}", read_only.text);
    assert_eq!(add("other", "nebula", TOKEN).code(), "unknown_provider");
    assert_eq!(add("other", "hetzner", " ").code(), "invalid_input");
    place.cloud.plan.never("GET", "/", Reply::This(Refusal::Unavailable.response()));
    assert_eq!(add("later", "hetzner", TOKEN).code(), "provider_unavailable");
    place.cloud.plan.clear();
    let list = || place.world.api.get(&place.world.of_org("/credentials")).unwrap().ok().unwrap()["items"].clone();
    assert_eq!(list(), json!([]));
    add("main", "hetzner", TOKEN).ok().unwrap();
    assert_eq!(add("main", "hetzner", TOKEN).code(), "name_taken");
    let kept = list();
    assert_eq!(
        (kept[0]["name"].as_str(), kept[0]["provider"].as_str(), kept[0]["nodes"].as_u64()),
        (Some("main"), Some("hetzner"), Some(0))
    );
    assert_eq!(kept[0]["fingerprint"].as_str().unwrap().len(), 8);
}

#[test]
fn what_can_be_had_is_listed_with_prices_and_what_is_sold_out() {
    let place = Place::new();
    let providers = place.world.api.get("/api/providers").unwrap().ok().unwrap();
    let names: Vec<&str> = providers["items"].as_array().unwrap().iter().map(|known| known["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hetzner", "google"]);
    place.cloud.cloud.sell_out("cpx11", "fsn1");
    let get = |path: &str| place.world.api.get(&place.of_credential(path)).unwrap();
    let locations = get("/locations").ok().unwrap();
    assert_eq!(locations["items"][0], json!({ "id": "fsn1", "title": "Falkenstein, DE" }));
    let types = get("/locations/fsn1/machine-types").ok().unwrap();
    assert_eq!((types["items"][0]["id"].as_str(), types["items"][0]["price"]["currency"].as_str()), (Some("cx23"), Some("EUR")));
    assert_eq!(types["items"][1]["availability"], "sold_out");
    assert_eq!(get("/images").ok().unwrap()["items"][0]["id"], "debian-12");
    assert_eq!(get("/locations/a%20b/machine-types").code(), "invalid_input");
    let calls = place.cloud.plan.calls().len();
    get("/locations").ok().unwrap();
    assert_eq!(place.cloud.plan.calls().len(), calls, "from a moment ago");
    assert_eq!(
        place.try_create("n", &json!({ "credential": "crd_aaaaaaaaaaaaa", "location": "a", "machine_type": "b", "image": "c" })).code(),
        "unknown_credential"
    );
}

#[test]
fn a_credential_that_machines_need_goes_only_by_force_and_what_it_left_is_found_and_removed() {
    let place = Place::new();
    let node = place.create("needs-it");
    place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    let kept = place.world.api.delete(&place.of_credential("")).unwrap();
    assert_eq!((kept.status, kept.code()), (409, "credential_in_use"));
    let sweep = |all: &str| place.world.api.get(&place.of_credential(&format!("/leftovers{all}"))).unwrap().ok().unwrap();
    assert_eq!((sweep("")["items"].clone(), sweep("")["known"].as_u64()), (json!([]), Some(1)));
    let known = text(&sweep("?all=true")["items"][0]["reference"]);
    let remove =
        |reference: &str| place.world.api.post(&place.of_credential("/leftovers/remove"), &json!({ "reference": reference })).unwrap();
    assert_eq!(remove(&known).code(), "leftover_needed");
    assert_eq!(remove("77777").status, 404);
    // A deletion that is forced while the provider refuses leaves the machine behind.
    let name = text(&place.world.node(&node).unwrap()["provision"]["machine"]["name"]);
    place.cloud.cloud.protect(&name, true);
    place.delete(&node);
    place.wait(&node, "trouble", |node| node["provision"]["trouble"].is_object());
    let forced = place.world.api.delete(&place.world.of_org(&format!("/nodes/{node}?force=true"))).unwrap();
    forced.ok().unwrap();
    place.wait_gone(&node);
    assert_eq!(place.cloud.cloud.machines(), 1);
    let left = sweep("");
    assert_eq!((left["items"][0]["standing"].as_str(), left["items"][0]["node"].as_str()), (Some("no_node"), Some(node.as_str())));
    place.cloud.cloud.protect(&name, false);
    remove(&known).ok().unwrap();
    wait_for("the leftover to go", SOON, || Ok((place.cloud.cloud.machines() == 0).then_some(()))).unwrap();
    place.world.api.delete(&place.of_credential("")).unwrap().ok().unwrap();
}

#[test]
fn a_new_secret_lets_go_on_what_waits_for_it() {
    let place = Place::new();
    let node = place.create("waits");
    place.wait(&node, "a session", |node| node["status"]["state"] == "online");
    place.cloud.plan.never("GET", "/servers", Reply::This(Refusal::BadToken.response()));
    place.delete(&node);
    place.wait(&node, "trouble", |node| node["provision"]["trouble"]["class"] == "denied");
    place.cloud.plan.clear();
    let path = place.of_credential("/secret");
    let put = |secret: &str| place.world.api.send("PUT", &path, Some(&json!({ "secret": secret }).to_string()), &[]).unwrap();
    assert_eq!(put("nonsense").code(), "credential_refused");
    let replaced = put(TOKEN).ok().unwrap();
    assert_eq!(replaced["credential"]["version"], 2);
    place.wait_gone(&node);
    assert_eq!(place.cloud.cloud.machines(), 0);
}
