//! Where the events come from: a stopped data directory, an exported file, a slice, or a running server.
//!
//! Everything is opened for reading only and verified before the first event is shown.

use std::fs::File;
use std::io::BufReader;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use spunto_core::record::{Position, Record};
use spunto_core::time::Timestamp;
use spunto_events::backup::{self, Backup};
use spunto_events::codec;
use spunto_events::frame;
use spunto_events::group::Group;
use spunto_events::log::ReadError;
use spunto_events::log::file::SegmentFile;
use spunto_events::log::sled::StoppedLog;
use spunto_events::slice::{SliceReader, SliceSummary};
use tempfile::TempDir;

use crate::failure::Failure;

mod server;

pub use server::Server;

/// Bytes of groups that are read at a time.
const STRIDE_BYTES: usize = 1 << 20;
/// First bytes of a slice.
const SLICE_MAGIC: &[u8; 8] = b"spuntosl";

/// A verified log, or a part of one.
pub struct Source {
    form: Form,
    incarnation: u64,
    first: u64,
    end: u64,
    /// Keeps copied files for as long as they are read.
    _scratch: Option<TempDir>,
}

enum Form {
    Stopped(Box<StoppedLog>),
    Whole(SegmentFile),
    Slice { path: PathBuf, summary: SliceSummary, selection: String },
}

/// What a source is.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "form")]
pub enum Kind {
    /// A stopped server's data.
    Directory,
    /// A whole export.
    Export,
    /// Some events, with digests of the others.
    Slice {
        /// What was chosen.
        selection: String,
        /// Events that are in it.
        kept: u64,
        /// Events of which only the digest is.
        omitted: u64,
    },
}

fn scratch() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("spunto-replay-")
        .tempdir()
        .map_err(|error| Failure::io("a private directory for a copy of the active segment could not be made (TMPDIR says where)", error))
}

impl Source {
    /// A stopped server's data directory, or the log's directory in it.
    ///
    /// # Errors
    /// A server runs on it, it is damaged, there is none, or it may not be read.
    pub fn directory(path: &Path) -> Result<Self, Failure> {
        let log = if path.join("log").join("lock").exists() { path.join("log") } else { path.to_owned() };
        if !log.join("lock").exists() {
            let what = if path.exists() { "holds no log" } else { "is not there" };
            return Err(Failure::Unreadable(format!(
                "{} {what}: give the server's data directory with --data-dir, an exported file with --file, or a server with --url",
                path.display()
            )));
        }
        let scratch = scratch()?;
        let opened = StoppedLog::open(&log, scratch.path())?;
        let head = opened.head();
        let form = Form::Stopped(Box::new(opened));
        Ok(Self { form, incarnation: head.incarnation, first: 1, end: head.seq, _scratch: Some(scratch) })
    }

    /// An exported file, whole or a slice; or a backup, of which all is verified and the log is read.
    ///
    /// # Errors
    /// It is damaged, is none, or may not be read.
    pub fn file(path: &Path) -> Result<Self, Failure> {
        let mut magic = [0; 8];
        let unreadable = |error: std::io::Error| Failure::io(path.display(), error);
        let length = File::open(path).and_then(|file| file.take(8).read(&mut magic)).map_err(unreadable)?;
        if length == 8 && magic == *SLICE_MAGIC {
            return Self::slice(path, None);
        }
        let segment = if backup::is_backup(path).map_err(unreadable)? { Backup::open(path)?.into_log() } else { SegmentFile::open(path)? };
        let summary = segment.summary();
        Ok(Self { form: Form::Whole(segment), incarnation: summary.incarnation, first: summary.first, end: summary.last, _scratch: None })
    }

    /// What a running server lets its API key see: a slice of the organisation.
    ///
    /// # Errors
    /// The server can't be reached or refuses the key, or what it sends is damaged.
    pub fn server(server: &Server) -> Result<Self, Failure> {
        Self::server_after(server, 0)
    }

    /// The same, only what comes after event `after`.
    ///
    /// # Errors
    /// See [`Self::server`].
    pub fn server_after(server: &Server, after: u64) -> Result<Self, Failure> {
        let scratch = scratch()?;
        let path = scratch.path().join("slice");
        server.fetch(after, &path)?;
        Self::slice(&path, Some(scratch))
    }

    fn slice(path: &Path, scratch: Option<TempDir>) -> Result<Self, Failure> {
        let mut reader = open_slice(path)?;
        let head = reader.head().clone();
        while reader.next_group()?.is_some() {}
        let summary = reader.summary();
        let form = Form::Slice { path: path.to_owned(), summary, selection: head.selection };
        Ok(Self { form, incarnation: head.incarnation, first: head.first, end: summary.last, _scratch: scratch })
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match &self.form {
            Form::Stopped(_) => Kind::Directory,
            Form::Whole(_) => Kind::Export,
            Form::Slice { summary, selection, .. } => {
                Kind::Slice { selection: selection.clone(), kept: summary.kept, omitted: summary.omitted }
            }
        }
    }

