//! What is left to do for a machine, at every place of its life.

use super::provision::{after, created, failed, intended, ordered, provision, removed, retry, verified};
use super::*;
use crate::event::RemovalReason;
use crate::plan::provision::{
    CREATE_WITHIN_MS, Circumstances, HANDSHAKE_WITHIN_MS, Intent, KEPT_MS, Next, PAUSE_MS_MAX, START_GRACE_MS, VERIFY_WITHIN_MS, next,
    pause_ms,
};

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn planned(world: &World) -> Next {
    next(world.node(1), &Circumstances { now: at(world.now_ms), up_since: Timestamp::default() })
}

#[test]
fn every_step_has_its_intent_and_its_deadline() {
    let steps = [
        (1, Next::Do(Intent::Verify), VERIFY_WITHIN_MS),
        (2, Next::Do(Intent::Intend), CREATE_WITHIN_MS),
        (3, Next::Do(Intent::Create), CREATE_WITHIN_MS),
        (4, Next::Do(Intent::Follow { operation: Some("op-1".into()) }), CREATE_WITHIN_MS),
        (5, Next::Wait(at(1_000_000 + HANDSHAKE_WITHIN_MS)), HANDSHAKE_WITHIN_MS),
    ];
    for (steps, expected, within_ms) in steps {
        let mut world = after(steps);
        assert_eq!(planned(&world), expected, "after {steps} steps");
        world.now_ms += within_ms - 1;
        assert_eq!(planned(&world), expected, "just in time, after {steps} steps");
        world.now_ms += 1;
        assert_eq!(planned(&world), Next::Do(Intent::GiveUp), "too late, after {steps} steps");
    }
    assert_eq!(planned(&after(6)), Next::Nothing);
}

#[test]
fn machines_that_wait_get_time_after_a_start() {
    let world = after(5);
    let late = world.now_ms + 10 * HANDSHAKE_WITHIN_MS;
    let asked = |now| next(world.node(1), &Circumstances { now: at(now), up_since: at(late) });
    assert_eq!(asked(late), Next::Wait(at(late + START_GRACE_MS)));
    assert_eq!(asked(late + START_GRACE_MS), Next::Do(Intent::GiveUp));
}

#[test]
fn a_machine_that_never_called_is_kept_and_then_removed() {
    let mut world = after(5);
    world.given(failed(1, false));
    assert_eq!(planned(&world), Next::Wait(at(world.now_ms + KEPT_MS)));
    world.now_ms += KEPT_MS;
    assert_eq!(planned(&world), Next::Do(Intent::BeginRemoval(RemovalReason::NeverCalled)));
}

#[test]
fn a_machine_that_may_exist_is_removed_until_it_is_gone() {
    let mut world = after(3);
    world.given(failed(1, false));
    assert_eq!(planned(&world), Next::Do(Intent::Remove));
    world.given(ordered(1));
    assert_eq!(planned(&world), Next::Do(Intent::Remove));
    world.given(removed(1));
    assert_eq!(planned(&world), Next::Nothing);
}

#[test]
fn another_attempt_verifies_then_clears_then_makes() {
    let mut world = after(5);
    world.given(failed(1, false));
    world.given(retry(1, 2));
    assert_eq!(planned(&world), Next::Do(Intent::Verify));
    world.given(verified(2));
    assert!(matches!(planned(&world), Next::Do(Intent::Remove)));
    world.given(removed(1));
    assert_eq!(planned(&world), Next::Do(Intent::Intend));
    for command in [intended(2), ordered(2), created(2)] {
        world.given(command);
    }
    assert!(matches!(planned(&world), Next::Wait(_)));
}

#[test]
fn a_node_that_goes_only_removes() {
    for steps in 3..=6 {
        let mut world = after(steps);
        world.given(on_node(1, NodeCommand::Delete { forced: false, connected: false }));
        assert!(matches!(planned(&world), Next::Do(Intent::Remove)), "after {steps} steps");
    }
    let mut manual = World::new();
    manual.given(create_node(1));
    assert_eq!(planned(&manual, None), Next::Nothing);
    manual.given(super::provision::add_credential(70, "main", "hetzner"));
    check(&mut manual, provision(1), Err("already_exists"));
}

#[test]
fn pauses_grow_to_a_limit_and_differ() {
    for tries in 0..50 {
        for random in [0, 1, 499, u64::MAX] {
            let full = (1000_u64 << tries.min(10)).min(PAUSE_MS_MAX);
            let pause = pause_ms(tries, random);
            assert!(pause >= full / 2 && pause <= full, "{tries} {random}: {pause}");
        }
    }
    assert_ne!(pause_ms(5, 1), pause_ms(5, 2));
}
