//! The log of a server: a tail file that makes groups durable, sled behind it for the active segment, and sealed files.
//!
//! A directory holds: `lock`; `tail` (see `tail.rs`); `seg-<first event>/`, the active segment, a sled database; and
//! `seg-<first event>.log`, the sealed ones. One thread of its own absorbs the tail into sled, writes the active segment's sealed
//! file along, and ends it when the segment is full.

mod absorb;
mod guard;
mod pack;
mod recover;
mod roll;
mod room;
mod stopped;
mod store;
mod tail;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex, RwLock};

use self::store::{ScanError, Store};
use self::tail::{Room, Tail};
use super::disk::Disk;
use super::file::SegmentFile;
use super::head::Noted;
use super::opening::{Lock, OpenError};
use super::stored::{Check, STORED_BYTES_MAX};
use super::{AppendError, EventLog, Head, NoRoom, ReadError};
use crate::group::{Group, GroupError};

pub use stopped::{StoppedLog, import};

/// Bytes of groups that are kept in memory although sled holds them already: what readers at the end of the log want.
const RECENT_BYTES_MAX: usize = 1 << 20;

/// Sizes of a log's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Most events of a segment, unless one group alone has more.
    pub segment_events_max: u64,
    /// Most bytes of a segment, unless one group alone has more.
    pub segment_bytes_max: u64,
    /// Bytes of each of the tail's two areas; counts when the log is made, and is at least what one group may need.
    pub tail_area_bytes: u64,
    /// Bytes that wait in the tail before sled absorbs them.
    pub absorb_bytes: u64,
    /// Free bytes of the file system below which nothing more is taken; 0 never looks.
    pub reserve_bytes: u64,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_events_max: 1_000_000,
            segment_bytes_max: 256 << 20,
            tail_area_bytes: 16 << 20,
            absorb_bytes: 4 << 20,
            reserve_bytes: room::RESERVE_BYTES,
        }
    }
}

/// A durable log in a directory.
///
/// An acknowledged group survives the end of the process and a power cut. One process at a time.
pub struct SledLog {
    shared: Arc<Shared>,
    tail: Mutex<Tail>,
    watch: room::Watch,
    absorber: Option<JoinHandle<()>>,
    _lock: Lock,
}

/// What the appending thread, the readers and the absorbing thread share.
struct Shared {
    directory: PathBuf,
    options: LogOptions,
    disk: Disk,
    view: RwLock<View>,
    progress: Mutex<Progress>,
    /// There is work for the absorber.
    work: Condvar,
    /// The absorber got on, or gave up.
    moved: Condvar,
}

/// What readers see.
struct View {
    head: Head,
    sealed: Arc<Vec<Arc<SegmentFile>>>,
    active: Arc<Store>,
    /// The last groups: all that sled does not hold yet, and some more.
    recent: VecDeque<Arc<Group>>,
    recent_bytes: usize,
}

/// How far sled is behind the tail.
struct Progress {
    /// sled holds everything up to this event durably.
    absorbed: u64,
    waiting_bytes: u64,
    /// Somebody waits for `absorbed` to grow.
    urged: bool,
    closing: bool,
    /// Why nothing more is taken.
    poison: Option<String>,
}

/// Where the groups from some event on are.
enum Place {
    End,
    Recent(Vec<Arc<Group>>),
    Active(Arc<Store>),
    Sealed(Arc<SegmentFile>),
}

impl SledLog {
    /// Opens the log in `directory`; makes one where there is none. Verifies all of it: every checksum, the chain, that no
    /// event is missing, and that what was acknowledged last is there.
    ///
    /// # Errors
    /// See [`OpenError`]. sled may have changed a damaged segment's files when it looked at them: copy them first if they
    /// are to be examined.
    pub fn open(directory: &Path, options: LogOptions) -> Result<Self, OpenError> {
        let tail_area_bytes = options.tail_area_bytes.max(STORED_BYTES_MAX as u64);
        Self::open_on(directory, LogOptions { tail_area_bytes, ..options }, Disk::default())
    }

    /// The incarnation of the log in `directory`, without opening it: works while another process has it.
    ///
    /// # Errors
    /// There is no log, or its head can't be read.
    pub fn incarnation(directory: &Path) -> Result<u64, OpenError> {
        let noted = Noted::read(&std::fs::File::open(directory.join(tail::FILE_NAME))?)?;
        let noted = noted.ok_or_else(|| OpenError::damaged(tail::FILE_NAME, 0, "neither note of the log's head can be read"))?;
        Ok(noted.head.incarnation)
    }

    fn open_on(directory: &Path, options: LogOptions, disk: Disk) -> Result<Self, OpenError> {
        std::fs::create_dir_all(directory)?;
        let lock = Lock::take(&directory.join("lock"))?;
        let recovered = recover::recover(directory, &options, &disk)?;
        let progress = Progress { absorbed: recovered.head.seq, waiting_bytes: 0, urged: false, closing: false, poison: None };
        let view = View {
            head: recovered.head,
            sealed: Arc::new(recovered.sealed),
            active: Arc::new(recovered.active),
            recent: VecDeque::new(),
            recent_bytes: 0,
        };
        let shared = Arc::new(Shared {
            directory: directory.to_owned(),
            options,
            disk,
            view: RwLock::new(view),
            progress: Mutex::new(progress),
            work: Condvar::new(),
            moved: Condvar::new(),
        });
        let reserve_bytes = shared.options.reserve_bytes;
        let absorber = absorb::start(Arc::clone(&shared), recovered.fill)?;
        let watch = room::Watch::start(directory, reserve_bytes)?;
        Ok(Self { shared, watch, tail: Mutex::new(recovered.tail), absorber: Some(absorber), _lock: lock })
    }

