//! The log in one plain file: groups one after the other. Immutable once sealed: the form of old segments, of exports and backups.
//!
//! `magic ‖ incarnation ‖ sequence and hash before ‖ groups … ‖ footer`. The footer has the count, the end and a BLAKE3 of all
//! before it, so that a cut, a swap or a flipped bit is found without another file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;

use super::{AppendError, EventLog, Head, OpenError, ReadError, stored};
use crate::group::{Group, GroupError, Hash};

const MAGIC: &[u8; 16] = b"spunto-events-1\n";
const SEAL: &[u8; 16] = b"spunto-sealed-1\n";
/// Magic, incarnation, sequence before, hash before.
const START_BYTES: u64 = 16 + 8 + 8 + 32;
/// Seal, groups, last sequence, last hash, BLAKE3 of all before.
const FOOTER_BYTES: u64 = 16 + 8 + 8 + 32 + 32;
/// A place in the index for each so many groups.
const INDEX_EVERY: usize = 64;

/// A file of groups.
#[derive(Debug)]
pub struct FileLog {
    path: PathBuf,
    file: File,
    state: RwLock<Contents>,
}

#[derive(Clone, Debug)]
struct Contents {
    before: Head,
    head: Head,
    groups: u64,
    /// Where the next group goes.
    end: u64,
    /// First sequence and offset of each [`INDEX_EVERY`]th group.
    index: Vec<(u64, u64)>,
    sealed: bool,
    failed: bool,
}

impl FileLog {
    /// Makes a file that continues a log after `before`.
    ///
    /// # Errors
    /// There is such a file, or it can't be written.
    pub fn create(path: &Path, before: Head) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(MAGIC)?;
        file.write_all(&before.incarnation.to_le_bytes())?;
        file.write_all(&before.seq.to_le_bytes())?;
        file.write_all(&before.hash.0)?;
        let contents = Contents { before, head: before, groups: 0, end: START_BYTES, index: Vec::new(), sealed: false, failed: false };
        Ok(Self { path: path.to_owned(), file, state: RwLock::new(contents) })
    }

    /// Opens a file and verifies all of it.
    ///
    /// # Errors
    /// Anything in it is not what was written.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let damaged = |sound_to: u64, what: String| OpenError::Damaged { segment: name.clone(), sound_to, what };
        let mut start = [0; START_BYTES as usize];
        file.read_exact(&mut start).map_err(|_| damaged(0, "it is cut before its first group".into()))?;
        if start[..16] != *MAGIC {
            return Err(damaged(0, "it does not begin as a file of events does".into()));
        }
        let number = |at: usize| u64::from_le_bytes(start[at..at + 8].try_into().expect("eight bytes"));
        let before = Head { incarnation: number(16), seq: number(24), hash: Hash(start[32..64].try_into().expect("32 bytes")) };
        let contents = scan(&mut file, before, &start).map_err(|(sound_to, what)| damaged(sound_to, what))?;
        Ok(Self { path: path.to_owned(), file, state: RwLock::new(contents) })
    }

    /// Writes the footer and makes the file durable; nothing can be appended afterwards.
    ///
    /// # Errors
    /// It can't be written.
    pub fn seal(&self) -> io::Result<()> {
        let mut state = self.state.write();
        if state.sealed {
            return Ok(());
        }
        let mut hasher = blake3::Hasher::new();
        let mut reader = File::open(&self.path)?.take(state.end);
        io::copy(&mut reader, &mut hasher)?;
        let mut footer = Vec::with_capacity(FOOTER_BYTES as usize);
        footer.extend_from_slice(SEAL);
        footer.extend_from_slice(&state.groups.to_le_bytes());
        footer.extend_from_slice(&state.head.seq.to_le_bytes());
        footer.extend_from_slice(&state.head.hash.0);
        hasher.update(&footer);
        footer.extend_from_slice(hasher.finalize().as_bytes());
        self.file.write_all_at(&footer, state.end)?;
        self.file.sync_all()?;
        state.sealed = true;
        Ok(())
    }

    /// What this file continues: the end of the segment before.
    #[must_use]
    pub fn before(&self) -> Head {
        self.state.read().before
    }

    /// Whether its footer is written.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.state.read().sealed
    }

    /// Appends without waiting for the disk; [`seal`](Self::seal) does, for all.
    pub(crate) fn append_unsynced(&self, group: &Group) -> Result<(), AppendError> {
        let mut state = self.state.write();
        if state.failed || state.sealed {
            return Err(AppendError::Unknown("the file is sealed, or a write to it failed".into()));
        }
        let head = state.head;
        if group.first != head.seq + 1 || group.previous != head.hash {
            return Err(AppendError::Conflict { at: head.seq, expected: head.seq + 1 });
        }
        group.verify(head.seq + 1, head.hash)?;
        let mut bytes = Vec::with_capacity(stored::HEADER_BYTES + group.frames.len());
        stored::write(group, &mut bytes);
        if let Err(error) = self.file.write_all_at(&bytes, state.end) {
            state.failed = true;
            return Err(AppendError::Unknown(error.to_string()));
        }
        state.note(group, bytes.len() as u64);
        Ok(())
    }
}

