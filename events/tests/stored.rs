//! Damage to what sled stores, value by value: each is found, and the first event that can't be trusted is named exactly.
//!
//! Works on values that hold one group or several, so that it says nothing of how groups are packed.

#![allow(clippy::unwrap_used, reason = "a case that can't be made is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};

use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;
use spunto_events::frame::{self, HEADER_BYTES};
use spunto_events::group::{Group, Hash};
use spunto_events::log::sled::{LogOptions, SledLog, StoppedLog};
use spunto_events::log::{EventLog, OpenError};
use tempfile::TempDir;

const SEED: u64 = 20_261_125;
/// Of each sort.
const CASES: usize = 12;
/// Bytes of a stored group before its frames.
const GROUP_HEAD_BYTES: usize = 96;

fn options() -> LogOptions {
    LogOptions { segment_events_max: 100_000, segment_bytes_max: 64 << 20, tail_area_bytes: 0, absorb_bytes: 8 << 10, reserve_bytes: 0 }
}

fn record(seq: u64) -> Record {
    Record {
        seq,
        org: Some(OrgId::from_u64(1)),
        stream: StreamId::Node(NodeId::from_u64(seq % 7)),
        stream_version: seq,
        at: Timestamp::from_ms(seq),
        actor: Actor::System,
        correlation: seq * 31,
        causation: 0,
        event: NodeUndrained { node: NodeId::from_u64(seq % 7) }.into(),
    }
}

fn group(first: u64, previous: Hash, count: u64) -> Group {
    Group::of(first, previous, &(first..first + count).map(record).collect::<Vec<_>>()).unwrap()
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

/// A value of a tree, as sled holds it.
#[derive(Clone)]
struct Stored {
    tree: Vec<u8>,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// A group in a value: where it starts there, and its events.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    bytes: usize,
    first: u64,
    last: u64,
}

fn word(bytes: &[u8], place: usize) -> u64 {
    u64::from_le_bytes(bytes[place..place + 8].try_into().unwrap())
}

/// The groups of a value; all of them are whole in this test.
fn groups(value: &[u8]) -> Vec<Place> {
    let (mut places, mut start) = (Vec::new(), 0);
    while start < value.len() {
        let length = u32::from_le_bytes(value[start..start + 4].try_into().unwrap()) as usize;
        let bytes = GROUP_HEAD_BYTES + length;
        places.push(Place { start, bytes, first: word(value, start + 16), last: word(value, start + 24) });
        start += bytes;
    }
    assert_eq!(start, value.len());
    places
}

/// The event that the byte at `place` of a value belongs to; of a group's own header, its first.
fn event_at(value: &[u8], place: usize) -> u64 {
    let group = groups(value).into_iter().find(|group| place < group.start + group.bytes).unwrap();
    let (mut next, mut rest) = (group.start + GROUP_HEAD_BYTES, &value[group.start + GROUP_HEAD_BYTES..group.start + group.bytes]);
    for seq in group.first..=group.last {
        let (_, after) = frame::decode(rest).unwrap();
        next += rest.len() - after.len();
        if place < next {
            return if place < group.start + GROUP_HEAD_BYTES { group.first } else { seq };
        }
        rest = after;
    }
    unreachable!("the place is in the group")
}

fn database(log: &Path) -> sled::Db {
    let active = fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    sled::Config::new().path(active).flush_every_ms(None).segment_size(8 << 20).open().unwrap()
}

fn values(db: &sled::Db) -> Vec<Stored> {
    let mut found = Vec::new();
    for name in db.tree_names() {
        let tree = db.open_tree(&name).unwrap();
        for entry in &tree {
            let (key, value) = entry.unwrap();
            found.push(Stored { tree: name.to_vec(), key: key.to_vec(), value: value.to_vec() });
        }
    }
    found.sort_by_key(|stored| groups(&stored.value)[0].first);
    found
}

fn put(db: &sled::Db, at: &Stored, value: &[u8]) {
    db.open_tree(&at.tree).unwrap().insert(&at.key, value).unwrap();
}

/// Another event in the place of the first of a group, with every checksum and the group's own hash made right again.
fn forged(value: &[u8], place: Place) -> Vec<u8> {
    let mut value = value.to_vec();
    let bytes = &value[place.start..place.start + place.bytes];
    let previous = Hash(bytes[32..64].try_into().unwrap());
    let mut records: Vec<Record> = (place.first..=place.last).map(record).collect();
    records[0].actor = Actor::Operator;
    let group = Group::of(place.first, previous, &records).unwrap();
    assert_eq!(group.frames.len() + GROUP_HEAD_BYTES, place.bytes);
    let frames = place.start + GROUP_HEAD_BYTES;
    value[frames..place.start + place.bytes].copy_from_slice(&group.frames);
    value[place.start + 64..frames].copy_from_slice(&group.hash.0);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&value[place.start..place.start + 4]);
    crc.update(&value[place.start + 8..frames]);
    value[place.start + 4..place.start + 8].copy_from_slice(&crc.finalize().to_le_bytes());
    value
}

