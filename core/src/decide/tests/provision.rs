//! An attempt to provision: its steps, its failures, another one after it, and the removal of what it made.

use super::*;
use crate::event::{MachineWish, ProvisionErrorClass, ProvisionFailure, ProvisionStep, RemovalReason};
use crate::plan::provision::{ENROLMENT_VALID_MS, KEPT_MS};
use crate::state::{Node, NodeStatus};
use crate::stepper::{Line, LineState, lines};

pub(super) const CREDENTIAL: CredentialId = CredentialId::from_u64(70);

pub(super) fn wish(location: &str) -> MachineWish {
    MachineWish { provider: "hetzner".into(), location: location.into(), machine_type: "cx23".into(), image: "debian-12".into() }
}

pub(super) fn on_machine(number: u64, command: ProvisionCommand) -> Command {
    Command::Provision(ORG, node(number), command)
}

pub(super) fn add_credential(number: u64, name: &str, provider: &str) -> Command {
    let (provider, name, fingerprint) = (provider.into(), name.into(), "00aa11bb".into());
    let add = CredentialCommand::Add { provider, name, fingerprint, account: Some("acme".into()) };
    Command::Credential(ORG, CredentialId::from_u64(number), add)
}

pub(super) fn provision(number: u64) -> Command {
    let create = ProvisionCommand::Create {
        name: format!("node-{number}"),
        labels: BTreeMap::new(),
        token_digest: digest(1),
        wish: wish("fsn1"),
        credential: CREDENTIAL,
        enrolment_digest: digest(11),
    };
    on_machine(number, create)
}

pub(super) fn retry(number: u64, attempt: u32) -> Command {
    let (enrolment_digest, token_digest) = (digest(10 + u8::try_from(attempt).unwrap()), digest(2));
    let retry = ProvisionCommand::Retry {
        attempt,
        wish: wish("nbg1"),
        credential: CREDENTIAL,
        enrolment_digest,
        token_version: attempt,
        token_digest,
    };
    on_machine(number, retry)
}

pub(super) fn verified(attempt: u32) -> Command {
    on_machine(1, ProvisionCommand::NoteVerified { attempt, account: Some("acme".into()) })
}

pub(super) fn intended(attempt: u32) -> Command {
    on_machine(1, ProvisionCommand::IntendMachine { attempt, name: "spunto-x".into(), price: None })
}

pub(super) fn ordered(attempt: u32) -> Command {
    on_machine(1, ProvisionCommand::NoteOrdered { attempt, reference: "42".into(), operation: Some("op-1".into()), found: false })
}

pub(super) fn created(attempt: u32) -> Command {
    on_machine(1, ProvisionCommand::NoteCreated { attempt, reference: "42".into(), address: Some("203.0.113.80".into()) })
}

pub(super) fn failure(class: ProvisionErrorClass) -> ProvisionFailure {
    let (message, code, next_step) = ("server limit exceeded".into(), "resource_limit_exceeded".into(), "Ask for more.".into());
    ProvisionFailure { class, message, code, request_id: Some("r-1".into()), next_step, alternatives: vec!["nbg1".into()] }
}

pub(super) fn failed(attempt: u32, nothing_made: bool) -> Command {
    on_machine(1, ProvisionCommand::Fail { attempt, failure: failure(ProvisionErrorClass::Quota), nothing_made })
}

pub(super) fn removed(attempt: u32) -> Command {
    on_machine(1, ProvisionCommand::NoteRemoved { attempt })
}

/// A world with a credential, and node 1 after so many steps of its first attempt.
pub(super) fn after(steps: usize) -> World {
    let mut world = World::new();
    world.given(add_credential(70, "main", "hetzner"));
    for command in [provision(1), verified(1), intended(1), ordered(1), created(1), connect(1)].into_iter().take(steps) {
        world.given(command);
    }
    world
}

fn step(node: &Node) -> Option<ProvisionStep> {
    match node.status {
        NodeStatus::Provisioning { step, .. } => Some(step),
        _ => None,
    }
}

