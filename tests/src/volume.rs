//! A file system of a test's own, in a loop device: to be filled, made read-only, and cut off from its power.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

/// Kinds of file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What most servers have.
    Ext4,
    /// One that can copy a file at one moment, whatever is being written to it.
    Xfs,
}

/// A mounted file system; gone when dropped.
#[derive(Debug)]
pub struct Volume {
    /// Where it is mounted.
    pub path: PathBuf,
    device: String,
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("running {program}"))?;
    if !output.status.success() {
        bail!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// Why volumes can't be had here; none when they can. A test that needs them says so aloud and ends.
#[must_use]
pub fn unavailable() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root can make loop devices".into());
    }
    if let Err(error) = run("losetup", &["--find"]) {
        return Some(format!("there are no loop devices: {error}"));
    }
    let missing = ["mkfs.ext4", "mkfs.xfs"].into_iter().find(|tool| run(tool, &["-V"]).is_err());
    missing.map(|tool| format!("{tool} is missing; tests/make/volumes.sh installs it"))
}

impl Volume {
    /// Makes an image of this size, puts an empty file system on it, and mounts it at `path`.
    ///
    /// # Errors
    /// A tool's own words.
    pub fn make(image: &Path, mib: u64, kind: Kind, path: &Path) -> anyhow::Result<Self> {
        File::create(image)?.set_len(mib << 20)?;
        match kind {
            // Without lazy initialisation, which would write to it for minutes.
            Kind::Ext4 => {
                run("mkfs.ext4", &["-q", "-F", "-m", "0", "-i", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", text(image)])?
            }
            Kind::Xfs => run("mkfs.xfs", &["-q", "-f", "-m", "reflink=1", text(image)])?,
        };
        Self::mount(image, path)
    }

    /// Mounts an image that has a file system.
    ///
    /// # Errors
    /// A tool's own words.
    pub fn mount(image: &Path, path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path)?;
        let device = run("losetup", &["--find", "--show", text(image)])?;
        let volume = Self { path: path.to_owned(), device };
        run("mount", &[&volume.device, text(path)])?;
        Ok(volume)
    }

    /// Makes the kernel give it up as if it had met an error: read-only from here on, with files still open.
    ///
    /// # Errors
    /// A tool's own words.
    pub fn abort(&self) -> anyhow::Result<()> {
        // The remount itself fails or not; what counts is that nothing can be written.
        let _ = run("mount", &["-o", "remount,abort", text(&self.path)]);
        match fs::write(self.path.join("probe"), b"x") {
            Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => Ok(()),
            Err(error) => Err(error).context("another error than expected"),
            Ok(()) => bail!("it can still be written to"),
        }
    }

    /// Unmounts and mounts it.
    ///
    /// # Errors
    /// A tool's own words.
    pub fn mount_again(self) -> anyhow::Result<Self> {
        run("umount", &[text(&self.path)])?;
        run("mount", &[&self.device, text(&self.path)])?;
        Ok(self)
    }

    /// Fills it to the last byte; what fills it.
    ///
    /// # Errors
    /// It can't be written to at all.
    pub fn fill(&self) -> anyhow::Result<PathBuf> {
        use std::io::Write;
        let path = self.path.join("filling");
        let mut file = File::create(&path)?;
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
        // What could not be written any more need not be synced either.
        let _ = file.sync_all();
        Ok(path)
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // A server that has just been killed may hold it for a moment.
        let unmounted =
            crate::api::wait_for("unmounting", std::time::Duration::from_secs(10), || Ok(run("umount", &[text(&self.path)]).ok()));
        if unmounted.is_err() {
            let _ = run("umount", &["-l", text(&self.path)]);
        }
        let _ = run("losetup", &["-d", &self.device]);
    }
}

/// Copies a file as it is at this moment, on a file system that can.
///
/// # Errors
/// The file system can't.
pub fn copy_at_once(from: &Path, to: &Path) -> anyhow::Result<()> {
    let (source, copy) = (File::open(from)?, File::create(to)?);
    rustix::fs::ioctl_ficlone(&copy, &source).context("copying at one moment")
}
