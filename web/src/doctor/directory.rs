//! The data directory: is it there, is it ours, and nobody else's?

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

use super::Finding;

const CHECK: &str = "data directory";

/// What was found at the directory's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    path: PathBuf,
    us: u32,
    there: There,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum There {
    Nothing { can_be_made: bool },
    NoDirectory,
    Unreadable(String),
    Directory { owner: u32, mode: u32, writable: Result<(), String> },
}

/// Whether files may be made in a directory. Says so of read-only file systems too.
fn writable(path: &Path) -> Result<(), String> {
    access(path, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| io::Error::from(error).to_string())
}

/// The closest directory that is there.
pub(super) fn nearest(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned()
}

impl Directory {
    pub(super) fn measure(path: &Path) -> Self {
        let told = |meta: Metadata| match meta.is_dir() {
            false => There::NoDirectory,
            true => There::Directory { owner: meta.uid(), mode: meta.mode() & 0o7777, writable: writable(path) },
        };
        let there = match std::fs::metadata(path) {
            Ok(meta) => told(meta),
            Err(error) if error.kind() == io::ErrorKind::NotFound => There::Nothing { can_be_made: writable(&nearest(path)).is_ok() },
            Err(error) => There::Unreadable(error.to_string()),
        };
        Self { path: path.to_owned(), us: geteuid().as_raw(), there }
    }

    /// Whether it is there and belongs to another user than the one who asks: then nothing in it may be opened, as files
    /// that this makes would be out of that user's reach.
    pub(super) fn is_foreign(&self) -> Option<u32> {
        match self.there {
            There::Directory { owner, .. } if owner != self.us => Some(owner),
            _ => None,
        }
    }

    pub(super) fn judge(&self) -> Finding {
        let path = self.path.display();
        let us = self.us;
        match &self.there {
            There::Nothing { can_be_made: true } => Finding::good(CHECK, format!("{path} is not there yet; the first start makes it")),
            There::Nothing { can_be_made: false } => {
                let advice = format!("make it for the user that runs the server: install -d -m 700 -o {us} {path}");
                Finding::wrong(CHECK, format!("{path} is not there, and user {us} may not make it"), advice)
            }
            There::NoDirectory => Finding::wrong(CHECK, format!("{path} is no directory"), "name another with --data-dir"),
            There::Unreadable(why) => {
                Finding::wrong(CHECK, format!("{path} can't be looked at: {why}"), "ask as the user that runs the server, with sudo -u")
            }
            There::Directory { owner, .. } if *owner != us => {
                let advice =
                    format!("ask as that user: sudo -u '#{owner}' spunto doctor; or, if it is to be user {us}: chown -R {us} {path}");
                Finding::wrong(CHECK, format!("{path} belongs to user {owner}, and you are user {us}"), advice)
            }
            There::Directory { writable: Err(why), .. } => {
                Finding::wrong(CHECK, format!("{path} can't be written to: {why}"), format!("chmod u+rwx {path}, or mount it writable"))
            }
            There::Directory { mode, .. } if mode & 0o007 != 0 => {
                let found = format!("{path} is open to every user of this machine (mode {mode:04o}), and the log is readable to them");
                Finding::wrong(CHECK, found, format!("chmod 700 {path}"))
            }
            There::Directory { mode, .. } if mode & 0o070 != 0 => Finding::look(
                CHECK,
                format!("{path} is open to its group (mode {mode:04o})"),
                format!("if that is not meant: chmod 700 {path}"),
            ),
            There::Directory { mode, .. } => Finding::good(CHECK, format!("{path} is writable, and only to user {us} (mode {mode:04o})")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    fn check(there: There, mark: Mark, word: &str) {
        let finding = Directory { path: "/data".into(), us: 7, there }.judge();
        assert_eq!(finding.mark, mark, "{finding}");
        assert!(finding.to_string().contains(word), "{finding}");
    }

    fn directory(owner: u32, mode: u32) -> There {
        There::Directory { owner, mode, writable: Ok(()) }
    }

    #[test]
    fn a_directory_is_ours_and_nobody_elses() {
        check(directory(7, 0o700), Mark::Good, "0700");
        check(directory(7, 0o2770), Mark::Look, "group");
        check(directory(7, 0o755), Mark::Wrong, "chmod 700 /data");
        check(directory(9, 0o700), Mark::Wrong, "sudo -u '#9'");
        let read_only = There::Directory { owner: 7, mode: 0o700, writable: Err("Read-only file system".into()) };
        check(read_only, Mark::Wrong, "Read-only file system");
    }

    #[test]
    fn what_is_not_there_is_made_or_told() {
        check(There::Nothing { can_be_made: true }, Mark::Good, "first start");
        check(There::Nothing { can_be_made: false }, Mark::Wrong, "install -d");
        check(There::NoDirectory, Mark::Wrong, "no directory");
        check(There::Unreadable("Permission denied".into()), Mark::Wrong, "Permission denied");
    }
}
