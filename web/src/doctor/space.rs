//! Room on the disk: the log must be able to seal a segment, and every secret is a file.

use std::path::Path;

use rustix::fs::statvfs;

use super::Finding;
use super::directory::nearest;

const CHECK: &str = "disk space";
/// Less is too little: a segment of 256 MiB is rewritten while the old one is still there, beside a tail of 32 MiB.
const FREE_BYTES_RESERVE: u64 = 1 << 30;
/// Less is to be looked at.
const FREE_BYTES_SOON: u64 = 4 << 30;
/// Each secret is a file, and a segment has a few.
const FREE_FILES_RESERVE: u64 = 10_000;

/// What is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    bytes: u64,
    /// None where the file system does not count files.
    files: Option<u64>,
}

fn gib(bytes: u64) -> String {
    // Tenths are enough for a person.
    let tenths = bytes / ((1 << 30) / 10);
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

impl Space {
    /// None where it can't be asked.
    pub(super) fn measure(path: &Path) -> Option<Self> {
        let found = statvfs(nearest(path)).ok()?;
        Some(Self { bytes: found.f_bavail.saturating_mul(found.f_frsize), files: (found.f_files > 0).then_some(found.f_favail) })
    }

    pub(super) fn judge(self) -> Finding {
        let free = gib(self.bytes);
        if self.bytes < FREE_BYTES_RESERVE {
            let found = format!("{free} free, and {} must be, or writing will stop", gib(FREE_BYTES_RESERVE));
            return Finding::wrong(
                CHECK,
                found,
                "free some, or move the data directory to a larger disk; nothing in it may be deleted by hand",
            );
        }
        if let Some(files) = self.files.filter(|files| *files < FREE_FILES_RESERVE) {
            let found = format!("{free} free, but only {files} more files (inodes) fit");
            return Finding::wrong(
                CHECK,
                found,
                "remove small files elsewhere on this disk, or move the data directory to another (df -i)",
            );
        }
        if self.bytes < FREE_BYTES_SOON {
            return Finding::look(
                CHECK,
                format!("{free} free"),
                format!("below {} nothing is sure to be written", gib(FREE_BYTES_RESERVE)),
            );
        }
        Finding::good(CHECK, format!("{free} free"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn the_reserve_is_kept() {
        let check = |bytes, files, mark, word: &str| {
            let finding = Space { bytes, files }.judge();
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        };
        check(50 << 30, Some(1 << 20), Mark::Good, "50.0 GiB");
        check(50 << 30, None, Mark::Good, "free");
        check(3 << 30, None, Mark::Look, "3.0 GiB");
        check(FREE_BYTES_RESERVE - 1, None, Mark::Wrong, "larger disk");
        check(50 << 30, Some(9_999), Mark::Wrong, "inodes");
    }
}
