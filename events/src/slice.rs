//! A slice: some events of a log, with the digests of those that it leaves out, so that whoever gets it can verify that every event in
//! it stood in the chain where it says, and how many stood between, without seeing them.
//!
//! Little-endian. Header: magic, format u64, incarnation u64, first event u64, hash before the first group, length of the selection u32,
//! the selection (UTF-8: what was chosen, in words). Then groups: first u64, last u64, length u32, and for each event either 0 and its
//! frame's digest, or 1 and its frame; then the group's hash. Footer: magic, last event u64, kept events u64, root (BLAKE3 of everything
//! before it). A group is read when its hash is that of the chain.

use std::io::{self, Read, Write};

use crate::frame::{self, FrameRef, HEADER_BYTES, PAYLOAD_BYTES_MAX};
use crate::group::{GROUP_BYTES_MAX, GROUP_EVENTS_MAX, Group, Hash};

const HEADER_MAGIC: [u8; 8] = *b"spuntosl";
const FOOTER_MAGIC: [u8; 8] = *b"spuntosx";
const FORMAT: u64 = 1;
/// Longest description of what was chosen.
pub const SELECTION_BYTES_MAX: usize = 4096;
const OMITTED: u8 = 0;
const KEPT: u8 = 1;
/// Digests that wait for an event that is kept; with more, those after the last such event may be in the slice too.
const WAITING_BYTES_MAX: usize = 8 << 20;
/// Largest group in a slice: every event may be left out, and none.
const ENTRIES_BYTES_MAX: usize = GROUP_BYTES_MAX + GROUP_EVENTS_MAX * 33;

/// Why a slice can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SliceError {
    /// It is not what was written.
    #[error("the slice is damaged after event {sound_to}: {what}")]
    Damaged {
        /// The last event that can be trusted.
        sound_to: u64,
        /// What is wrong.
        what: String,
    },
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn damaged(sound_to: u64, what: impl Into<String>) -> SliceError {
    SliceError::Damaged { sound_to, what: what.into() }
}

/// Where a slice begins and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceHead {
    /// The log it was cut from.
    pub incarnation: u64,
    /// First event of its first group.
    pub first: u64,
    /// Hash of the group before that.
    pub previous: Hash,
    /// What was chosen, in words.
    pub selection: String,
}

/// What a slice says of itself at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceSummary {
    /// Last event that its chain covers.
    pub last: u64,
    /// Hash of the group that ends there.
    pub hash: Hash,
    /// Events that are in it.
    pub kept: u64,
    /// Events of which only the digest is in it.
    pub omitted: u64,
}

/// Writes a slice. Groups before the first kept event cost nothing, nor do most after the last one.
pub struct SliceWriter<W: Write> {
    out: W,
    hasher: blake3::Hasher,
    head: SliceHead,
    begun: bool,
    /// Groups that hold nothing that is kept, until one comes that does.
    waiting: Vec<u8>,
    /// After the last group that was written, and after the last one that was seen.
    written: SliceSummary,
    omitted_waiting: u64,
    next: u64,
}

impl<W: Write> SliceWriter<W> {
    /// A slice whose first group will be the one that starts with `first` and follows the group with hash `previous`, or a later one.
    #[must_use]
    pub fn new(out: W, incarnation: u64, first: u64, previous: Hash, selection: &str) -> Self {
        let selection = selection.chars().take(SELECTION_BYTES_MAX / 4).collect();
        let head = SliceHead { incarnation, first, previous, selection };
        let written = SliceSummary { last: first - 1, hash: previous, kept: 0, omitted: 0 };
        Self { out, hasher: blake3::Hasher::new(), head, begun: false, waiting: Vec::new(), written, omitted_waiting: 0, next: first }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }

