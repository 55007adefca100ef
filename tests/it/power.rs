//! Power cuts: the disk as it is at one moment, while the server writes. What was acknowledged before that moment is on it.
//!
//! The server's file system (ext4) lies in an image on another (xfs), which can copy a file at one moment, whatever is being written
//! to it: what the server's kernel still holds in memory is not in the copy, as after a cut. The copy is then mounted, which replays the
//! file system's own journal, and read. Not simulated: a disk with a cache of its own that loses writes it has reported as done, but
//! not yet flushed.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, RwLock};
use std::thread;
use std::time::Duration;

use serde_json::json;
use spunto_core::event::Event;
use spunto_core::state::State;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::master::MasterKeyFile;
use spunto_events::vault::{MasterKey, Vault};
use spunto_tests::volume::{Kind, Volume, copy_at_once, unavailable};
use spunto_tests::world::World;

use crate::kills::{Told, client, numbers, records, times};

/// Cuts in `make test`; `make test-full` sets SPUNTO_POWER_CUTS.
const CUTS: usize = 5;
const CLIENTS: usize = 6;
/// One cut in so many is followed by a start of the real server on the copy.
const STARTED_EVERY: usize = 5;

/// Bytes of the file that nobody syncs.
const UNSYNCED_BYTES: usize = 64 << 10;

/// What a cut is judged by.
struct Cut {
    /// What was acknowledged before it.
    told: Vec<Told>,
    /// Names of files written and synced, and of one not synced, just before it.
    synced: String,
    unsynced: String,
}

/// Looks at the disk after a cut; whether the file that was not synced is lost, as most must be.
fn check(disk: &Path, cut: &Cut, number: usize) -> bool {
    assert!(disk.join(&cut.synced).exists(), "cut {number}: a file that was synced is gone: the cut itself is wrong");
    let data = disk.join("data");
    let options = LogOptions { reserve_bytes: 0, ..LogOptions::default() };
    // Opening verifies the chain, every frame through its hash, and that what was acknowledged last is there.
    let log = SledLog::open(&data.join("log"), options).unwrap_or_else(|error| panic!("cut {number}: {error}"));
    let all = records(&log);
    assert!(all.iter().zip(1..).all(|(record, seq)| record.seq == seq), "cut {number}: a gap");
    for reply in &cut.told {
        let record = all
            .get(usize::try_from(reply.seq).unwrap() - 1)
            .unwrap_or_else(|| panic!("cut {number}: event {} was acknowledged, the log ends at {}", reply.seq, log.head().seq));
        let Event::NodeCreated(created) = &record.event else { panic!("cut {number}: {} is another event: {record:?}", reply.name) };
        assert_eq!(created.name, reply.name, "cut {number}");
    }
    let mut state = State::default();
    all.iter().for_each(|record| state.apply(record));
    assert!(spunto_core::check::check(&state).is_empty(), "cut {number}");
    let master = MasterKeyFile::load(&data.join("master.key")).unwrap_or_else(|error| panic!("cut {number}: {error}"));
    let vault = Vault::open(&data.join("vault"), MasterKey::new(&master), Vec::new()).unwrap();
    for name in spunto_actors::custodian::named(&state) {
        vault.get(name).unwrap_or_else(|error| panic!("cut {number}: an event names it, but {error}"));
    }
    // Its name may have come along with somebody else's sync; its content has not been written out.
    disk.join(&cut.unsynced).metadata().map_or(0, |file| file.len()) < UNSYNCED_BYTES as u64
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    if let Some(why) = unavailable() {
        return println!("SKIPPED: {why}");
    }
    let cuts = times("SPUNTO_POWER_CUTS", CUTS);
    let directory = tempfile::tempdir().unwrap();
    let outer = Volume::make(&directory.path().join("outer"), 16_384, Kind::Xfs, &directory.path().join("images")).unwrap();
    let image = outer.path.join("disk");
    let disk = Volume::make(&image, 2048, Kind::Ext4, &directory.path().join("disk")).unwrap();
    let mut world = World::on(&disk.path.join("data"), &["--segment-events=200".into(), "--disk-reserve-mib=16".into()]).unwrap();
    let key = world.api.post(&world.of_org("/keys"), &json!({ "name": "k", "scopes": ["*"], "owner": "org" })).unwrap().ok().unwrap();
    let api = RwLock::new(world.api.with_key(key["secret"].as_str().unwrap().to_owned()));
    let (told, stop, org) = (Mutex::new(Vec::new()), AtomicBool::new(false), world.org.clone());
    let (mut lost, mut acknowledged) = (0, BTreeSet::new());
    thread::scope(|scope| {
        let _stops = Stops(&stop);
        for number in 0..CLIENTS {
            let (api, told, stop, org) = (&api, &told, &stop, &org);
            scope.spawn(move || client(number, api, org, told, stop));
        }
        let mut delays = numbers(11);
        for number in 0..cuts {
            thread::sleep(Duration::from_millis(20 + delays.next().unwrap() % 400));
            let cut = cut(&disk.path, &told, number);
            // A file of its own each time: a container that starts meanwhile may keep the last one mounted for a moment.
            let copied = outer.path.join(format!("cut-{number}"));
            copy_at_once(&image, &copied).unwrap();
            acknowledged.extend(cut.told.iter().map(|reply| reply.seq));
            let copy = Volume::mount(&copied, &directory.path().join(format!("cut-{number}"))).unwrap();
            std::fs::remove_file(&copied).unwrap();
            lost += usize::from(check(&copy.path, &cut, number));
            if number % STARTED_EVERY == 0 {
                let mut start = world.start.clone();
                start.data = copy.path.join("data");
                start.listen = vec!["127.0.0.1:0".into()];
                start.run().unwrap_or_else(|error| panic!("cut {number}: {error}")).kill().unwrap();
            }
        }
    });
    println!(
        "{cuts} power cuts, {} acknowledged events on the disk each time; {lost} times a file that was not synced was lost",
        acknowledged.len()
    );
    assert!(acknowledged.len() > cuts, "the clients hardly wrote: {}", acknowledged.len());
    assert!(2 * lost > cuts, "what was not synced is on the disk all the same: these were no power cuts");
    world.server.kill().unwrap();
}

/// Stops the clients, however the cuts end.
struct Stops<'a>(&'a AtomicBool);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Notes what must be there, as close before the cut as can be.
fn cut(disk: &Path, told: &Mutex<Vec<Told>>, number: usize) -> Cut {
    let (synced, unsynced) = (format!("synced-{number}"), format!("unsynced-{number}"));
    std::fs::File::create(disk.join(&synced)).unwrap().sync_all().unwrap();
    std::fs::File::open(disk).unwrap().sync_all().unwrap();
    let cut = Cut { told: told.lock().unwrap().clone(), synced, unsynced };
    // The control: what nobody synced must be lost most of the time, or the test shows nothing. (The server's own syncs may carry it.)
    std::fs::write(disk.join(&cut.unsynced), vec![1; UNSYNCED_BYTES]).unwrap();
    cut
}
