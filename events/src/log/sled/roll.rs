//! Sealing: the active segment becomes an immutable file, and a new one is begun.
//!
//! The order of steps decides what a crash leaves: (1) the sealed file under a draft name, (2) under its own, (3) a new
//! active segment, (4) the old one renamed away, (5) removed. While both the sealed file and its sled database are there, the
//! new segment is empty, and recovery makes it again.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Shared;
use super::store::{ScanError, Store};
use crate::group::Group;
use crate::log::ReadError;
use crate::log::disk::Disk;
use crate::log::file::SegmentFile;
use crate::log::stored::{Chain, Check};

/// What a segment is called that is being removed.
pub(super) const GONE: &str = "gone";
/// Bytes of groups that are taken from sled at a time.
const STRIDE_BYTES: usize = 1 << 20;

/// Name of the segment that starts with event `first`.
pub(super) fn segment_name(first: u64) -> String {
    format!("seg-{first:016}")
}

pub(super) fn sealed_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(segment_name(first)).with_added_extension("log")
}

/// Seals the active segment and begins one with event `next`.
pub(super) fn roll(shared: &Shared, next: u64) -> Result<(), String> {
    let (old, sealed, incarnation) = {
        let view = shared.view.read();
        (Arc::clone(&view.active), Arc::clone(&view.sealed), view.head.incarnation)
    };
    let previous = sealed.last().map_or(Chain::START.hash, |segment| segment.summary().hash);
    old.settle(&shared.disk)?;
    let start = Chain { seq: old.first() - 1, hash: previous };
    let path = sealed_path(&shared.directory, old.first());
    let segment = SegmentFile::write_on(&shared.disk, &path, incarnation, start, Strides::new(&old)).map_err(|error| error.to_string())?;
    if segment.summary().last + 1 != next {
        return Err(format!("segment {} ends with event {}, not before event {next}", path.display(), segment.summary().last));
    }
    let active = Store::create(&shared.disk, &shared.directory.join(segment_name(next)), next)?;
    let directory = old.directory().to_owned();
    {
        let mut view = shared.view.write();
        let mut all = Vec::clone(&sealed);
        all.push(Arc::new(segment));
        view.sealed = Arc::new(all);
        view.active = Arc::new(active);
    }
    drop(old);
    retire(&shared.disk, &directory)
}

/// Removes the sled database of a sealed segment. Readers that still use it keep its open file.
pub(super) fn retire(disk: &Disk, directory: &Path) -> Result<(), String> {
    let gone = directory.with_added_extension(GONE);
    let retire = || {
        disk.rename(directory, &gone)?;
        disk.sync_directory(directory.parent().unwrap_or(Path::new(".")))?;
        disk.remove(&gone)
    };
    retire().map_err(|error: std::io::Error| error.to_string())
}

/// The groups of a store, a stride at a time.
struct Strides<'a> {
    store: &'a Store,
    next: u64,
    taken: std::vec::IntoIter<Arc<Group>>,
}

impl<'a> Strides<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, next: store.first(), taken: Vec::new().into_iter() }
    }

    fn refill(&mut self) -> Result<(), ReadError> {
        let (mut groups, mut bytes, from) = (Vec::new(), 0, self.next);
        let scanned = self.store.scan(from, Check::Frames, |group| {
            if group.last >= from {
                bytes += group.frames.len();
                groups.push(Arc::new(group));
            }
            if bytes >= STRIDE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        match scanned {
            Ok(()) => {
                self.next = groups.last().map_or(self.next, |group: &Arc<Group>| group.last + 1);
                self.taken = groups.into_iter();
                Ok(())
            }
            Err(ScanError::Group(fault)) => Err(ReadError::Damaged { sound_to: from - 1, fault }),
            Err(ScanError::Sled(why)) => Err(ReadError::Io(why)),
        }
    }
}

impl Iterator for Strides<'_> {
    type Item = Result<Arc<Group>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken.len() == 0
            && let Err(error) = self.refill()
        {
            return Some(Err(error));
        }
        self.taken.next().map(Ok)
    }
}
