//! Every row of the vendors' tables of errors: its class, whether it may have happened, and the provider's own words.

use std::time::Duration;

use spunto_actors::cloud::conformance::{Rig, order};
use spunto_actors::cloud::{Fault, FaultKind, Happened, Operation, Order, Progress, ownership};
use spunto_core::id::NodeId;
use spunto_tests::cloud::google::LateFailure;
use spunto_tests::cloud::google::refusal::{self as late, Refusal as Google};
use spunto_tests::cloud::hetzner::{self, refusal::Refusal as Hetzner};
use spunto_tests::cloud::{Answer, Response};

use super::rig::{AtGoogle, AtHetzner, OURS, Place};

const LIMITED: FaultKind = FaultKind::RateLimited { retry_after: None };

/// The words of a refusal, as they are to be shown.
fn words(response: &Response) -> (String, String) {
    let value: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let error = &value["error"];
    // Google's status is a number, and its word stands in a list that may be missing.
    let code = [&error["code"], &error["errors"][0]["reason"]].into_iter().find_map(|code| code.as_str().map(str::to_owned));
    let code = code.unwrap_or_else(|| error["code"].to_string());
    (code, text(&value["error"]["message"]))
}

async fn refused(place: &impl Place, response: Response) -> Fault {
    let (code, message) = words(&response);
    let response = response.with("X-Correlation-Id", "c0ffee").with("X-Goog-Request-Id", "c0ffee");
    place.plan().instead("POST", place.paths().create, Answer::This(response));
    let fault = place.ours().create(&order(place, 5, 1)).await.unwrap_err();
    assert!(fault.message.starts_with(&message), "the provider's words: {fault}");
    assert_eq!((&*fault.code, fault.request_id.as_deref()), (code.as_str(), Some("c0ffee")), "{fault}");
    assert!(!fault.next_step.is_empty());
    assert_eq!(place.ever_made(), 0);
    fault
}

#[tokio::test]
async fn hetzner_s_table() {
    use FaultKind::*;
    let rows = [
        (Hetzner::NoToken, CredentialDenied, Happened::No),
        (Hetzner::BadToken, CredentialDenied, Happened::No),
        (Hetzner::ReadOnlyToken, Forbidden, Happened::No),
        (Hetzner::ServerLimit, Quota, Happened::No),
        (Hetzner::AddressLimit, Quota, Happened::No),
        (Hetzner::UnknownLocation, BadLocation, Happened::No),
        (Hetzner::UnknownLocationBare, BadLocation, Happened::No),
        (Hetzner::UnknownServerType, BadMachineType, Happened::No),
        (Hetzner::TypeNotSoldThere, BadMachineType, Happened::No),
        (Hetzner::UnknownImage, BadImage, Happened::No),
        (Hetzner::NotFound("image"), BadImage, Happened::No),
        (Hetzner::SoldOut, NoCapacity, Happened::No),
        (Hetzner::LocationDisabled, NoCapacity, Happened::No),
        (Hetzner::Placement, NoCapacity, Happened::No),
        (Hetzner::NameTaken, NameTaken, Happened::No),
        (Hetzner::Conflict, Unavailable, Happened::No),
        (Hetzner::Locked, Unavailable, Happened::No),
        (Hetzner::Protected, Forbidden, Happened::No),
        (Hetzner::RateLimit, LIMITED, Happened::No),
        (Hetzner::BadGateway, Unavailable, Happened::Unknown),
        (Hetzner::Timeout, Unavailable, Happened::Unknown),
        (Hetzner::Unavailable, Unavailable, Happened::Unknown),
        (Hetzner::ServerError, Unavailable, Happened::Unknown),
        (Hetzner::Invalid("name"), Unknown, Happened::No),
        (Hetzner::DatacentersAreGone, Unknown, Happened::No),
    ];
    let place = AtHetzner::new();
    for (refusal, kind, happened) in rows {
        let fault = refused(&place, refusal.response()).await;
        assert_eq!((&fault.kind, fault.happened), (&kind, happened), "{refusal:?}: {fault}");
    }
}

