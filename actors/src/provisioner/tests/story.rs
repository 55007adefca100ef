//! What a provision is without trouble, and how each sort of failure ends.

use spunto_core::event::{Event, ProvisionErrorClass};
use spunto_core::plan::provision::{CREATE_WITHIN_MS, HANDSHAKE_WITHIN_MS, KEPT_MS};
use spunto_events::vault::SecretKind;

use super::*;
use crate::cloud::fake::{Ask, Mishap};
use crate::cloud::{Fault, FaultKind, Happened};
use crate::custodian::Custodian;

fn refused(kind: FaultKind) -> Fault {
    let fault = Fault::new("Fake Cloud", kind, Happened::No, "limit", "server limit exceeded");
    fault.with_request(Some("r-1".into())).with_alternatives(vec!["there".into()])
}

#[tokio::test(start_paused = true)]
async fn a_node_is_made_comes_online_and_goes_with_its_machine() {
    let mut world = World::new(None).await;
    world.create().await;
    world.until_online().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1));
    let price = world.node(|node| node.machine.as_ref().unwrap().price.clone()).unwrap().unwrap();
    assert_eq!((price.currency.as_str(), price.hourly.as_str()), ("EUR", "0.0060"));
    world.pass(2 * CREATE_WITHIN_MS).await;
    assert_eq!(world.machines(), 1, "it runs on");
    world.delete().await;
    world.until_gone().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (0, 1));
    let expected = [
        "node.created",
        "node.provision_requested",
        "node.credential_verified",
        "node.machine_intended",
        "node.machine_ordered",
        "node.machine_created",
        "node.enrolled",
        "node.online",
        "node.deletion_started",
        "node.machine_removal_intended",
        "node.machine_removed",
        "node.deleted",
    ];
    assert_eq!(world.kinds(), expected);
    assert_eq!(world.unruly.creates(), 1);
    let of_attempt = |record: &&Record| matches!(record.event, Event::NodeCredentialVerified(_) | Event::NodeMachineRemoved(_));
    assert!(world.verify().iter().filter(of_attempt).all(|record| record.correlation == 9), "an attempt is one correlation");
}

#[tokio::test(start_paused = true)]
async fn an_agent_may_be_faster_than_the_provider_s_word() {
    let mut world = World::new(None).await;
    world.boot_ticks = 0;
    world.create().await;
    world.until_online().await;
    let reached = world.node(|node| node.provision.as_ref().unwrap().reached).unwrap();
    assert_eq!(reached.created_at, reached.online_at);
    world.pass(2 * CREATE_WITHIN_MS).await;
    assert_eq!(world.machines(), 1);
    world.delete().await;
    world.until_gone().await;
    assert_eq!(world.machines(), 0);
    assert!(!world.kinds().contains(&"node.machine_created"));
}

