//! Credentials at clouds.

use super::provision::{CREDENTIAL, add_credential, after, failed, provision, verified};
use super::*;
use crate::state::NodeStatus;

fn on_credential(command: CredentialCommand) -> Command {
    Command::Credential(ORG, CREDENTIAL, command)
}

fn replace(version: u32, account: Option<&str>) -> Command {
    on_credential(CredentialCommand::Replace { version, fingerprint: "11".into(), account: account.map(str::to_owned) })
}

fn delete(forced: bool) -> Command {
    on_credential(CredentialCommand::Delete { forced })
}

#[test]
fn a_credential_has_a_free_name_and_a_place() {
    let mut world = after(0);
    check(&mut world, add_credential(70, "other", "hetzner"), Err("already_exists"));
    check(&mut world, add_credential(71, "main", "hetzner"), Err("name_taken"));
    check(&mut world, add_credential(71, "No", "hetzner"), Err("invalid_input"));
    check(&mut world, add_credential(71, "other", ""), Err("invalid_input"));
    for number in 71..170 {
        check(&mut world, add_credential(number, &format!("c-{number}"), "google"), Ok(&["credential.added"]));
    }
    check(&mut world, add_credential(170, "more", "google"), Err("out_of_range"));
    let other = Command::Credential(ORG, CredentialId::from_u64(999), CredentialCommand::Delete { forced: false });
    check(&mut world, other, Err("not_found"));
}

#[test]
fn a_new_secret_is_of_the_same_account() {
    let mut world = after(0);
    check(&mut world, replace(3, Some("acme")), Err("credential_version_taken"));
    check(&mut world, replace(2, Some("other")), Err("account_differs"));
    check(&mut world, replace(2, Some("acme")), Ok(&["credential.replaced"]));
    check(&mut world, replace(2, Some("acme")), Err("credential_version_taken"));
    check(&mut world, replace(3, None), Ok(&["credential.replaced"]));
    assert_eq!(world.state.orgs[&ORG].credentials[&CREDENTIAL].version, 3);
}

#[test]
fn a_credential_that_nothing_needs_goes() {
    let mut world = after(0);
    check(&mut world, delete(false), Ok(&["credential.deleted"]));
    check(&mut world, provision(1), Err("not_found"));
    let mut world = after(2);
    world.given(failed(1, true));
    check(&mut world, delete(false), Ok(&["credential.deleted"]));
}

#[test]
fn a_credential_that_machines_need_goes_only_by_force_and_says_what_was_given_up() {
    let mut world = after(1);
    check(&mut world, delete(false), Err("credential_in_use"));
    check(&mut world, delete(true), Ok(&["node.provisioning_failed", "credential.deleted"]));
    check(&mut world, verified(1), Err("stale_attempt"));
    for steps in 3..=4 {
        let mut world = after(steps);
        let expected = ["node.provisioning_failed", "node.machine_removal_intended", "node.machine_abandoned", "credential.deleted"];
        check(&mut world, delete(true), Ok(&expected));
        assert!(matches!(world.node(1).status, NodeStatus::ProvisioningFailed { .. }));
        check(
            &mut world,
            on_node(1, NodeCommand::Delete { forced: false, connected: false }),
            Ok(&["node.deletion_started", "node.deleted"]),
        );
    }
    let mut world = after(6);
    check(&mut world, delete(false), Err("credential_in_use"));
    check(&mut world, delete(true), Ok(&["node.machine_abandoned", "credential.deleted"]));
    assert!(matches!(world.node(1).status, NodeStatus::Online { .. }), "it runs on without us");
    let mut world = after(4);
    world.given(on_node(1, NodeCommand::Delete { forced: false, connected: false }));
    check(&mut world, delete(true), Ok(&["node.machine_abandoned", "node.deleted", "credential.deleted"]));
}

#[test]
fn a_leftover_s_removal_is_told_before_it_is_done() {
    let mut world = after(0);
    let remove = CredentialCommand::RemoveLeftover { reference: "42".into(), name: "spunto-x".into(), node: Some(node(9)) };
    check(&mut world, on_credential(remove), Ok(&["leftover.removal_requested"]));
}
