//! The log in a directory: the active segment in sled, sealed ones in files, a head file beside them.
//!
//! One key per chunk of a commit group, so that a batch is atomic. A group is acknowledged when sled has flushed it, sled's file
//! is synced (sled's own flush is not durable on Linux) and the head file is synced. sled runs behind a guard, because damage
//! makes it panic, or open with fewer records and no error; the head file and the hash chain find the second.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tracing::{info, warn};

use super::file::FileLog;
use super::head::HeadFile;
use super::{AppendError, EventLog, Head, OpenError, ReadError};
use crate::group::{Group, Hash};

mod active;
mod layout;
mod steps;
#[cfg(test)]
mod tests;

use active::Active;
use layout::{Layout, sync_directory};
pub use steps::{Step, Watch};

/// When a segment is full.
#[derive(Clone, Copy, Debug)]
pub struct LogOptions {
    /// Most events in a segment.
    pub segment_events_max: u64,
    /// Most bytes of frames in a segment.
    pub segment_bytes_max: u64,
}

impl Default for LogOptions {
    /// sled's memory stays below 320 MB up to a million events.
    fn default() -> Self {
        Self { segment_events_max: 1_000_000, segment_bytes_max: 256 << 20 }
    }
}

struct Segments {
    /// By first sequence.
    sealed: BTreeMap<u64, Arc<FileLog>>,
    active: Arc<Active>,
}

/// See the module.
pub struct SledLog {
    directory: PathBuf,
    options: LogOptions,
    segments: RwLock<Segments>,
    head: RwLock<Head>,
    writer: Mutex<Writer>,
    watch: Arc<dyn Watch>,
    /// Held for as long as the log is open.
    _lock: File,
}

struct Writer {
    head_file: HeadFile,
    /// Why nothing more is taken.
    failed: Option<String>,
}

impl SledLog {
    /// Opens the log in a directory and verifies all of it; makes an empty one where there is none.
    ///
    /// # Errors
    /// Damage, another process, storage that can't be read. Nothing is changed then.
    pub fn open(directory: &Path, options: LogOptions) -> Result<Self, OpenError> {
        Self::open_watched(directory, options, Arc::new(()))
    }

    /// As [`open`](Self::open), telling each durable step to `watch`, which may make it fail: for tests.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_watched(directory: &Path, options: LogOptions, watch: Arc<dyn Watch>) -> Result<Self, OpenError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let lock = layout::lock(directory)?;
        let layout = Layout::read(directory)?;
        if layout.is_new() {
            if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_directory(parent)?;
            }
            let mut incarnation = [0; 8];
            getrandom::fill(&mut incarnation).map_err(|error| io::Error::other(error.to_string()))?;
            HeadFile::create(&layout.head, u64::from_le_bytes(incarnation).max(1))?;
        }
        let damaged_head = || OpenError::Damaged {
            segment: "head".into(),
            sound_to: 0,
            what: "the file that says where the log ends is missing or unreadable, so nobody can tell whether the log is whole".into(),
        };
        let opened = HeadFile::open(&layout.head).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => damaged_head(),
            _ => OpenError::Io(error),
        })?;
        let (head_file, acknowledged) = opened.ok_or_else(damaged_head)?;
        let (segments, end) = load(directory, &layout, acknowledged, watch.as_ref())?;
        let mut writer = Writer { head_file, failed: None };
        if end != acknowledged {
            // Written before the last stop and never acknowledged, but whole: it stays.
            info!(from = acknowledged.seq + 1, to = end.seq, "events that were written and not acknowledged are kept");
            segments.active.sync(watch.as_ref())?;
            writer.head_file.write(end)?;
            writer.head_file.sync()?;
        }
        let directory = directory.to_owned();
        let (segments, head, writer) = (RwLock::new(segments), RwLock::new(end), Mutex::new(writer));
        Ok(Self { directory, options, segments, head, writer, watch, _lock: lock })
    }

    /// The incarnation of the log in a directory, without opening it: works while another process has it.
    ///
    /// # Errors
    /// There is no log, or its head can't be read.
    pub fn incarnation(directory: &Path) -> Result<u64, OpenError> {
        let found = HeadFile::open(&directory.join(layout::HEAD))?;
        let unreadable = || io::Error::other("the log's head file can't be read");
        Ok(found.ok_or_else(unreadable)?.1.incarnation)
    }

    /// Moves the full active segment into a sealed file and begins another. A crash at any step is resumed at the next start.
    fn roll(&self) -> Result<(), AppendError> {
        let failed = |error: &dyn std::fmt::Display| AppendError::Unknown(format!("sealing a segment failed: {error}"));
        let (old, head) = (Arc::clone(&self.segments.read().active), *self.head.read());
        let sealed_path = layout::sealed_path(&self.directory, old.before().seq + 1);
        let draft = sealed_path.with_added_extension("new");
        let file = FileLog::create(&draft, old.before()).map_err(|error| failed(&error))?;
        let mut next = old.before().seq + 1;
        while next <= head.seq {
            for group in old.read(next, head.seq, 4 << 20).map_err(|error| failed(&error))? {
                file.append_unsynced(&group)?;
                next = group.last + 1;
            }
        }
        let step = |step: Step| self.watch.passes(step).map_err(|error| failed(&error));
        step(Step::SealedWritten)?;
        file.seal().map_err(|error| failed(&error))?;
        step(Step::SealedSynced)?;
        fs::rename(&draft, &sealed_path).map_err(|error| failed(&error))?;
        sync_directory(&self.directory).map_err(|error| failed(&error))?;
        step(Step::SealedNamed)?;
        let file = FileLog::open(&sealed_path).map_err(|error| failed(&error))?;
        let active = Active::create(&self.directory, head, self.watch.as_ref()).map_err(|error| failed(&error))?;
        step(Step::NextSegmentMade)?;
        {
            let mut segments = self.segments.write();
            segments.sealed.insert(old.before().seq + 1, Arc::new(file));
            segments.active = Arc::new(active);
        }
        // A reader may still hold it; its files live until then.
        fs::remove_dir_all(old.path()).map_err(|error| failed(&error))?;
        sync_directory(&self.directory).map_err(|error| failed(&error))?;
        step(Step::OldSegmentRemoved)
    }

    fn write(&self, writer: &mut Writer, group: &Group) -> Result<Head, AppendError> {
        let head = *self.head.read();
        let active = Arc::clone(&self.segments.read().active);
        let watch = self.watch.as_ref();
        active.put(group, watch)?;
        active.sync(watch).map_err(|error| AppendError::Unknown(error.to_string()))?;
        let next = Head { seq: group.last, hash: group.hash, ..head };
        let unknown = |error: io::Error| AppendError::Unknown(error.to_string());
        writer.head_file.write(next).map_err(unknown)?;
        watch.passes(Step::HeadWritten).map_err(unknown)?;
        writer.head_file.sync().map_err(unknown)?;
        watch.passes(Step::HeadSynced).map_err(unknown)?;
        *self.head.write() = next;
        if active.is_full(self.options) {
            self.roll()?;
        }
        Ok(next)
    }
}

