//! The vault as the edges use it: by noun, and off the arbiter, because a put waits for the disk.
//!
//! A secret is put before the command whose event names it; when that command is refused, whoever put it takes it away.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spunto_core::id::{CredentialId, NodeId, UnitId, UserId};
use spunto_core::secret::Secret;
use spunto_events::log::NoRoom;
use spunto_events::vault::{SecretName, Vault, VaultError};
use tracing::warn;

use crate::custodian;

/// What is known of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Their e-mail address, as they wrote it.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// Why a secret could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The vault's own reason.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What is in the vault is not what was put there.
    #[error("a secret in the vault has another shape than expected; restore the vault from a backup")]
    Shape,
}

impl SecretsError {
    /// Whether it is that nothing can be written at present.
    #[must_use]
    pub fn no_room(&self) -> Option<NoRoom> {
        let Self::Vault(VaultError::Io(error)) = self else { return None };
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Some(NoRoom::Full { free_bytes: 0, reserve_bytes: 0 }),
            std::io::ErrorKind::ReadOnlyFilesystem => Some(NoRoom::ReadOnly),
            _ => None,
        }
    }
}

/// A secret that was put, to be taken away again if the command that names it is refused.
#[derive(Debug)]
#[must_use = "keep it until the command was carried out, or take it away"]
pub struct Put(SecretName);

/// Does what waits for the disk on a thread of its own.
#[cfg(not(feature = "simulation"))]
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, SecretsError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| SecretsError::Shape)
}

/// Does it at once: when another thread is done follows from no seed.
#[cfg(feature = "simulation")]
async fn aside<T>(work: impl FnOnce() -> T) -> Result<T, SecretsError> {
    std::future::ready(Ok(work())).await
}

/// The vault by noun. Clones share it.
#[derive(Clone)]
pub struct Secrets {
    vault: Arc<Vault>,
}

impl Secrets {
    /// Over this vault.
    #[must_use]
    pub const fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    async fn put(&self, name: SecretName, bytes: Vec<u8>) -> Result<Put, SecretsError> {
        let vault = Arc::clone(&self.vault);
        aside(move || vault.put(name, &Secret::new(bytes))).await??;
        Ok(Put(name))
    }

    async fn get(&self, name: SecretName) -> Result<Secret<Vec<u8>>, SecretsError> {
        let vault = Arc::clone(&self.vault);
        Ok(aside(move || vault.get(name)).await??)
    }

    async fn text(&self, name: SecretName) -> Result<Secret<String>, SecretsError> {
        let bytes = self.get(name).await?;
        String::from_utf8(bytes.into_exposed()).map(Secret::new).map_err(|_| SecretsError::Shape)
    }

    /// Takes back what no event names.
    pub async fn take_back(&self, put: Put) {
        let vault = Arc::clone(&self.vault);
        let taken = aside(move || vault.delete(put.0)).await;
        if !matches!(taken, Ok(Ok(()))) {
            warn!("a secret that no event names could not be erased; the next start collects it");
        }
    }

    /// Keeps a node's token.
    ///
    /// # Errors
    /// The vault can't be written.
    pub async fn put_node_token(&self, node: NodeId, version: u32, token: &Secret<String>) -> Result<Put, SecretsError> {
        self.put(custodian::node_token(node, version), token.expose().clone().into_bytes()).await
    }

    /// A node's token.
    ///
    /// # Errors
    /// The vault has none, or can't open it.
    pub async fn node_token(&self, node: NodeId, version: u32) -> Result<Secret<String>, SecretsError> {
        self.text(custodian::node_token(node, version)).await
    }

    /// Keeps a credential at a cloud.
    ///
    /// # Errors
    /// The vault can't be written; it is too large.
    pub async fn put_credential(&self, credential: CredentialId, version: u32, secret: &Secret<String>) -> Result<Put, SecretsError> {
        self.put(custodian::credential(credential, version), secret.expose().clone().into_bytes()).await
    }

    /// A credential at a cloud.
    ///
    /// # Errors
    /// The vault has none, or can't open it.
    pub async fn credential(&self, credential: CredentialId, version: u32) -> Result<Secret<String>, SecretsError> {
        self.text(custodian::credential(credential, version)).await
    }

    /// Keeps the enrolment token of an attempt to provision.
    ///
    /// # Errors
    /// The vault can't be written.
    pub async fn put_enrolment(&self, node: NodeId, attempt: u32, token: &Secret<String>) -> Result<Put, SecretsError> {
        self.put(custodian::enrolment(node, attempt), token.expose().clone().into_bytes()).await
    }

    /// The enrolment token of an attempt to provision.
    ///
    /// # Errors
    /// The vault has none, or can't open it.
    pub async fn enrolment(&self, node: NodeId, attempt: u32) -> Result<Secret<String>, SecretsError> {
        self.text(custodian::enrolment(node, attempt)).await
    }

    /// Keeps a unit's environment.
    ///
    /// # Errors
    /// The vault can't be written; the environment is too large.
    pub async fn put_unit_env(&self, unit: UnitId, env: &BTreeMap<String, Secret<String>>) -> Result<Put, SecretsError> {
        let exposed: BTreeMap<&String, &String> = env.iter().map(|(name, value)| (name, value.expose())).collect();
        let bytes = serde_json::to_vec(&exposed).map_err(|_| SecretsError::Shape)?;
        self.put(custodian::unit_env(unit), bytes).await
    }

    /// Keeps a password's hash.
    ///
    /// # Errors
    /// The vault can't be written.
    pub async fn put_password(&self, user: UserId, version: u32, hash: &Secret<String>) -> Result<Put, SecretsError> {
        self.put(custodian::password(user, version), hash.expose().clone().into_bytes()).await
    }

    /// A password's hash.
    ///
    /// # Errors
    /// The vault has none, or can't open it.
    pub async fn password(&self, user: UserId, version: u32) -> Result<Secret<String>, SecretsError> {
        self.text(custodian::password(user, version)).await
    }

    /// Keeps what is known of a person.
    ///
    /// # Errors
    /// The vault can't be written.
    pub async fn put_profile(&self, user: UserId, version: u32, profile: &Profile) -> Result<Put, SecretsError> {
        self.put(custodian::profile(user, version), serde_json::to_vec(profile).map_err(|_| SecretsError::Shape)?).await
    }

    /// What is known of a person.
    ///
    /// # Errors
    /// The vault has nothing, or can't open it.
    pub async fn profile(&self, user: UserId, version: u32) -> Result<Profile, SecretsError> {
        let bytes = self.get(custodian::profile(user, version)).await?;
        serde_json::from_slice(bytes.expose()).map_err(|_| SecretsError::Shape)
    }
}
