//! Where people and keys call from: one event when it changes, before what they did.

use super::*;
use crate::access::{KeyOwner, Scope};

fn asked(address: &str, number: u64) -> Request {
    Request { address: Some(address.into()), ..request(2_000_000, create_node(number)) }
}

#[track_caller]
fn check(world: &mut World, request: &Request, expected: &[&str]) {
    let decision = world.send(request).unwrap();
    assert_eq!(decision.drafts.iter().map(|draft| draft.event.name()).collect::<Vec<_>>(), expected);
}

#[test]
fn an_address_is_told_when_it_changes_and_only_then() {
    let mut world = World::new();
    check(&mut world, &asked("203.0.113.9", 1), &["actor.seen", "node.created"]);
    check(&mut world, &asked("203.0.113.9", 2), &["node.created"]);
    check(&mut world, &asked("203.0.113.10", 3), &["actor.seen", "node.created"]);
    check(&mut world, &asked("203.0.113.9", 4), &["actor.seen", "node.created"]);
}

#[test]
fn what_changes_nothing_tells_no_address() {
    let mut world = World::new();
    check(&mut world, &asked("203.0.113.9", 1), &["actor.seen", "node.created"]);
    let again = world.send(&asked("203.0.113.77", 1)).unwrap_err();
    assert_eq!(again.code(), "already_exists");
    assert_eq!(world.state.orgs[&ORG].addresses[&Actor::User(OWNER)], "203.0.113.9");
}

#[test]
fn who_is_gone_is_forgotten() {
    let mut world = World::new();
    let key = ApiKeyId::from_u64(77);
    let create = AccountCommand::CreateApiKey {
        org: ORG,
        key,
        name: "ci".into(),
        scopes: vec![Scope::All],
        owner: KeyOwner::User(OWNER),
        digest: digest(3),
    };
    world.given(account(create));
    let by_key = Request { actor: Actor::ApiKey(key), ..asked("198.51.100.1", 1) };
    check(&mut world, &by_key, &["actor.seen", "node.created"]);
    world.given(account(AccountCommand::RevokeApiKey { org: ORG, key }));
    assert!(world.state.orgs[&ORG].addresses.is_empty());
}
