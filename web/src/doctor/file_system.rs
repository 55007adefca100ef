//! What the data lies on: a log that is acknowledged after one sync needs a file system that keeps that promise.

use std::path::Path;

use rustix::fs::statfs;

use super::Finding;
use super::directory::nearest;

const CHECK: &str = "file system";

/// What a kind of file system does to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Fine,
    /// Locks and syncs reach another machine, or don't.
    Network,
    /// Gone with the next boot.
    Memory,
    /// Gone with the container.
    Layer,
    /// No owners and modes.
    NoModes,
    /// A program decides.
    Program,
}

/// Numbers as in Linux's `magic.h`.
const KINDS: &[(u64, &str, Fit)] = &[
    (0xEF53, "ext4", Fit::Fine),
    (0x5846_5342, "XFS", Fit::Fine),
    (0x9123_683E, "Btrfs", Fit::Fine),
    (0x2FC1_2FC1, "ZFS", Fit::Fine),
    (0xF2F5_2010, "F2FS", Fit::Fine),
    (0x6969, "NFS", Fit::Network),
    (0x517B, "SMB", Fit::Network),
    (0xFF53_4D42, "CIFS", Fit::Network),
    (0xFE53_4D42, "SMB2", Fit::Network),
    (0x00C3_6400, "CephFS", Fit::Network),
    (0x0102_1997, "9p", Fit::Network),
    (0x0102_1994, "tmpfs", Fit::Memory),
    (0x8584_58F6, "ramfs", Fit::Memory),
    (0x794C_7630, "overlay", Fit::Layer),
    (0x4D44, "FAT", Fit::NoModes),
    (0x2011_BAB0, "exFAT", Fit::NoModes),
    (0x6573_5546, "FUSE", Fit::Program),
];

/// The kind of file system under the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem(u64);

impl FileSystem {
    /// None where it can't be asked.
    pub(super) fn measure(path: &Path) -> Option<Self> {
        // The field's type differs between architectures; the number has 32 bits on all.
        #[expect(clippy::cast_sign_loss, reason = "the number is a bit pattern")]
        statfs(nearest(path)).ok().map(|found| Self(found.f_type as u64 & 0xFFFF_FFFF))
    }

    pub(super) fn judge(self) -> Finding {
        let Some((_, name, fit)) = KINDS.iter().find(|(number, ..)| *number == self.0) else {
            let found = format!("a kind that is not known here ({:#x})", self.0);
            return Finding::look(CHECK, found, "ext4 or XFS on a local disk is what the log is tested on");
        };
        match fit {
            Fit::Fine => Finding::good(CHECK, *name),
            Fit::Network => {
                let found = format!("{name}: neither the lock on the log nor a sync can be relied on");
                Finding::wrong(CHECK, found, "put the data directory on a local disk (ext4 or XFS)")
            }
            Fit::Memory => {
                Finding::wrong(CHECK, format!("{name}: everything is gone after the next boot"), "put the data directory on a disk")
            }
            Fit::Layer => {
                let found = format!("{name}: the data lies in the container itself and goes with it");
                Finding::wrong(CHECK, found, "mount a volume where the data directory is: -v spunto-data:/data")
            }
            Fit::NoModes => {
                Finding::wrong(CHECK, format!("{name}: keeps neither owners nor modes"), "put the data directory on ext4 or XFS")
            }
            Fit::Program => {
                let found = format!("{name}: whether a sync reaches the disk is up to the program behind it");
                Finding::look(CHECK, found, "better a local disk (ext4 or XFS)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn only_local_disks_are_fine() {
        for (number, mark, word) in [
            (0xEF53, Mark::Good, "ext4"),
            (0x6969, Mark::Wrong, "local disk"),
            (0x0102_1994, Mark::Wrong, "next boot"),
            (0x794C_7630, Mark::Wrong, "-v spunto-data"),
            (0x6573_5546, Mark::Look, "FUSE"),
            (0x4D44, Mark::Wrong, "modes"),
            (0x1234, Mark::Look, "0x1234"),
        ] {
            let finding = FileSystem(number).judge();
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_on_its_parents_file_system() {
        assert!(FileSystem::measure(Path::new("/proc/nothing/here")).is_some_and(|found| found.0 == 0x9FA0));
    }
}
