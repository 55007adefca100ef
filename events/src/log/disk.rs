//! Every durable step that the log takes itself, in one place: so that a test can watch their order, make one fail, or look
//! at the directory as a crash at that point would leave it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
#[cfg(test)]
use std::sync::Arc;

/// One durable step. A failpoint stands before each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Makes a file or directory.
    Create(PathBuf),
    /// Writes groups; they must be synced before anyone is told.
    Write(PathBuf),
    /// Notes the head; may lag, so that nobody waits for it.
    Note(PathBuf),
    /// `fdatasync` or `fsync` of a file.
    Sync(PathBuf),
    /// `fsync` of a directory, which makes names durable.
    SyncDirectory(PathBuf),
    /// Gives a file or directory another name.
    Rename(PathBuf, PathBuf),
    /// Removes a file or directory.
    Remove(PathBuf),
    /// sled holds groups up to this event.
    Absorb(u64),
    /// sled has handed all it holds to the system.
    Flush(PathBuf),
    /// Half of the tail, whose last event is this one, is about to be written over.
    Reuse(u64),
    /// Whoever appended is told that everything up to this event is durable.
    Acknowledge(u64),
}

impl Step {
    /// Its name as a failpoint: what is done, and to which sort of file (`write-tail`, `sync-db`, `rename-log`, `remove-gone`).
    #[cfg(debug_assertions)]
    fn name(&self) -> String {
        let sort = |path: &Path| {
            let path = if path.extension().is_some_and(|ending| ending == "new") { path.with_extension("") } else { path.to_owned() };
            let ending = path.extension().or_else(|| path.file_name()).and_then(|name| name.to_str()).unwrap_or_default();
            if ending.starts_with("seg-") { "seg".to_owned() } else { ending.to_owned() }
        };
        match self {
            Self::Create(path) => format!("create-{}", sort(path)),
            Self::Write(path) => format!("write-{}", sort(path)),
            Self::Note(path) => format!("note-{}", sort(path)),
            Self::Sync(path) => format!("sync-{}", sort(path)),
            Self::SyncDirectory(_) => "sync-directory".to_owned(),
            Self::Rename(_, to) => format!("rename-{}", sort(to)),
            Self::Remove(path) => format!("remove-{}", sort(path)),
            Self::Absorb(_) => "absorb".to_owned(),
            Self::Flush(_) => "flush".to_owned(),
            Self::Reuse(_) => "reuse".to_owned(),
            Self::Acknowledge(_) => "acknowledge".to_owned(),
        }
    }
}

#[cfg(test)]
type Observer = Arc<dyn Fn(&Step) -> io::Result<()> + Send + Sync>;

/// The way to the disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    #[cfg(test)]
    observer: Option<Observer>,
}

impl Disk {
    /// A disk on which `observer` sees every step before it is taken, and may refuse it.
    #[cfg(test)]
    pub(super) fn observed(observer: impl Fn(&Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { observer: Some(Arc::new(observer)) }
    }

    /// Passes a step; steps that are not file operations are passed as they are.
    pub(super) fn pass(&self, step: &Step) -> io::Result<()> {
        #[cfg(debug_assertions)]
        crate::failpoint::pass(&step.name());
        #[cfg(not(any(test, debug_assertions)))]
        let _ = step;
        #[cfg(test)]
        if let Some(observer) = &self.observer {
            observer(step)?;
        }
        Ok(())
    }

    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        self.pass(&Step::Create(path.to_owned()))?;
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
    }

    pub(super) fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.pass(&Step::Create(path.to_owned()))?;
        fs::create_dir(path)
    }

    pub(super) fn write_at(&self, file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.pass(&Step::Write(path.to_owned()))?;
        file.write_all_at(bytes, offset)
    }

    pub(super) fn note_at(&self, file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.pass(&Step::Note(path.to_owned()))?;
        file.write_all_at(bytes, offset)
    }

    /// Makes a file's content durable, and its length.
    pub(super) fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.pass(&Step::Sync(path.to_owned()))?;
        file.sync_data()
    }

    pub(super) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.pass(&Step::SyncDirectory(path.to_owned()))?;
        File::open(path)?.sync_all()
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(&Step::Rename(from.to_owned(), to.to_owned()))?;
        fs::rename(from, to)
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass(&Step::Remove(path.to_owned()))?;
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }
}