    /// Whether every event from the first on is there, so that a fold of it is the whole truth.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.first == 1 && matches!(self.form, Form::Stopped(_) | Form::Whole(_))
    }

    /// Random number of the log it belongs to.
    #[must_use]
    pub const fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Sequence of the last event; 0 for none.
    #[must_use]
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// The last event that this source knows of, kept or left out.
    #[must_use]
    pub const fn covered(&self) -> u64 {
        self.end
    }

    /// The position of an event as the API writes it.
    #[must_use]
    pub const fn position(&self, seq: u64) -> Position {
        Position { incarnation: self.incarnation, shard: 0, seq }
    }

    /// Shows groups in order, from the one that holds event `from` on, until `each` has enough. Slices have none.
    ///
    /// # Errors
    /// The files changed meanwhile, or can't be read.
    pub fn groups(&self, from: u64, mut each: impl FnMut(&Arc<Group>) -> Result<ControlFlow<()>, Failure>) -> Result<(), Failure> {
        for group in self.iter(from) {
            if each(&group?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Groups in order, from the one that holds event `from` on. Slices have none.
    pub fn iter(&self, from: u64) -> impl Iterator<Item = Result<Arc<Group>, ReadError>> + '_ {
        Groups { source: self, next: from.max(self.first), stride: STRIDE_BYTES, taken: Vec::new().into_iter() }
    }

    /// Shows events in order, from `from` on, until `each` has enough.
    ///
    /// # Errors
    /// An event that this program does not know; the files changed meanwhile, or can't be read; what `each` says.
    pub fn visit(&self, from: u64, mut each: impl FnMut(Record) -> Result<ControlFlow<()>, Failure>) -> Result<(), Failure> {
        if let Form::Slice { path, .. } = &self.form {
            let mut reader = open_slice(path)?;
            while let Some(kept) = reader.next_group()? {
                for (seq, bytes) in kept.into_iter().filter(|(seq, _)| *seq >= from) {
                    let damaged = |fault: frame::FrameError| Failure::Damaged { at: seq, sound_to: seq - 1, what: fault.to_string() };
                    if each(codec::decode(frame::decode(&bytes).map_err(damaged)?.0)?)?.is_break() {
                        return Ok(());
                    }
                }
            }
            return Ok(());
        }
        self.groups(from, |group| {
            for record in group.records() {
                let record = record?;
                if record.seq >= from && each(record)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// The event with this sequence; none when it is not there.
    ///
    /// # Errors
    /// See [`Self::visit`].
    pub fn record(&self, seq: u64) -> Result<Option<Record>, Failure> {
        let mut found = None;
        if !matches!(self.form, Form::Slice { .. }) {
            // One group is enough, whatever stands after it.
            let mut groups = Groups { source: self, next: seq.max(self.first), stride: 1, taken: Vec::new().into_iter() };
            let Some(group) = groups.next().transpose()?.filter(|_| seq >= self.first) else { return Ok(None) };
            for record in group.records() {
                found = Some(record?).filter(|record| record.seq == seq);
                if found.is_some() {
                    break;
                }
            }
            return Ok(found);
        }
        self.visit(seq, |record| {
            if record.seq == seq {
                found = Some(record);
            }
            Ok(ControlFlow::Break(()))
        })?;
        Ok(found)
    }

    /// The last event at or before this time; 0 when there is none. Asks for few groups: time never runs backwards in a log.
    ///
    /// # Errors
    /// See [`Self::visit`].
    pub fn last_before(&self, at: Timestamp) -> Result<u64, Failure> {
        let mut start = self.first;
        if !matches!(self.form, Form::Slice { .. }) {
            // Invariant: every event before `start` is at or before the time; the first one after `stop` is not.
            let mut stop = self.end;
            while start < stop {
                let middle = start + (stop - start) / 2;
                let record = self.record(middle)?;
                match record {
                    Some(record) if record.at > at => stop = middle,
                    _ => start = middle + 1,
                }
            }
        }
        let mut last = 0;
        self.visit(start.saturating_sub(1), |record| {
            if record.at > at {
                return Ok(ControlFlow::Break(()));
            }
            last = record.seq;
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(last)
    }
}

/// Groups of a source, read a stride at a time.
struct Groups<'a> {
    source: &'a Source,
    next: u64,
    /// Bytes that are read at a time.
    stride: usize,
    taken: std::vec::IntoIter<Arc<Group>>,
}

impl Iterator for Groups<'_> {
    type Item = Result<Arc<Group>, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken.len() == 0 && self.next <= self.source.end {
            let groups = match &self.source.form {
                Form::Stopped(log) => log.read(self.next, self.stride),
                Form::Whole(segment) => segment.read(self.next, self.stride),
                Form::Slice { .. } => Ok(Vec::new()),
            };
            match groups {
                Ok(groups) => {
                    self.next = groups.last().map_or(u64::MAX, |group| group.last + 1);
                    self.taken = groups.into_iter();
                }
                Err(error) => {
                    self.next = u64::MAX;
                    return Some(Err(error));
                }
            }
        }
        self.taken.next().map(Ok)
    }
}

fn open_slice(path: &Path) -> Result<SliceReader<BufReader<File>>, Failure> {
    let file = File::open(path).map_err(|error| Failure::io(path.display(), error))?;
    Ok(SliceReader::open(BufReader::new(file))?)
}
