//! Backup of a running server, restore elsewhere, observe, confirm.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use spunto_core::state::State;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_tests::paths::server_binary;
use spunto_tests::world::{EMAIL, PASSWORD, World};

mod engine;
mod file;
mod load;
mod observe;

/// The binary with these words, and the settings of a world's server.
pub(crate) fn spunto(world: &World, words: &[&str]) -> Command {
    let mut command = Command::new(server_binary());
    command.args(words).arg("--data-dir").arg(&world.start.data).arg(format!("--listen={}", world.start.listen[0]));
    command
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(crate) fn well(output: Output) -> String {
    assert!(output.status.success(), "{}", words(&output));
    words(&output)
}

/// Takes a backup of the world's server.
pub(crate) fn back_up(world: &World, name: &str) -> PathBuf {
    let file = world.directory.path().join(name);
    well(spunto(world, &["backup", file.to_str().unwrap()]).output().unwrap());
    file
}

fn restore_command(file: &Path, data: &Path) -> Command {
    let mut command = Command::new(server_binary());
    command.arg("restore").arg(file).arg("--data-dir").arg(data);
    command
}

/// A new directory with the master key of the world's server.
fn new_place(world: &World, name: &str) -> PathBuf {
    let place = world.directory.path().join(name);
    std::fs::create_dir(&place).unwrap();
    std::fs::copy(world.start.data.join("master.key"), place.join("master.key")).unwrap();
    place
}

/// Restores a backup elsewhere, and starts the server there, at the same address; the owner signs in again.
pub(crate) fn move_to(world: &mut World, file: &Path) {
    let place = new_place(world, "restored");
    well(restore_command(file, &place).output().unwrap());
    world.server.kill().unwrap();
    world.start.data = place;
    world.server = world.start.run().unwrap();
    world.api = world.server.api().sign_in(EMAIL, PASSWORD).unwrap();
}

/// The digest in what `restore-status` or a refused `confirm` printed.
pub(crate) fn digest_in(text: &str) -> String {
    let line = text.lines().find_map(|line| line.trim().strip_prefix("spunto confirm ")).unwrap_or_else(|| panic!("no digest: {text}"));
    line.split(' ').next().unwrap().to_owned()
}

/// The state of a data directory's log up to an event, and the log's incarnation.
fn state_at(data: &Path, seq: u64) -> (State, u64) {
    let log = SledLog::open(&data.join("log"), LogOptions::default()).unwrap();
    let mut state = State::default();
    while state.seq < seq {
        for group in log.read(state.seq + 1, 1 << 20).unwrap() {
            for record in group.records().map(Result::unwrap).filter(|record| record.seq <= seq) {
                state.apply(&record);
            }
        }
    }
    (state, log.head().incarnation)
}
