//! The log in plain files: [`SegmentFile`], the sealed form that any log's groups can be put into, and [`FileLog`], one file
//! that grows. Must not know sled.

mod segment;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::disk::{Disk, Step};
use super::head::{Expected, HEAD_AREA_BYTES, Noted};
use super::opening::{Lock, OpenError};
use super::stored::{self, Chain, Check};
use super::{AppendError, EventLog, Head, ReadError};
use crate::group::{Group, GroupError, Hash};

pub(in crate::log) use segment::SegmentWriter;
pub use segment::{SegmentError, SegmentFile, SegmentSummary, stream};

/// A log in one file of a directory: simple, exact, and all of it in one piece. Keeps the place of every group in memory.
pub struct FileLog {
    file: File,
    path: PathBuf,
    disk: Disk,
    view: RwLock<View>,
    writer: Mutex<Writer>,
    _lock: Lock,
}

struct View {
    head: Head,
    /// First event and place of each group.
    places: Vec<(u64, u64)>,
    end: u64,
}

struct Writer {
    noted: Noted,
    poison: Option<String>,
}

impl FileLog {
    /// Opens the log in `directory`; makes one where there is none. Verifies all of it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        Self::open_on(directory, Disk::default())
    }

    pub(super) fn open_on(directory: &Path, disk: Disk) -> Result<Self, OpenError> {
        fs::create_dir_all(directory)?;
        let lock = Lock::take(&directory.join("lock"))?;
        let path = directory.join("log");
        if !path.exists() {
            create(directory, &path, &disk)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let segment = "file log";
        let noted = Noted::read(&file)?.ok_or_else(|| OpenError::damaged(segment, 0, "its head can't be read"))?;
        let mut expected = Expected::new(noted.head);
        let (places, chain, end, stopped) = scan(&file, &mut expected)?;
        if let Some(fault) = expected.fault(chain.seq) {
            let what = stopped.map_or(fault.clone(), |why| format!("{fault}: {why}"));
            return Err(OpenError::damaged(segment, chain.seq, what));
        }
        // What follows is a group that was not written to its end before the process did: nobody was told of it.
        file.set_len(end)?;
        disk.sync(&file, &path)?;
        let head = Head { seq: chain.seq, hash: chain.hash, ..noted.head };
        let mut writer = Writer { noted, poison: None };
        writer.noted.note(head, &disk, &file, &path)?;
        Ok(Self { file, path, disk, view: RwLock::new(View { head, places, end }), writer: Mutex::new(writer), _lock: lock })
    }

    fn store(&self, group: &Group, writer: &mut Writer, head: Head, end: u64) -> io::Result<u64> {
        let mut bytes = Vec::with_capacity(stored::size(group));
        stored::encode(group, 0, &mut bytes);
        self.disk.write_at(&self.file, &self.path, &bytes, end)?;
        self.disk.sync(&self.file, &self.path)?;
        writer.noted.note(head, &self.disk, &self.file, &self.path)?;
        self.disk.pass(&Step::Acknowledge(head.seq))?;
        Ok(end + bytes.len() as u64)
    }
}

fn create(directory: &Path, path: &Path, disk: &Disk) -> Result<(), OpenError> {
    let incarnation = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
    let draft = directory.join("log.new");
    let file = disk.create(&draft)?;
    file.set_len(HEAD_AREA_BYTES)?;
    let head = Head { incarnation, seq: 0, hash: Hash::default() };
    let mut noted = Noted::new(head, 0);
    noted.note(head, disk, &file, &draft)?;
    noted.note(head, disk, &file, &draft)?;
    disk.sync(&file, &draft)?;
    disk.rename(&draft, path)?;
    disk.sync_directory(directory)?;
    Ok(())
}

type Scanned = (Vec<(u64, u64)>, Chain, u64, Option<GroupError>);

/// Follows the groups as far as they are sound; says where and why it stopped.
fn scan(file: &File, expected: &mut Expected) -> io::Result<Scanned> {
    let length = file.metadata()?.len();
    let (mut places, mut chain, mut place) = (Vec::new(), Chain::START, HEAD_AREA_BYTES);
    while place < length {
        let size = usize::try_from(length - place).unwrap_or(usize::MAX).min(stored::STORED_BYTES_MAX);
        let mut bytes = vec![0; size.min(stored::HEAD_BYTES)];
        file.read_exact_at(&mut bytes, place)?;
        let sound = stored::heading(&bytes, chain.seq + 1).and_then(|heading| {
            bytes.resize((stored::HEAD_BYTES + heading.bytes).min(size), 0);
            file.read_exact_at(&mut bytes, place).map_err(|_| GroupError::CutOff { have: 0, need: bytes.len() })?;
            let (_, group, _) = stored::decode(&bytes, chain.seq + 1, Check::Chain)?;
            chain.follow(&group)?;
            Ok(group)
        });
        match sound {
            Ok(group) => {
                expected.pass(group.last, group.hash);
                places.push((group.first, place));
                place += bytes.len() as u64;
            }
            Err(fault) => return Ok((places, chain, place, Some(fault))),
        }
    }
    Ok((places, chain, place, None))
}

impl EventLog for FileLog {
    fn head(&self) -> Head {
        self.view.read().head
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        let mut writer = self.writer.lock();
        if let Some(why) = &writer.poison {
            return Err(AppendError::Unknown(why.clone()));
        }
        let (head, end) = {
            let view = self.view.read();
            (view.head, view.end)
        };
        super::admit(&group, head)?;
        let next = Head { seq: group.last, hash: group.hash, ..head };
        match self.store(&group, &mut writer, next, end) {
            Ok(after) => {
                let mut view = self.view.write();
                view.places.push((group.first, end));
                view.end = after;
                view.head = next;
                Ok(next)
            }
            Err(error) => {
                let why = error.to_string();
                writer.poison = Some(why.clone());
                Err(AppendError::Unknown(why))
            }
        }
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let from = from.max(1);
        let (places, end, last) = {
            let view = self.view.read();
            let start = view.places.partition_point(|(first, _)| *first <= from).saturating_sub(1);
            let budget = view.places.get(start).map_or(0, |(_, place)| place.saturating_add(bytes_max as u64));
            let stop = view.places.partition_point(|(_, place)| *place <= budget);
            (view.places[start..stop.max(start)].to_vec(), view.end, view.head.seq)
        };
        let mut groups: Vec<Arc<Group>> = Vec::new();
        let mut bytes = 0;
        for (number, (first, place)) in places.iter().enumerate() {
            if from > last || !groups.is_empty() && bytes >= bytes_max {
                break;
            }
            let until = places.get(number + 1).map_or(end.min(place + stored::STORED_BYTES_MAX as u64), |(_, next)| *next);
            let mut whole = vec![0; usize::try_from(until - place).unwrap_or(usize::MAX)];
            self.file.read_exact_at(&mut whole, *place).map_err(|error| ReadError::Io(error.to_string()))?;
            let (_, group, _) =
                stored::decode(&whole, *first, Check::Frames).map_err(|fault| ReadError::Damaged { sound_to: first - 1, fault })?;
            bytes += group.frames.len();
            groups.push(Arc::new(group));
        }
        Ok(groups)
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        // Makes the last note durable; without it the head lags by one group, which is allowed.
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(%error, "the head of the log could not be synced at its end");
        }
    }
}

#[cfg(test)]
mod tests;
