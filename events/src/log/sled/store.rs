//! The active segment: one sled database with one key per chunk of a group. The only file that names the crate sled.
//!
//! Key: first event of the group u64, number of the chunk u16, both big-endian. Value: up to 64 KiB of the stored group.
//! sled's `flush` alone is not durable (it never syncs), and it writes pages over a quarter of its segment size to files that
//! it never syncs at all; hence [`Store::settle`], the segment size, and the check for such files.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::group::{Group, GroupError};
use crate::log::disk::{Disk, Step};
use crate::log::stored::{self, Check};

use super::guard::guarded;

/// Largest value.
const CHUNK_BYTES_MAX: usize = 64 * 1024;
/// Four times the largest page and more: 16 values of [`CHUNK_BYTES_MAX`] share a leaf of at most 2 MiB.
const SEGMENT_BYTES: usize = 8 << 20;
/// Aim for what sled keeps in memory; it is no bound, the size of a segment is.
const CACHE_BYTES: u64 = 64 << 20;
/// sled's threads let go of the lock a little after its value is dropped.
const LOCK_TRIES_MAX: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// One open sled database.
pub(super) struct Store {
    db: ::sled::Db,
    file: File,
    directory: PathBuf,
    path: PathBuf,
    first: u64,
}

/// Why groups could not be had from sled.
#[derive(Debug)]
pub(super) enum ScanError {
    /// What it holds is no sound group.
    Group(GroupError),
    /// sled itself failed.
    Sled(String),
}

impl Store {
    /// Makes the database of the segment that starts with event `first`; durable when it returns, name and all.
    pub(super) fn create(disk: &Disk, directory: &Path, first: u64) -> Result<Self, String> {
        disk.create_directory(directory).map_err(text)?;
        let store = Self::open(directory, first)?;
        store.settle(disk)?;
        disk.sync_directory(directory).map_err(text)?;
        disk.sync_directory(directory.parent().unwrap_or(Path::new("."))).map_err(text)?;
        Ok(store)
    }

    /// Opens the database.
    pub(super) fn open(directory: &Path, first: u64) -> Result<Self, String> {
        let open = || {
            let config = ::sled::Config::new().path(directory).flush_every_ms(None).segment_size(SEGMENT_BYTES).cache_capacity(CACHE_BYTES);
            let mut tries = 0;
            loop {
                match config.open() {
                    Err(::sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") && tries < LOCK_TRIES_MAX => {
                        tries += 1;
                        std::thread::sleep(LOCK_PAUSE);
                    }
                    opened => return opened.map_err(text),
                }
            }
        };
        let db = guarded(open)?;
        let path = directory.join("db");
        let file = File::open(&path).map_err(text)?;
        Ok(Self { db, file, directory: directory.to_owned(), path, first })
    }

    /// First event of the segment.
    pub(super) const fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds groups, all or none. Readable at once, durable after [`Store::settle`].
    pub(super) fn insert(&self, disk: &Disk, groups: &[Arc<Group>]) -> Result<(), String> {
        let mut batch = ::sled::Batch::default();
        let mut bytes = Vec::new();
        for group in groups {
            bytes.clear();
            stored::encode(group, 0, &mut bytes);
            for (number, chunk) in bytes.chunks(CHUNK_BYTES_MAX).enumerate() {
                batch.insert(&key(group.first, u16::try_from(number).map_err(text)?), chunk);
            }
        }
        guarded(|| self.db.apply_batch(batch).map_err(text))?;
        groups.last().map_or(Ok(()), |group| disk.pass(&Step::Absorb(group.last)).map_err(text))
    }

    /// Makes everything that was added durable.
    pub(super) fn settle(&self, disk: &Disk) -> Result<(), String> {
        guarded(|| self.db.flush().map_err(text))?;
        disk.pass(&Step::Flush(self.path.clone())).map_err(text)?;
        disk.sync(&self.file, &self.path).map_err(text)?;
        match std::fs::read_dir(self.directory.join("blobs")).and_then(|mut entries| entries.next().transpose()) {
            Ok(None) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(Some(_)) => {
                Err("sled has made files under blobs/, which it never syncs: nothing in them is safe from a power cut".to_owned())
            }
            Err(error) => Err(text(error)),
        }
    }

    /// Shows groups in order, from the one that holds event `from`, until `each` has enough.
    pub(super) fn scan(&self, from: u64, check: Check, each: impl FnMut(Group) -> ControlFlow<()>) -> Result<(), ScanError> {
        let mut fault = None;
        let scanned = guarded(|| {
            match self.scan_unguarded(from, check, each) {
                Err(ScanError::Sled(why)) => return Err(why),
                Err(ScanError::Group(group)) => fault = Some(group),
                Ok(()) => {}
            }
            Ok(())
        });
        scanned.map_err(ScanError::Sled)?;
        fault.map_or(Ok(()), |fault| Err(ScanError::Group(fault)))
    }

    fn scan_unguarded(&self, from: u64, check: Check, mut each: impl FnMut(Group) -> ControlFlow<()>) -> Result<(), ScanError> {
        let sled = |error: ::sled::Error| ScanError::Sled(text(error));
        let before = self.db.range(..=key(from, u16::MAX)).next_back().transpose().map_err(sled)?;
        let start = before.and_then(|(found, _)| split(&found)).map_or(self.first, |(first, _)| first);
        let mut bytes: Vec<u8> = Vec::new();
        let mut open: Option<(u64, u16)> = None;
        for entry in self.db.range(key(start, 0)..) {
            let (found, chunk) = entry.map_err(sled)?;
            let place = split(&found);
            let due = open.map_or_else(|| place.filter(|(_, number)| *number == 0), |(first, number)| Some((first, number + 1)));
            let first = place.map_or(start, |(first, _)| first);
            if place.is_none() || place != due {
                // Where a group goes on, its own end is what is missing, not what was found in its place.
                return Err(ScanError::Group(GroupError::Header { first: open.map_or(first, |(first, _)| first) }));
            }
            bytes.extend_from_slice(&chunk);
            let heading = stored::heading(&bytes, first).map_err(ScanError::Group)?;
            if bytes.len() < stored::HEAD_BYTES + heading.bytes {
                open = place;
                continue;
            }
            let (heading, group, rest) = stored::decode(&bytes, first, check).map_err(ScanError::Group)?;
            if heading.first != first || !rest.is_empty() {
                return Err(ScanError::Group(GroupError::Header { first }));
            }
            if each(group).is_break() {
                return Ok(());
            }
            open = None;
            bytes.clear();
        }
        open.map_or(Ok(()), |(first, _)| Err(ScanError::Group(GroupError::Header { first })))
    }
}

fn key(first: u64, chunk: u16) -> [u8; 10] {
    let mut key = [0; 10];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

fn split(key: &[u8]) -> Option<(u64, u16)> {
    let (first, chunk) = key.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*first), u16::from_be_bytes(chunk.try_into().ok()?)))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
