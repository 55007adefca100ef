//! `spunto restore`: makes a data directory of a backup. The log gets a new incarnation and only observes until it is confirmed.
//!
//! Everything is made under `log.restoring`; giving that its name is the last step, and a directory that still has it is not opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use spunto_actors::feed::Feed;
use spunto_actors::journal::{Journal, replay};
use spunto_actors::random;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::time::Timestamp;
use spunto_events::backup::{Backup, BackupError};
use spunto_events::failpoint;
use spunto_events::log::sled::{LogOptions, SledLog, import};
use spunto_events::log::{EventLog, ReadError};
use spunto_events::vault::{Vault, VaultError};

use crate::boot;
use crate::config::Data;

/// What the log is called until everything is there.
const UNFINISHED: &str = "log.restoring";
/// Bytes of the log that are read at a time.
const STRIDE_BYTES: usize = 1 << 20;

/// Refuses a data directory that a restore did not finish.
///
/// # Errors
/// It is one.
pub fn check_finished(data_dir: &Path) -> anyhow::Result<()> {
    if data_dir.join(UNFINISHED).exists() {
        bail!("a restore into {} did not finish: remove all of it but master.key, and restore again", data_dir.display());
    }
    Ok(())
}

fn check_empty(data_dir: &Path) -> anyhow::Result<()> {
    check_finished(data_dir)?;
    for entry in fs::read_dir(data_dir)? {
        let name = entry?.file_name();
        if name != "master.key" && name != "lost+found" {
            bail!("{} is not empty ({} is there): a backup is restored into a new directory", data_dir.display(), name.display());
        }
    }
    Ok(())
}

/// Makes a data directory of a backup.
///
/// # Errors
/// The backup is damaged; the directory is not empty; a secret's master key is not given.
pub async fn restore(file: &Path, data: &Data, without_secrets: bool) -> anyhow::Result<()> {
    let dir = &data.data_dir;
    let backup = Backup::open(file)?;
    boot::make_private(dir)?;
    check_empty(dir)?;
    if !backup.manifest().master_keys.is_empty() && data.master_key.is_none() && !dir.join("master.key").exists() && !without_secrets {
        bail!("{}", missing_key(&backup, dir));
    }
    let unfinished = dir.join(UNFINISHED);
    fs::create_dir(&unfinished)?;
    File::open(dir)?.sync_all()?;
    failpoint::pass("restore-begun");
    let vault = boot::open_vault(data)?;
    let lost = put_secrets(&backup, &vault, without_secrets).inspect_err(|_| drop(undo(dir)))?;
    failpoint::pass("restore-secrets");
    import(&unfinished, random::number(), LogOptions::default(), groups(&backup)).context("writing the log")?;
    failpoint::pass("restore-log");
    let manifest = backup.manifest();
    let restored = AccountCommand::RecordRestoration {
        installation: backup.installation()?,
        from: backup.log().summary().incarnation,
        seq: manifest.seq,
        taken_at: Timestamp::from_ms(manifest.taken_at_ms),
    };
    record(&unfinished, restored).await?;
    failpoint::pass("restore-recorded");
    fs::rename(&unfinished, dir.join("log"))?;
    File::open(dir)?.sync_all()?;
    let mut out = std::io::stdout();
    writeln!(out, "{}: events 1 to {}, {} secrets restored", dir.display(), manifest.seq, manifest.secrets - lost)?;
    if lost > 0 {
        writeln!(
            out,
            "{lost} secrets were left out: what they belong to says so where it is used; without their profiles people can't sign in"
        )?;
    }
    writeln!(out, "Start the server on it: it only observes. Then run `spunto restore-status`, look, and confirm.")?;
    Ok(())
}

fn missing_key(backup: &Backup, dir: &Path) -> String {
    let keys: Vec<String> = backup.manifest().master_keys.iter().map(|(id, count)| format!("{id} ({count} secrets)")).collect();
    format!(
        "the secrets are sealed with the master key {}, and none is given: put the key file to {}/master.key (chmod 600), or pass --master-key; with --without-secrets they are left out",
        keys.join(" and "),
        dir.display()
    )
}

/// Leaves the directory as it was, but for the master key.
fn undo(dir: &Path) -> std::io::Result<()> {
    fs::remove_dir_all(dir.join("vault"))?;
    fs::remove_dir_all(dir.join(UNFINISHED))
}

/// Puts every secret that opens; says how many were left out.
fn put_secrets(backup: &Backup, vault: &Vault, without: bool) -> anyhow::Result<u64> {
    let mut unopened: BTreeMap<u32, u64> = BTreeMap::new();
    let mut damaged = None;
    backup.secrets(|secret| {
        match vault.put_sealed(&secret) {
            Ok(()) => {}
            Err(VaultError::UnknownKey { key, .. }) => *unopened.entry(key).or_default() += 1,
            Err(VaultError::Io(error)) => return Err(BackupError::Io(error)),
            Err(error) => damaged = damaged.take().or(Some(error)),
        }
        Ok(())
    })?;
    if let Some(error) = damaged {
        return Err(error).context("a secret of the backup");
    }
    if !unopened.is_empty() && !without {
        let keys: Vec<String> = unopened.iter().map(|(key, count)| format!("{key:08x} ({count} secrets)")).collect();
        bail!(
            "the master key {} is not given: pass it with --master-key or --old-master-key; with --without-secrets what it sealed is left out",
            keys.join(" and ")
        );
    }
    Ok(unopened.values().sum())
}

fn groups(backup: &Backup) -> impl Iterator<Item = Result<Arc<spunto_events::group::Group>, ReadError>> + '_ {
    let (mut next, last) = (1, backup.manifest().seq);
    let strides = std::iter::from_fn(move || {
        if next > last {
            return None;
        }
        let read = backup.log().read(next, STRIDE_BYTES);
        next = read.as_ref().ok().and_then(|groups| groups.last()).map_or(last + 1, |group| group.last + 1);
        Some(read)
    });
    strides.flat_map(|read| match read {
        Ok(groups) => groups.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    })
}

/// Appends the event that says what this log is.
async fn record(log: &Path, command: AccountCommand) -> anyhow::Result<()> {
    let log: Arc<dyn EventLog> = Arc::new(SledLog::open(log, LogOptions::default())?);
    let state = replay(log.as_ref())?;
    let (journal, thread) = Journal::start(Arc::clone(&log), state, Feed::new(log));
    journal.submit(boot::operator(Command::Account(command))).await?;
    drop(journal);
    if thread.thread.join().is_err() {
        bail!("the log failed while writing");
    }
    Ok(())
}
