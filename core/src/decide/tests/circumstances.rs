//! What hangs on the circumstances of a command, not on its area: versions, repeats, limits; and the rarer reports.

use super::*;
use crate::access::{KeyOwner, Scope};
use crate::command::AccountCommand as C;
use crate::event::{Event, Exited, Isolation, Lost, NodeProvisioningFailed, ProvisionErrorClass, ProvisionStep, Restarting, UnitStep};
use crate::id::SessionId;
use crate::place::Ineligible;
use crate::state::NodeStatus;

const S: UnitId = UnitId::Service(ServiceId::from_u64(1));

fn refused(world: &mut World, request: &Request) -> &'static str {
    world.send(request).unwrap_err().code()
}

#[test]
fn a_change_of_something_that_has_changed_is_refused() {
    let mut world = World::with_nodes([1]);
    let rename = NodeCommand::Update { name: Some("other".into()), labels: None };
    let with_version = |expected_version, command| Request { expected_version, ..request(5, command) };
    let seen = world.node(1).version;
    world.given(on_node(1, NodeCommand::Drain { reason: String::new() }));
    assert_eq!(refused(&mut world, &with_version(Some(seen), on_node(1, rename.clone()))), "version_mismatch");
    let now = world.node(1).version;
    world.send(&with_version(Some(now), on_node(1, rename))).unwrap();
    let project = account(C::RenameProject { org: ORG, project: PROJECT, name: "x".into() });
    assert_eq!(refused(&mut world, &with_version(Some(999), project)), "version_mismatch");
    let org = account(C::RenameOrg { org: ORG, name: "x".into() });
    assert_eq!(refused(&mut world, &with_version(Some(999), org)), "version_mismatch");
}

#[test]
fn a_repeated_request_is_answered_as_the_first_and_forgotten_after_a_day() {
    let mut world = World::new();
    let asked = |now_ms, key: &str, body: u8, command| Request {
        idempotency: Some(Idempotency { key: key.into(), body_hash: [body; 32] }),
        ..request(now_ms, command)
    };
    let first = world.send(&asked(1_000_000, "k", 1, create_node(1))).unwrap();
    let kinds: Vec<&str> = first.drafts.iter().map(|draft| draft.event.name()).collect();
    assert_eq!(kinds, ["node.created", "request.recorded"]);
    let again = world.send(&asked(1_000_001, "k", 1, create_node(2))).unwrap();
    assert!(again.repeated && again.drafts.is_empty());
    assert_eq!(again.outcome, first.outcome);
    assert_eq!(refused(&mut world, &asked(1_000_002, "k", 2, create_node(2))), "idempotency_key_reused");
    for key in ["", "a b", "ä", &"k".repeat(129)] {
        assert_eq!(refused(&mut world, &asked(1_000_003, key, 1, create_node(2))), "out_of_range", "{key}");
    }
    let day_later = 1_000_000 + crate::state::REQUEST_MEMORY_MS;
    assert!(!world.send(&asked(day_later, "k", 2, create_node(2))).unwrap().repeated);
}

#[test]
fn only_owners_change_owners_and_limits_hold() {
    let mut world = World::new();
    let admin = UserId::from_u64(77);
    let invite = |user, email, role| {
        account(C::InviteMember {
            org: ORG,
            user,
            email_digest: digest(email),
            profile_version: 1,
            role,
            invitation: InvitationId::from_u64(user.as_u64()),
            digest: digest(9),
            expires_at: Timestamp::from_ms(u64::MAX),
        })
    };
    world.given(invite(admin, 77, Role::Admin));
    let accept = C::AcceptInvitation {
        org: ORG,
        invitation: InvitationId::from_u64(77),
        digest: digest(9),
        profile_version: 2,
        password_version: 1,
    };
    world.given(account(accept));
    let by_admin = |command| Request { actor: Actor::User(admin), ..request(6, command) };
    let crown = account(C::ChangeRole { org: ORG, user: admin, role: Role::Owner });
    assert_eq!(refused(&mut world, &by_admin(crown)), "owner_required");
    assert_eq!(refused(&mut world, &by_admin(account(C::RemoveMember { org: ORG, user: OWNER }))), "owner_required");
    assert_eq!(refused(&mut world, &by_admin(invite(UserId::from_u64(78), 78, Role::Owner))), "owner_required");

    let key = |number, scopes| {
        let (key, name) = (ApiKeyId::from_u64(number), "k".to_owned());
        account(C::CreateApiKey { org: ORG, key, name, scopes, owner: KeyOwner::Org, digest: digest(1) })
    };
    check(&mut world, key(1, vec![]), Err("out_of_range"));
    // Folded directly: a thousand comparisons with an independent fold would show nothing more.
    let org = world.state.orgs.get_mut(&ORG).unwrap();
    let created_at = Timestamp::from_ms(1);
    let known = crate::state::Key { name: "k".into(), scopes: vec![Scope::All], owner: KeyOwner::Org, digest: digest(1), created_at };
    org.keys.extend((0..1000).map(|number| (ApiKeyId::from_u64(10_000 + number), known.clone())));
    let full = decide(&world.state, &request(7, key(2, vec![Scope::All]))).unwrap_err();
    assert_eq!(full.code(), "out_of_range");
}

