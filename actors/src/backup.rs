//! Takes a backup of a log that goes on: the secrets first, then the log up to a position whose every secret was taken.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_events::backup::{self, About, BackupError, Manifest};
use spunto_events::group::Group;
use spunto_events::log::{EventLog, ReadError};
use spunto_events::vault::{SealedSecret, SecretName, Vault, VaultError};

use crate::custodian;
use crate::directory::Directory;

/// Looks at the state until every secret that it names was taken: one may be erased while it is taken.
const LOOKS_MAX: usize = 200;
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(25);
/// Sealed bytes of all secrets together: they are kept in memory meanwhile.
const SECRETS_BYTES_MAX: usize = 512 << 20;
/// Bytes of the log that are read at a time.
const STRIDE_BYTES: usize = 1 << 20;

/// Why no backup could be taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// A secret that the log names can't be read.
    #[error("{0}")]
    Vault(#[from] VaultError),
    /// The vault is too large.
    #[error("the vault holds more than {} MiB, which a backup does not take", SECRETS_BYTES_MAX >> 20)]
    TooLarge,
    /// It could not be written.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// What a backup is taken of.
pub struct Origin<'a> {
    /// The log.
    pub log: &'a dyn EventLog,
    /// The vault beside it.
    pub vault: &'a Vault,
    /// Version of the server.
    pub version: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// Takes backups of a running server. Clones share it.
#[derive(Clone)]
pub struct Backups {
    log: Arc<dyn EventLog>,
    vault: Arc<Vault>,
    directory: Directory,
}

impl Backups {
    /// Of this log and this vault.
    #[must_use]
    pub const fn new(log: Arc<dyn EventLog>, vault: Arc<Vault>, directory: Directory) -> Self {
        Self { log, vault, directory }
    }

    /// See [`take`].
    ///
    /// # Errors
    /// See [`TakeError`].
    pub fn take(&self, version: &str, now: Timestamp, out: impl Write) -> Result<Manifest, TakeError> {
        let origin = Origin { log: self.log.as_ref(), vault: &self.vault, version, now };
        take(&origin, || self.directory.read(seen), out)
    }
}

/// What of the state a backup needs: its position, the installation's number where it is not the log's, and the secrets it names.
type Seen = (u64, Option<u64>, std::collections::BTreeSet<SecretName>);

/// What a state tells a backup.
#[must_use]
pub fn seen(state: &State) -> Seen {
    (state.seq, state.system.installation, custodian::named(state))
}

/// Writes a backup of the log up to where `look`, which sees the state after a whole group, stands. Waits for the disk: not for an
/// arbiter's thread.
///
/// # Errors
/// See [`TakeError`]; what was written until then is no backup.
pub fn take(origin: &Origin<'_>, look: impl Fn() -> Seen, out: impl Write) -> Result<Manifest, TakeError> {
    let (seq, installation, secrets, named) = take_secrets(origin.vault, look)?;
    let incarnation = origin.log.head().incarnation;
    let about = About {
        spunto: origin.version.to_owned(),
        taken_at_ms: origin.now.ms(),
        incarnation,
        installation: installation.unwrap_or(incarnation),
        secrets_named: named,
    };
    Ok(backup::write(out, &about, groups(origin.log, seq), &secrets)?)
}

/// Position, the installation's number where it is not the log's, the secrets, and how many the log names there.
type Secrets = (u64, Option<u64>, Vec<SealedSecret>, u64);

fn take_secrets(vault: &Vault, look: impl Fn() -> Seen) -> Result<Secrets, TakeError> {
    let mut taken: BTreeMap<SecretName, SealedSecret> = BTreeMap::new();
    for _ in 0..LOOKS_MAX {
        let (seq, installation, named) = look();
        let mut missing = false;
        for name in &named {
            if taken.contains_key(name) {
                continue;
            }
            match vault.sealed(*name) {
                Ok(sealed) => drop(taken.insert(*name, sealed)),
                // Erased since we looked: a later state does not name it. The log decides.
                Err(VaultError::Missing(_)) => missing = true,
                Err(error) => return Err(error.into()),
            }
        }
        if taken.values().map(|secret| secret.bytes().len()).sum::<usize>() > SECRETS_BYTES_MAX {
            return Err(TakeError::TooLarge);
        }
        if !missing {
            taken.retain(|name, _| named.contains(name));
            return Ok((seq, installation, taken.into_values().collect(), named.len() as u64));
        }
        std::thread::sleep(LOOK_PAUSE);
    }
    // Lost for good, as after a restore without its master key: what is left is worth a backup all the more.
    let (seq, installation, named) = look();
    taken.retain(|name, _| named.contains(name));
    Ok((seq, installation, taken.into_values().collect(), named.len() as u64))
}

/// Every group up to the one that ends with event `seq`.
fn groups(log: &dyn EventLog, seq: u64) -> impl Iterator<Item = Result<Arc<Group>, ReadError>> + '_ {
    let (mut next, mut waiting, mut failed) = (1, Vec::new().into_iter(), false);
    std::iter::from_fn(move || {
        if failed || next > seq {
            return None;
        }
        loop {
            if let Some(group) = waiting.next() {
                let group: Arc<Group> = group;
                next = group.last + 1;
                return Some(Ok(group));
            }
            match log.read(next, STRIDE_BYTES) {
                Ok(more) if more.is_empty() => return None,
                Ok(more) => waiting = more.into_iter(),
                Err(error) => {
                    failed = true;
                    return Some(Err(error));
                }
            }
        }
    })
}