#[test]
fn an_attempt_goes_through_its_steps_to_online() {
    let mut world = after(0);
    check(&mut world, provision(1), Ok(&["node.created", "node.provision_requested"]));
    assert_eq!(step(world.node(1)), Some(ProvisionStep::VerifyCredential));
    check(&mut world, intended(1), Err("wrong_machine"));
    check(&mut world, verified(1), Ok(&["node.credential_verified"]));
    check(&mut world, verified(1), Ok(&[]));
    assert_eq!(step(world.node(1)), Some(ProvisionStep::CreateMachine));
    check(&mut world, intended(1), Ok(&["node.machine_intended"]));
    check(&mut world, intended(1), Ok(&[]));
    assert!(world.node(1).machine.is_some(), "from here on one may exist");
    check(&mut world, ordered(1), Ok(&["node.machine_ordered"]));
    check(&mut world, ordered(1), Ok(&[]));
    check(&mut world, created(1), Ok(&["node.machine_created"]));
    check(&mut world, created(1), Ok(&[]));
    assert_eq!(step(world.node(1)), Some(ProvisionStep::AwaitHandshake));
    check(&mut world, connect(1), Ok(&["node.online"]));
    assert!(matches!(world.node(1).status, NodeStatus::Online { .. }));
    assert!(world.node(1).machine.is_some(), "it runs on, and must be removed one day");
    check(&mut world, failed(1, false), Err("stale_attempt"));
    check(&mut world, retry(1, 2), Err("provision_not_failed"));
}

#[test]
fn what_is_wanted_must_hold_together() {
    let mut world = after(1);
    let with = |change: fn(&mut MachineWish), credential: u64| {
        let mut wish = wish("fsn1");
        change(&mut wish);
        let (token_digest, enrolment_digest, credential) = (digest(1), digest(11), CredentialId::from_u64(credential));
        let create =
            ProvisionCommand::Create { name: "new".into(), labels: BTreeMap::new(), token_digest, wish, credential, enrolment_digest };
        on_machine(2, create)
    };
    check(&mut world, with(|_| {}, 71), Err("not_found"));
    check(&mut world, with(|wish| wish.provider = "google".into(), 70), Err("credential_of_other"));
    check(&mut world, with(|wish| wish.location = String::new(), 70), Err("invalid_input"));
    check(&mut world, with(|wish| wish.machine_type = "a b".into(), 70), Err("invalid_input"));
    check(&mut world, with(|wish| wish.image = "\u{7}".into(), 70), Err("invalid_input"));
    check(&mut world, provision(1), Err("already_exists"));
    check(&mut world, with(|_| {}, 70), Ok(&["node.created", "node.provision_requested"]));
    check(&mut world, create_node(1), Err("already_exists"));
    check(&mut world, on_machine(9, ProvisionCommand::NoteRemoved { attempt: 1 }), Err("not_found"));
    world.given(create_node(3));
    check(&mut world, retry(3, 1), Err("not_a_cloud_node"));
    check(&mut world, on_machine(3, ProvisionCommand::NoteVerified { attempt: 1, account: None }), Err("not_a_cloud_node"));
}

#[test]
fn a_failure_before_anything_was_asked_for_leaves_nothing() {
    let mut world = after(1);
    check(&mut world, failed(1, false), Ok(&["node.provisioning_failed"]));
    let NodeStatus::ProvisioningFailed { attempt: 1, step: ProvisionStep::VerifyCredential, class, .. } = &world.node(1).status else {
        panic!("{:?}", world.node(1).status)
    };
    assert_eq!(*class, ProvisionErrorClass::Quota);
    let told = world.node(1).provision.as_ref().unwrap().failed.clone().unwrap();
    assert_eq!((told.failure, told.kept_until), (failure(ProvisionErrorClass::Quota), None));
    check(&mut world, retry(1, 2), Ok(&["node.token_rotated", "node.provision_requested"]));
    assert_eq!(step(world.node(1)), Some(ProvisionStep::VerifyCredential), "a retry clears the failure");
}

