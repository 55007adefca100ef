//! `verify` against damage to files: found, with its place, or provably where nothing is stored.
//!
//! Each damaged directory is verified by a process of its own, as people do. `SPUNTO_DAMAGES` says how many; `make test-full` asks for
//! 10,000.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use spunto_events::log::EventLog;
use spunto_events::log::sled::SledLog;
use tempfile::TempDir;

use crate::scenario::{OPTIONS, Scenario, asked};

const SEED: u64 = 20_261_125;
const CASES: usize = 160;

struct Random(u64);

impl Random {
    /// A number below `limit` (splitmix64).
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((word ^ (word >> 31)) % limit as u64).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let path = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &path);
        } else {
            fs::copy(entry.path(), path).unwrap();
        }
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, found);
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path);
        }
    }
}

/// Damages one file of `directory`; says how.
fn damage(directory: &Path, random: &mut Random) -> String {
    let mut all = Vec::new();
    files(directory, &mut all);
    let path = &all[random.below(all.len())];
    let name = path.strip_prefix(directory).unwrap().display().to_string();
    let bytes = fs::read(path).unwrap();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    // Two in three places are where something is written: most of the tail and of sled's file is empty.
    let mut place = random.below(bytes.len());
    while random.below(3) > 0 && bytes[place] == 0 {
        place = (place + 1 + random.below(4096)) % bytes.len();
    }
    match random.below(9) {
        0 => {
            file.set_len(place as u64).unwrap();
            format!("{name} cut to {place} bytes")
        }
        1 => {
            let length = (1 + random.below(4096)).min(bytes.len() - place);
            file.write_all_at(&vec![0; length], place as u64).unwrap();
            format!("{length} bytes of {name} from {place} zeroed")
        }
        2 => {
            let length = (1 + random.below(2048)).min(bytes.len() - place);
            let other = random.below(bytes.len() - length + 1);
            file.write_all_at(&bytes[other..other + length], place as u64).unwrap();
            file.write_all_at(&bytes[place..place + length], other as u64).unwrap();
            format!("{length} bytes of {name} from {place} and from {other} swapped")
        }
        3 => {
            fs::remove_file(path).unwrap();
            format!("{name} removed")
        }
        _ => {
            let bit = random.below(8);
            file.write_all_at(&[bytes[place] ^ 1 << bit], place as u64).unwrap();
            format!("bit {bit} of byte {place} of {name} flipped")
        }
    }
}

/// A log with sealed segments, an active one, and groups that only the tail holds; as a kill leaves it, and as a stop does.
fn originals(directories: &Path) -> [PathBuf; 2] {
    let (killed, stopped) = (directories.join("killed"), directories.join("stopped"));
    Scenario::night().save(&stopped);
    let log = SledLog::open(&stopped.join("log"), OPTIONS).unwrap();
    let mut more = Scenario::night();
    let known = more.ends.len();
    (50..56).for_each(|number| more.spawn(number, &format!("late-{number}"), &[], None));
    let mut start = usize::try_from(more.ends[known - 1]).unwrap();
    for end in more.ends.split_off(known) {
        let records = &more.records[start..usize::try_from(end).unwrap()];
        log.append(spunto_events::group::Group::of(records[0].seq, log.head().hash, records).unwrap()).unwrap();
        start = usize::try_from(end).unwrap();
    }
    copy(&stopped, &killed);
    [killed, stopped]
}

/// What `verify` says: its answer, and its exit code.
fn verdict(data: &Path) -> (Value, i32) {
    let (text, code) = asked(&["--json", "--data-dir", data.to_str().unwrap(), "verify"]);
    (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}")), code)
}

/// Whether a damage was found; fails when it went unnoticed, or was told without its place.
fn judge(sound: &Value, data: &Path, what: &str) -> bool {
    let (found, code) = verdict(data);
    match code {
        0 => {
            assert_eq!((&found["head"], &found["events"]), (&sound["head"], &sound["events"]), "{what} went unnoticed");
            false
        }
        5 => {
            let damage = &found["damage"];
            let said = damage["what"].as_str().unwrap_or_default();
            let place = ["segment seg-", "the tail file"].iter().any(|part| said.contains(part));
            assert!(place && damage["seq"].as_u64() > damage["sound_to"].as_u64(), "{what}: {found}");
            true
        }
        // A file that is gone altogether is no longer a log that could be verified.
        4 => {
            assert!(what.contains("removed") && found["error"].is_string(), "{what}: {found}");
            true
        }
        _ => panic!("{what}: exit code {code}, {found}"),
    }
}

#[test]
fn no_random_damage_goes_unnoticed_and_none_is_reported_on_a_sound_log() {
    let directories = TempDir::new().unwrap();
    let originals = originals(directories.path());
    let (sound, code) = verdict(&originals[0]);
    assert!(code == 0 && sound["sound"] == true && sound["events"] == 102, "{sound}");
    assert_eq!(verdict(&originals[1]), (sound.clone(), 0));
    let cases = std::env::var("SPUNTO_DAMAGES").map_or(CASES, |cases| cases.parse().unwrap());
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= cases {
                        break;
                    }
                    let data = directories.path().join(number.to_string());
                    copy(&originals[number % 2], &data);
                    let what = damage(&data, &mut Random(SEED + number as u64));
                    refused.fetch_add(usize::from(judge(&sound, &data, &format!("case {number}: {what}"))), Ordering::SeqCst);
                    fs::remove_dir_all(&data).unwrap();
                }
            });
        }
    });
    let refused = refused.into_inner();
    println!("{refused} of {cases} damages found, the others where nothing is stored");
    assert!(refused > cases / 5 && refused < cases, "{refused} of {cases}");
}
