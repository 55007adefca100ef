//! What lies in a log's directory, and what it is called.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::OpenError;

/// The head file's name.
pub(super) const HEAD: &str = "head";
const LOCK: &str = "lock";
const SEALED: &str = "log";
const DRAFT: &str = "new";

/// Names found in a directory.
pub(super) struct Layout {
    pub(super) head: PathBuf,
    has_head: bool,
    /// First sequences of sealed segments.
    pub(super) sealed: BTreeSet<u64>,
    /// First sequences of segments in sled.
    pub(super) active: BTreeSet<u64>,
    drafts: Vec<PathBuf>,
}

pub(super) fn active_path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("seg-{first:020}"))
}

pub(super) fn sealed_path(directory: &Path, first: u64) -> PathBuf {
    active_path(directory, first).with_extension(SEALED)
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Keeps other processes out for as long as the file is open.
pub(super) fn lock(directory: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(directory.join(LOCK))?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::InUse(directory.display().to_string())),
        Err(error) => Err(OpenError::Io(error.into())),
    }
}

impl Layout {
    pub(super) fn read(directory: &Path) -> Result<Self, OpenError> {
        let head = directory.join(HEAD);
        let mut layout = Self { has_head: head.exists(), head, sealed: BTreeSet::new(), active: BTreeSet::new(), drafts: Vec::new() };
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = name_of(&path);
            let Some(rest) = name.strip_prefix("seg-") else { continue };
            match rest.split_once('.') {
                None => layout.active.extend(rest.parse::<u64>().ok()),
                Some((first, SEALED)) => layout.sealed.extend(first.parse::<u64>().ok()),
                Some((_, extension)) if extension.ends_with(DRAFT) => layout.drafts.push(path),
                Some(_) => {}
            }
        }
        Ok(layout)
    }

    /// Whether nothing is here: a head that is missing beside segments is damage, not a new log.
    pub(super) fn is_new(&self) -> bool {
        !self.has_head && self.sealed.is_empty() && self.active.is_empty()
    }

    /// Removes what was being written when the process ended.
    pub(super) fn remove_drafts(&self) -> io::Result<()> {
        self.drafts.iter().try_for_each(fs::remove_file)
    }
}
