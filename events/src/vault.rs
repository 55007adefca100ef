//! The vault: one sealed file per secret, beside the log, so that deleting a secret really erases it.
//!
//! XChaCha20-Poly1305; owner, version and master-key id are associated data, so that a file that was moved or renamed does
//! not open. Must not know what a secret is for. The log decides which secrets count: an entry is durable before the event
//! that names it, and entries that no event names are removed at start.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use spunto_core::secret::Secret;

use crate::failpoint;

/// Bytes of a master key.
pub const KEY_BYTES: usize = 32;
/// Largest secret.
pub const SECRET_BYTES_MAX: usize = 256 * 1024;
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
/// Format and key id stand before the nonce.
const HEAD_BYTES: usize = 1 + 4;

/// What sort of thing a secret is. The text becomes part of a file's name and of what is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretKind {
    /// A node's token.
    NodeToken,
    /// Values of a unit's environment variables.
    UnitEnv,
    /// A password's hash.
    Password,
    /// A person's name and e-mail address.
    Profile,
    /// A credential at a cloud provider.
    CloudCredential,
    /// What a new machine trades for its node's token.
    EnrolmentToken,
}

const KINDS: &[(SecretKind, &str)] = &[
    (SecretKind::NodeToken, "node-token"),
    (SecretKind::UnitEnv, "unit-env"),
    (SecretKind::Password, "password"),
    (SecretKind::Profile, "profile"),
    (SecretKind::CloudCredential, "cloud-credential"),
    (SecretKind::EnrolmentToken, "enrolment-token"),
];

/// Which secret: whose, and which version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretName {
    /// What sort.
    pub kind: SecretKind,
    /// Number of its owner's id.
    pub owner: u64,
    /// From 1.
    pub version: u32,
}

impl SecretName {
    pub(crate) fn file_name(self) -> String {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind).map(|(_, name)| *name).expect("the table names every kind");
        format!("{kind}.{:016x}.{:08x}", self.owner, self.version)
    }

    pub(crate) fn parse(file_name: &str) -> Option<Self> {
        let mut parts = file_name.split('.');
        let (kind, owner, version) = (parts.next()?, parts.next()?, parts.next()?);
        let (kind, _) = KINDS.iter().find(|(_, name)| *name == kind)?;
        let owner = u64::from_str_radix(owner, 16).ok()?;
        let name = Self { kind: *kind, owner, version: u32::from_str_radix(version, 16).ok()? };
        (name.file_name() == file_name).then_some(name)
    }
}

/// Why the vault could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It isn't there.
    #[error("the vault has no {0:?}: it was deleted, or this vault belongs to another log")]
    Missing(SecretName),
    /// It was sealed with a key that we don't hold.
    #[error("{name:?} was sealed with master key {key:08x}, which is not in the key ring; start with that key too")]
    UnknownKey {
        /// Which secret.
        name: SecretName,
        /// Which key.
        key: u32,
    },
    /// It does not open.
    #[error("{0:?} does not open: the file was changed, cut or moved; restore it from a backup, or replace the secret")]
    Damaged(SecretName),
    /// It is too large.
    #[error("a secret is at most {SECRET_BYTES_MAX} bytes")]
    TooLarge,
    /// The disk, or the system's random numbers, failed. A write that failed so left the old entry, or none.
    #[error("the vault could not be read or written: {0}")]
    Io(#[from] io::Error),
}

/// A master key. Its id is derived from it, so that ids need no bookkeeping.
#[derive(Clone)]
pub struct MasterKey {
    id: u32,
    cipher: XChaCha20Poly1305,
}

impl MasterKey {
    /// The key with these bytes.
    #[must_use]
    pub fn new(bytes: &Secret<[u8; KEY_BYTES]>) -> Self {
        let digest = blake3::derive_key("spunto 2026-11 master key id", bytes.expose());
        let id = u32::from_le_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self { id, cipher: XChaCha20Poly1305::new(Key::from_slice(bytes.expose())) }
    }

    /// Its id; says nothing of the key.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }
}

/// A secret as it is stored: to be carried elsewhere without being opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    name: SecretName,
    bytes: Vec<u8>,
}

impl SealedSecret {
    /// An entry of a vault; none where the bytes are none.
    #[must_use]
    pub fn of(name: SecretName, bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() >= HEAD_BYTES + NONCE_BYTES && bytes[0] == FORMAT).then_some(Self { name, bytes })
    }

    /// Which secret.
    #[must_use]
    pub const fn name(&self) -> SecretName {
        self.name
    }

    /// Id of the master key that it is sealed with.
    #[must_use]
    pub fn key(&self) -> u32 {
        key_id(&self.bytes)
    }

    /// The sealed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Sealed secrets in a directory of their own.