#[test]
fn a_failure_of_the_order_removes_what_may_exist_unless_nothing_was_made() {
    let mut world = after(3);
    check(&mut world, failed(1, true), Ok(&["node.provisioning_failed"]));
    assert!(world.node(1).machine.is_none());
    let mut world = after(3);
    check(&mut world, failed(1, false), Ok(&["node.provisioning_failed", "node.machine_removal_intended"]));
    check(&mut world, ordered(1), Ok(&["node.machine_ordered"]));
    check(&mut world, removed(2), Err("stale_attempt"));
    check(&mut world, removed(1), Ok(&["node.machine_removed"]));
    check(&mut world, removed(1), Err("wrong_machine"));
    // What the provider has answered for exists, whatever a later fault claims.
    let mut world = after(4);
    check(&mut world, failed(1, true), Ok(&["node.provisioning_failed", "node.machine_removal_intended"]));
}

#[test]
fn a_machine_that_does_not_call_is_kept_and_a_late_call_still_counts() {
    let mut world = after(5);
    let begin = || on_machine(1, ProvisionCommand::IntendRemoval { attempt: 1, reason: RemovalReason::NeverCalled });
    check(&mut world, begin(), Err("wrong_machine"));
    check(&mut world, failed(1, false), Ok(&["node.provisioning_failed"]));
    let kept_until = world.node(1).provision.as_ref().unwrap().failed.as_ref().unwrap().kept_until.unwrap();
    assert_eq!(kept_until.ms(), world.now_ms + KEPT_MS);
    check(&mut world, begin(), Err("wrong_machine"));
    let mut late = after(5);
    late.given(failed(1, false));
    check(&mut late, connect(1), Ok(&["node.online"]));
    assert!(late.node(1).provision.as_ref().unwrap().failed.is_none());
    late.now_ms += KEPT_MS;
    check(&mut late, begin(), Err("wrong_machine"));
    world.now_ms += KEPT_MS;
    check(&mut world, begin(), Ok(&["node.machine_removal_intended"]));
    check(&mut world, begin(), Ok(&[]));
    check(&mut world, connect(1), Err("machine_goes"));
    check(&mut world, removed(1), Ok(&["node.machine_removed"]));
    assert!(matches!(world.node(1).status, NodeStatus::ProvisioningFailed { .. }), "the node stays, to be looked at");
}

#[test]
fn another_attempt_waits_for_the_end_of_the_machine_before() {
    let mut world = after(5);
    world.given(failed(1, false));
    check(&mut world, retry(1, 3), Err("attempt_taken"));
    check(&mut world, retry(1, 2), Ok(&["node.machine_removal_intended", "node.token_rotated", "node.provision_requested"]));
    check(&mut world, retry(1, 3), Err("provision_not_failed"));
    check(&mut world, connect_with(1, 1), Err("token_rotated"));
    check(&mut world, verified(1), Err("stale_attempt"));
    check(&mut world, verified(2), Ok(&["node.credential_verified"]));
    check(&mut world, intended(2), Err("wrong_machine"));
    // The second attempt fails meanwhile: that says nothing of the first one's machine.
    check(&mut world, failed(2, true), Ok(&["node.provisioning_failed"]));
    assert_eq!(world.node(1).machine.as_ref().unwrap().attempt, 1);
    check(&mut world, retry(1, 3), Ok(&["node.token_rotated", "node.provision_requested"]));
    check(&mut world, verified(3), Ok(&["node.credential_verified"]));
    check(&mut world, removed(1), Ok(&["node.machine_removed"]));
    check(&mut world, intended(3), Ok(&["node.machine_intended"]));
    assert_eq!(world.node(1).machine.as_ref().unwrap().wish.location, "nbg1");
}

#[test]
fn deletion_from_every_state_ends_only_when_the_machine_is_gone() {
    let delete = |forced| on_node(1, NodeCommand::Delete { forced, connected: false });
    for steps in 1..=6 {
        for fails in [false, true] {
            let mut world = after(steps);
            if fails && steps < 6 {
                world.given(failed(1, false));
            }
            let machine = world.node(1).machine.clone();
            let going = machine.as_ref().is_some_and(|machine| machine.removal.is_some());
            let expected: &[&str] = match (&machine, going) {
                (None, _) => &["node.deletion_started", "node.deleted"],
                (Some(_), true) => &["node.deletion_started"],
                (Some(_), false) => &["node.deletion_started", "node.machine_removal_intended"],
            };
            check(&mut world, delete(false), Ok(expected));
            if machine.is_some() {
                check(&mut world, delete(false), Err("node_deleting"));
                check(&mut world, retry(1, 2), Err("node_deleting"));
                check(&mut world, on_node(1, NodeCommand::FinishDeletion), Ok(&[]));
                check(&mut world, removed(1), Ok(&["node.machine_removed", "node.deleted"]));
            }
            check(&mut world, verified(1), Err("not_found"));
        }
    }
}

