//! A sealed segment: an immutable file of groups in order, every bit of it under one BLAKE3 root. Also what an export and a
//! backup consist of.
//!
//! Header, 64 bytes: magic, format u64, incarnation u64, first event u64, hash before the first group. Then the groups.
//! Footer, 96 bytes: magic, groups u64, last event u64, length of the file u64, hash of the last group, root (BLAKE3 of
//! everything before it).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::group::{Group, GroupError, Hash};
use crate::log::ReadError;
use crate::log::disk::Disk;
use crate::log::stored::{self, Chain, Check};

mod stream;
mod writer;

pub use stream::stream;
pub(in crate::log) use writer::SegmentWriter;

const HEADER_BYTES: u64 = 64;
const FOOTER_BYTES: u64 = 96;
const HEADER_MAGIC: [u8; 8] = *b"spuntosg";
const FOOTER_MAGIC: [u8; 8] = *b"spuntoft";
const FORMAT: u64 = 1;
/// Bytes between two entries of the index that is kept in memory.
const INDEX_STEP_BYTES: u64 = 64 * 1024;
/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// Why a sealed segment can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// It is not what was written.
    #[error("{what}; it is sound up to event {sound_to}")]
    Damaged {
        /// The last event that can be trusted, with all before it.
        sound_to: u64,
        /// The first event that can't be.
        at: u64,
        /// What is wrong.
        what: String,
    },
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The groups to write could not be had.
    #[error(transparent)]
    Source(#[from] ReadError),
}

/// What a segment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentSummary {
    /// The log it belongs to.
    pub incarnation: u64,
    /// Its first event.
    pub first: u64,
    /// Its last event.
    pub last: u64,
    /// Groups in it.
    pub groups: u64,
    /// Hash of the group before it.
    pub previous: Hash,
    /// Hash of its last group.
    pub hash: Hash,
    /// BLAKE3 of the file before this hash.
    pub root: Hash,
}

/// First event and place of a group, one every [`INDEX_STEP_BYTES`].
type Index = Vec<(u64, u64)>;

/// A sealed segment that was verified.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
    path: PathBuf,
    summary: SegmentSummary,
    index: Index,
    /// Where the footer starts.
    end: u64,
}

impl SegmentFile {
    /// Writes `groups`, which follow event `first - 1` and the group with hash `previous`, to `path`. Durable when it returns,
    /// name and all; after an error there is no file of that name, only perhaps one with `.new` added.
    ///
    /// # Errors
    /// The groups can't be had, don't follow, are none; the disk failed.
    pub fn write(
        path: &Path,
        incarnation: u64,
        first: u64,
        previous: Hash,
        groups: impl Iterator<Item = Result<Arc<Group>, ReadError>>,
    ) -> Result<Self, SegmentError> {
        Self::write_on(&Disk::default(), path, incarnation, Chain { seq: first - 1, hash: previous }, groups)
    }

    pub(in crate::log) fn write_on(
        disk: &Disk,
        path: &Path,
        incarnation: u64,
        start: Chain,
        groups: impl Iterator<Item = Result<Arc<Group>, ReadError>>,
    ) -> Result<Self, SegmentError> {
        let mut writer = SegmentWriter::begin(disk, path, incarnation, start)?;
        for group in groups {
            let group = group?;
            writer.push(&group)?;
        }
        writer.finish()
    }

    /// Opens a segment and verifies all of it.
    ///
    /// # Errors
    /// Anything in it has changed.
    pub fn open(path: &Path) -> Result<Self, SegmentError> {
        let length = File::open(path)?.metadata()?.len();
        Self::open_part(path, length)
    }

    /// Opens a segment that is the first `length` bytes of a file and verifies all of it.
    ///
    /// # Errors
    /// Anything in it has changed.
    pub fn open_part(path: &Path, length: u64) -> Result<Self, SegmentError> {
        let file = File::open(path)?;
        let mut scan = Scan::start(&file, length)?;
        let (index, end, summary) = scan.run()?;
        Ok(Self { file, path: path.to_owned(), summary, index, end })
    }

    /// Reads all of it again and compares it with what it was when opened.
    ///
    /// # Errors
    /// Anything has changed.
    pub fn verify(&self) -> Result<(), SegmentError> {
        let again = Self::open_part(&self.path, self.end + FOOTER_BYTES)?;
        let same = again.summary == self.summary;
        if same { Ok(()) } else { Err(damaged(self.summary.first - 1, "the file was replaced")) }
    }

    /// What it says of itself.
    #[must_use]
    pub const fn summary(&self) -> SegmentSummary {
        self.summary
    }

    /// Shows the last event and the hash of every group, in order.
    pub(in crate::log) fn ends(&self, mut each: impl FnMut(u64, Hash)) -> io::Result<()> {
        let mut place = HEADER_BYTES;
        while place < self.end {
            let mut head = [0; stored::HEAD_BYTES];
            self.file.read_exact_at(&mut head, place)?;
            let heading = stored::heading(&head, 0).map_err(io::Error::other)?;
            each(heading.last, heading.hash);
            place += (stored::HEAD_BYTES + heading.bytes) as u64;
        }
        Ok(())
    }