impl Contents {
    fn note(&mut self, group: &Group, bytes: u64) {
        if self.groups.is_multiple_of(INDEX_EVERY as u64) {
            self.index.push((group.first, self.end));
        }
        self.groups += 1;
        self.end += bytes;
        self.head = Head { seq: group.last, hash: group.hash, ..self.head };
    }
}

/// Reads and verifies everything after the start; on damage, how far it is sound and what is wrong.
fn scan(file: &mut File, before: Head, start: &[u8]) -> Result<Contents, (u64, String)> {
    let mut contents = Contents { before, head: before, groups: 0, end: START_BYTES, index: Vec::new(), sealed: false, failed: false };
    let mut hasher = blake3::Hasher::new();
    hasher.update(start);
    let mut reader = io::BufReader::with_capacity(1 << 20, file);
    loop {
        let sound_to = contents.head.seq;
        let lost = |what: &str| (sound_to, what.to_owned());
        let mut first = [0; 16];
        match read_up_to(&mut reader, &mut first).map_err(|error| (sound_to, error.to_string()))? {
            0 => return Ok(contents),
            16 => {}
            _ => return Err(lost("it is cut inside a group")),
        }
        if first == *SEAL {
            return footer(&mut reader, contents, hasher);
        }
        let mut bytes = vec![0; stored::HEADER_BYTES];
        bytes[..16].copy_from_slice(&first);
        reader.read_exact(&mut bytes[16..]).map_err(|_| lost("it is cut inside a group"))?;
        let length = stored::frames_bytes(&bytes).ok_or_else(|| lost("a group's length is not possible"))?;
        bytes.resize(stored::HEADER_BYTES + length, 0);
        reader.read_exact(&mut bytes[stored::HEADER_BYTES..]).map_err(|_| lost("it is cut inside a group"))?;
        let group = stored::read(&bytes).ok_or_else(|| lost("a group is not laid out as one"))?;
        group.verify(contents.head.seq + 1, contents.head.hash).map_err(|fault| (sound_to, fault.to_string()))?;
        hasher.update(&bytes);
        contents.note(&group, bytes.len() as u64);
    }
}

fn footer(reader: &mut impl Read, mut contents: Contents, mut hasher: blake3::Hasher) -> Result<Contents, (u64, String)> {
    let sound_to = contents.head.seq;
    let mut footer = SEAL.to_vec();
    reader.take(FOOTER_BYTES).read_to_end(&mut footer).map_err(|error| (sound_to, error.to_string()))?;
    if footer.len() as u64 != FOOTER_BYTES {
        return Err((sound_to, "its footer is cut, or something follows it".into()));
    }
    let (told, sum) = footer.split_at(FOOTER_BYTES as usize - 32);
    hasher.update(told);
    let mut expected = SEAL.to_vec();
    expected.extend_from_slice(&contents.groups.to_le_bytes());
    expected.extend_from_slice(&contents.head.seq.to_le_bytes());
    expected.extend_from_slice(&contents.head.hash.0);
    if told != expected || hasher.finalize().as_bytes() != sum {
        return Err((sound_to, "its footer does not fit its contents".into()));
    }
    contents.sealed = true;
    Ok(contents)
}

fn read_up_to(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match reader.read(&mut into[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

impl EventLog for FileLog {
    fn head(&self) -> Head {
        self.state.read().head
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        self.append_unsynced(&group)?;
        if let Err(error) = self.file.sync_data() {
            self.state.write().failed = true;
            return Err(AppendError::Unknown(error.to_string()));
        }
        Ok(self.head())
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let state = self.state.read().clone();
        if from > state.head.seq {
            return Ok(Vec::new());
        }
        let place = state.index.partition_point(|(first, _)| *first <= from).saturating_sub(1);
        let Some((_, offset)) = state.index.get(place) else { return Ok(Vec::new()) };
        let io = |error: io::Error| ReadError::Io(error.to_string());
        let mut reader = File::open(&self.path).map_err(io)?;
        reader.seek(SeekFrom::Start(*offset)).map_err(io)?;
        let mut reader = io::BufReader::with_capacity(256 * 1024, reader.take(state.end - offset));
        let (mut groups, mut taken) = (Vec::new(), 0);
        let mut sound_to = state.before.seq;
        while sound_to < state.head.seq && (groups.is_empty() || taken < bytes_max) {
            let damaged = || ReadError::Damaged { sound_to, fault: GroupError::Chain { first: sound_to + 1 } };
            let mut bytes = vec![0; stored::HEADER_BYTES];
            reader.read_exact(&mut bytes).map_err(io)?;
            let length = stored::frames_bytes(&bytes).ok_or_else(damaged)?;
            bytes.resize(stored::HEADER_BYTES + length, 0);
            reader.read_exact(&mut bytes[stored::HEADER_BYTES..]).map_err(io)?;
            let group = stored::read(&bytes).ok_or_else(damaged)?;
            sound_to = group.last;
            if group.last >= from {
                // What was read is checked again: a disk may have changed it since it was opened.
                group.verify(group.first, group.previous).map_err(|fault| ReadError::Damaged { sound_to: group.first - 1, fault })?;
                taken += group.frames.len();
                groups.push(Arc::new(group));
            }
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests;
