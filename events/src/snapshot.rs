//! Snapshots: opaque bytes that save a replay. Plain files beside the log, whole or ignored, never needed.
//!
//! `snapshot-<sequence>`: magic, format u64, sequence u64, hash of the group that ended there, schema hash, length u64, BLAKE3 of
//! all that and the bytes, the bytes. Must not know what the bytes mean.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::group::Hash;

/// Largest snapshot: over this a replay costs less than the memory.
pub const SNAPSHOT_BYTES_MAX: usize = 1 << 30;
/// Snapshots that are kept: the newest, and one for the case that it is bad.
const KEPT: usize = 2;
const MAGIC: [u8; 8] = *b"spuntosn";
const FORMAT: u64 = 1;
const HEAD_BYTES: usize = 8 + 8 + 8 + 32 + 32 + 8;

/// A state at some point of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The last event that it holds; the last of its group.
    pub seq: u64,
    /// Hash of that group: another log's snapshot is told apart by it.
    pub hash: Hash,
    /// Says which shape the bytes have; another program's snapshot is told apart by it.
    pub schema: Hash,
    /// The state.
    pub bytes: Vec<u8>,
}

/// The snapshots in a directory.
#[derive(Clone, Debug)]
pub struct Snapshots {
    directory: PathBuf,
}

impl Snapshots {
    /// Snapshots in `directory`, made where it is missing.
    ///
    /// # Errors
    /// It can't be made.
    pub fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Writes a snapshot and removes all but the newest two. Durable when it returns.
    ///
    /// # Errors
    /// The disk failed, or the snapshot is too large: the older ones are still there.
    pub fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        if snapshot.bytes.len() > SNAPSHOT_BYTES_MAX {
            return Err(io::Error::other(format!("a snapshot is at most {SNAPSHOT_BYTES_MAX} bytes")));
        }
        let path = self.path(snapshot.seq);
        let draft = path.with_added_extension("new");
        let mut file = File::create(&draft)?;
        let head = head(snapshot);
        file.write_all(&head)?;
        file.write_all(&seal(&head, &snapshot.bytes))?;
        file.write_all(&snapshot.bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        File::open(&self.directory)?.sync_all()?;
        for seq in self.list()?.into_iter().rev().skip(KEPT) {
            fs::remove_file(self.path(seq))?;
        }
        Ok(())
    }

    /// The newest sound snapshot of this schema that holds no event after `head` and that `belongs` to the log, which is
    /// asked with its sequence and hash. A bad one is ignored, with a warning.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn newest(&self, head: u64, schema: Hash, belongs: impl Fn(u64, Hash) -> bool) -> io::Result<Option<Snapshot>> {
        for seq in self.list()?.into_iter().rev() {
            if seq > head {
                tracing::warn!(seq, head, "a snapshot of more than the log holds is ignored");
                continue;
            }
            match fs::read(self.path(seq)).ok().and_then(parse) {
                Some(found) if found.seq == seq && found.schema == schema && belongs(seq, found.hash) => return Ok(Some(found)),
                Some(_) => tracing::info!(seq, "a snapshot of another log or program is ignored"),
                None => tracing::warn!(seq, "a damaged snapshot is ignored; the log is replayed instead"),
            }
        }
        Ok(None)
    }

    /// Sequences of the snapshots, in order.
    fn list(&self) -> io::Result<Vec<u64>> {
        let mut seqs = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            let seq = name.to_str().and_then(|name| name.strip_prefix("snapshot-")).and_then(|seq| seq.parse().ok());
            seqs.extend(seq.filter(|seq| self.path(*seq).file_name() == Some(&name)));
        }
        seqs.sort_unstable();
        Ok(seqs)
    }

    fn path(&self, seq: u64) -> PathBuf {
        self.directory.join(format!("snapshot-{seq:016}"))
    }
}

fn head(snapshot: &Snapshot) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    head.extend_from_slice(&MAGIC);
    head.extend_from_slice(&FORMAT.to_le_bytes());
    head.extend_from_slice(&snapshot.seq.to_le_bytes());
    head.extend_from_slice(&snapshot.hash.0);
    head.extend_from_slice(&snapshot.schema.0);
    head.extend_from_slice(&(snapshot.bytes.len() as u64).to_le_bytes());
    head
}

fn seal(head: &[u8], bytes: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(head).update(bytes).finalize().as_bytes()
}

fn parse(mut file: Vec<u8>) -> Option<Snapshot> {
    let (found, rest) = file.split_at_checked(HEAD_BYTES)?;
    let (sealed, bytes) = rest.split_first_chunk::<32>()?;
    let mut snapshot = Snapshot {
        seq: u64::from_le_bytes(found[16..24].try_into().ok()?),
        hash: Hash(found[24..56].try_into().ok()?),
        schema: Hash(found[56..88].try_into().ok()?),
        bytes: Vec::new(),
    };
    let length = u64::from_le_bytes(found[88..].try_into().ok()?);
    let sound = found[..8] == MAGIC && found[8..16] == FORMAT.to_le_bytes() && length == bytes.len() as u64;
    if !sound || seal(found, bytes) != *sealed {
        return None;
    }
    snapshot.bytes = file.split_off(HEAD_BYTES + 32);
    Some(snapshot)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a snapshot that is not written is a failed test")]

    use tempfile::TempDir;

    use super::*;

    const SCHEMA: Hash = Hash([7; 32]);

    fn snapshot(seq: u64) -> Snapshot {
        Snapshot { seq, hash: Hash([1; 32]), schema: SCHEMA, bytes: format!("state at {seq}").into_bytes() }
    }

    #[test]
    fn the_newest_that_fits_is_found_and_two_are_kept() {
        let directory = TempDir::new().unwrap();
        let snapshots = Snapshots::open(directory.path()).unwrap();
        assert_eq!(snapshots.newest(9, SCHEMA, |_, _| true).unwrap(), None);
        for seq in [3, 5, 8] {
            snapshots.write(&snapshot(seq)).unwrap();
        }
        assert_eq!(snapshots.list().unwrap(), [5, 8]);
        assert_eq!(snapshots.newest(9, SCHEMA, |_, _| true).unwrap(), Some(snapshot(8)));
        assert_eq!(snapshots.newest(7, SCHEMA, |_, _| true).unwrap(), Some(snapshot(5)));
        assert_eq!(snapshots.newest(9, SCHEMA, |seq, hash| seq == 5 && hash == Hash([1; 32])).unwrap(), Some(snapshot(5)));
        assert_eq!(snapshots.newest(9, Hash([8; 32]), |_, _| true).unwrap(), None);
    }

    #[test]
    fn a_changed_or_cut_or_renamed_one_is_ignored() {
        let directory = TempDir::new().unwrap();
        let snapshots = Snapshots::open(directory.path()).unwrap();
        snapshots.write(&snapshot(1)).unwrap();
        snapshots.write(&snapshot(2)).unwrap();
        let sound = fs::read(snapshots.path(2)).unwrap();
        let check = |bytes: &[u8]| {
            fs::write(snapshots.path(2), bytes).unwrap();
            assert_eq!(snapshots.newest(2, SCHEMA, |_, _| true).unwrap(), Some(snapshot(1)));
        };
        for bit in 0..sound.len() * 8 {
            let mut damaged = sound.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check(&damaged);
        }
        (0..sound.len()).for_each(|length| check(&sound[..length]));
        check(&fs::read(snapshots.path(1)).unwrap());
    }
}
