//! Opening: what is on disk is verified from the first event to the last, and work that a crash cut short is finished.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::LogOptions;
use super::absorb::Fill;
use super::roll::{self, GONE, sealed_path, segment_name};
use super::store::{ScanError, Store};
use super::tail::{self, Tail};
use crate::group::Group;
use crate::log::Head;
use crate::log::disk::Disk;
use crate::log::file::{SegmentError, SegmentFile};
use crate::log::head::Expected;
use crate::log::opening::OpenError;
use crate::log::stored::{Chain, Check};

/// A log that is whole.
pub(super) struct Recovered {
    pub(super) tail: Tail,
    pub(super) sealed: Vec<Arc<SegmentFile>>,
    pub(super) active: Store,
    pub(super) head: Head,
    pub(super) fill: Fill,
}

/// Names in a log's directory, without what was on its way in or out.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) sealed: BTreeSet<u64>,
    pub(super) active: BTreeSet<u64>,
    pub(super) tail: bool,
    unfinished: bool,
    /// What was on its way in or out of the directory.
    leftovers: Vec<PathBuf>,
}

/// Opens the log in `directory`, or makes one.
pub(super) fn recover(directory: &Path, options: &LogOptions, disk: &Disk) -> Result<Recovered, OpenError> {
    let mut listing = list(directory)?;
    for path in &listing.leftovers {
        disk.remove(path)?;
    }
    if !listing.tail {
        create(directory, options, disk, &listing)?;
        listing = list(directory)?;
    }
    let opened = Tail::open(disk, &directory.join(tail::FILE_NAME))?;
    let (mut tail, found) = opened.ok_or_else(|| OpenError::damaged("the tail file", 0, "its head or its length is not as written"))?;
    let mut walk = Walk { chain: Chain::START, expected: Expected::new(found.head) };
    let sealed = open_sealed(directory, &listing, found.head.incarnation, &mut walk)?;
    finish_roll(directory, disk, &mut listing, walk.chain.seq)?;
    let (active, mut fill) = open_active(directory, &listing, &mut walk)?;
    let fresh = follow_tail(found.groups, &found.stopped, active.first(), &mut walk)?;
    for group in &fresh {
        fill.events += group.last - group.first + 1;
        fill.bytes += group.frames.len() as u64;
    }
    let head = Head { seq: walk.chain.seq, hash: walk.chain.hash, ..found.head };
    let settled = active.insert(disk, &fresh).and_then(|()| active.settle(disk));
    settled.map_err(|why| OpenError::damaged(segment_in_words(active.first()), active.first() - 1, why))?;
    tail.note(head)?;
    tail.sync()?;
    Ok(Recovered { tail, sealed, active, head, fill })
}

/// How far the log was followed.
pub(super) struct Walk {
    pub(super) chain: Chain,
    pub(super) expected: Expected,
}

/// The groups of the tail that the segments don't hold; checks that with them everything that was acknowledged is there.
pub(super) fn follow_tail(groups: Vec<Group>, stopped: &str, active: u64, walk: &mut Walk) -> Result<Vec<Arc<Group>>, OpenError> {
    let mut fresh = Vec::new();
    for group in groups {
        if group.last <= walk.chain.seq {
            continue;
        }
        if let Err(fault) = walk.chain.follow(&group) {
            let what = format!("{fault} (the tail goes on after it)");
            let at = fault.at().unwrap_or(walk.chain.seq + 1);
            return Err(OpenError::damaged_at(segment_in_words(active), walk.chain.seq, at, what));
        }
        walk.expected.pass(group.last, group.hash);
        fresh.push(Arc::new(group));
    }
    if let Some(fault) = walk.expected.fault(walk.chain.seq) {
        let what = format!("{fault} (neither in this segment nor in the tail: {stopped})");
        return Err(OpenError::damaged(segment_in_words(active), walk.chain.seq, what));
    }
    Ok(fresh)
}

fn segment_in_words(first: u64) -> String {
    format!("segment {}", segment_name(first))
}

/// Lists the directory.
pub(super) fn list(directory: &Path) -> Result<Listing, OpenError> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let path = entry.path();
        if name == tail::FILE_NAME {
            listing.tail = true;
        } else if name == "tail.new" {
            listing.unfinished = true;
        } else if let Some(rest) = name.strip_prefix("seg-") {
            let (number, ending) = rest.split_once('.').unwrap_or((rest, ""));
            let first = number.parse().ok().filter(|first| segment_name(*first) == format!("seg-{number}"));
            match (first, ending) {
                (Some(_), GONE | "log.new") => listing.leftovers.push(path),
                (Some(first), "log") => drop(listing.sealed.insert(first)),
                (Some(first), "") => drop(listing.active.insert(first)),
                _ => {}
            }
        }
    }
    Ok(listing)
}

