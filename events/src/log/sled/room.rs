//! Whether the disk has room for more, asked before anything is decided, so that a full disk refuses commands instead of breaking the log.
//!
//! A ballast file of our own is given back to the file system when others have filled it: what was acknowledged and is still on its way
//! from the tail into sled must find its place.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, StatVfsMountFlags, fallocate, fstatvfs};

use crate::log::NoRoom;

/// Free bytes below which nothing more is taken: room for absorbing the tail, for sealing a segment, and for the vault.
pub(super) const RESERVE_BYTES: u64 = 64 << 20;
/// Files below which nothing more is taken: every secret of the vault is one.
const RESERVE_FILES: u64 = 512;
/// Size of the ballast.
const BALLAST_BYTES: u64 = 16 << 20;
/// Free bytes above the reserve at which the ballast is taken again.
const BALLAST_AGAIN_BYTES: u64 = 2 * BALLAST_BYTES;
const FILE_NAME: &str = "ballast";
const PROBE_NAME: &str = "probe";

/// Watches the file system under a log.
pub(super) struct Watch {
    directory: File,
    /// A byte that is written each time: a kernel that has given a file system up does not say so in its flags.
    probe: Option<File>,
    ballast: PathBuf,
    reserve_bytes: u64,
    held: Mutex<bool>,
}

impl Watch {
    /// Watches the file system under `directory`.
    pub(super) fn start(directory: &Path, reserve_bytes: u64) -> std::io::Result<Self> {
        let ballast = directory.join(FILE_NAME);
        let probe = File::options().create(true).truncate(false).write(true).open(directory.join(PROBE_NAME)).ok();
        let watch = Self { directory: File::open(directory)?, probe, held: Mutex::new(ballast.exists()), ballast, reserve_bytes };
        // Without room there is no ballast; that shows when something is to be written.
        let _ = watch.check();
        Ok(watch)
    }

    /// Whether there is room for more.
    pub(super) fn check(&self) -> Result<(), NoRoom> {
        if self.reserve_bytes == 0 {
            return Ok(());
        }
        let Ok(system) = fstatvfs(&self.directory) else { return Ok(()) };
        if system.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(NoRoom::ReadOnly);
        }
        match self.probe.as_ref().map(|probe| probe.write_at(b".", 0)) {
            Some(Err(error)) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => return Err(NoRoom::ReadOnly),
            // Any other failure shows in the write itself, or in what is free.
            Some(_) | None => {}
        }
        let mut held = self.held.lock();
        let mut free = system.f_bavail.saturating_mul(system.f_frsize);
        if free < self.reserve_bytes {
            if *held {
                *held = std::fs::remove_file(&self.ballast).is_err();
            }
            return Err(NoRoom::Full { free_bytes: free, reserve_bytes: self.reserve_bytes });
        }
        // File systems that count no files say 0 of both.
        if system.f_files > 0 && system.f_favail < RESERVE_FILES {
            return Err(NoRoom::Files { free: system.f_favail });
        }
        if !*held && free >= self.reserve_bytes + BALLAST_AGAIN_BYTES {
            *held = self.take_ballast().is_ok();
            free -= BALLAST_BYTES;
        }
        debug_assert!(free >= self.reserve_bytes, "the ballast is taken from what is above the reserve");
        Ok(())
    }

    fn take_ballast(&self) -> std::io::Result<()> {
        let file = File::create(&self.ballast)?;
        let taken = fallocate(&file, FallocateFlags::empty(), 0, BALLAST_BYTES);
        if taken.is_err() {
            // A part of it would be no help.
            let _ = std::fs::remove_file(&self.ballast);
        }
        Ok(taken?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]
    use super::*;

    #[test]
    fn below_the_reserve_nothing_is_taken_and_the_ballast_is_given_back() {
        let directory = tempfile::tempdir().unwrap();
        let roomy = Watch::start(directory.path(), 1).unwrap();
        assert_eq!(roomy.check(), Ok(()));
        assert_eq!(directory.path().join(FILE_NAME).metadata().unwrap().len(), BALLAST_BYTES);
        let full = Watch::start(directory.path(), u64::MAX).unwrap();
        assert!(matches!(full.check(), Err(NoRoom::Full { reserve_bytes: u64::MAX, .. })));
        assert!(!directory.path().join(FILE_NAME).exists());
    }
}
