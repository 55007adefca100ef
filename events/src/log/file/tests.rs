#![allow(clippy::unwrap_used, reason = "a failed open is a failed test")]
use super::*;
use crate::log::conformance;

fn empty() -> Head {
    Head { incarnation: 7, seq: 0, hash: Hash::default() }
}

/// A sealed file with some groups, its bytes and its end.
fn sealed(directory: &Path) -> (PathBuf, Vec<u8>, Head) {
    let path = directory.join("sealed");
    let log = FileLog::create(&path, empty()).unwrap();
    for count in [1, 5, 2, 9] {
        log.append(conformance::next(log.head(), count)).unwrap();
    }
    log.seal().unwrap();
    (path.clone(), std::fs::read(&path).unwrap(), log.head())
}

#[test]
fn keeps_what_every_log_promises() {
    let directory = tempfile::tempdir().unwrap();
    let number = std::cell::Cell::new(0);
    conformance::check(|| {
        number.set(number.get() + 1);
        FileLog::create(&directory.path().join(number.get().to_string()), empty()).unwrap()
    });
}

#[test]
fn a_sealed_file_opens_as_it_was_and_takes_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _, head) = sealed(directory.path());
    let log = FileLog::open(&path).unwrap();
    assert!(log.is_sealed());
    assert_eq!(log.head(), head);
    assert_eq!(log.read(1, usize::MAX).unwrap().len(), 4);
    assert!(matches!(log.append(conformance::next(head, 1)), Err(AppendError::Unknown(_))));
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_sealed_file_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let (path, sound, _) = sealed(directory.path());
    let mut unnoticed = Vec::new();
    for place in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[place] ^= 1 << (place % 8);
        std::fs::write(&path, &flipped).unwrap();
        if FileLog::open(&path).is_ok_and(|log| log.is_sealed()) {
            unnoticed.push(place);
        }
        std::fs::write(&path, &sound[..place]).unwrap();
        if FileLog::open(&path).is_ok_and(|log| log.is_sealed()) {
            unnoticed.push(place);
        }
    }
    assert_eq!(unnoticed, Vec::<usize>::new());
    std::fs::write(&path, [sound, vec![0]].concat()).unwrap();
    assert!(FileLog::open(&path).is_err(), "something after the footer");
}