#[tokio::test]
async fn google_s_table() {
    use FaultKind::*;
    let rows = [
        (Google::BadToken, CredentialDenied, Happened::No),
        (Google::ApiDisabled, Forbidden, Happened::No),
        (Google::NoPermission, Forbidden, Happened::No),
        (Google::NoBilling, Forbidden, Happened::No),
        (Google::Quota, Quota, Happened::No),
        (Google::UnknownZone("x".to_owned()), BadLocation, Happened::No),
        (Google::BadMachineType, BadMachineType, Happened::No),
        (Google::BadMachineTypeField, BadMachineType, Happened::No),
        (Google::BadImage, BadImage, Happened::No),
        (Google::no_such("projects/p/global/networks/default"), Unknown, Happened::No),
        (Google::no_such("projects/p"), CredentialDenied, Happened::No),
        (Google::exists("zones/us-central1-a/instances/x"), NameTaken, Happened::No),
        (Google::InUse("x".to_owned()), Unavailable, Happened::No),
        (Google::RateLimit, LIMITED, Happened::No),
        (Google::TooManyRequests, LIMITED, Happened::No),
        (Google::Invalid("resource.labels"), Unknown, Happened::No),
        (Google::Backend, Unavailable, Happened::Unknown),
        (Google::Bare, Forbidden, Happened::No),
    ];
    let place = AtGoogle::new();
    for (refusal, kind, happened) in rows {
        let fault = refused(&place, refusal.response()).await;
        assert_eq!((&fault.kind, fault.happened), (&kind, happened), "{refusal:?}: {fault}");
    }
}

/// What a creation that was accepted comes to.
async fn failed(place: &AtGoogle, failure: LateFailure) -> Fault {
    place.0.cloud.fail_later(failure);
    let provider = place.ours();
    let begun = provider.create(&order(place, 5, 1)).await.unwrap();
    match provider.progress(&begun.operation.unwrap()).await.unwrap() {
        Progress::Failed(fault) => fault,
        other => panic!("it was to fail: {other:?}"),
    }
}

#[tokio::test]
async fn google_s_operations_fail_with_their_reason() {
    let fault = failed(&AtGoogle::new(), late::exhausted()).await;
    assert_eq!((&fault.kind, &*fault.code), (&FaultKind::NoCapacity, "ZONE_RESOURCE_POOL_EXHAUSTED"));
    assert!(fault.message.contains("does not have enough resources available") && fault.alternatives.is_empty());

    let fault = failed(&AtGoogle::new(), late::exhausted_with_details()).await;
    assert_eq!(fault.kind, FaultKind::NoCapacity);
    assert!(fault.message.starts_with("An e2-medium VM instance is currently unavailable in the us-central1-a zone."), "{fault}");
    assert_eq!(*fault.alternatives, ["us-central1-b", "us-central1-f"]);

    let fault = failed(&AtGoogle::new(), late::quota()).await;
    assert_eq!((&fault.kind, &*fault.code), (&FaultKind::Quota, "QUOTA_EXCEEDED"));

    let fault = failed(&AtGoogle::new(), late::silent()).await;
    assert_eq!((&fault.kind, &*fault.message), (&FaultKind::Unavailable, "SERVICE UNAVAILABLE"));
}

#[tokio::test]
async fn hetzner_says_where_else_there_is_one() {
    let place = AtHetzner::new();
    place.0.cloud.sell_out("cx23", "fsn1");
    place.0.cloud.sell_out("cx23", "nbg1");
    let fault = place.ours().create(&order(&place, 5, 1)).await.unwrap_err();
    assert_eq!((&fault.kind, &*fault.alternatives), (&FaultKind::NoCapacity, &["hel1".to_owned()][..]));
    assert_eq!(place.ever_made(), 0, "nothing is chosen silently");
}

#[tokio::test]
async fn wrong_choices_are_told_by_the_clouds_as_they_are() {
    let place = AtHetzner::new();
    let good = order(&place, 5, 1);
    for (order, kind) in [
        (Order { location: "ash".into(), ..good.clone() }, FaultKind::BadLocation),
        (Order { machine_type: "cx1".into(), ..good.clone() }, FaultKind::BadMachineType),
        (Order { location: "hil".into(), ..good.clone() }, FaultKind::BadMachineType),
        (Order { image: "plan9".into(), ..good.clone() }, FaultKind::BadImage),
    ] {
        assert_eq!(place.ours().create(&order).await.unwrap_err().kind, kind);
    }
    let place = AtGoogle::new();
    let good = order(&place, 5, 1);
    for (order, kind) in [
        (Order { location: "mars-north1-a".into(), ..good.clone() }, FaultKind::BadLocation),
        (Order { machine_type: "e2-nothing".into(), ..good.clone() }, FaultKind::BadMachineType),
        (Order { image: "projects/debian-cloud/global/images/family/debian-1".into(), ..good.clone() }, FaultKind::BadImage),
    ] {
        assert_eq!(place.ours().create(&order).await.unwrap_err().kind, kind);
    }
    for location in ["", "..", "a/../b"] {
        let fault = place.ours().create(&Order { location: location.into(), ..good.clone() }).await.unwrap_err();
        assert_eq!(fault.happened, Happened::No, "{fault}");
    }
    assert_eq!(place.ever_made(), 0);
}

