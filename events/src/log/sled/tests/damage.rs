//! Damage is found, or harms nothing: after an open that succeeds, every acknowledged group is byte for byte what it was.

use super::*;

fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-r").arg(from).arg(to).status().unwrap();
    assert!(copied.success());
}

/// A log of several segments, closed.
fn prepared(directory: &Path) -> (PathBuf, Vec<Group>) {
    let path = directory.join("sound");
    let log = open(&path).unwrap();
    fill(&log, 60);
    let all = contents(&log);
    (path, all)
}

/// The one check: after this damage the log refuses and says where, or is what it was.
fn check(sound: &Path, all: &[Group], damage: impl FnOnce(&Path)) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let copied = directory.path().join("log");
    copy(sound, &copied);
    damage(&copied);
    match open(&copied) {
        Ok(log) => {
            assert_eq!(contents(&log), all, "damage went unnoticed");
            None
        }
        Err(error @ OpenError::Damaged { .. }) => Some(error.to_string()),
        Err(error) => panic!("damage must be called damage: {error}"),
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// A small generator: the same damages in every run.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |state| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)))
        .map(|state| state >> 20)
        .skip(1)
}

#[test]
fn flipped_bits_anywhere_are_found_or_harmless() {
    let directory = tempfile::tempdir().unwrap();
    let (sound, all) = prepared(directory.path());
    let mut seeds = numbers(7);
    let mut found = 0;
    for file in files(&sound) {
        let name = file.strip_prefix(&sound).unwrap().to_owned();
        let bytes = fs::read(&file).unwrap();
        // Where data is, not in the zeros that sled preallocates.
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |place| place + 1);
        for _ in 0..if used == 0 { 0 } else { 12 } {
            let place = usize::try_from(seeds.next().unwrap()).unwrap() % used;
            let refused = check(&sound, &all, |log| {
                let mut flipped = bytes.clone();
                flipped[place] ^= 1 << (place % 8);
                fs::write(log.join(&name), flipped).unwrap();
            });
            found += usize::from(refused.is_some());
        }
    }
    assert!(found > 20, "only {found} damages hit anything");
}

#[test]
fn cut_tails_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let (sound, all) = prepared(directory.path());
    let mut seeds = numbers(11);
    for file in files(&sound).into_iter().filter(|file| !file.ends_with("lock")) {
        let name = file.strip_prefix(&sound).unwrap().to_owned();
        let bytes = fs::read(&file).unwrap();
        for _ in 0..4 {
            let keep = usize::try_from(seeds.next().unwrap()).unwrap() % bytes.len().max(1);
            let refused = check(&sound, &all, |log| fs::write(log.join(&name), &bytes[..keep.min(bytes.len())]).unwrap());
            if name.extension().is_some_and(|extension| extension == "log") {
                assert!(refused.unwrap().contains("sound up to event"));
            }
        }
    }
}

#[test]
fn missing_and_swapped_segments_are_found_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let (sound, all) = prepared(directory.path());
    let segments: Vec<PathBuf> =
        files(&sound).into_iter().filter(|file| file.extension().is_some_and(|extension| extension == "log")).collect();
    let name = |place: usize| segments[place].file_name().unwrap().to_owned();
    for place in 0..segments.len() {
        let refused = check(&sound, &all, |log| fs::remove_file(log.join(name(place))).unwrap());
        assert!(refused.unwrap().contains("is missing"), "segment {place}");
    }
    let refused = check(&sound, &all, |log| {
        fs::rename(log.join(name(0)), log.join("x")).unwrap();
        fs::rename(log.join(name(1)), log.join(name(0))).unwrap();
        fs::rename(log.join("x"), log.join(name(1))).unwrap();
    });
    assert!(refused.unwrap().contains("swapped"));
    let active = fs::read_dir(&sound).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let active = active.file_name().unwrap().to_owned();
    let refused = check(&sound, &all, |log| fs::remove_dir_all(log.join(&active)).unwrap()).unwrap();
    assert!(refused.contains(active.to_str().unwrap()) && refused.contains("sound up to event"), "{refused}");
    assert!(check(&sound, &all, |log| fs::remove_file(log.join("head")).unwrap()).unwrap().contains("head"));
}

#[test]
fn removed_and_swapped_groups_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sound");
    let log = SledLog::open(&path, LogOptions::default()).unwrap();
    for _ in 0..10 {
        log.append(next(log.head(), 2)).unwrap();
    }
    let all = contents(&log);
    drop(log);
    let segment = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    let segment = segment.file_name().unwrap().to_owned();
    let change = |change: &dyn Fn(&sled::Db)| {
        check(&path, &all, |log| {
            let database = sled::Config::new().path(log.join(&segment)).segment_size(8 << 20).flush_every_ms(None).open().unwrap();
            change(&database);
            database.flush().unwrap();
        })
    };
    let keys: Vec<Vec<u8>> = (0..10_u64).map(|group| [(1 + 2 * group).to_be_bytes().as_slice(), &[0; 4]].concat()).collect();
    for (place, key) in keys.iter().enumerate() {
        let refused = change(&|database| drop(database.remove(key).unwrap()));
        let words = refused.unwrap_or_else(|| panic!("group {place} was removed and nobody noticed"));
        assert!(words.contains(&format!("sound up to event {}", 2 * place)), "{words}");
    }
    for place in 1..keys.len() {
        let refused = change(&|database| {
            let (one, other) = (database.get(&keys[place - 1]).unwrap().unwrap(), database.get(&keys[place]).unwrap().unwrap());
            database.insert(&keys[place - 1], other).unwrap();
            database.insert(&keys[place], one).unwrap();
        });
        assert!(refused.is_some(), "groups {place} and the one before were swapped");
    }
}