    /// Adds the next group; keeps the events that `keep` wants.
    ///
    /// # Errors
    /// The group does not follow, or the disk failed.
    pub fn push(&mut self, group: &Group, mut keep: impl FnMut(FrameRef<'_>) -> bool) -> Result<(), SliceError> {
        if group.first != self.next {
            return Err(damaged(self.next - 1, format!("group {} does not follow", group.first)));
        }
        let mut entries = Vec::new();
        let (mut kept, mut rest) = (0, group.frames.as_slice());
        while !rest.is_empty() {
            let (found, after) = frame::decode(rest).map_err(|fault| damaged(group.first - 1, fault.to_string()))?;
            let bytes = &rest[..rest.len() - after.len()];
            if keep(found) {
                kept += 1;
                entries.push(KEPT);
                entries.extend_from_slice(bytes);
            } else {
                entries.push(OMITTED);
                entries.extend_from_slice(blake3::hash(bytes).as_bytes());
            }
            rest = after;
        }
        self.next = group.last + 1;
        let omitted = group.last - group.first + 1 - kept;
        if !self.begun && kept == 0 {
            // Nothing was kept so far: the slice begins later.
            (self.head.first, self.head.previous) = (group.last + 1, group.hash);
            self.written = SliceSummary { last: group.last, hash: group.hash, kept: 0, omitted: 0 };
            return Ok(());
        }
        let length = u32::try_from(entries.len()).expect("a group is smaller");
        self.waiting.extend_from_slice(&group.first.to_le_bytes());
        self.waiting.extend_from_slice(&group.last.to_le_bytes());
        self.waiting.extend_from_slice(&length.to_le_bytes());
        self.waiting.extend_from_slice(&entries);
        self.waiting.extend_from_slice(&group.hash.0);
        self.omitted_waiting += omitted;
        if kept > 0 || self.waiting.len() > WAITING_BYTES_MAX {
            self.begin()?;
            let waiting = std::mem::take(&mut self.waiting);
            self.put(&waiting)?;
            let (kept, omitted) = (self.written.kept + kept, self.written.omitted + self.omitted_waiting);
            self.written = SliceSummary { last: group.last, hash: group.hash, kept, omitted };
            self.omitted_waiting = 0;
        }
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let SliceHead { incarnation, first, previous, selection } = self.head.clone();
        let mut head = Vec::new();
        for word in [u64::from_le_bytes(HEADER_MAGIC), FORMAT, incarnation, first] {
            head.extend_from_slice(&word.to_le_bytes());
        }
        head.extend_from_slice(&previous.0);
        head.extend_from_slice(&u32::try_from(selection.len()).expect("it was cut").to_le_bytes());
        head.extend_from_slice(selection.as_bytes());
        self.put(&head)
    }

    /// Writes the end.
    ///
    /// # Errors
    /// The disk failed.
    pub fn finish(mut self) -> Result<(W, SliceSummary), SliceError> {
        self.begin()?;
        let mut foot = FOOTER_MAGIC.to_vec();
        foot.extend_from_slice(&self.written.last.to_le_bytes());
        foot.extend_from_slice(&self.written.kept.to_le_bytes());
        self.put(&foot)?;
        let root = *self.hasher.finalize().as_bytes();
        self.out.write_all(&root)?;
        self.out.flush()?;
        Ok((self.out, self.written))
    }
}

/// Reads a slice group by group and verifies each before it is shown.
pub struct SliceReader<R: Read> {
    input: R,
    hasher: blake3::Hasher,
    head: SliceHead,
    summary: SliceSummary,
    ended: bool,
}

/// Some events of a group: sequence and frame of each that was kept.
pub type KeptFrames = Vec<(u64, Vec<u8>)>;

impl<R: Read> SliceReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is no slice.
    pub fn open(input: R) -> Result<Self, SliceError> {
        let none = Hash::default();
        let head = SliceHead { incarnation: 0, first: 0, previous: none, selection: String::new() };
        let summary = SliceSummary { last: 0, hash: none, kept: 0, omitted: 0 };
        let mut reader = Self { input, hasher: blake3::Hasher::new(), head, summary, ended: false };
        let mut start = [0; 68];
        reader.take(&mut start)?;
        let word = |number: usize| word(&start, number);
        if start[..8] != HEADER_MAGIC || word(1) != FORMAT || word(3) == 0 {
            return Err(damaged(0, "its header is not that of a slice"));
        }
        let length = u32::from_le_bytes([start[64], start[65], start[66], start[67]]) as usize;
        if length > SELECTION_BYTES_MAX {
            return Err(damaged(0, "its header is not that of a slice"));
        }
        let mut selection = vec![0; length];
        reader.take(&mut selection)?;
        let selection = String::from_utf8(selection).map_err(|_| damaged(0, "its header is not text"))?;
        reader.head = SliceHead { incarnation: word(2), first: word(3), previous: hash(&start[32..64]), selection };
        reader.summary = SliceSummary { last: word(3) - 1, hash: reader.head.previous, kept: 0, omitted: 0 };
        Ok(reader)
    }

