//! The log on a disk that fails: a write that is lost, and a write after which the process dies unheard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use spunto_events::group::Group;
use spunto_events::log::memory::MemoryLog;
use spunto_events::log::{AppendError, EventLog, Head, NoRoom, ReadError};

/// What becomes of the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum NextWrite {
    /// It is stored and answered.
    Stored = 0,
    /// It is lost, and so answered.
    Lost = 1,
    /// It is stored, and the process dies before it learns so.
    Unheard = 2,
}

/// A log that outlives the servers on it.
pub struct Disk {
    log: Box<dyn EventLog>,
    next: AtomicU8,
    full: AtomicBool,
}

impl Disk {
    /// An empty one in memory.
    #[must_use]
    pub fn new(incarnation: u64) -> Arc<Self> {
        Self::with(Box::new(MemoryLog::new(incarnation)))
    }

    /// One with this log.
    #[must_use]
    pub fn with(log: Box<dyn EventLog>) -> Arc<Self> {
        Arc::new(Self { log, next: AtomicU8::new(0), full: AtomicBool::new(false) })
    }

    /// Fills the disk, or makes room.
    pub fn fill(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// Says what becomes of the next write.
    pub fn arrange(&self, next: NextWrite) {
        self.next.store(next as u8, Ordering::Relaxed);
    }
}

impl EventLog for Disk {
    fn head(&self) -> Head {
        self.log.head()
    }

    fn room(&self) -> Result<(), NoRoom> {
        if self.full.load(Ordering::Relaxed) { Err(NoRoom::Full { free_bytes: 0, reserve_bytes: 1 }) } else { Ok(()) }
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        let failed = |words: &str| Err(AppendError::Unknown(words.to_owned()));
        match self.next.swap(0, Ordering::Relaxed) {
            1 => failed("the disk lost a write"),
            2 => {
                self.log.append(group)?;
                failed("the process died after a write")
            }
            _ => self.log.append(group),
        }
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        self.log.read(from, bytes_max)
    }
}
