//! The segment that is written: a sled database behind a guard.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::{active_path, name_of, sync_directory};
use super::{AppendError, LogOptions, OpenError, ReadError, Step, Watch};
use crate::group::{Group, GroupError, Hash};
use crate::log::{Head, stored};

/// Bytes of a group in one value. Larger values go to files that sled never syncs.
const CHUNK_BYTES: usize = 60 * 1024;
/// With segments of this size, values of 64 KiB stay out of those files.
const SLED_SEGMENT_BYTES: usize = 8 << 20;
const SLED_CACHE_BYTES: u64 = 32 << 20;
/// sled lets go of its file in the background; how often, and how many times, to ask again.
const LOCK_TRY_EVERY: std::time::Duration = std::time::Duration::from_millis(20);
const LOCK_TRIES_MAX: u32 = 100;
/// A key is the group's first sequence and the number of the chunk, both big-endian.
const KEY_BYTES: usize = 8 + 4;

/// See the module.
pub(super) struct Active {
    path: PathBuf,
    before: Head,
    database: sled::Db,
    /// Our own handle on sled's file: its flush does not sync.
    file: File,
    events: AtomicU64,
    bytes: AtomicU64,
}

/// Runs something of sled's; a panic of its is what damage looks like.
fn guarded<T>(what: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(what)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(text.unwrap_or_else(|| "sled could not go on".to_owned()))
        }
    }
}

fn key(first: u64, chunk: u32) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&first.to_be_bytes());
    key[8..].copy_from_slice(&chunk.to_be_bytes());
    key
}

impl Active {
    /// Makes an empty segment after `before`; its files and their entries are durable when it returns.
    pub(super) fn create(directory: &Path, before: Head, watch: &dyn Watch) -> Result<Self, OpenError> {
        let path = active_path(directory, before.seq + 1);
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        let active = Self::open(directory, before)?;
        guarded(|| active.database.flush()).map_err(|what| active.damaged(before.seq, what))?;
        active.file.sync_all()?;
        for entry in fs::read_dir(&path)? {
            File::open(entry?.path())?.sync_all()?;
        }
        sync_directory(&path)?;
        sync_directory(directory)?;
        watch.passes(Step::SegmentMade)?;
        Ok(active)
    }

    /// Makes it anew where its making was cut short. Only where nothing in it was acknowledged.
    pub(super) fn replace(directory: &Path, before: Head, watch: &dyn Watch) -> Result<Self, OpenError> {
        fs::remove_dir_all(active_path(directory, before.seq + 1))?;
        Self::create(directory, before, watch)
    }

    /// Opens the segment after `before`, unverified.
    pub(super) fn open(directory: &Path, before: Head) -> Result<Self, OpenError> {
        let path = active_path(directory, before.seq + 1);
        let config = sled::Config::new().path(&path).flush_every_ms(None).segment_size(SLED_SEGMENT_BYTES).cache_capacity(SLED_CACHE_BYTES);
        let damaged = |what| OpenError::Damaged { segment: name_of(&path), sound_to: before.seq, what };
        // Who had it last in this process may still be letting go of it; no other process can, as the directory is locked.
        let mut tries = LOCK_TRIES_MAX;
        let database = loop {
            match guarded(|| config.open()) {
                Err(what) if what.contains("could not acquire lock") && tries > 0 => {
                    tries -= 1;
                    std::thread::sleep(LOCK_TRY_EVERY);
                }
                opened => break opened.map_err(damaged)?,
            }
        };
        let file = File::open(path.join("db"))?;
        Ok(Self { path, before, database, file, events: AtomicU64::new(0), bytes: AtomicU64::new(0) })
    }

    fn damaged(&self, sound_to: u64, what: String) -> OpenError {
        OpenError::Damaged { segment: name_of(&self.path), sound_to, what }
    }

