//! A backup under load is the log at one position, with exactly the secrets that it names there.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use spunto_actors::custodian::named;
use spunto_core::readable;
use spunto_events::backup::Backup;
use spunto_tests::api::wait_for;
use spunto_tests::world::{SOON, World};

use super::{back_up, move_to, restore_command, state_at, well};

const WRITERS: usize = 4;
/// What a write may take while a backup is taken; on a quiet machine it is some milliseconds.
const WRITE_WITHIN: Duration = Duration::from_secs(5);

/// Makes nodes, rotates their tokens and deletes every other one, so that secrets come and go.
fn write(world: &World, writer: usize, stop: &AtomicBool, written: &AtomicUsize) -> Duration {
    let (mut number, mut slowest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let begun = Instant::now();
        let reply = world.create_node(&format!("w{writer}-{number}")).unwrap();
        slowest = slowest.max(begun.elapsed());
        let node = reply["node"]["id"].as_str().unwrap();
        world.operate(node, "rotate-token", &json!({})).unwrap().ok().unwrap();
        if number % 2 == 0 {
            world.api.delete(&world.of_org(&format!("/nodes/{node}"))).unwrap().ok().unwrap();
        }
        written.fetch_add(1, Ordering::Relaxed);
    }
    slowest
}

#[test]
fn under_load_it_restores_to_the_same_state_with_the_same_secrets() {
    let mut world = World::local().unwrap();
    let (stop, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (file, during) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn({
                    let (world, stop, written) = (&world, &stop, &written);
                    move || write(world, writer, stop, written)
                })
            })
            .collect();
        wait_for("some writes", SOON, || Ok((written.load(Ordering::Relaxed) > 40).then_some(()))).unwrap();
        let before = written.load(Ordering::Relaxed);
        let file = back_up(&world, "one.backup");
        for number in 2..5 {
            back_up(&world, &format!("{number}.backup"));
        }
        let during = written.load(Ordering::Relaxed) - before;
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            let slowest = writer.join().unwrap();
            assert!(slowest < WRITE_WITHIN, "a write took {slowest:?}");
        }
        (file, during)
    });
    assert!(during > 0, "writers went on while backups were taken");
    let manifest = Backup::open(&file).unwrap().manifest().clone();
    let original = world.start.data.clone();
    move_to(&mut world, &file);
    world.server.stop().unwrap();
    let ((before, old), (after, new)) = (state_at(&original, manifest.seq), state_at(&world.start.data, manifest.seq));
    assert_eq!(readable::state(&before), readable::state(&after), "the same state at the backup's position");
    assert_eq!(before, after);
    assert_eq!(manifest.incarnation, format!("{old:016x}"));
    assert_ne!(old, new, "another log from here on");
    let (now, _) = state_at(&world.start.data, manifest.seq + 1);
    assert!(now.is_observing() && now.system.installation == Some(old), "its machines at clouds stay its own");

    let secrets: std::collections::BTreeSet<_> = {
        let mut names = std::collections::BTreeSet::new();
        Backup::open(&file)
            .unwrap()
            .secrets(|secret| {
                names.insert(secret.name());
                Ok(())
            })
            .unwrap();
        names
    };
    assert_eq!(secrets, named(&before), "the secrets that the log names there, no more and no less");
    let text = well(restore_command(&file, &super::new_place(&world, "again")).output().unwrap());
    assert!(text.contains(&format!("events 1 to {}", manifest.seq)), "{text}");
}