#[tokio::test]
async fn a_token_that_may_only_read_is_found_before_anything_is_made() {
    let place = AtHetzner::new();
    let provider = place.account(&place.settings(OURS), hetzner::READ_ONLY);
    let fault = provider.verify().await.unwrap_err();
    assert_eq!((&fault.kind, &*fault.code), (&FaultKind::Forbidden, "token_readonly"));
    assert!(fault.next_step.contains("read and write"), "{}", fault.next_step);
    assert!(place.ours().verify().await.is_ok());
    assert_eq!(place.ever_made(), 0);
}

#[tokio::test]
async fn what_is_wrong_with_google_s_credential_is_told_when_it_is_verified() {
    let place = AtGoogle::new();
    let fault = place.denied().verify().await.unwrap_err();
    assert_eq!((&*fault.code, &*fault.message), ("invalid_grant", "Invalid JWT Signature."));
    assert!(fault.next_step.contains("Make a new key"));

    place.plan().instead("GET", "/projects/", Answer::This(Google::ApiDisabled.response()));
    let fault = place.ours().verify().await.unwrap_err();
    assert!(
        fault.next_step.contains("Enable the Compute Engine API") && fault.message.contains("https://console.developers.google.com/"),
        "{fault}"
    );

    let elsewhere = place.credential().replace("spunto-fake\"", "gone-project\"");
    let fault = place.account(&place.settings(OURS), &elsewhere).verify().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::CredentialDenied, "{fault}");
    assert!(fault.message.contains("projects/gone-project"));
}

#[tokio::test]
async fn a_token_that_is_not_taken_any_more_is_replaced_once_it_was_refused() {
    let place = AtGoogle::new();
    let provider = place.ours();
    provider.verify().await.unwrap();
    place.0.cloud.revoke_tokens(false);
    assert_eq!(provider.verify().await.unwrap_err().kind, FaultKind::CredentialDenied);
    provider.verify().await.unwrap();
    assert_eq!(place.0.cloud.tokens_given(), 1);
}

#[tokio::test]
async fn an_exchange_that_fails_has_done_nothing() {
    let place = AtGoogle::new();
    place.plan().instead("POST", "/token", Answer::Close);
    let fault = place.ours().create(&order(&place, 5, 1)).await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::No), "{fault}");
    place.plan().instead("POST", "/token", Answer::This(Response::page(502, "502 Bad Gateway")));
    assert_eq!(place.ours().create(&order(&place, 5, 1)).await.unwrap_err().happened, Happened::No);
}

#[tokio::test]
async fn a_rate_limit_says_when() {
    let place = AtHetzner::new();
    place.0.cloud.leave_calls(0);
    let FaultKind::RateLimited { retry_after: Some(wait) } = place.ours().verify().await.unwrap_err().kind else { panic!("it says when") };
    assert!(wait > Duration::from_secs(3_000) && wait <= Duration::from_secs(3_600), "{wait:?}");
    let place = AtGoogle::new();
    place.plan().instead("GET", "/projects/", Answer::This(Google::TooManyRequests.response().with("Retry-After", 17)));
    let kind = place.ours().verify().await.unwrap_err().kind;
    assert_eq!(kind, FaultKind::RateLimited { retry_after: Some(Duration::from_secs(17)) });
}

#[tokio::test]
async fn a_protected_server_is_not_gone_and_says_what_to_do() {
    let place = AtHetzner::new();
    let provider = place.ours();
    let order = order(&place, 5, 1);
    let machine = provider.create(&order).await.unwrap().machine;
    place.0.cloud.protect(&ownership::machine_name(order.node), true);
    let fault = provider.delete(&machine).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Forbidden);
    assert!(fault.next_step.contains("protection off"));
    assert_eq!(place.machines(), 1);
}

#[tokio::test]
async fn a_zone_that_does_not_answer_makes_no_list_look_whole() {
    let place = AtGoogle::new();
    place.ours().create(&order(&place, 5, 1)).await.unwrap();
    place.0.cloud.cut_off("us-central1-b");
    for fault in [place.ours().list().await.unwrap_err(), place.ours().find(NodeId::from_u64(6)).await.unwrap_err()] {
        assert_eq!(fault.kind, FaultKind::Unavailable);
        assert!(fault.message.contains("us-central1-b"), "{fault}");
    }
}

#[tokio::test]
async fn an_operation_that_is_not_known_is_forgotten() {
    let (hetzner, google) = (AtHetzner::new(), AtGoogle::new());
    assert_eq!(hetzner.ours().progress(&Operation("1,2".into())).await.unwrap(), Progress::Forgotten);
    let operation = Operation("zones/us-central1-a/operations/operation-1".into());
    assert_eq!(google.ours().progress(&operation).await.unwrap(), Progress::Forgotten);
}
