//! Damage of every kind to every file of a log: it is refused in words, or nothing acknowledged is touched by it.
//!
//! Each damaged copy is opened by a process of its own: when sled panics in one of its threads, no later database can be opened
//! in that process, and what was refused for that reason would prove nothing.

#![allow(clippy::unwrap_used, reason = "a case that can't be made is a failed test")]

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use tempfile::TempDir;

const CASE: &str = "SPUNTO_DAMAGED_LOG";
const SEED: u64 = 20_261_124;
const CASES: usize = 1200;
/// Opening a damaged log takes no longer; if it does, sled waits for a thread of its own that is gone.
const OPEN_MS_MAX: u64 = 20_000;

fn options() -> LogOptions {
    LogOptions { segment_events_max: 300, segment_bytes_max: 1 << 20, tail_area_bytes: 0, absorb_bytes: 32 << 10, reserve_bytes: 0 }
}

fn group(log: &SledLog, count: u64) -> Group {
    let head = log.head();
    let record = |seq: u64| Record {
        seq,
        org: Some(OrgId::from_u64(1)),
        stream: StreamId::Node(NodeId::from_u64(seq % 7)),
        stream_version: seq,
        at: Timestamp::from_ms(seq),
        actor: Actor::System,
        correlation: seq * 31,
        causation: 0,
        event: NodeUndrained { node: NodeId::from_u64(seq % 7) }.into(),
    };
    let records: Vec<Record> = (head.seq + 1..=head.seq + count).map(record).collect();
    Group::of(head.seq + 1, head.hash, &records).unwrap()
}

/// Everything in the log up to event `to`, in one hash.
fn digest(log: &SledLog, to: u64) -> String {
    let mut hasher = blake3::Hasher::new();
    for group in log.read(1, usize::MAX).unwrap().iter().filter(|group| group.last <= to) {
        hasher.update(&group.frames).update(&group.hash.0).update(&group.last.to_le_bytes());
    }
    hasher.finalize().to_string()
}

/// The process that opens one damaged log; does nothing when it is run as a test.
#[test]
fn open_one_damaged_log() {
    let Ok(case) = std::env::var(CASE) else { return };
    let (directory, to) = case.split_once('|').unwrap();
    let (directory, to) = (PathBuf::from(directory), to.parse().unwrap());
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let verdict = match SledLog::open(&directory, options()) {
            Ok(log) => format!("sound {}", digest(&log, to)),
            Err(error) => format!("refused {error}"),
        };
        sender.send(verdict)
    });
    let verdict = receiver.recv_timeout(Duration::from_millis(OPEN_MS_MAX)).unwrap_or_else(|_| "hung".to_owned());
    println!("\nverdict: {verdict}");
    std::process::exit(0);
}

fn verdict(directory: &Path, to: u64) -> String {
    let program = std::env::current_exe().unwrap();
    let case = format!("{}|{to}", directory.display());
    let output = Command::new(program).args(["--exact", "open_one_damaged_log", "--nocapture"]).env(CASE, case).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdict = text.lines().find_map(|line| line.strip_prefix("verdict: ")).map(str::to_owned);
    verdict.unwrap_or_else(|| format!("died {:?}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
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
            files(&path, found)
        } else if fs::metadata(&path).unwrap().len() > 0 {
            found.push(path)
        }
    }
}

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
    match random.below(8) {
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
        _ => {
            let bit = random.below(8);
            file.write_all_at(&[bytes[place] ^ 1 << bit], place as u64).unwrap();
            format!("bit {bit} of byte {place} of {name} flipped")
        }
    }
}

/// A log with sealed segments, an active one, and groups that only the tail holds; as a kill leaves it, and as a stop does.
struct Original {
    killed: PathBuf,
    stopped: PathBuf,
    to: u64,
    digest: String,
}

fn original(directories: &Path) -> Original {
    let (killed, stopped) = (directories.join("killed"), directories.join("stopped"));
    let log = SledLog::open(&stopped, options()).unwrap();
    for number in 0..220 {
        let group = group(&log, [1, 3, 17, 2, 9][number % 5]);
        log.append(group).unwrap();
    }
    drop(log);
    // Each stop leaves a pack of its own in sled.
    for _ in 0..3 {
        let log = SledLog::open(&stopped, options()).unwrap();
        for count in [4, 1, 2] {
            log.append(group(&log, count)).unwrap();
        }
    }
    let log = SledLog::open(&stopped, options()).unwrap();
    for count in [1, 5, 2, 1, 30, 1] {
        log.append(group(&log, count)).unwrap();
    }
    let to = log.head().seq;
    let digest = digest(&log, to);
    copy(&stopped, &killed);
    drop(log);
    Original { killed, stopped, to, digest }
}

