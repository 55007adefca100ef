//! Accounts at providers, opened with credentials out of the vault and kept while their secret is the same.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use spunto_core::id::{CredentialId, OrgId};
use spunto_core::secret::Secret;
use tokio::sync::Semaphore;

use super::sweep::LastSweeps;
use crate::cloud::{self, Fault, Provider, Settings};
use crate::directory::Directory;
use crate::secrets::{Secrets, SecretsError};

/// Most calls to one account at a time: its limit is shared with everything else that uses it.
pub const CALLS_MAX: usize = 4;

/// Opens an account at the provider of this name; makes no call.
pub type Open = dyn Fn(&str, Secret<String>) -> Result<Arc<dyn Provider>, Fault> + Send + Sync;

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The credential is gone.
    #[error("the credential was deleted")]
    Gone,
    /// This server has no client for its provider.
    #[error("this server does not know the provider {0}")]
    UnknownProvider(String),
    /// The vault does not give it.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// It is no credential of that provider.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An account, with room for some calls at a time.
#[derive(Clone)]
pub struct Account {
    /// The provider's client.
    pub provider: Arc<dyn Provider>,
    /// Room for calls.
    pub room: Arc<Semaphore>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account(…)")
    }
}

/// See the module. Clones share it.
#[derive(Clone)]
pub struct Accounts {
    directory: Directory,
    secrets: Secrets,
    open: Arc<Open>,
    opened: Arc<Mutex<HashMap<CredentialId, (u32, Account)>>>,
    last_sweeps: LastSweeps,
}

impl Accounts {
    /// Accounts at the providers of the table.
    #[must_use]
    pub fn new(directory: Directory, secrets: Secrets, settings: Settings) -> Self {
        Self::opening(directory, secrets, Arc::new(move |provider, secret| open_in_table(&settings, provider, secret)))
    }

    /// Accounts that are opened otherwise, for tests.
    #[must_use]
    pub fn opening(directory: Directory, secrets: Secrets, open: Arc<Open>) -> Self {
        Self { directory, secrets, open, opened: Arc::default(), last_sweeps: LastSweeps::default() }
    }

    /// An account with a secret that is not kept, to see whether it is any good.
    ///
    /// # Errors
    /// It is no credential of that provider, or there is no such provider.
    pub fn try_out(&self, provider: &str, secret: Secret<String>) -> Result<Arc<dyn Provider>, AccountError> {
        if cloud::kind(provider).is_none() {
            return Err(AccountError::UnknownProvider(provider.to_owned()));
        }
        Ok((self.open)(provider, secret)?)
    }

    /// The account of a credential, with its present secret.
    ///
    /// # Errors
    /// See [`AccountError`].
    pub async fn open(&self, org: OrgId, credential: CredentialId) -> Result<Account, AccountError> {
        let known = self.directory.read(|state| {
            let known = state.orgs.get(&org)?.credentials.get(&credential)?;
            Some((known.provider.clone(), known.version))
        });
        let (provider, version) = known.ok_or(AccountError::Gone)?;
        if let Some((kept, account)) = self.opened.lock().get(&credential)
            && *kept == version
        {
            return Ok(account.clone());
        }
        let secret = self.secrets.credential(credential, version).await?;
        let account = Account { provider: (self.open)(&provider, secret)?, room: Arc::new(Semaphore::new(CALLS_MAX)) };
        self.opened.lock().insert(credential, (version, account.clone()));
        Ok(account)
    }

    /// What the last sweeps of the accounts saw.
    #[must_use]
    pub const fn last_sweeps(&self) -> &LastSweeps {
        &self.last_sweeps
    }

    /// Closes an account.
    pub fn forget(&self, credential: CredentialId) {
        self.opened.lock().remove(&credential);
    }
}

fn open_in_table(settings: &Settings, provider: &str, secret: Secret<String>) -> Result<Arc<dyn Provider>, Fault> {
    let kind = cloud::kind(provider).ok_or_else(|| {
        let message = format!("this server does not know the provider {provider}; use the version that the credential was added with");
        Fault::new("Spunto", cloud::FaultKind::Unknown, cloud::Happened::No, "unknown_provider", &message)
    })?;
    (kind.open)(settings, secret)
}
