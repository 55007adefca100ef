//! A log that no server has open: read without changing a byte of it, and made anew from groups.
//!
//! Sealed files and the tail are only ever opened for reading. sled rewrites its files whenever it opens them, so the active segment
//! is copied, and the copy is opened.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::recover::{self, Walk};
use super::roll::{sealed_path, segment_name};
use super::store::Store;
use super::tail::{self, Tail};
use super::{LogOptions, damaged, read_store};
use crate::group::Group;
use crate::log::disk::Disk;
use crate::log::file::{SegmentError, SegmentFile};
use crate::log::head::Expected;
use crate::log::opening::{Lock, OpenError};
use crate::log::stored::{Chain, STORED_BYTES_MAX};
use crate::log::{Head, ReadError};

/// A stopped server's log, verified whole. While this value lives, no server can start on it.
pub struct StoppedLog {
    head: Head,
    sealed: Vec<Arc<SegmentFile>>,
    /// The copy; none when a crash came between the sealing of a segment and the beginning of the next.
    active: Option<Store>,
    /// What only the tail holds.
    recent: Vec<Arc<Group>>,
    _lock: Lock,
}

impl StoppedLog {
    /// Opens the log in `directory` and verifies all of it, as a server does at its start. `scratch` takes a copy of the active segment
    /// (at most a few hundred MiB), should be empty, and is the caller's to remove.
    ///
    /// # Errors
    /// See [`OpenError`]; there is no log; `scratch` can't be written.
    pub fn open(directory: &Path, scratch: &Path) -> Result<Self, OpenError> {
        let lock = Lock::share(&directory.join("lock"))?;
        let listing = recover::list(directory)?;
        if !listing.tail {
            return Err(OpenError::damaged("the tail file", 0, "it is missing, and only it tells where the log ended"));
        }
        let found = tail::inspect(&directory.join(tail::FILE_NAME))?;
        let found = found.ok_or_else(|| OpenError::damaged("the tail file", 0, "its head or its length is not as written"))?;
        let mut walk = Walk { chain: Chain::START, expected: Expected::new(found.head) };
        let sealed = recover::open_sealed(directory, &listing, found.head.incarnation, &mut walk)?;
        let begun = walk.chain.seq + 1;
        let between = sealed.last().is_some_and(|last| listing.active.contains(&last.summary().first));
        let active = if between {
            None
        } else {
            if listing.active.contains(&begun) {
                copy(&directory.join(segment_name(begun)), &scratch.join(segment_name(begun)))?;
            }
            Some(recover::open_active(scratch, &listing, &mut walk)?.0)
        };
        let recent = recover::follow_tail(found.groups, &found.stopped, begun, &mut walk)?;
        let head = Head { seq: walk.chain.seq, hash: walk.chain.hash, ..found.head };
        Ok(Self { head, sealed, active, recent, _lock: lock })
    }

    /// Where the log ends.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Groups in order, from the one that holds event `from` on: at least one where there is one, and no more once they hold
    /// `bytes_max`. Past the end: none.
    ///
    /// # Errors
    /// The files changed since they were verified, or can't be read.
    pub fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let from = from.max(1);
        if from > self.head.seq {
            return Ok(Vec::new());
        }
        if self.recent.first().is_some_and(|group| group.first <= from) {
            let start = self.recent.partition_point(|group| group.last < from);
            let mut bytes = 0;
            let fits = |group: &&Arc<Group>| {
                let room = bytes == 0 || bytes < bytes_max;
                bytes += group.frames.len();
                room
            };
            return Ok(self.recent[start..].iter().take_while(fits).cloned().collect());
        }
        let groups = match &self.active {
            Some(store) if from >= store.first() => read_store(store, from, bytes_max)?,
            _ => {
                let after = self.sealed.partition_point(|segment| segment.summary().first <= from);
                self.sealed[after.saturating_sub(1)].read(from, bytes_max)?
            }
        };
        if groups.first().is_some_and(|group| group.first <= from) { Ok(groups) } else { Err(damaged(from)) }
    }
}

/// Copies a segment's directory. sled's files are sparse at their ends; what the copy takes more of the disk does not matter.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let path = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &path)?;
        } else {
            fs::copy(entry.path(), path)?;
        }
    }
    Ok(())
}

/// Makes a log in `directory`, which must be empty or absent, of a whole history: groups from event 1 on. It is the same log: the
/// incarnation stays. Durable when it returns.
///
/// # Errors
/// The directory holds something; the groups can't be had or don't follow one another from event 1; the disk failed.
pub fn import(
    directory: &Path,
    incarnation: u64,
    options: LogOptions,
    groups: impl Iterator<Item = Result<Arc<Group>, ReadError>>,
) -> Result<Head, SegmentError> {
    fs::create_dir_all(directory)?;
    if fs::read_dir(directory)?.next().is_some() {
        let taken = io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is not empty", directory.display()));
        return Err(taken.into());
    }
    let disk = Disk::default();
    let mut groups = groups.peekable();
    let mut chain = Chain::START;
    while groups.peek().is_some() {
        let path = sealed_path(directory, chain.seq + 1);
        let part = Part { groups: &mut groups, events: 0, bytes: 0, options };
        let summary = SegmentFile::write_on(&disk, &path, incarnation, chain, part)?.summary();
        chain = Chain { seq: summary.last, hash: summary.hash };
    }
    let active = directory.join(segment_name(chain.seq + 1));
    drop(Store::create(&disk, &active, chain.seq + 1).map_err(io::Error::other)?);
    let head = Head { incarnation, seq: chain.seq, hash: chain.hash };
    begin_tail(&disk, directory, head, options.tail_area_bytes.max(STORED_BYTES_MAX as u64))?;
    Ok(head)
}

/// Makes the tail, and the lock's file; the tail gets its name last, as a directory with a tail holds a whole log.
fn begin_tail(disk: &Disk, directory: &Path, head: Head, area_bytes: u64) -> io::Result<()> {
    fs::write(directory.join("lock"), [])?;
    let draft = directory.join("tail.new");
    Tail::create(disk, &draft, head.incarnation, area_bytes)?;
    let (mut tail, _) = Tail::open(disk, &draft)?.ok_or_else(|| io::Error::other("the tail that was just written can't be read"))?;
    // Both slots, so that no older note is left.
    tail.note(head)?;
    tail.note(head)?;
    tail.sync()?;
    disk.rename(&draft, &directory.join(tail::FILE_NAME))?;
    disk.sync_directory(directory)
}

/// The groups of one segment, taken from a longer history.
struct Part<'a, I: Iterator<Item = Result<Arc<Group>, ReadError>>> {
    groups: &'a mut std::iter::Peekable<I>,
    events: u64,
    bytes: u64,
    options: LogOptions,
}

impl<I: Iterator<Item = Result<Arc<Group>, ReadError>>> Iterator for Part<'_, I> {
    type Item = Result<Arc<Group>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let (events, bytes, options) = (self.events, self.bytes, self.options);
        let next = self.groups.next_if(|group| match group {
            Ok(group) => {
                let more = group.last - group.first + 1;
                events == 0 || events + more <= options.segment_events_max && bytes + group.frames.len() as u64 <= options.segment_bytes_max
            }
            Err(_) => true,
        })?;
        if let Ok(group) = &next {
            self.events += group.last - group.first + 1;
            self.bytes += group.frames.len() as u64;
        }
        Some(next)
    }
}