/// Opens every segment in order and follows the chain through all of them.
fn load(directory: &Path, layout: &Layout, acknowledged: Head, watch: &dyn Watch) -> Result<(Segments, Head), OpenError> {
    layout.remove_drafts()?;
    let mut end = Head { incarnation: acknowledged.incarnation, seq: 0, hash: Hash::default() };
    let mut sealed = BTreeMap::new();
    for first in &layout.sealed {
        let path = layout::sealed_path(directory, *first);
        let file = FileLog::open(&path)?;
        let follows = file.before().seq == end.seq && file.before().hash == end.hash && file.before().incarnation == end.incarnation;
        if *first != end.seq + 1 || !follows || !file.is_sealed() {
            let what = format!("the segment from event {} is missing, or this one was changed, cut or swapped", end.seq + 1);
            return Err(OpenError::Damaged { segment: layout::name_of(&path), sound_to: end.seq, what });
        }
        end = file.head();
        sealed.insert(*first, Arc::new(file));
    }
    // A segment that is sealed is no longer active: its removal was cut short.
    for first in layout.active.iter().filter(|first| layout.sealed.contains(first)) {
        warn!(first, "the removal of a sealed segment's first form is finished");
        fs::remove_dir_all(layout::active_path(directory, *first))?;
        sync_directory(directory)?;
    }
    let next = end.seq + 1;
    if let Some(other) = layout.active.iter().find(|first| !layout.sealed.contains(first) && **first != next) {
        let what = format!("the segment from event {next} is missing");
        return Err(OpenError::Damaged { segment: layout::name_of(&layout::active_path(directory, *other)), sound_to: end.seq, what });
    }
    let there = layout.active.contains(&next);
    if !there && acknowledged.seq > end.seq {
        let what = "the segment is missing".to_owned();
        let segment = layout::name_of(&layout::active_path(directory, next));
        return Err(OpenError::Damaged { segment, sound_to: end.seq, what });
    }
    let active = if there && acknowledged.seq > end.seq {
        Active::open(directory, end)?
    } else if there {
        // Nothing in it was acknowledged: where it can't be read, its making was cut short.
        Active::open(directory, end).or_else(|_| Active::replace(directory, end, watch))?
    } else {
        Active::create(directory, end, watch)?
    };
    let end = active.verify(acknowledged)?;
    Ok((Segments { sealed, active: Arc::new(active) }, end))
}

impl EventLog for SledLog {
    fn head(&self) -> Head {
        *self.head.read()
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        let mut writer = self.writer.lock();
        if let Some(why) = &writer.failed {
            return Err(AppendError::Unknown(why.clone()));
        }
        let head = self.head();
        if group.first != head.seq + 1 || group.previous != head.hash {
            return Err(AppendError::Conflict { at: head.seq, expected: head.seq + 1 });
        }
        group.verify(head.seq + 1, head.hash)?;
        let written = self.write(&mut writer, &group);
        if let Err(error) = &written {
            writer.failed = Some(error.to_string());
        }
        written
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let head = self.head();
        let (mut groups, mut taken, mut next): (Vec<Arc<Group>>, usize, u64) = (Vec::new(), 0, from);
        while next <= head.seq && (groups.is_empty() || taken < bytes_max) {
            let (sealed, active) = {
                let segments = self.segments.read();
                let sealed = segments.sealed.range(..=next.max(1)).next_back().map(|(_, file)| Arc::clone(file));
                (sealed.filter(|file| file.head().seq >= next), Arc::clone(&segments.active))
            };
            let room = bytes_max.saturating_sub(taken);
            let found = match sealed {
                Some(file) => file.read(next, room)?,
                None => active.read(next, head.seq, room)?,
            };
            let Some(last) = found.last() else { break };
            next = last.last + 1;
            taken += found.iter().map(|group| group.frames.len()).sum::<usize>();
            groups.extend(found);
        }
        Ok(groups)
    }
}
