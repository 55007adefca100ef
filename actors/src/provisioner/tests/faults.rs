//! Each call in turn fails, times out after having worked, answers late, or acts late: afterwards all is as without trouble.

use super::unruly::TROUBLES;
use super::*;

/// Calls of a story at most.
const CALLS_MAX: usize = 200;

#[tokio::test(start_paused = true)]
async fn every_call_with_every_trouble() {
    for trouble in TROUBLES {
        for call in 1..CALLS_MAX {
            let mut world = World::new(None).await;
            world.unruly.plan(call, trouble);
            world.create().await;
            world.until_online().await;
            world.pass(5 * 60 * 1000).await;
            assert_eq!((world.machines(), world.cloud.ever_made()), (1, 1), "{trouble:?} at call {call}");
            world.delete().await;
            world.until_gone().await;
            world.pass(5 * 60 * 1000).await;
            assert_eq!((world.machines(), world.cloud.ever_made()), (0, 1), "{trouble:?} at call {call}");
            world.verify();
            if world.unruly.calls() < call {
                assert!(call > 6, "only {call} calls");
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_with_every_trouble_of_a_node_that_is_deleted_while_it_is_made() {
    for trouble in TROUBLES {
        for call in 1..CALLS_MAX {
            let mut world = World::new(None).await;
            world.unruly.plan(call, trouble);
            world.create().await;
            world.until("intended", |node| node.is_some_and(|node| node.machine.is_some())).await;
            world.delete().await;
            world.until_gone().await;
            world.pass(5 * 60 * 1000).await;
            assert_eq!(world.machines(), 0, "{trouble:?} at call {call}");
            world.verify();
            if world.unruly.calls() < call {
                break;
            }
        }
    }
}

/// A call that was made twice may act twice: once for the machine that came online, and once more when that is gone.
#[tokio::test(start_paused = true)]
async fn every_call_with_every_trouble_of_a_node_that_is_deleted_as_soon_as_it_is_online() {
    for trouble in TROUBLES {
        for call in 1..CALLS_MAX {
            let mut world = World::new(None).await;
            world.boot_ticks = 0;
            world.unruly.plan(call, trouble);
            world.create().await;
            world.until_online().await;
            world.delete().await;
            world.until_gone().await;
            world.pass(5 * 60 * 1000).await;
            assert_eq!(world.machines(), 0, "{trouble:?} at call {call}");
            world.verify();
            if world.unruly.calls() < call {
                break;
            }
        }
    }
}