    /// Where it begins and what it is about.
    #[must_use]
    pub const fn head(&self) -> &SliceHead {
        &self.head
    }

    /// What was read and verified so far; all of it once [`Self::next_group`] has given none.
    #[must_use]
    pub const fn summary(&self) -> SliceSummary {
        self.summary
    }

    fn take(&mut self, bytes: &mut [u8]) -> Result<(), SliceError> {
        self.input.read_exact(bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => damaged(self.summary.last, "it is cut off"),
            _ => error.into(),
        })?;
        self.hasher.update(bytes);
        Ok(())
    }

    /// The kept events of the next group; none at the end.
    ///
    /// # Errors
    /// Anything was changed.
    pub fn next_group(&mut self) -> Result<Option<KeptFrames>, SliceError> {
        if self.ended {
            return Ok(None);
        }
        let mut first = [0; 8];
        self.take(&mut first)?;
        if first == FOOTER_MAGIC {
            return self.end().map(|()| None);
        }
        let mut rest = [0; 12];
        self.take(&mut rest)?;
        let sound_to = self.summary.last;
        let (first, last) = (u64::from_le_bytes(first), word(&rest, 0));
        let length = u32::from_le_bytes([rest[8], rest[9], rest[10], rest[11]]) as usize;
        let count = last.checked_sub(first).map_or(0, |more| more.saturating_add(1));
        if first != sound_to + 1 || count == 0 || count > GROUP_EVENTS_MAX as u64 || length > ENTRIES_BYTES_MAX {
            return Err(damaged(sound_to, "a group's header has changed"));
        }
        let mut entries = vec![0; length];
        self.take(&mut entries)?;
        let mut stored = [0; 32];
        self.take(&mut stored)?;
        let (kept, digest) = self.entries(first, last, &entries)?;
        if digest.0 != stored {
            return Err(damaged(sound_to, "the next group does not continue the chain"));
        }
        let omitted = self.summary.omitted + count - kept.len() as u64;
        self.summary = SliceSummary { last, hash: digest, kept: self.summary.kept + kept.len() as u64, omitted };
        Ok(Some(kept))
    }

    /// Takes a group apart; its kept frames, and the hash that they and the digests make.
    fn entries(&self, first: u64, last: u64, entries: &[u8]) -> Result<(KeptFrames, Hash), SliceError> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.summary.hash.0);
        let (mut kept, mut rest) = (Vec::new(), entries);
        for seq in first..=last {
            let broken = || damaged(seq - 1, "an entry has changed");
            let (tag, after) = rest.split_first().ok_or_else(broken)?;
            match *tag {
                OMITTED => {
                    let (digest, after) = after.split_first_chunk::<32>().ok_or_else(broken)?;
                    hasher.update(digest);
                    rest = after;
                }
                KEPT => {
                    let room = &after[..after.len().min(HEADER_BYTES + PAYLOAD_BYTES_MAX)];
                    let (found, left) = frame::decode(room).map_err(|fault| damaged(seq - 1, fault.to_string()))?;
                    if found.header.seq != seq {
                        return Err(damaged(seq - 1, format!("event {} stands where event {seq} must", found.header.seq)));
                    }
                    let (bytes, after) = after.split_at(room.len() - left.len());
                    hasher.update(blake3::hash(bytes).as_bytes());
                    kept.push((seq, bytes.to_vec()));
                    rest = after;
                }
                _ => return Err(broken()),
            }
        }
        if !rest.is_empty() {
            return Err(damaged(self.summary.last, "a group holds more than its events"));
        }
        Ok((kept, Hash(*hasher.finalize().as_bytes())))
    }

    fn end(&mut self) -> Result<(), SliceError> {
        let mut foot = [0; 16];
        self.take(&mut foot)?;
        let root = *self.hasher.finalize().as_bytes();
        let mut stored = [0; 32];
        self.take(&mut stored)?;
        let mut more = [0; 1];
        let nothing_follows = self.input.read(&mut more)? == 0;
        if [word(&foot, 0), word(&foot, 1)] != [self.summary.last, self.summary.kept] || stored != root || !nothing_follows {
            return Err(damaged(self.summary.last, "its footer does not agree with its groups"));
        }
        self.ended = true;
        Ok(())
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

#[cfg(test)]
mod tests;
