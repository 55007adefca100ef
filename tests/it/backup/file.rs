//! The file: whole or not there; damage is named; keys that are missing are named; nothing is written over.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use spunto_events::backup::Backup;
use spunto_tests::volume::{Kind, Volume, unavailable};
use spunto_tests::world::World;

use crate::replay::replay;

use super::{back_up, move_to, new_place, restore_command, spunto, well, words};

/// Kills of each command, at moments from before it has begun until after it is done.
const KILLS: u32 = 14;

/// What `spunto-replay` exits with when it finds a damage.
const DAMAGED: i32 = spunto_replay::failure::EXIT_DAMAGED as i32;

/// How long a command takes that nobody kills.
fn took(mut command: std::process::Command) -> Duration {
    let begun = Instant::now();
    well(command.output().unwrap());
    begun.elapsed()
}

/// The moment of a kill: most during what it takes when nothing else runs, the last ones long after it.
fn moment(whole: Duration, kill: u32) -> Duration {
    whole * kill * if kill + 3 < KILLS { 1 } else { 8 } / KILLS
}

fn kill_after(mut command: std::process::Command, pause: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(pause);
    let _ = child.kill();
    let status = child.wait().unwrap();
    assert!(status.success() || status.signal() == Some(9), "{status}");
}

fn with_some_history() -> World {
    let world = World::local().unwrap();
    for number in 0..20 {
        world.create_node(&format!("n{number}")).unwrap();
    }
    world
}

#[test]
fn a_backup_is_never_written_over_and_damage_is_named() {
    let world = with_some_history();
    let file = back_up(&world, "a.backup");
    let again = spunto(&world, &["backup", file.to_str().unwrap()]).output().unwrap();
    assert!(!again.status.success() && words(&again).contains("never written over"), "{}", words(&again));
    let sound = fs::read(&file).unwrap();
    let place = new_place(&world, "place");
    let log_bytes = u64::from_le_bytes(sound[sound.len() - 64..sound.len() - 56].try_into().unwrap()) as usize;
    let cases =
        [(log_bytes / 2, "the log"), (log_bytes + 60, "secret 1"), (sound.len() - 76, "the manifest"), (sound.len() - 10, "the end")];
    for (place_of, part) in cases {
        let mut hurt = sound.clone();
        hurt[place_of] ^= 1;
        fs::write(&file, &hurt).unwrap();
        let told = restore_command(&file, &place).output().unwrap();
        let text = words(&told);
        assert!(!told.status.success() && text.contains(part) && text.contains("a.backup"), "{part}: {text}");
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "nothing but the key: {text}");
        let (verified, code) = replay(None, &["verify", "--file", file.to_str().unwrap()]);
        assert!(code == DAMAGED && verified.contains(part), "{part}: {code} {verified}");
    }
    fs::write(&file, &sound[..sound.len() / 2]).unwrap();
    let told = words(&restore_command(&file, &place).output().unwrap());
    assert!(told.contains("no whole backup"), "{told}");
    let (verified, code) = replay(None, &["verify", "--file", file.to_str().unwrap()]);
    assert!(code == DAMAGED && verified.contains("take another backup"), "{code} {verified}");
    fs::write(&file, &sound).unwrap();
    let (verified, code) = replay(None, &["verify", "--file", file.to_str().unwrap()]);
    assert_eq!(code, 0, "{verified}");
    well(restore_command(&file, &place).output().unwrap());
    let twice = restore_command(&file, &place).output().unwrap();
    assert!(!twice.status.success() && words(&twice).contains("is not empty"), "{}", words(&twice));
}

#[test]
fn a_missing_master_key_is_named_and_a_stopped_server_is_backed_up_too() {
    let mut world = with_some_history();
    world.server.stop().unwrap();
    let file = back_up(&world, "stopped.backup");
    let manifest = Backup::open(&file).unwrap().manifest().clone();
    let key = manifest.master_keys.keys().next().unwrap().clone();
    let place = world.directory.path().join("keyless");
    let told = restore_command(&file, &place).output().unwrap();
    assert!(!told.status.success() && words(&told).contains(&key) && words(&told).contains("master.key"), "{}", words(&told));
    let wrong = restore_command(&file, &place).args(["--master-key", &"ab".repeat(32)]).output().unwrap();
    assert!(!wrong.status.success() && words(&wrong).contains(&key) && words(&wrong).contains("--old-master-key"), "{}", words(&wrong));
    let without = restore_command(&file, &place).arg("--without-secrets").output().unwrap();
    assert!(well(without).contains(&format!("{} secrets were left out", manifest.secrets)));
    world.start.data = place;
    world.server = world.start.run().unwrap();
    assert_eq!(world.api.get("/healthz").unwrap().status, 200);
}

#[test]
fn kill_9_leaves_a_whole_backup_or_none_and_a_whole_restore_or_one_that_is_refused() {
    let mut world = with_some_history();
    let (mut whole, mut none) = (0, 0);
    let of = |file: &Path| spunto(&world, &["backup", file.to_str().unwrap()]);
    let good = world.directory.path().join("good.backup");
    let time = took(of(&good));
    for kill in 0..KILLS {
        let file = world.directory.path().join(format!("{kill}.backup"));
        kill_after(of(&file), moment(time, kill));
        match file.exists() {
            true => drop(Backup::open(&file).unwrap()),
            false => none += 1,
        }
        whole += usize::from(file.exists());
    }
    assert!(whole > 0 && none > 0, "{whole} whole, {none} not there: the kills fall on both sides");
    let (mut whole, mut refused) = (0, 0);
    let source = world.start.data.clone();
    let time = took(restore_command(&good, &new_place(&world, "timed")));
    world.server.stop().unwrap();
    for kill in 0..KILLS {
        world.start.data.clone_from(&source);
        let place = new_place(&world, &format!("place-{kill}"));
        kill_after(restore_command(&good, &place), moment(time, kill));
        let begun = fs::read_dir(&place).unwrap().count() > 1;
        world.start.data = place;
        if begun {
            match world.start.run() {
                Ok(mut server) => {
                    whole += 1;
                    assert_eq!(server.api().get("/readyz").unwrap().status, 200);
                    server.kill().unwrap();
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.to_string().contains("did not finish"), "{error:#}");
                }
            }
        }
    }
    assert!(whole > 0 && refused > 0, "{whole} whole, {refused} refused: the kills fall on both sides");
}

#[test]
fn a_disk_that_is_full_is_named_and_nothing_is_left_there() {
    if let Some(why) = unavailable() {
        println!("SKIPPED: {why}");
        return;
    }
    let mut world = with_some_history();
    let directory = tempfile::tempdir().unwrap();
    let volume = Volume::make(&directory.path().join("image"), 32, Kind::Ext4, &directory.path().join("disk")).unwrap();
    volume.fill().unwrap();
    let file = volume.path.join("a.backup");
    let told = spunto(&world, &["backup", file.to_str().unwrap()]).output().unwrap();
    let text = words(&told);
    assert!(!told.status.success() && text.contains("No space left") && text.contains("a.backup"), "{text}");
    let left: Vec<_> = fs::read_dir(&volume.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_str().unwrap().contains("backup")), "{left:?}");
    let file = back_up(&world, "elsewhere.backup");
    move_to(&mut world, &file);
}