    pub(super) const fn before(&self) -> Head {
        self.before
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_full(&self, options: LogOptions) -> bool {
        self.events.load(Ordering::Relaxed) >= options.segment_events_max || self.bytes.load(Ordering::Relaxed) >= options.segment_bytes_max
    }

    fn count(&self, group: &Group) {
        self.events.fetch_add(group.last + 1 - group.first, Ordering::Relaxed);
        self.bytes.fetch_add(group.frames.len() as u64, Ordering::Relaxed);
    }

    /// Puts a group into sled's memory and file; not durable yet.
    pub(super) fn put(&self, group: &Group, watch: &dyn Watch) -> Result<(), AppendError> {
        let unknown = |error: io::Error| AppendError::Unknown(error.to_string());
        let mut bytes = Vec::with_capacity(stored::HEADER_BYTES + group.frames.len());
        stored::write(group, &mut bytes);
        let mut batch = sled::Batch::default();
        for (number, chunk) in (0_u32..).zip(bytes.chunks(CHUNK_BYTES)) {
            batch.insert(&key(group.first, number), chunk);
        }
        guarded(|| self.database.apply_batch(batch)).map_err(AppendError::Unknown)?;
        watch.passes(Step::GroupApplied).map_err(unknown)?;
        self.count(group);
        Ok(())
    }

    /// Makes what was put durable.
    pub(super) fn sync(&self, watch: &dyn Watch) -> io::Result<()> {
        guarded(|| self.database.flush()).map_err(io::Error::other)?;
        watch.passes(Step::GroupFlushed)?;
        let blobs = self.path.join("blobs");
        if blobs.is_dir() && fs::read_dir(&blobs)?.next().is_some() {
            return Err(io::Error::other("sled has put a value into a file that it never syncs; the log can't promise anything any more"));
        }
        self.file.sync_data()?;
        watch.passes(Step::SegmentSynced)
    }

    /// Verifies every group, and that nothing acknowledged is missing; says where the segment ends.
    ///
    /// What is not whole after the last acknowledged group is removed: nobody was told that it happened.
    pub(super) fn verify(&self, acknowledged: Head) -> Result<Head, OpenError> {
        let mut end = Head { incarnation: acknowledged.incarnation, ..self.before };
        let check = |end: Head| {
            if end.seq == acknowledged.seq && end.hash != acknowledged.hash {
                return Err(
                    self.damaged(self.before.seq, format!("the group that ends at event {} is another than was acknowledged", end.seq))
                );
            }
            Ok(())
        };
        check(end)?;
        loop {
            match self.next_after(end.seq, end.hash) {
                Ok(None) => break,
                Ok(Some(group)) if end.seq < acknowledged.seq && group.last > acknowledged.seq => {
                    let what = format!("a group reaches over event {}, where the log was acknowledged to end", acknowledged.seq);
                    return Err(self.damaged(end.seq, what));
                }
                Ok(Some(group)) => {
                    end = Head { seq: group.last, hash: group.hash, ..end };
                    self.count(&group);
                    check(end)?;
                }
                Err(what) if end.seq >= acknowledged.seq => {
                    tracing::warn!(after = end.seq, what, "what was never acknowledged is not whole, and is removed");
                    self.cut_after(end.seq).map_err(|what| self.damaged(end.seq, what))?;
                    break;
                }
                Err(what) => return Err(self.damaged(end.seq, what)),
            }
        }
        if end.seq < acknowledged.seq {
            let what = format!("events {} to {} were acknowledged and are missing", end.seq + 1, acknowledged.seq);
            return Err(self.damaged(end.seq, what));
        }
        Ok(end)
    }

    /// The group after this event, verified; none when there is nothing.
    fn next_after(&self, seq: u64, hash: Hash) -> Result<Option<Group>, String> {
        let Some(found) = guarded(|| self.database.range(key(seq + 1, 0)..).next().transpose())? else { return Ok(None) };
        if found.0.as_ref() != key(seq + 1, 0).as_slice() {
            return Err(format!("the group from event {} is missing, or was moved", seq + 1));
        }
        let group = self.assemble(seq + 1)?;
        group.verify(seq + 1, hash).map_err(|fault| fault.to_string())?;
        Ok(Some(group))
    }

    fn assemble(&self, first: u64) -> Result<Group, String> {
        let mut bytes = Vec::new();
        for (number, item) in (0_u32..).zip(guarded(|| Ok(self.database.range(key(first, 0)..=key(first, u32::MAX))))?) {
            let (found, chunk) = guarded(|| item)?;
            if found.as_ref() != key(first, number).as_slice() {
                return Err(format!("a part of the group from event {first} is missing"));
            }
            bytes.extend_from_slice(&chunk);
        }
        stored::read(&bytes).ok_or_else(|| format!("the group from event {first} is not whole"))
    }

    fn cut_after(&self, seq: u64) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        for item in guarded(|| Ok(self.database.range(key(seq + 1, 0)..)))? {
            batch.remove(guarded(|| item)?.0);
        }
        guarded(|| self.database.apply_batch(batch))
    }

    /// Groups from the one that holds `from` up to the one that ends at `to`.
    pub(super) fn read(&self, from: u64, to: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let io = ReadError::Io;
        let holder = guarded(|| self.database.range(..=key(from, u32::MAX)).next_back().transpose()).map_err(io)?;
        let Some(first) = holder.and_then(|(key, _)| Some(u64::from_be_bytes(key.get(..8)?.try_into().ok()?))) else {
            return Ok(Vec::new());
        };
        let (mut groups, mut taken, mut next) = (Vec::new(), 0, first);
        while next <= to && (groups.is_empty() || taken < bytes_max) {
            let damaged = |fault: GroupError| ReadError::Damaged { sound_to: next - 1, fault };
            let group = self.assemble(next).map_err(ReadError::Io)?;
            group.verify(next, group.previous).map_err(damaged)?;
            next = group.last + 1;
            taken += group.frames.len();
            groups.push(Arc::new(group));
        }
        Ok(groups)
    }
}
