//! `spunto backup`: a backup of the server of this machine, while it runs or not, into a file that appears whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use spunto_actors::backup::{Origin, seen, take};
use spunto_actors::clock::{Clock, SystemClock};
use spunto_actors::journal::replay;
use spunto_events::backup::{Backup, Manifest};
use spunto_events::failpoint;
use spunto_events::log::sled::LogOptions;

use crate::boot;
use crate::config::Serve;
use crate::loopback;
use crate::operator;

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 256 * 1024;
/// Bytes between two words of progress.
const PROGRESS_BYTES: u64 = 64 << 20;

/// The file as it is written: removed again unless it was finished.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn begin(target: &Path) -> anyhow::Result<Self> {
        if target.exists() {
            bail!("{} is there already: a backup is never written over; give a new name", target.display());
        }
        let path = target.with_added_extension(format!("{}.part", std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        Ok(Self { file: file.with_context(|| format!("making {}", path.display()))?, path })
    }

    /// Makes it durable, verifies it, and gives it its name, which nobody must have taken meanwhile.
    fn finish(&self, target: &Path) -> anyhow::Result<Manifest> {
        self.file.sync_all().with_context(|| self.writing())?;
        let backup = Backup::open(&self.path).context("what was written does not verify; nothing was left")?;
        failpoint::pass("backup-verified");
        renameat_with(CWD, &self.path, CWD, target, RenameFlags::NOREPLACE)
            .map_err(io::Error::from)
            .with_context(|| format!("naming it {}", target.display()))?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
        Ok(backup.manifest().clone())
    }

    fn writing(&self) -> String {
        format!("writing {}; nothing was left there", self.path.display())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it got its name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes a backup into `target`.
///
/// # Errors
/// The file is there already or can't be written; the server refuses; the log or the vault can't be read.
pub fn backup(target: &Path, serve: &Serve) -> anyhow::Result<()> {
    let mut draft = Draft::begin(target)?;
    if loopback::get(serve, "/healthz").is_ok() {
        of_running(serve, &mut draft)?;
    } else {
        of_stopped(serve, &draft)?;
    }
    let Manifest { seq, secrets, head, secrets_named, .. } = draft.finish(target)?;
    let bytes = fs::metadata(target)?.len();
    writeln!(io::stdout(), "{}: events 1 to {seq}, {secrets} secrets, {bytes} bytes, head {head}", target.display())?;
    if secrets < secrets_named {
        let lost = secrets_named - secrets;
        writeln!(io::stdout(), "{lost} secrets that the log names are not in the vault, and not in the backup.")?;
    }
    writeln!(io::stdout(), "The master key is not in it: keep that apart.")?;
    Ok(())
}

fn of_running(serve: &Serve, draft: &mut Draft) -> anyhow::Result<()> {
    let answer = operator::ask(serve, "GET", "/api/installation/backup")?;
    if answer.status != 200 {
        answer.ok()?;
        bail!("the server sends no backup");
    }
    let (mut body, mut buffer, mut written) = (answer.into_body(), vec![0; COPY_BYTES], 0_u64);
    let shown = io::stderr().is_terminal();
    loop {
        let got = body.read(&mut buffer).context("the server did not send the backup to its end; its log says why")?;
        if got == 0 {
            return Ok(());
        }
        draft.file.write_all(&buffer[..got]).with_context(|| draft.writing())?;
        failpoint::pass("backup-written");
        let before = written / PROGRESS_BYTES;
        written += got as u64;
        if shown && written / PROGRESS_BYTES > before {
            writeln!(io::stderr(), "{} MiB", written >> 20)?;
        }
    }
}

fn of_stopped(serve: &Serve, draft: &Draft) -> anyhow::Result<()> {
    if !serve.data.data_dir.join("log").exists() {
        bail!("no server answers, and {} holds no log: give the settings that the server has", serve.data.data_dir.display());
    }
    let opened = boot::open(&serve.data, LogOptions::default()).context("no server answers where these settings say")?;
    let state = replay(opened.log.as_ref())?;
    let origin = Origin { log: opened.log.as_ref(), vault: &opened.vault, version: env!("CARGO_PKG_VERSION"), now: SystemClock.now() };
    take(&origin, || seen(&state), io::BufWriter::new(&draft.file)).with_context(|| draft.writing())?;
    Ok(())
}