pub struct Vault {
    directory: PathBuf,
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl Vault {
    /// Opens the vault in `directory`, made (mode 0700) where it is missing. New secrets are sealed with `current`;
    /// `older` keys open what they sealed.
    ///
    /// # Errors
    /// [`VaultError::Io`]
    pub fn open(directory: &Path, current: MasterKey, older: Vec<MasterKey>) -> Result<Self, VaultError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { directory: directory.to_owned(), current, older })
    }

    /// Seals a secret. Durable when it returns, name and all.
    ///
    /// # Errors
    /// Too large, or the disk failed: then it is not stored, or the earlier one of that name still is.
    pub fn put(&self, name: SecretName, secret: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        if secret.expose().len() > SECRET_BYTES_MAX {
            return Err(VaultError::TooLarge);
        }
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|error| io::Error::other(error.to_string()))?;
        let payload = Payload { msg: secret.expose(), aad: &associated(name, self.current.id) };
        let sealed = self.current.cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| VaultError::TooLarge)?;
        self.store(name, &[&[FORMAT], &self.current.id.to_le_bytes(), &nonce, &sealed])
    }

    fn store(&self, name: SecretName, parts: &[&[u8]]) -> Result<(), VaultError> {
        let path = self.directory.join(name.file_name());
        let draft = path.with_added_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        for part in parts {
            file.write_all(part)?;
        }
        failpoint::pass("vault-written");
        file.sync_all()?;
        failpoint::pass("vault-synced");
        fs::rename(&draft, &path)?;
        self.sync_directory()?;
        failpoint::pass("vault-put");
        Ok(())
    }

    /// Opens a secret.
    ///
    /// # Errors
    /// Missing, changed, moved, or sealed with a key that is not in the ring.
    pub fn get(&self, name: SecretName) -> Result<Secret<Vec<u8>>, VaultError> {
        self.open_entry(name, &self.read(name)?)
    }

    fn open_entry(&self, name: SecretName, bytes: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        let id = key_id(bytes);
        let ring = std::iter::once(&self.current).chain(&self.older);
        let key = ring.into_iter().find(|key| key.id == id).ok_or(VaultError::UnknownKey { name, key: id })?;
        let (nonce, sealed) = bytes[HEAD_BYTES..].split_at(NONCE_BYTES);
        let payload = Payload { msg: sealed, aad: &associated(name, id) };
        key.cipher.decrypt(XNonce::from_slice(nonce), payload).map(Secret::new).map_err(|_| VaultError::Damaged(name))
    }

    /// Id of the master key that a secret is sealed with.
    ///
    /// # Errors
    /// Missing, or no entry of a vault.
    pub fn sealed_with(&self, name: SecretName) -> Result<u32, VaultError> {
        Ok(key_id(&self.read(name)?))
    }

    /// A secret as it is stored.
    ///
    /// # Errors
    /// Missing, or no entry of a vault.
    pub fn sealed(&self, name: SecretName) -> Result<SealedSecret, VaultError> {
        Ok(SealedSecret { name, bytes: self.read(name)? })
    }

    /// Stores a secret that was sealed elsewhere, once it is known that it opens. Durable when it returns, name and all.
    ///
    /// # Errors
    /// It does not open, or is sealed with a key that is not in the ring; the disk failed.
    pub fn put_sealed(&self, secret: &SealedSecret) -> Result<(), VaultError> {
        drop(self.open_entry(secret.name, &secret.bytes)?);
        self.store(secret.name, &[&secret.bytes])
    }

    fn read(&self, name: SecretName) -> Result<Vec<u8>, VaultError> {
        let bytes = match fs::read(self.directory.join(name.file_name())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(VaultError::Missing(name)),
            read => read?,
        };
        if bytes.len() < HEAD_BYTES + NONCE_BYTES || bytes[0] != FORMAT {
            return Err(VaultError::Damaged(name));
        }
        Ok(bytes)
    }

    /// Erases a secret; one that is not there is erased already.
    ///
    /// # Errors
    /// [`VaultError::Io`]
    pub fn delete(&self, name: SecretName) -> Result<(), VaultError> {
        match fs::remove_file(self.directory.join(name.file_name())) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed?;
                self.sync_directory()
            }
        }
    }

    /// Every secret there is.
    ///
    /// # Errors
    /// [`VaultError::Io`]
    pub fn list(&self) -> Result<BTreeSet<SecretName>, VaultError> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.directory)? {
            names.extend(entry?.file_name().to_str().and_then(SecretName::parse));
        }
        Ok(names)
    }

    /// Erases every secret that is not in `named`, and drafts that a crash left; says which secrets went.
    ///
    /// # Errors
    /// [`VaultError::Io`]; what was erased before stays erased.
    pub fn collect(&self, named: &BTreeSet<SecretName>) -> Result<BTreeSet<SecretName>, VaultError> {
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_str().and_then(|name| name.strip_suffix(".new")).and_then(SecretName::parse).is_some() {
                fs::remove_file(entry.path())?;
            }
        }
        let removed: BTreeSet<SecretName> = self.list()?.difference(named).copied().collect();
        for name in &removed {
            self.delete(*name)?;
        }
        self.sync_directory()?;
        Ok(removed)
    }

    /// Seals everything that an older key sealed with the current one; says how many. May be repeated after a crash.
    ///
    /// # Errors
    /// The first secret that does not open; those before it are sealed anew, none is lost.
    pub fn reseal(&self) -> Result<usize, VaultError> {
        let names = self.list()?;
        for name in &names {
            self.put(*name, &self.get(*name)?)?;
        }
        Ok(names.len())
    }

    fn sync_directory(&self) -> Result<(), VaultError> {
        Ok(File::open(&self.directory)?.sync_all()?)
    }
}

/// The id of the key, from an entry that is long enough.
const fn key_id(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[1], bytes[2], bytes[3], bytes[4]])
}

/// What is sealed along with a secret: changing any of it makes the file unreadable.
fn associated(name: SecretName, key: u32) -> Vec<u8> {
    let mut bytes = name.file_name().into_bytes();
    bytes.push(FORMAT);
    bytes.extend_from_slice(&key.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests;
