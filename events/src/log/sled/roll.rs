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
use crate::log::disk::Disk;
use crate::log::file::{SegmentFile, SegmentWriter};
use crate::log::stored::{Chain, Check};

/// What a segment is called that is being removed.
pub(super) const GONE: &str = "gone";

/// Name of the segment that starts with event `first`.
pub(super) fn segment_name(first: u64) -> String {
    format!("seg-{first:016}")
}

pub(super) fn sealed_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(segment_name(first)).with_added_extension("log")
}

/// Begins the sealed file of the active segment, whose first group is `group`.
pub(super) fn begin_draft(shared: &Shared, group: &Group) -> Result<SegmentWriter, String> {
    let incarnation = shared.view.read().head.incarnation;
    let start = Chain { seq: group.first - 1, hash: group.previous };
    SegmentWriter::begin(&shared.disk, &sealed_path(&shared.directory, group.first), incarnation, start).map_err(|error| error.to_string())
}

/// Seals the active segment, whose sealed file may be written but for its end, and begins one with event `next`.
pub(super) fn roll(shared: &Shared, next: u64, draft: Option<SegmentWriter>) -> Result<(), String> {
    let (old, sealed, incarnation) = {
        let view = shared.view.read();
        (Arc::clone(&view.active), Arc::clone(&view.sealed), view.head.incarnation)
    };
    let previous = sealed.last().map_or(Chain::START.hash, |segment| segment.summary().hash);
    old.settle(&shared.disk)?;
    let start = Chain { seq: old.first() - 1, hash: previous };
    let path = sealed_path(&shared.directory, old.first());
    let segment = match draft {
        Some(draft) => draft.finish().map_err(|error| error.to_string())?,
        None => seal(&shared.disk, &old, &path, incarnation, start)?,
    };
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

/// Writes what a store holds into a sealed file.
fn seal(disk: &Disk, store: &Store, path: &Path, incarnation: u64, start: Chain) -> Result<SegmentFile, String> {
    let mut writer = SegmentWriter::begin(disk, path, incarnation, start).map_err(|error| error.to_string())?;
    let mut failure = None;
    let scanned = store.scan(store.first(), Check::Frames, |group| match writer.push(&group) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error.to_string());
            ControlFlow::Break(())
        }
    });
    match (scanned, failure) {
        (Ok(()), None) => writer.finish().map_err(|error| error.to_string()),
        (_, Some(why)) | (Err(ScanError::Sled(why)), None) => Err(why),
        (Err(ScanError::Group(fault)), None) => Err(fault.to_string()),
    }
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