/// Says whether a damage was refused; fails the test when it went unnoticed.
fn judge(original: &Original, directory: &Path, what: &str) -> bool {
    let verdict = verdict(directory, original.to);
    if let Some(words) = verdict.strip_prefix("refused ") {
        let clear = words.contains("is damaged") && words.contains("sound up to event") && words.contains("restore")
            || words.contains("could not be");
        assert!(clear, "{what}: {words}");
        return true;
    }
    assert_eq!(verdict, format!("sound {}", original.digest), "{what}");
    false
}

#[test]
fn no_random_damage_goes_unnoticed() {
    let directories = TempDir::new().unwrap();
    let original = original(directories.path());
    assert!(!judge(&original, &original.killed, "nothing") && !judge(&original, &original.stopped, "nothing"));
    let (next, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= CASES {
                        break;
                    }
                    let directory = directories.path().join(number.to_string());
                    copy(if number.is_multiple_of(2) { &original.killed } else { &original.stopped }, &directory);
                    let what = damage(&directory, &mut Random(SEED + number as u64));
                    refused.fetch_add(usize::from(judge(&original, &directory, &format!("case {number}: {what}"))), Ordering::SeqCst);
                    fs::remove_dir_all(&directory).unwrap();
                }
            });
        }
    });
    let refused = refused.into_inner();
    println!("{refused} of {CASES} refused, the others harmless");
    assert!(refused > CASES / 4 && refused < CASES, "{refused} of {CASES} refused");
}

/// What is missing, exchanged or taken out of the middle is always refused.
#[test]
fn missing_and_exchanged_parts_are_refused() {
    let directories = TempDir::new().unwrap();
    let original = original(directories.path());
    let mut sealed: Vec<String> = fs::read_dir(&original.killed)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".log"))
        .collect();
    sealed.sort();
    assert!(sealed.len() >= 3, "{sealed:?}");
    let number = AtomicUsize::new(0);
    let refused = |what: &str, damage: &dyn Fn(&Path)| {
        let directory = directories.path().join(format!("case-{}", number.fetch_add(1, Ordering::SeqCst)));
        copy(&original.killed, &directory);
        damage(&directory);
        assert!(judge(&original, &directory, what), "{what} went unnoticed");
    };
    let active = |directory: &Path| -> PathBuf {
        let found = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        found.into_iter().find(|path| path.is_dir()).unwrap()
    };
    for name in &sealed {
        refused(&format!("{name} removed"), &|directory| fs::remove_file(directory.join(name)).unwrap());
    }
    refused("two sealed segments exchanged", &|directory| {
        fs::rename(directory.join(&sealed[0]), directory.join("other")).unwrap();
        fs::rename(directory.join(&sealed[1]), directory.join(&sealed[0])).unwrap();
        fs::rename(directory.join("other"), directory.join(&sealed[1])).unwrap();
    });
    refused("the tail removed", &|directory| fs::remove_file(directory.join("tail")).unwrap());
    refused("the active segment removed", &|directory| fs::remove_dir_all(active(directory)).unwrap());
    refused("the active segment emptied", &|directory| {
        fs::remove_dir_all(active(directory)).unwrap_or_default();
        fs::create_dir(directory.join(format!("seg-{:016}", 1))).unwrap();
    });
    refused("the groups of the tail removed", &|directory| {
        let file = fs::OpenOptions::new().write(true).open(directory.join("tail")).unwrap();
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.write_all_at(&vec![0; length - 8192], 8192).unwrap();
    });
    let database =
        |directory: &Path| ::sled::Config::new().path(active(directory)).flush_every_ms(None).segment_size(8 << 20).open().unwrap();
    refused("groups taken out of the middle of the active segment", &|directory| {
        let db = database(directory);
        assert!(db.len() >= 3, "what is last in sled may still be in the tail: then nothing is lost");
        let (key, _) = db.iter().nth(1).unwrap().unwrap();
        db.remove(key).unwrap();
        db.flush().unwrap();
    });
    refused("two packs of the active segment exchanged", &|directory| {
        let db = database(directory);
        let pairs: Vec<_> = db.iter().take(2).map(Result::unwrap).collect();
        db.insert(&pairs[0].0, &pairs[1].1).unwrap();
        db.insert(&pairs[1].0, &pairs[0].1).unwrap();
        db.flush().unwrap();
    });
}
