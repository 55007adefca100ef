//! Golden bytes: every (kind, version) ever written decodes for ever, and the newest is still written the same.
//!
//! A missing fixture is written, and the test fails until somebody commits it. Fixtures are added, never edited.

#![allow(clippy::unwrap_used, reason = "an unreadable fixture is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use spunto_core::event::{Event, KINDS};
use spunto_core::record::Record;

use super::schema::newest;
use super::{DecodeFault, decode, encode};
use crate::frame::{self, FORMAT};

mod samples;

use samples::Old;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn stem(event: &Event, version: u16) -> String {
    format!("{:03}-{}.v{version}", event.kind(), event.name())
}

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes).unwrap();
    bytes
}

fn json_of(record: &Record) -> String {
    serde_json::to_string_pretty(&record.event).unwrap() + "\n"
}

/// The one check: the stored pair exists, decodes to its text, and is what would be written today.
fn check(record: &Record) -> Result<(), String> {
    let stem = stem(&record.event, newest(record.event.kind()));
    let (bin, json) = (golden().join(format!("{stem}.bin")), golden().join(format!("{stem}.json")));
    if !bin.exists() {
        fs::write(&bin, bytes_of(record)).unwrap();
        fs::write(&json, json_of(record)).unwrap();
        return Err(format!("{stem} is new: its fixture was written; look at it and commit it"));
    }
    let stored = fs::read(&bin).unwrap();
    let (frame, rest) = frame::decode(&stored).map_err(|error| format!("{stem}: {error}"))?;
    let back = decode(frame).map_err(|error| format!("{stem}: {error}"))?;
    if !rest.is_empty() || json_of(&back) != fs::read_to_string(&json).unwrap() {
        return Err(format!("{stem}: old bytes decode to something else"));
    }
    if back != *record || bytes_of(record) != stored {
        return Err(format!("{stem}: it is written otherwise now; a changed shape needs a new version"));
    }
    Ok(())
}

#[test]
fn every_kind_ever_written_decodes_and_is_written_the_same() {
    let samples = samples::all();
    let kinds: BTreeSet<u16> = samples.iter().map(|record| record.event.kind()).collect();
    assert_eq!(kinds, KINDS.iter().map(|(number, _)| *number).collect(), "one sample for every kind");
    let wrong: Vec<String> = samples.iter().filter_map(|record| check(record).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let files = fs::read_dir(golden()).unwrap().count();
    assert_eq!(files, 2 * (samples.len() + samples::old().len()), "a fixture without a sample");
}

/// Bytes of an older shape tell of what they told then; the text beside them is in the shape of their time.
#[test]
fn what_older_programs_wrote_is_still_understood() {
    let mut due: BTreeSet<String> = BTreeSet::new();
    for record in samples::all() {
        due.extend((1..newest(record.event.kind())).map(|version| stem(&record.event, version)));
    }
    for Old { version, meant, as_it_was } in samples::old() {
        let stem = stem(&meant, version);
        let bytes = fs::read(golden().join(format!("{stem}.bin"))).unwrap();
        let (frame, rest) = frame::decode(&bytes).unwrap();
        assert!(rest.is_empty());
        assert_eq!((frame.header.kind, frame.header.version), (meant.kind(), version), "{stem}");
        assert_eq!(decode(frame).unwrap().event, meant, "{stem}");
        assert_eq!(as_it_was(frame.payload) + "\n", fs::read_to_string(golden().join(format!("{stem}.json"))).unwrap(), "{stem}");
        assert!(due.remove(&stem), "{stem}: twice, or not older than what is written today");
    }
    assert!(due.is_empty(), "older versions without a sample: {due:?}");
}

#[test]
fn the_catalogue_names_every_kind() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let listed: Vec<(u16, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.parse().ok()?, cells.next()?.trim_matches('`')))
        })
        .collect();
    assert_eq!(listed, KINDS);
}

#[test]
fn an_unknown_kind_or_version_stops_with_its_sequence() {
    for (kind, version) in [(9999, 1), (102, 2), (102, 0), (101, 3), (101, 0)] {
        let record = &samples::all()[0];
        let mut bytes = bytes_of(record);
        let (frame, _) = frame::decode(&bytes).unwrap();
        let (header, payload) = (frame::Header { kind, version, ..frame.header }, frame.payload.to_vec());
        bytes.clear();
        frame::encode(&header, &payload, &mut bytes).unwrap();
        let error = decode(frame::decode(&bytes).unwrap().0).unwrap_err();
        assert_eq!((error.seq, error.kind, error.version, error.why), (record.seq, kind, version, DecodeFault::Unknown));
    }
}

#[test]
fn a_payload_that_is_cut_or_longer_than_its_shape_is_refused() {
    for record in samples::all() {
        let bytes = bytes_of(&record);
        assert_eq!(bytes[0], FORMAT);
        let (frame, _) = frame::decode(&bytes).unwrap();
        let mut longer = frame.payload.to_vec();
        longer.push(0);
        for payload in [&frame.payload[..frame.payload.len() - 1], &longer] {
            let error = decode(frame::FrameRef { header: frame.header, payload }).unwrap_err();
            assert!(matches!(error.why, DecodeFault::Shape(_)), "{}", record.event.name());
        }
    }
}
