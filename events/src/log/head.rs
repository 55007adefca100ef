//! The head of a log, at the start of the file it belongs to: which log this is and where it ended, in two slots of a block
//! each, written in turn, so that one is whole at any time.
//!
//! Noted after a group's sync and before anyone is told, and made durable by the next sync of the file: after the end of a
//! process it is exact, after a power cut it may lag by one group.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Head;
use super::disk::Disk;
use crate::group::Hash;

/// Where a slot starts, counted from the one before: no two share a block of the disk.
const SLOT_BYTES: u64 = 4096;
/// Bytes before the groups.
pub(super) const HEAD_AREA_BYTES: u64 = 2 * SLOT_BYTES;
const MAGIC: [u8; 8] = *b"spuntolh";
/// The only format there is.
const FORMAT: u64 = 1;
const WORDS: usize = 5;
const BODY_BYTES: usize = 8 + WORDS * 8 + 32;
const ENTRY_BYTES: usize = BODY_BYTES + 32;

/// The head as noted in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) head: Head,
    /// A size which the file's form keeps here.
    pub(super) area_bytes: u64,
    /// Grows with every note; picks the slot.
    counter: u64,
}

impl Noted {
    pub(super) const fn new(head: Head, area_bytes: u64) -> Self {
        Self { head, area_bytes, counter: 0 }
    }

    /// How many notes were made.
    pub(super) const fn counter(&self) -> u64 {
        self.counter
    }

    /// Notes another head, over the older slot.
    pub(super) fn note(&mut self, head: Head, disk: &Disk, file: &File, path: &Path) -> io::Result<()> {
        let next = Self { head, counter: self.counter + 1, ..*self };
        disk.note_at(file, path, &next.encode(), next.counter % 2 * SLOT_BYTES)?;
        *self = next;
        Ok(())
    }

    /// The newer of the slots that are whole; none when neither is.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut newest: Option<Self> = None;
        for slot in 0..2 {
            let mut bytes = [0; ENTRY_BYTES];
            match file.read_exact_at(&mut bytes, slot * SLOT_BYTES) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
                read => {
                    read?;
                    let noted = Self::decode(&bytes).filter(|noted| noted.counter % 2 == slot);
                    newest = newest.into_iter().chain(noted).max_by_key(|noted| noted.counter);
                }
            }
        }
        Ok(newest)
    }

    fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        let words: [u64; WORDS] = [FORMAT, self.counter, self.area_bytes, self.head.incarnation, self.head.seq];
        for (word, place) in words.into_iter().zip((8..).step_by(8)) {
            bytes[place..place + 8].copy_from_slice(&word.to_le_bytes());
        }
        bytes[BODY_BYTES - 32..BODY_BYTES].copy_from_slice(&self.head.hash.0);
        let seal = blake3::hash(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(seal.as_bytes());
        bytes
    }

    fn decode(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let sound = bytes[..8] == MAGIC && blake3::hash(&bytes[..BODY_BYTES]).as_bytes() == &bytes[BODY_BYTES..];
        let word = |number: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[8 + number * 8..16 + number * 8]);
            u64::from_le_bytes(word)
        };
        if !sound || word(0) != FORMAT {
            return None;
        }
        let mut hash = Hash::default();
        hash.0.copy_from_slice(&bytes[BODY_BYTES - 32..BODY_BYTES]);
        Some(Self { head: Head { incarnation: word(3), seq: word(4), hash }, area_bytes: word(2), counter: word(1) })
    }
}

/// Compares a noted head with the groups that are found: each goes by, and the noted one must be among them.
#[derive(Debug)]
pub(super) struct Expected {
    noted: Head,
    met: bool,
}

impl Expected {
    pub(super) fn new(noted: Head) -> Self {
        Self { noted, met: noted.seq == 0 }
    }

    /// The last event of the group that is looked for.
    pub(super) const fn seq(&self) -> u64 {
        self.noted.seq
    }

    pub(super) fn pass(&mut self, last: u64, hash: Hash) {
        self.met |= last == self.noted.seq && hash == self.noted.hash;
    }

    /// What is wrong, now that all groups went by and the last ended with `seq`.
    pub(super) fn fault(&self, seq: u64) -> Option<String> {
        let noted = self.noted.seq;
        if self.met {
            None
        } else if seq < noted {
            Some(format!("events {} to {noted} were acknowledged and are not there", seq + 1))
        } else {
            Some(format!("event {noted} was acknowledged as the end of another group than the one that is there"))
        }
    }
}