    /// Groups from the one that holds event `from` on: at least one where there is one, and no more once they hold
    /// `bytes_max`. `from` must not be before the segment.
    ///
    /// # Errors
    /// Damage, or a file that can't be read.
    pub fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let start = self.index.partition_point(|(first, _)| *first <= from).saturating_sub(1);
        let mut groups: Vec<Arc<Group>> = Vec::new();
        let Some((first, mut place)) = self.index.get(start).copied() else {
            return Ok(groups);
        };
        let (mut next, mut bytes) = (first, 0);
        let io = |error: io::Error| ReadError::Io(format!("{}: {error}", self.path.display()));
        while place < self.end && (groups.is_empty() || bytes < bytes_max) {
            let mut head = [0; stored::HEAD_BYTES];
            self.file.read_exact_at(&mut head, place).map_err(io)?;
            let damage = |fault| ReadError::Damaged { sound_to: next - 1, fault };
            let heading = stored::heading(&head, next).map_err(damage)?;
            let size = stored::HEAD_BYTES + heading.bytes;
            if heading.last >= from {
                let mut whole = vec![0; size];
                self.file.read_exact_at(&mut whole, place).map_err(io)?;
                let (_, group, _) = stored::decode(&whole, next, Check::Frames).map_err(damage)?;
                bytes += group.frames.len();
                groups.push(Arc::new(group));
            }
            place += size as u64;
            next = heading.last + 1;
        }
        Ok(groups)
    }
}

/// Reads a whole file once, from its header to its root.
struct Scan<'a> {
    reader: BufReader<&'a File>,
    hasher: blake3::Hasher,
    length: u64,
    incarnation: u64,
    start: Chain,
}

impl<'a> Scan<'a> {
    fn start(file: &'a File, length: u64) -> Result<Self, SegmentError> {
        if length < HEADER_BYTES + FOOTER_BYTES {
            return Err(damaged(0, format!("{length} bytes are too few for a segment")));
        }
        let mut scan = Self {
            reader: BufReader::with_capacity(BUFFER_BYTES, file),
            hasher: blake3::Hasher::new(),
            length,
            incarnation: 0,
            start: Chain::START,
        };
        let head = scan.take(HEADER_BYTES as usize)?;
        if head[..8] != HEADER_MAGIC || word(&head, 1) != FORMAT || word(&head, 3) == 0 {
            return Err(damaged(0, "its header is not that of a segment"));
        }
        scan.incarnation = word(&head, 2);
        scan.start = Chain { seq: word(&head, 3) - 1, hash: hash(&head[32..64]) };
        Ok(scan)
    }

    fn run(&mut self) -> Result<(Index, u64, SegmentSummary), SegmentError> {
        let end = self.length - FOOTER_BYTES;
        let (mut chain, mut place, mut groups) = (self.start, HEADER_BYTES, 0);
        let mut index = Index::new();
        while place < end {
            let mut whole = self.take(stored::HEAD_BYTES.min((end - place) as usize))?;
            let heading = stored::heading(&whole, chain.seq + 1).map_err(|fault| faulty(chain.seq, &fault))?;
            whole.extend(self.take(heading.bytes.min((end - place) as usize - stored::HEAD_BYTES))?);
            let (_, group, _) = stored::decode(&whole, chain.seq + 1, Check::Chain).map_err(|fault| faulty(chain.seq, &fault))?;
            if heading.mark != 0 {
                return Err(damaged(chain.seq, "a group bears a mark that sealed groups don't have"));
            }
            if index.last().is_none_or(|(_, last)| place - last >= INDEX_STEP_BYTES) {
                index.push((group.first, place));
            }
            chain.follow(&group).map_err(|fault| faulty(chain.seq, &fault))?;
            place += whole.len() as u64;
            groups += 1;
        }
        let foot = self.take(FOOTER_BYTES as usize - 32)?;
        let root = Hash(*self.hasher.finalize().as_bytes());
        let agrees = foot[..8] == FOOTER_MAGIC
            && [1, 2, 3].map(|number| word(&foot, number)) == [groups, chain.seq, self.length]
            && hash(&foot[32..64]) == chain.hash
            && hash(&self.take(32)?) == root;
        if !agrees || groups == 0 {
            return Err(damaged(chain.seq, "its footer does not agree with its groups"));
        }
        let (first, previous) = (self.start.seq + 1, self.start.hash);
        let summary = SegmentSummary { incarnation: self.incarnation, first, last: chain.seq, groups, previous, hash: chain.hash, root };
        Ok((index, end, summary))
    }

    fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut taken = vec![0; bytes];
        self.reader.read_exact(&mut taken)?;
        self.hasher.update(&taken);
        Ok(taken)
    }
}

fn word(bytes: &[u8], number: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[number * 8..number * 8 + 8]);
    u64::from_le_bytes(word)
}

fn hash(bytes: &[u8]) -> Hash {
    let mut hash = Hash::default();
    hash.0.copy_from_slice(bytes);
    hash
}

fn damaged(sound_to: u64, what: impl ToString) -> SegmentError {
    SegmentError::Damaged { sound_to, at: sound_to + 1, what: what.to_string() }
}

fn faulty(sound_to: u64, fault: &GroupError) -> SegmentError {
    SegmentError::Damaged { sound_to, at: fault.at().unwrap_or(sound_to + 1), what: fault.to_string() }
}