/// Damages a log; the first event that can't be trusted.
fn damage(sort: usize, db: &sled::Db, random: &mut Random) -> (&'static str, u64) {
    let all = values(db);
    let one = random.below(all.len() - 1);
    let (stored, first) = (&all[one], groups(&all[one].value)[0].first);
    match sort {
        0 => {
            let mut value = stored.value.clone();
            let place = random.below(value.len());
            value[place] ^= 1 << random.below(8);
            put(db, stored, &value);
            ("flipped", event_at(&stored.value, place))
        }
        1 => {
            db.open_tree(&stored.tree).unwrap().remove(&stored.key).unwrap();
            ("removed", first)
        }
        2 => {
            let other = &all[one + 1];
            put(db, stored, &other.value);
            put(db, other, &stored.value);
            ("swapped", first)
        }
        3 => {
            let other = &all[one + 1];
            put(db, other, &stored.value);
            ("duplicated", groups(&other.value)[0].first)
        }
        4 => {
            let last = *groups(&stored.value).last().unwrap();
            let length = last.start + 1 + random.below(last.bytes - 1);
            put(db, stored, &stored.value[..length]);
            ("truncated", last.first)
        }
        _ => {
            let places = groups(&stored.value);
            let place = places[random.below(places.len())];
            put(db, stored, &forged(&stored.value, place));
            // The forgery is sound in itself; what follows tells that it is not what stood there.
            ("forged", place.last + 1)
        }
    }
}

fn original(directory: &Path) -> PathBuf {
    let path = directory.join("original");
    let log = SledLog::open(&path, options()).unwrap();
    for number in 0..150 {
        let head = log.head();
        log.append(group(head.seq + 1, head.hash, [1, 3, 17, 2, 9, 40][number % 6])).unwrap();
    }
    path
}

#[test]
fn every_damaged_value_is_found_at_its_event() {
    let directories = TempDir::new().unwrap();
    let original = original(directories.path());
    assert!(StoppedLog::open(&original, &directories.path().join("sound")).is_ok());
    for sort in 0..6 {
        for case in 0..CASES {
            let (damaged, scratch) = (directories.path().join(format!("{sort}-{case}")), TempDir::new().unwrap());
            copy(&original, &damaged);
            let db = database(&damaged);
            let (what, event) = damage(sort, &db, &mut Random(SEED + (sort * CASES + case) as u64));
            db.flush().unwrap();
            drop(db);
            match StoppedLog::open(&damaged, scratch.path()) {
                Err(OpenError::Damaged { at, sound_to, segment, .. }) => {
                    assert_eq!(at, event, "{what}, case {case}");
                    assert!(sound_to < at && segment.starts_with("segment seg-"), "{what}, case {case}: {segment}, {sound_to}");
                }
                Err(error) => panic!("{what}, case {case}: {error}"),
                Ok(_) => panic!("{what}, case {case} went unnoticed"),
            }
            fs::remove_dir_all(damaged).unwrap();
        }
    }
}

/// Who makes every hash after a forged event right again, too, is found by the head that was noted beside them.
#[test]
fn a_history_that_was_hashed_anew_to_its_end_is_refused() {
    let directories = TempDir::new().unwrap();
    let original = original(directories.path());
    let db = database(&original);
    let mut previous = None;
    for (number, stored) in values(&db).iter().enumerate() {
        let mut value = stored.value.clone();
        for place in groups(&stored.value) {
            let before = previous.unwrap_or_else(|| Hash(value[place.start + 32..place.start + 64].try_into().unwrap()));
            value[place.start + 32..place.start + 64].copy_from_slice(&before.0);
            value = if number == 3 && place.start == 0 { forged(&value, place) } else { rehashed(&value, place) };
            previous = Some(Hash(value[place.start + 64..place.start + 96].try_into().unwrap()));
        }
        put(&db, stored, &value);
    }
    db.flush().unwrap();
    drop(db);
    let opened = StoppedLog::open(&original, &directories.path().join("scratch"));
    assert!(matches!(opened, Err(OpenError::Damaged { .. })), "the tail and the head tell of another history");
}

/// The same group after another one, with its hash and checksum made right.
fn rehashed(value: &[u8], place: Place) -> Vec<u8> {
    let mut value = value.to_vec();
    let previous = Hash(value[place.start + 32..place.start + 64].try_into().unwrap());
    let frames = place.start + GROUP_HEAD_BYTES;
    let group = Group::seal(place.first, previous, value[frames..place.start + place.bytes].to_vec()).unwrap();
    value[place.start + 64..frames].copy_from_slice(&group.hash.0);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&value[place.start..place.start + 4]);
    crc.update(&value[place.start + 8..frames]);
    value[place.start + 4..place.start + 8].copy_from_slice(&crc.finalize().to_le_bytes());
    assert!(place.bytes > HEADER_BYTES);
    value
}