#[test]
fn sessions_end_once() {
    let mut world = World::new();
    let session = SessionId::from_u64(1);
    let (expires_at, address) = (Timestamp::from_ms(u64::MAX), String::new());
    world.given(account(C::StartSession { session, user: OWNER, digest: digest(1), expires_at, address }));
    check(&mut world, account(C::EndSession { session }), Ok(&["session.ended"]));
    check(&mut world, account(C::EndSession { session }), Ok(&[]));
}

#[test]
fn a_node_that_is_going_takes_no_more_orders() {
    let mut world = World::with_nodes([1]);
    world.given(on_node(1, NodeCommand::Delete { forced: false, connected: true }));
    check(&mut world, on_node(1, NodeCommand::Drain { reason: String::new() }), Err("node_deleting"));
    check(&mut world, on_node(1, NodeCommand::Delete { forced: false, connected: true }), Err("node_deleting"));
    let rotate = NodeCommand::RotateToken { token_version: 2, token_digest: digest(2) };
    check(&mut world, on_node(1, rotate), Err("node_deleting"));
    check(&mut world, on_node(1, NodeCommand::FinishDeletion), Ok(&["node.deleted"]));
}

#[test]
fn services_tell_the_same_story_as_workers() {
    let mut world = World::with_nodes([1]);
    let service = |number, name: &str| NewService {
        service: ServiceId::from_u64(number),
        name: name.into(),
        spec: spec(),
        operation: operation(number),
    };
    let create = DeploymentCommand::Create {
        project: PROJECT,
        name: "shop".into(),
        services: vec![service(1, "web"), service(2, "db")],
        labels: BTreeMap::new(),
        node: None,
    };
    world.given(Command::Deployment(ORG, DeploymentId::from_u64(5), create));
    let failed = Observed::Failed { step: UnitStep::PullImage, message: "no such image".into() };
    check(&mut world, report(1, 1, UnitId::Service(ServiceId::from_u64(2)), 2, failed), Ok(&["service.failed"]));
    check(&mut world, report(1, 1, S, 1, started()), Ok(&["service.started"]));
    check(&mut world, report(1, 1, S, 1, Observed::Restarting(Restarting { code: 1, restarts: 1 })), Ok(&["service.restarting"]));
    let exited = Exited { code: 1, oom_killed: false, message: String::new(), finished_at: Timestamp::from_ms(9) };
    check(&mut world, report(1, 1, S, 1, Observed::Exited(exited)), Ok(&["service.exited"]));
    check(&mut world, report(1, 1, S, 1, Observed::Lost(Lost { reason: "gone".into() })), Ok(&["service.lost"]));
    assert_eq!(world.node(1).load, 0);
}

#[test]
fn probes_and_orphans_are_told_when_they_are_news() {
    let mut world = World::with_nodes([1]);
    let said = |what| Command::Agent(ORG, node(1), 1, what);
    check(&mut world, said(AgentReport::Isolation(Isolation::Isolated)), Ok(&["node.isolation_probed"]));
    check(&mut world, said(AgentReport::Isolation(Isolation::Isolated)), Ok(&[]));
    let open = Isolation::Reachable { destinations: vec!["metadata service".into()] };
    check(&mut world, said(AgentReport::Isolation(open)), Ok(&["node.isolation_probed"]));
    let orphan = AgentReport::Orphan { unit: "x".repeat(10_000), container: "c".into() };
    check(&mut world, said(orphan), Ok(&["node.orphan_found"]));
}

/// No command of today's makes this event of a node without an attempt; what it means is fixed all the same.
#[test]
fn a_node_whose_provisioning_failed_takes_nothing_and_comes_online_all_the_same() {
    let mut world = World::new();
    world.given(create_node(1));
    let last = world.history.last().unwrap().clone();
    let (step, failure) = (ProvisionStep::CreateMachine, super::provision::failure(ProvisionErrorClass::Quota));
    let failed = NodeProvisioningFailed { node: node(1), attempt: 1, step, failure, nothing_made: true, kept_until: None };
    let record = Record { seq: last.seq + 1, stream_version: last.stream_version + 1, event: Event::from(failed), ..last };
    world.state.apply(&record);
    world.history.push(record);
    assert!(matches!(world.node(1).status, NodeStatus::ProvisioningFailed { .. }));
    assert_eq!(world.node(1).not_ready(), Some(Ineligible::NotProvisioned));
    world.given(connect(1));
    assert!(matches!(world.node(1).status, NodeStatus::Online { .. }));
}
