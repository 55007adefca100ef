//! A supervisor follows its connection to another thread, unless it has something at hand.

use super::*;

/// The supervisor that a connection on another thread finds.
async fn found_from(world: &World, elsewhere: &ArbiterHandle) -> Addr<NodeSupervisor> {
    let (supervisors, (tell, told)) = (world.supervisors.clone(), tokio::sync::oneshot::channel());
    elsewhere.spawn(async move {
        let _ = tell.send(supervisors.near(NODE).await);
    });
    told.await.unwrap().unwrap()
}

#[test]
fn one_without_a_session_follows_and_one_with_a_session_stays() {
    in_world(|| async {
        let world = World::new().await;
        let elsewhere = [Arbiter::new(), Arbiter::new()];
        let before = world.supervisors.find(NODE).unwrap();
        let followed = found_from(&world, &elsewhere[0].handle()).await;
        assert!(followed != before && !before.connected());
        assert_eq!(world.supervisors.find(NODE), Some(followed.clone()));
        assert_eq!(found_from(&world, &elsewhere[0].handle()).await, followed, "it is there already");
        let (accepted, mut peer) = world.connect(1, Ok(1)).await;
        assert!(accepted);
        assert_eq!(found_from(&world, &elsewhere[1].handle()).await, followed, "it has a session");
        assert!(matches!(peer.drain().as_slice(), [Ok(FromServer::Welcome { epoch: 1, .. })]));
        // Without its session it may go again, once the log knows.
        followed.send(Closed { link: peer.id, reason: OfflineReason::ConnectionClosed }).await.unwrap();
        world.until("offline", offline(OfflineReason::ConnectionClosed)).await;
        let mut last = followed.clone();
        while last == followed {
            last = found_from(&world, &elsewhere[1].handle()).await;
        }
        let (accepted, _peer) = world.connect(1, Ok(1)).await;
        assert!(accepted, "a session begins there");
        assert!(elsewhere.iter().all(Arbiter::stop));
    });
}

#[test]
fn one_that_is_lost_on_its_way_is_made_anew() {
    in_world(|| async {
        let world = World::new().await;
        let before = world.supervisors.find(NODE).unwrap();
        let elsewhere = std::thread::spawn(|| std::thread::current().id()).join().unwrap();
        drop(before.send(Settle { thread: elsewhere }).await.unwrap().unwrap());
        world.pass(1000).await;
        world.until("a new one", |world| world.supervisors.find(NODE).is_some_and(|found| found.connected())).await;
    });
}