/// Makes an empty log. The tail gets its name last: a directory with a tail holds a whole log.
fn create(directory: &Path, options: &LogOptions, disk: &Disk, listing: &Listing) -> Result<(), OpenError> {
    let begun = listing.unfinished && listing.active.iter().all(|first| *first == 1);
    if !listing.sealed.is_empty() || !(begun || listing.active.is_empty()) {
        return Err(OpenError::damaged("the tail file", 0, "it is missing, and only it tells where the log ended"));
    }
    let incarnation = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let draft = directory.join("tail.new");
    Tail::create(disk, &draft, incarnation, options.tail_area_bytes)?;
    disk.sync_directory(directory)?;
    let active = directory.join(segment_name(1));
    if active.exists() {
        disk.remove(&active)?;
    }
    drop(Store::create(disk, &active, 1).map_err(io::Error::other)?);
    disk.rename(&draft, &directory.join(tail::FILE_NAME))?;
    Ok(disk.sync_directory(directory)?)
}

pub(super) fn open_sealed(
    directory: &Path,
    listing: &Listing,
    incarnation: u64,
    walk: &mut Walk,
) -> Result<Vec<Arc<SegmentFile>>, OpenError> {
    let mut sealed = Vec::new();
    for first in &listing.sealed {
        let sound_to = walk.chain.seq;
        let damaged = |what: String| OpenError::damaged(segment_in_words(*first), sound_to, what);
        if *first != sound_to + 1 {
            return Err(missing(sound_to, *first));
        }
        let segment = match SegmentFile::open(&sealed_path(directory, *first)) {
            Ok(segment) => segment,
            Err(SegmentError::Damaged { sound_to: inside, at, what }) => {
                return Err(OpenError::damaged_at(segment_in_words(*first), inside.max(sound_to), at.max(sound_to + 1), what));
            }
            Err(SegmentError::Io(error)) => return Err(error.into()),
            Err(SegmentError::Source(error)) => return Err(damaged(error.to_string())),
        };
        let summary = segment.summary();
        if summary.first != *first || summary.previous != walk.chain.hash || summary.incarnation != incarnation {
            return Err(damaged("it is sound in itself, but belongs to another place or another log".to_owned()));
        }
        if (summary.first..=summary.last).contains(&walk.expected.seq()) {
            segment.ends(|last, hash| walk.expected.pass(last, hash))?;
        }
        walk.chain = Chain { seq: summary.last, hash: summary.hash };
        sealed.push(Arc::new(segment));
    }
    Ok(sealed)
}

fn missing(sound_to: u64, found: u64) -> OpenError {
    let what = format!("it is missing: the next segment there is starts with event {found}");
    OpenError::damaged(segment_in_words(sound_to + 1), sound_to, what)
}

/// Finishes a roll that a crash cut short: the last sealed segment is whole, so its sled database goes, and whatever there is
/// of the next one, which can't have taken a group yet, is made again.
fn finish_roll(directory: &Path, disk: &Disk, listing: &mut Listing, sealed_to: u64) -> Result<(), OpenError> {
    let Some(first) = listing.sealed.last().copied().filter(|first| listing.active.contains(first)) else {
        return Ok(());
    };
    let next = directory.join(segment_name(sealed_to + 1));
    if next.exists() {
        disk.remove(&next)?;
    }
    drop(Store::create(disk, &next, sealed_to + 1).map_err(io::Error::other)?);
    roll::retire(disk, &directory.join(segment_name(first))).map_err(io::Error::other)?;
    listing.active.remove(&first);
    listing.active.insert(sealed_to + 1);
    Ok(())
}

pub(super) fn open_active(directory: &Path, listing: &Listing, walk: &mut Walk) -> Result<(Store, Fill), OpenError> {
    let first = walk.chain.seq + 1;
    if !listing.active.contains(&first) {
        let found = listing.active.first().copied();
        let absent = || OpenError::damaged(segment_in_words(first), walk.chain.seq, "it is missing, and no later one is there");
        return Err(found.map_or_else(absent, |found| missing(walk.chain.seq, found)));
    }
    if let Some(other) = listing.active.iter().find(|other| **other != first) {
        return Err(OpenError::damaged(segment_in_words(*other), walk.chain.seq, "it has no place in this log"));
    }
    let damaged = |sound_to, what: String| OpenError::damaged(segment_in_words(first), sound_to, what);
    let store = Store::open(&directory.join(segment_name(first)), first).map_err(|why| damaged(first - 1, why))?;
    let (mut fill, mut fault) = (Fill::default(), None);
    let scanned = store.scan(first, Check::Chain, |group| {
        if let Err(wrong) = walk.chain.follow(&group) {
            fault = Some(wrong);
            return ControlFlow::Break(());
        }
        walk.expected.pass(group.last, group.hash);
        fill.events += group.last - group.first + 1;
        fill.bytes += group.frames.len() as u64;
        ControlFlow::Continue(())
    });
    let seq = walk.chain.seq;
    match (scanned, fault) {
        (Ok(()), None) => Ok((store, fill)),
        (Ok(()), Some(fault)) | (Err(ScanError::Group(fault)), _) => {
            Err(OpenError::damaged_at(segment_in_words(first), seq, fault.at().unwrap_or(seq + 1), fault))
        }
        (Err(ScanError::Sled(why)), _) => Err(damaged(seq, why)),
    }
}
