//! The head file: where the log ended when it last acknowledged. Two slots, written in turn, each with a checksum.
//!
//! It is how a log that has become shorter is found: sled can open a damaged database without an error and with fewer records.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::Head;
use crate::group::Hash;

const MAGIC: &[u8; 8] = b"spuntohd";
/// A slot is a sector of its own, so that writing one can't tear the other.
const SLOT_BYTES: usize = 4096;
/// Magic, generation, incarnation, sequence, hash, CRC-32.
const USED_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 4;

/// The head file, open.
#[derive(Debug)]
pub(crate) struct HeadFile {
    file: File,
    generation: u64,
}

fn slot(generation: u64, head: Head) -> [u8; SLOT_BYTES] {
    let mut bytes = [0; SLOT_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&generation.to_le_bytes());
    bytes[16..24].copy_from_slice(&head.incarnation.to_le_bytes());
    bytes[24..32].copy_from_slice(&head.seq.to_le_bytes());
    bytes[32..64].copy_from_slice(&head.hash.0);
    let sum = crc32fast::hash(&bytes[..64]);
    bytes[64..USED_BYTES].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn parse(bytes: &[u8]) -> Option<(u64, Head)> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let sum = u32::from_le_bytes(bytes.get(64..USED_BYTES)?.try_into().ok()?);
    if bytes[..8] != *MAGIC || crc32fast::hash(&bytes[..64]) != sum {
        return None;
    }
    Some((number(8)?, Head { incarnation: number(16)?, seq: number(24)?, hash: Hash(bytes[32..64].try_into().ok()?) }))
}

impl HeadFile {
    /// Makes the head file of an empty log; durable when it returns (the directory's entry included).
    pub(crate) fn create(path: &Path, incarnation: u64) -> io::Result<()> {
        let head = Head { incarnation, seq: 0, hash: Hash::default() };
        let draft = path.with_added_extension("new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all_at(&slot(1, head), 0)?;
        file.write_all_at(&slot(2, head), SLOT_BYTES as u64)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        match path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Opens it; none when neither slot is sound.
    pub(crate) fn open(path: &Path) -> io::Result<Option<(Self, Head)>> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(2 * SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        let newest = bytes.chunks(SLOT_BYTES).filter_map(parse).max_by_key(|(generation, _)| *generation);
        Ok(newest.map(|(generation, head)| (Self { file, generation }, head)))
    }

    /// Writes where the log ends now into the older slot; not yet synced.
    pub(crate) fn write(&mut self, head: Head) -> io::Result<()> {
        self.generation += 1;
        // Generation 1 was put into the first slot.
        let place = (self.generation - 1) % 2 * SLOT_BYTES as u64;
        self.file.write_all_at(&slot(self.generation, head), place)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed write is a failed test")]
    use super::*;

    #[test]
    fn one_torn_slot_leaves_the_other() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("head");
        HeadFile::create(&path, 7).unwrap();
        for seq in 1..=5 {
            let (mut file, head) = HeadFile::open(&path).unwrap().unwrap();
            assert_eq!((head.seq, head.incarnation), (seq - 1, 7));
            file.write(Head { seq, ..head }).unwrap();
            file.sync().unwrap();
        }
        let sound = std::fs::read(&path).unwrap();
        for place in 0..2 * SLOT_BYTES {
            let mut torn = sound.clone();
            torn[place] ^= 0x10;
            std::fs::write(&path, &torn).unwrap();
            let seq = HeadFile::open(&path).unwrap().unwrap().1.seq;
            assert!(seq == 5 || seq == 4, "flipping byte {place} gave {seq}");
        }
        std::fs::write(&path, &sound[..SLOT_BYTES]).unwrap();
        assert!(HeadFile::open(&path).unwrap().is_some());
        std::fs::write(&path, vec![0; 2 * SLOT_BYTES]).unwrap();
        assert!(HeadFile::open(&path).unwrap().is_none());
    }
}
