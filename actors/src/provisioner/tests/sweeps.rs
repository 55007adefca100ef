//! What is ours and unknown is looked for every hour, and shown.

use std::time::Duration;

use super::super::sweep::{SWEEP_EVERY, SWEEP_JITTER, sweep_hourly};
use super::*;
use crate::cloud::fake::{Ask, Mishap};
use crate::cloud::{Fault, FaultKind, Happened};

const MINUTE_MS: u64 = 60 * 1000;

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_found_within_the_hour_and_no_node_s_machine_is() {
    let mut world = World::new(None).await;
    let (accounts, directory) = (world.server.accounts.clone(), world.server.directory.clone());
    tokio::spawn(sweep_hourly(accounts.clone(), directory, Arc::<Paused>::clone(&world.clock)));
    world.create().await;
    world.until_online().await;
    assert_eq!(accounts.last_sweeps().of(CREDENTIAL), None, "nobody has looked yet");
    world.pass(16 * MINUTE_MS).await;
    let first = accounts.last_sweeps().of(CREDENTIAL).unwrap();
    assert_eq!(first.found, Ok(0), "its machine is its node's");
    // Given up by force: a second, forced call ends a deletion whose provider does not answer.
    world.cloud.mishap(Ask::Find, Mishap::Refused(Fault::new("Fake Cloud", FaultKind::Forbidden, Happened::No, "no", "no")));
    world.delete().await;
    world.given(Command::Node(ORG, NODE, NodeCommand::Delete { forced: true, connected: false })).await;
    assert_eq!(world.machines(), 1);
    world.pass(ms(SWEEP_EVERY + SWEEP_JITTER)).await;
    let second = accounts.last_sweeps().of(CREDENTIAL).unwrap();
    assert_eq!((second.found, accounts.last_sweeps().leftovers()), (Ok(1), 1));
    assert!(second.at.ms_since(first.at) >= ms(SWEEP_EVERY), "once an hour");
    world.cloud.mishap(Ask::List, Mishap::Refused(Fault::new("Fake Cloud", FaultKind::Forbidden, Happened::No, "no", "not you")));
    world.pass(ms(SWEEP_EVERY + SWEEP_JITTER)).await;
    let told = accounts.last_sweeps().of(CREDENTIAL).unwrap().found.unwrap_err();
    assert!(told.contains("not you"), "{told}");
}