#[tokio::test(start_paused = true)]
async fn what_can_t_pass_ends_at_once_in_the_provider_s_words_and_a_retry_comes_right() {
    for kind in [FaultKind::Quota, FaultKind::NoCapacity, FaultKind::BadLocation, FaultKind::Forbidden] {
        let mut world = World::new(None).await;
        world.cloud.mishap(Ask::Create, Mishap::Refused(refused(kind.clone())));
        world.create().await;
        let begun = world.clock.now();
        world.until_failed().await;
        assert!(world.clock.now().ms_since(begun) < 5_000, "{kind:?}");
        let failed = world.node(|node| node.provision.as_ref().unwrap().failed.clone().unwrap()).unwrap();
        assert_eq!((failed.failure.message.as_str(), failed.failure.code.as_str()), ("server limit exceeded", "limit"));
        assert_eq!(failed.failure.class, refused(kind).class());
        assert_eq!(failed.failure.alternatives, ["there"]);
        assert!(world.node(|node| node.machine.is_none()).unwrap(), "it is certain that nothing was made");
        world.retry().await;
        world.until_online().await;
        assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1));
        world.delete().await;
        world.until_gone().await;
        assert_eq!(world.machines(), 0);
        world.verify();
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_refused_is_told_at_the_first_step() {
    let mut world = World::new(None).await;
    world.cloud.mishap(Ask::Verify, Mishap::Refused(refused(FaultKind::CredentialDenied)));
    world.create().await;
    world.until_failed().await;
    let class = world.node(|node| node.provision.as_ref().unwrap().failed.as_ref().unwrap().failure.class);
    assert_eq!(class, Some(ProvisionErrorClass::Denied));
    assert_eq!(world.unruly.creates(), 0);
    world.delete().await;
    world.until_gone().await;
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_fails_after_it_was_ordered_tells_the_operation_s_reason_and_goes() {
    let mut world = World::new(None).await;
    world.cloud.fail_later(Fault::new("Fake Cloud", FaultKind::NoCapacity, Happened::Unknown, "sold_out", "no machine is free"));
    world.create().await;
    world.until_failed().await;
    let failed = world.node(|node| node.provision.as_ref().unwrap().failed.clone().unwrap()).unwrap();
    assert_eq!((failed.failure.class, failed.failure.code.as_str()), (ProvisionErrorClass::NoCapacity, "sold_out"));
    world.until("cleared", |node| node.is_some_and(|node| node.machine.is_none())).await;
    world.retry().await;
    world.until_online().await;
    assert_eq!(world.machines(), 1);
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_never_answers_is_given_up_with_what_it_said_last() {
    let mut world = World::new(None).await;
    let down = Fault::new("Fake Cloud", FaultKind::Unavailable, Happened::No, "503", "under maintenance");
    for _ in 0..1000 {
        world.cloud.mishap(Ask::Create, Mishap::Refused(down.clone()));
    }
    world.create().await;
    world.until("in trouble", |node| node.is_some_and(|node| node.machine.is_some())).await;
    world.pass(30_000).await;
    let trouble = world.server.board.look(NODE).trouble.unwrap();
    assert_eq!((trouble.failure.message.as_str(), trouble.tries > 2), ("under maintenance", true));
    let begun = world.node(|node| node.provision.as_ref().unwrap().step_since()).unwrap();
    world.until_failed().await;
    assert_eq!(world.clock.now().ms_since(begun) / 1000, CREATE_WITHIN_MS / 1000);
    assert!(world.unruly.creates() < 25, "{} calls", world.unruly.creates());
    let failed = world.node(|node| node.provision.as_ref().unwrap().failed.clone().unwrap()).unwrap();
    assert_eq!(failed.failure.message, "under maintenance");
    world.until("cleared", |node| node.is_some_and(|node| node.machine.is_none())).await;
    assert_eq!(world.server.board.look(NODE).trouble, None);
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_never_calls_is_kept_half_an_hour_and_removed() {
    let mut world = World::new(None).await;
    world.machines_call = false;
    world.create().await;
    world.until_failed().await;
    let (created, failed) = world
        .node(|node| {
            let provision = node.provision.as_ref().unwrap();
            (provision.reached.created_at.unwrap(), provision.failed.clone().unwrap())
        })
        .unwrap();
    assert_eq!(failed.failure.class, ProvisionErrorClass::NoHandshake);
    assert_eq!(failed.at.ms_since(created), HANDSHAKE_WITHIN_MS);
    world.pass(KEPT_MS - 5_000).await;
    assert_eq!(world.machines(), 1);
    world.until("removed", |node| node.is_some_and(|node| node.machine.is_none())).await;
    assert_eq!(world.machines(), 0);
    assert!(world.node(|node| matches!(node.status, NodeStatus::ProvisioningFailed { .. })).unwrap(), "it stays to be looked at");
    world.machines_call = true;
    world.retry().await;
    world.until_online().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 2));
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_late_call_still_counts() {
    let mut world = World::new(None).await;
    world.machines_call = false;
    world.create().await;
    world.until_failed().await;
    world.pass(KEPT_MS / 2).await;
    world.machines_call = true;
    world.until_online().await;
    world.pass(2 * KEPT_MS).await;
    assert_eq!(world.machines(), 1, "a machine whose node is online is no leftover");
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_retry_removes_the_machine_before() {
    let mut world = World::new(None).await;
    world.machines_call = false;
    world.create().await;
    world.until_failed().await;
    world.machines_call = true;
    world.retry().await;
    world.until_online().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 2));
    assert_eq!(world.node(|node| node.machine.as_ref().unwrap().attempt), Some(2));
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn somebody_else_s_machine_of_that_name_is_left_alone_and_told() {
    let mut world = World::new(None).await;
    world.cloud.plant(&ownership::machine_name(NODE));
    world.machines_call = false;
    world.create().await;
    world.until_failed().await;
    let class = world.node(|node| node.provision.as_ref().unwrap().failed.as_ref().unwrap().failure.class);
    assert_eq!(class, Some(ProvisionErrorClass::NameTaken));
    world.delete().await;
    world.until_gone().await;
    assert_eq!(world.machines(), 1);
    world.verify();
}

#[tokio::test(start_paused = true)]
async fn a_removal_waits_for_a_credential_that_works_again() {
    let mut world = World::new(None).await;
    world.create().await;
    world.until_online().await;
    for _ in 0..1000 {
        world.cloud.mishap(Ask::Find, Mishap::Refused(refused(FaultKind::CredentialDenied)));
    }
    world.delete().await;
    world.pass(60 * 60 * 1000).await;
    assert!(world.node(|node| matches!(node.status, NodeStatus::Deleting { .. })).unwrap());
    assert_eq!(world.server.board.look(NODE).trouble.unwrap().failure.class, ProvisionErrorClass::Denied);
    assert!(world.unruly.calls() < 40, "a hopeless call is not made all the time: {}", world.unruly.calls());
    // Forced, it goes, and says that the machine may be there still.
    world.given(Command::Node(ORG, NODE, NodeCommand::Delete { forced: true, connected: false })).await;
    world.until_gone().await;
    assert!(world.kinds().contains(&"node.machine_abandoned"));
    assert_eq!(world.machines(), 1);
    let found = super::super::sweep::standing(ORG, &world.server.directory.view().state.orgs[&ORG], &leftover());
    assert_eq!(found, Some(super::super::sweep::Standing::NoNode(NODE)));
}

fn leftover() -> crate::cloud::Resource {
    crate::cloud::Resource {
        kind: crate::cloud::ResourceKind::Machine,
        reference: "1".into(),
        name: ownership::machine_name(NODE),
        location: "here".into(),
        state: "running".into(),
        machine_type: None,
        address: None,
        created: None,
        org: Some(ORG),
        node: Some(NODE),
        attempt: Some(1),
    }
}

#[tokio::test(start_paused = true)]
async fn the_sweep_tells_what_the_log_knows_from_what_it_does_not() {
    use super::super::sweep::{Standing, standing};
    let mut world = World::new(None).await;
    world.create().await;
    world.until_online().await;
    let stands =
        |world: &World, resource: &crate::cloud::Resource| world.server.directory.read(|state| standing(ORG, &state.orgs[&ORG], resource));
    assert_eq!(stands(&world, &leftover()), Some(Standing::Known(NODE)));
    assert_eq!(stands(&world, &crate::cloud::Resource { attempt: Some(2), ..leftover() }), Some(Standing::Forgotten(NODE)));
    assert_eq!(stands(&world, &crate::cloud::Resource { node: None, ..leftover() }), Some(Standing::Unlabelled));
    assert_eq!(stands(&world, &crate::cloud::Resource { org: Some(OrgId::from_u64(99)), ..leftover() }), None);
    let nobody = crate::cloud::Resource { node: Some(NodeId::from_u64(99)), ..leftover() };
    assert_eq!(stands(&world, &nobody), Some(Standing::NoNode(NodeId::from_u64(99))));
}

#[tokio::test(start_paused = true)]
async fn an_enrolment_token_s_secret_is_erased_when_it_is_dead() {
    let mut world = World::new(None).await;
    let kept = |world: &World| {
        let names = world.vault.list().unwrap();
        names.into_iter().filter(|name| name.kind == SecretKind::EnrolmentToken).map(|name| name.version).collect::<Vec<_>>()
    };
    let seen = world.server.directory.read(State::clone);
    Custodian::start(world.server.directory.feed(), Arc::clone(&world.vault), &seen);
    world.machines_call = false;
    world.create().await;
    assert_eq!(kept(&world), [1]);
    world.until_failed().await;
    world.machines_call = true;
    world.retry().await;
    world.until_online().await;
    // The custodian is a thread of its own.
    for _ in 0..1000 {
        if kept(&world).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(kept(&world), [0_u32; 0]);
    world.restart().await;
    assert_eq!(kept(&world), [0_u32; 0]);
}