#[test]
fn a_forced_deletion_says_that_a_machine_was_given_up() {
    let mut world = after(4);
    let delete = || on_node(1, NodeCommand::Delete { forced: true, connected: false });
    check(&mut world, delete(), Ok(&["node.deletion_started", "node.machine_removal_intended"]));
    check(&mut world, delete(), Ok(&["node.machine_abandoned", "node.deleted"]));
}

#[test]
fn usual_times_are_learned_from_attempts_that_got_past_a_line() {
    let mut usual = crate::usual::UsualTimes::default();
    let mut world = World::new();
    world.given(add_credential(70, "main", "hetzner"));
    let enrol = on_machine(1, ProvisionCommand::Enrol { digest: digest(11), instance: 7, address: String::new() });
    for command in [provision(1), verified(1), intended(1), ordered(1), created(1), enrol, connect(1), connect(1)] {
        world.now_ms += 1000;
        let before = world.history.len();
        world.given(command);
        let news: Vec<Record> = world.history[before..].to_vec();
        news.iter().for_each(|record| usual.note(&world.state, record));
    }
    let times = |line| usual.of("hetzner", line).map(|usual| (usual.p50_ms, usual.p95_ms, usual.attempts));
    assert_eq!(times(Line::CredentialVerified), Some((1000, 1000, 1)));
    assert_eq!(times(Line::MachineCreated), Some((3000, 3000, 1)));
    assert_eq!(times(Line::AgentHandshake), Some((1000, 1000, 1)));
    assert_eq!(times(Line::NodeOnline), Some((1000, 1000, 1)));
    assert_eq!(usual.of("google", Line::MachineCreated), None);
}

/// The four lines as one letter each.
fn shown(world: &World) -> String {
    let lines = lines(world.node(1).provision.as_ref().unwrap());
    let letter = |state| match state {
        LineState::Done => '✓',
        LineState::Current => '▸',
        LineState::Pending => '·',
        LineState::Failed => '✗',
    };
    assert!(lines.iter().all(|line| (line.deadline.is_some()) == (line.state == LineState::Current)));
    assert!(lines.iter().all(|line| line.took_ms().is_some() == matches!(line.state, LineState::Done | LineState::Failed)));
    lines.iter().map(|line| letter(line.state)).collect()
}

#[test]
fn the_stepper_shows_every_place_of_an_attempt() {
    for (steps, expected) in [(1, "▸···"), (2, "✓▸··"), (3, "✓▸··"), (4, "✓▸··"), (5, "✓✓▸·"), (6, "✓✓✓✓")]
    {
        let mut world = after(steps);
        assert_eq!(shown(&world), expected);
        if steps < 6 {
            world.given(failed(1, false));
            assert_eq!(shown(&world), expected.replace('▸', "✗"));
            world.given(retry(1, 2));
            assert_eq!(shown(&world), "▸···");
        }
    }
    let mut world = after(5);
    world.given(on_machine(1, ProvisionCommand::Enrol { digest: digest(11), instance: 7, address: String::new() }));
    assert_eq!(shown(&world), "✓✓✓▸");
    world.given(failed(1, false));
    assert_eq!(shown(&world), "✓✓✓✗");
    world.given(connect(1));
    assert_eq!(shown(&world), "✓✓✓✓");
}

#[test]
fn a_token_s_time_begins_with_its_attempt() {
    let mut world = after(1);
    let expires = |world: &World| world.node(1).provision.as_ref().unwrap().enrolment.expires_at.ms();
    assert_eq!(expires(&world), world.now_ms + ENROLMENT_VALID_MS);
    for command in [verified(1), intended(1), ordered(1), created(1)] {
        world.given(command);
    }
    world.now_ms += ENROLMENT_VALID_MS;
    world.given(failed(1, false));
    assert_eq!(expires(&world), world.now_ms + KEPT_MS, "a machine that is kept may still enrol");
}
