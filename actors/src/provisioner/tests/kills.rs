//! Killed at every point: before and after each call to the provider and each event, from the wish to the end of the removal.
//! Afterwards exactly one machine exists, or none, and was made once.

use super::unruly::{LATE, Trouble};
use super::*;

/// Points that a story may have at most; more means that it does not end.
const POINTS_MAX: usize = 400;

/// Runs a story without a kill and then once for each of its points, killed there. Says how many points there were.
macro_rules! at_every_point {
    ($story:ident) => {{
        let mut points = 0;
        for at in 1..POINTS_MAX {
            let mut world = World::new(Some(at)).await;
            $story(&mut world).await;
            world.verify();
            points = at - 1;
            if world.kills == 0 {
                break;
            }
            assert_eq!(world.kills, 1);
        }
        points
    }};
}

async fn to_online_and_away(world: &mut World) {
    world.create().await;
    world.until_online().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1));
    // Long enough for everything that is late.
    world.pass(10 * 60 * 1000).await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1));
    world.delete().await;
    world.until_gone().await;
    world.pass(10 * 60 * 1000).await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn from_the_wish_to_online_and_away() {
    let points = at_every_point!(to_online_and_away);
    assert!(points >= 20, "only {points} points");
}

async fn deleted_while_it_is_made(world: &mut World) {
    world.create().await;
    world.until("intended", |node| node.is_some_and(|node| node.machine.is_some())).await;
    world.delete().await;
    world.until_gone().await;
    world.pass(10 * 60 * 1000).await;
    assert_eq!(world.machines(), 0);
    assert!(world.cloud.ever_made() <= 1);
}

#[tokio::test(start_paused = true)]
async fn deleted_while_it_is_made_leaves_nothing() {
    let points = at_every_point!(deleted_while_it_is_made);
    assert!(points >= 10, "only {points} points");
}

async fn never_called_then_retried(world: &mut World) {
    world.machines_call = false;
    world.create().await;
    world.until_failed().await;
    world.until("removed", |node| node.is_some_and(|node| node.machine.is_none())).await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (0, 1));
    world.machines_call = true;
    world.retry().await;
    world.until_online().await;
    assert_eq!((world.machines(), world.cloud.ever_made()), (1, 2));
    world.delete().await;
    world.until_gone().await;
    assert_eq!(world.machines(), 0);
}

#[tokio::test(start_paused = true)]
async fn never_called_removed_and_retried() {
    let points = at_every_point!(never_called_then_retried);
    assert!(points >= 30, "only {points} points");
}

async fn sold_out_then_retried(world: &mut World) {
    use crate::cloud::{Fault, FaultKind, Happened};
    world.cloud.fail_later(Fault::new("Fake Cloud", FaultKind::NoCapacity, Happened::Unknown, "sold_out", "no machine is free"));
    world.create().await;
    world.until_failed().await;
    world.retry().await;
    world.until_online().await;
    assert_eq!(world.machines(), 1);
    world.delete().await;
    world.until_gone().await;
    assert_eq!(world.machines(), 0);
}

#[tokio::test(start_paused = true)]
async fn sold_out_after_the_order_and_retried() {
    let points = at_every_point!(sold_out_then_retried);
    assert!(points >= 30, "only {points} points");
}

/// The call was sent, the server is killed, and only then the provider acts: the worst moment. Whether the node is wanted still, or
/// not.
#[tokio::test(start_paused = true)]
async fn killed_with_a_call_under_way_that_acts_later() {
    for wanted in [true, false] {
        for call in 1..=12 {
            let mut world = World::new(None).await;
            world.unruly.plan(call, Trouble::DoneLate);
            world.create().await;
            while world.unruly.calls() < call && !world.node(|node| matches!(node.status, NodeStatus::Online { .. })).unwrap() {
                world.pass(100).await;
            }
            world.restart().await;
            if wanted {
                world.until_online().await;
                world.pass(2 * u64::try_from(LATE.as_millis()).unwrap()).await;
                assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1), "call {call}");
            }
            world.delete().await;
            world.until_gone().await;
            world.pass(10 * u64::try_from(LATE.as_millis()).unwrap()).await;
            assert_eq!(world.machines(), 0, "call {call}, wanted: {wanted}");
            world.verify();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn killed_again_as_soon_as_it_is_there() {
    for at in 1..POINTS_MAX {
        let mut world = World::new(Some(at)).await;
        world.kill_again = Some(1);
        world.create().await;
        world.until_online().await;
        assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1), "killed at {at}");
        world.verify();
        if world.kills == 0 {
            return;
        }
    }
}
