//! Writes a sealed segment, group by group, and knows it afterwards without reading it again.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{FOOTER_BYTES, FOOTER_MAGIC, FORMAT, HEADER_BYTES, HEADER_MAGIC, INDEX_STEP_BYTES, Index, SegmentError, SegmentFile};
use super::{SegmentSummary, damaged, faulty};
use crate::group::{Group, Hash};
use crate::log::disk::Disk;
use crate::log::stored::{self, Chain};

/// Bytes that are written at a time.
const BUFFER_BYTES: usize = 1 << 20;

/// Written bytes that are made durable at a time, so that the last sync of a segment of hundreds of MiB has little left to do.
const SYNC_BYTES: u64 = 16 << 20;

/// A segment that is being written. Left alone before its end, it leaves a file with `.new` added to its name.
pub(in crate::log) struct SegmentWriter {
    disk: Disk,
    file: File,
    path: PathBuf,
    draft: PathBuf,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
    written: u64,
    synced: u64,
    incarnation: u64,
    start: Chain,
    chain: Chain,
    groups: u64,
    index: Index,
}

impl SegmentWriter {
    /// Begins a segment that follows `start`.
    pub(in crate::log) fn begin(disk: &Disk, path: &Path, incarnation: u64, start: Chain) -> io::Result<Self> {
        let draft = path.with_added_extension("new");
        let file = disk.create(&draft)?;
        let mut buffer = Vec::with_capacity(BUFFER_BYTES);
        for word in [u64::from_le_bytes(HEADER_MAGIC), FORMAT, incarnation, start.seq + 1] {
            buffer.extend_from_slice(&word.to_le_bytes());
        }
        buffer.extend_from_slice(&start.hash.0);
        let (disk, path) = (disk.clone(), path.to_owned());
        let (hasher, index) = (blake3::Hasher::new(), Index::new());
        Ok(Self { disk, file, path, draft, hasher, buffer, written: 0, synced: 0, incarnation, start, chain: start, groups: 0, index })
    }

    /// Adds the next group, which was verified when it was appended or opened.
    pub(in crate::log) fn push(&mut self, group: &Group) -> Result<(), SegmentError> {
        self.chain.follow(group).map_err(|fault| faulty(self.chain.seq, &fault))?;
        let place = self.written + self.buffer.len() as u64;
        if self.index.last().is_none_or(|(_, last)| place - last >= INDEX_STEP_BYTES) {
            self.index.push((group.first, place));
        }
        stored::encode(group, 0, &mut self.buffer);
        self.groups += 1;
        if self.buffer.len() >= BUFFER_BYTES {
            self.spill()?;
        }
        if self.written - self.synced >= SYNC_BYTES {
            self.disk.sync(&self.file, &self.draft)?;
            self.synced = self.written;
        }
        Ok(())
    }

    /// Makes it durable, name and all.
    pub(in crate::log) fn finish(mut self) -> Result<SegmentFile, SegmentError> {
        if self.groups == 0 {
            return Err(damaged(self.chain.seq, "a segment holds at least one group"));
        }
        let end = self.written + self.buffer.len() as u64;
        for word in [u64::from_le_bytes(FOOTER_MAGIC), self.groups, self.chain.seq, end + FOOTER_BYTES] {
            self.buffer.extend_from_slice(&word.to_le_bytes());
        }
        self.buffer.extend_from_slice(&self.chain.hash.0);
        self.spill()?;
        let root = Hash(*self.hasher.finalize().as_bytes());
        self.disk.write_at(&self.file, &self.draft, &root.0, self.written)?;
        self.disk.sync(&self.file, &self.draft)?;
        self.disk.rename(&self.draft, &self.path)?;
        self.disk.sync_directory(self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        let summary = SegmentSummary {
            incarnation: self.incarnation,
            first: self.start.seq + 1,
            last: self.chain.seq,
            groups: self.groups,
            previous: self.start.hash,
            hash: self.chain.hash,
            root,
        };
        debug_assert!(HEADER_BYTES < end, "a header and a group");
        let written = SegmentFile { file: self.file, path: self.path, summary, index: self.index, end };
        if cfg!(debug_assertions) {
            written.verify()?;
        }
        Ok(written)
    }

    fn spill(&mut self) -> io::Result<()> {
        self.hasher.update(&self.buffer);
        self.disk.write_at(&self.file, &self.draft, &self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}