    /// Waits until the tail has room for `group`.
    fn make_room(&self, tail: &mut Tail, group: &Group) -> Result<(), AppendError> {
        match tail.room(group) {
            Room::Here => Ok(()),
            Room::TooLarge => Err(GroupError::Full.into()),
            Room::Behind(seq) => {
                let mut progress = self.shared.progress.lock();
                while progress.absorbed < seq {
                    if let Some(why) = &progress.poison {
                        return Err(AppendError::Unknown(why.clone()));
                    }
                    progress.urged = true;
                    self.shared.work.notify_one();
                    self.shared.moved.wait(&mut progress);
                }
                drop(progress);
                tail.turn().map_err(|error| self.shared.poison(error.to_string()))
            }
        }
    }
}

impl Shared {
    /// Takes nothing more from here on.
    fn poison(&self, why: String) -> AppendError {
        tracing::error!(%why, "the log takes nothing more until it is opened again");
        self.progress.lock().poison.get_or_insert_with(|| why.clone());
        self.moved.notify_all();
        AppendError::Unknown(why)
    }

    fn publish(&self, group: Group, head: Head) {
        let bytes = group.frames.len();
        {
            let mut view = self.view.write();
            view.recent.push_back(Arc::new(group));
            view.recent_bytes += bytes;
            view.head = head;
        }
        let mut progress = self.progress.lock();
        progress.waiting_bytes += bytes as u64;
        if progress.waiting_bytes >= self.options.absorb_bytes {
            self.work.notify_one();
        }
    }

    /// Where the groups from `from` on are; of recent ones, no more than `bytes_max` asks for.
    fn locate(&self, from: u64, bytes_max: usize) -> Place {
        let view = self.view.read();
        if from > view.head.seq {
            return Place::End;
        }
        if view.recent.front().is_some_and(|group| group.first <= from) {
            let start = view.recent.partition_point(|group| group.last < from);
            let mut bytes = 0;
            let fits = |group: &&Arc<Group>| {
                let room = bytes == 0 || bytes < bytes_max;
                bytes += group.frames.len();
                room
            };
            return Place::Recent(view.recent.range(start..).take_while(fits).cloned().collect());
        }
        if from >= view.active.first() {
            return Place::Active(Arc::clone(&view.active));
        }
        let after = view.sealed.partition_point(|segment| segment.summary().first <= from);
        Place::Sealed(Arc::clone(&view.sealed[after.saturating_sub(1)]))
    }
}

impl EventLog for SledLog {
    fn head(&self) -> Head {
        self.shared.view.read().head
    }

    fn room(&self) -> Result<(), NoRoom> {
        self.watch.check()
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        let mut tail = self.tail.lock();
        if let Some(why) = &self.shared.progress.lock().poison {
            return Err(AppendError::Unknown(why.clone()));
        }
        let head = self.head();
        super::admit(&group, head)?;
        self.make_room(&mut tail, &group)?;
        let next = Head { seq: group.last, hash: group.hash, ..head };
        tail.append(&group, next).map_err(|error| self.shared.poison(error.to_string()))?;
        self.shared.publish(group, next);
        Ok(next)
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let mut next = from.max(1);
        let mut groups: Vec<Arc<Group>> = Vec::new();
        let mut bytes = 0;
        while groups.is_empty() || bytes < bytes_max {
            let more = match self.shared.locate(next, bytes_max - bytes) {
                Place::End => break,
                Place::Recent(more) => more,
                Place::Active(store) => read_store(&store, next, bytes_max - bytes)?,
                Place::Sealed(segment) => segment.read(next, bytes_max - bytes)?,
            };
            let before = next;
            for group in more {
                let follows = group.first <= next
                    && group.last >= next
                    && groups.last().is_none_or(|last| last.last + 1 == group.first && last.hash == group.previous);
                if !follows {
                    return Err(damaged(next));
                }
                next = group.last + 1;
                bytes = bytes.saturating_add(group.frames.len());
                groups.push(group);
            }
            if next == before {
                return Err(damaged(next));
            }
        }
        Ok(groups)
    }
}

fn damaged(next: u64) -> ReadError {
    ReadError::Damaged { sound_to: next - 1, fault: GroupError::Chain { first: next } }
}

fn read_store(store: &Store, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
    let mut groups: Vec<Arc<Group>> = Vec::new();
    let mut bytes = 0;
    let scanned = store.scan(from, Check::Frames, |group| {
        if group.last < from {
            return std::ops::ControlFlow::Continue(());
        }
        bytes += group.frames.len();
        groups.push(Arc::new(group));
        if bytes >= bytes_max { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    });
    let sound_to = groups.last().map_or(from - 1, |group| group.last);
    match scanned {
        Ok(()) => Ok(groups),
        Err(ScanError::Group(fault)) => Err(ReadError::Damaged { sound_to, fault }),
        Err(ScanError::Sled(why)) => Err(ReadError::Io(why)),
    }
}

impl Drop for SledLog {
    fn drop(&mut self) {
        self.shared.progress.lock().closing = true;
        self.shared.work.notify_one();
        if self.absorber.take().is_some_and(|absorber| absorber.join().is_err()) {
            tracing::error!("the log's absorbing thread ended by a panic; nothing that was acknowledged is lost");
        }
        // Makes the last note of the head durable; without it the head lags by one group, which is allowed.
        if let Err(error) = self.tail.get_mut().sync() {
            tracing::warn!(%error, "the head of the log could not be synced at its end");
        }
    }
}

#[cfg(test)]
mod tests;
