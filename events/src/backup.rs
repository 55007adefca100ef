//! A backup: the log up to a position and the sealed secrets that it names there, in one file. Never a master key.
//!
//! First the log in the form of a whole export; then the vault's entries, each a name (length u16), its sealed bytes (length u32) and a
//! BLAKE3 of both; then the manifest in JSON. At the end, 72 bytes: magic, length of the log u64, of the entries u64, of the manifest
//! u64, of the file u64, and BLAKE3 of everything before. A file without such an end is no backup.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::log::ReadError;
use crate::log::file::{self, SegmentError, SegmentFile};
use crate::vault::{SECRET_BYTES_MAX, SealedSecret, SecretName};

/// First bytes of a backup's end.
pub const END_MAGIC: [u8; 8] = *b"spuntobk";
const END_BYTES: u64 = 72;
const FORMAT: u32 = 1;
/// Longest manifest that is read.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// Longest name of an entry.
const NAME_BYTES_MAX: usize = 256;
/// Most bytes that sealing adds to a secret, generously.
const SEAL_BYTES_MAX: usize = 256;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the file's form.
    pub format: u32,
    /// Version of the server that made it.
    pub spunto: String,
    /// When, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// Incarnation of the log, 16 hexadecimal digits.
    pub incarnation: String,
    /// Number of the installation, 16 hexadecimal digits: the incarnation of its first log.
    pub installation: String,
    /// The log's last event in it.
    pub seq: u64,
    /// Hash of the log's last group in it.
    pub head: String,
    /// Secrets in it.
    pub secrets: u64,
    /// Secrets that the log names there; more than are in it where the vault had lost some.
    pub secrets_named: u64,
    /// How many are sealed with which master key, by its id.
    pub master_keys: BTreeMap<String, u64>,
}

/// What to write beside the log.
#[derive(Clone, Debug)]
pub struct About {
    /// Version of the server.
    pub spunto: String,
    /// Now, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// Incarnation of the log.
    pub incarnation: u64,
    /// Number of the installation.
    pub installation: u64,
    /// Secrets that the log names.
    pub secrets_named: u64,
}

/// Why a backup can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is not what was written.
    #[error("{path} is damaged: {part}: {what}; take another backup, this one restores nothing", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        part: String,
        /// What is wrong with it.
        what: String,
    },
    /// It is no backup, or not all of one.
    #[error("{path} is no whole backup: {what}", path = path.display())]
    NotWhole {
        /// The file.
        path: PathBuf,
        /// Why.
        what: String,
    },
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The log could not be had.
    #[error("the log: {0}")]
    Log(#[from] SegmentError),
}

/// Counts and hashes what goes by.
struct Sealing<W> {
    out: W,
    hasher: blake3::Hasher,
    written: u64,
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.hasher.update(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a backup of a whole history, groups from event 1 on, with the sealed secrets that it names.
///
/// # Errors
/// The groups can't be had or don't follow; nobody takes the bytes. What was written until then has no end and is no backup.
pub fn write(
    out: impl Write,
    about: &About,
    groups: impl Iterator<Item = Result<Arc<Group>, ReadError>>,
    secrets: &[SealedSecret],
) -> Result<Manifest, BackupError> {
    let mut out = Sealing { out, hasher: blake3::Hasher::new(), written: 0 };
    let log = file::stream(&mut out, about.incarnation, groups)?;
    let log_bytes = out.written;
    let mut master_keys = BTreeMap::new();
    for secret in secrets {
        out.write_all(&entry(secret)?)?;
        *master_keys.entry(format!("{:08x}", secret.key())).or_default() += 1;
    }
    let secrets_bytes = out.written - log_bytes;
    let manifest = Manifest {
        format: FORMAT,
        spunto: about.spunto.clone(),
        taken_at_ms: about.taken_at_ms,
        incarnation: format!("{:016x}", about.incarnation),
        installation: format!("{:016x}", about.installation),
        seq: log.last,
        head: format!("{:?}", log.hash),
        secrets: secrets.len() as u64,
        secrets_named: about.secrets_named,
        master_keys,
    };
    let text = serde_json::to_vec(&manifest).map_err(io::Error::other)?;
    out.write_all(&text)?;
    out.write_all(&END_MAGIC)?;
    for word in [log_bytes, secrets_bytes, text.len() as u64, log_bytes + secrets_bytes + text.len() as u64 + END_BYTES] {
        out.write_all(&word.to_le_bytes())?;
    }
    let root = *out.hasher.finalize().as_bytes();
    out.out.write_all(&root)?;
    out.out.flush()?;
    Ok(manifest)
}

fn entry(secret: &SealedSecret) -> io::Result<Vec<u8>> {
    let name = secret.name().file_name();
    let (name_bytes, body_bytes) = (u16::try_from(name.len()), u32::try_from(secret.bytes().len()));
    let (Ok(name_bytes), Ok(body_bytes)) = (name_bytes, body_bytes) else { return Err(io::Error::other("an entry is too long")) };
    let mut bytes = Vec::with_capacity(secret.bytes().len() + 128);
    bytes.extend_from_slice(&name_bytes.to_le_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&body_bytes.to_le_bytes());
    bytes.extend_from_slice(secret.bytes());
    let digest = blake3::hash(&bytes);
    bytes.extend_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// A backup that was verified: every part, and the file as a whole.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    manifest: Manifest,
    log: SegmentFile,
    secrets: (u64, u64),
}

/// Whether a file ends as a backup does.
///
/// # Errors
/// It can't be read.
pub fn is_backup(path: &Path) -> io::Result<bool> {
    Ok(end(&File::open(path)?)?.is_some_and(|end| end[..8] == END_MAGIC))
}

fn end(file: &File) -> io::Result<Option<[u8; END_BYTES as usize]>> {
    let Some(place) = file.metadata()?.len().checked_sub(END_BYTES) else { return Ok(None) };
    let mut end = [0; END_BYTES as usize];
    file.read_exact_at(&mut end, place)?;
    Ok(Some(end))
}

impl Backup {
    /// Opens a backup and verifies all of it.
    ///
    /// # Errors
    /// Anything in it has changed or is missing, with the part; it can't be read.
    pub fn open(path: &Path) -> Result<Self, BackupError> {
        let damaged = |part: &str, what: String| BackupError::Damaged { path: path.to_owned(), part: part.to_owned(), what };
        let not_whole = |what: &str| BackupError::NotWhole { path: path.to_owned(), what: what.to_owned() };
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let end = end(&file)?.filter(|end| end[..8] == END_MAGIC);
        let end = end.ok_or_else(|| not_whole("it does not end as a backup does: it was cut off, never finished, or is something else"))?;
        let word = |number: usize| u64::from_le_bytes(end[number * 8..number * 8 + 8].try_into().unwrap_or_default());
        let (log_bytes, secrets_bytes, manifest_bytes) = (word(1), word(2), word(3));
        let sum = [log_bytes, secrets_bytes, manifest_bytes].into_iter().try_fold(END_BYTES, u64::checked_add);
        if sum != Some(length) || word(4) != length || manifest_bytes > MANIFEST_BYTES_MAX {
            return Err(damaged("its end", format!("it tells of {} bytes, the file has {length}", word(4))));
        }
        let log = SegmentFile::open_part(path, log_bytes).map_err(|error| damaged("the log", error.to_string()))?;
        let mut text = vec![0; usize::try_from(manifest_bytes).unwrap_or(0)];
        file.read_exact_at(&mut text, log_bytes + secrets_bytes)?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| damaged("the manifest", error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(not_whole(&format!(
                "it is of form {}, this version reads form {FORMAT}; use the version that made it",
                manifest.format
            )));
        }
        let backup = Self { path: path.to_owned(), manifest, log, secrets: (log_bytes, secrets_bytes) };
        let mut count = 0;
        backup.secrets(|_| {
            count += 1;
            Ok(())
        })?;
        let summary = backup.log.summary();
        let said = (format!("{:016x}", summary.incarnation), summary.last, format!("{:?}", summary.hash), count);
        let Manifest { incarnation, seq, head, secrets, .. } = &backup.manifest;
        if said != (incarnation.clone(), *seq, head.clone(), *secrets) {
            return Err(damaged("the manifest", "it tells of another log or other secrets than the file holds".to_owned()));
        }
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut BufReader::with_capacity(1 << 20, &file).take(length - 32), &mut hasher)?;
        if hasher.finalize().as_bytes()[..] != end[40..] {
            // The log and the secrets have roots of their own, which agreed.
            return Err(damaged("the manifest or the end", "the file does not have the root that it tells of".to_owned()));
        }
        Ok(backup)
    }

    /// What it says of itself.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The log in it.
    #[must_use]
    pub const fn log(&self) -> &SegmentFile {
        &self.log
    }

    /// The log in it, to be kept.
    #[must_use]
    pub fn into_log(self) -> SegmentFile {
        self.log
    }

    /// Number of the installation.
    ///
    /// # Errors
    /// The manifest's number is none.
    pub fn installation(&self) -> Result<u64, BackupError> {
        u64::from_str_radix(&self.manifest.installation, 16).map_err(|error| BackupError::Damaged {
            path: self.path.clone(),
            part: "the manifest".to_owned(),
            what: error.to_string(),
        })
    }

    /// Shows the sealed secrets, in order.
    ///
    /// # Errors
    /// One of them has changed; `each` fails.
    pub fn secrets(&self, mut each: impl FnMut(SealedSecret) -> Result<(), BackupError>) -> Result<(), BackupError> {
        let (start, length) = self.secrets;
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut reader = BufReader::new(file).take(length);
        let mut number = 0;
        while reader.limit() > 0 {
            number += 1;
            let secret = read_entry(&mut reader).map_err(|what| BackupError::Damaged {
                path: self.path.clone(),
                part: format!("secret {number}"),
                what,
            })?;
            each(secret)?;
        }
        Ok(())
    }
}

fn read_entry(reader: &mut impl Read) -> Result<SealedSecret, String> {
    let mut hasher = blake3::Hasher::new();
    let mut take = |bytes: usize| {
        let mut taken = vec![0; bytes];
        reader.read_exact(&mut taken).map_err(|_| "it is cut off".to_owned())?;
        Ok::<_, String>(taken)
    };
    let head = take(2)?;
    let name_bytes = usize::from(u16::from_le_bytes([head[0], head[1]]));
    if name_bytes > NAME_BYTES_MAX {
        return Err("its name is too long".to_owned());
    }
    let name = take(name_bytes)?;
    let size = take(4)?;
    let body_bytes = u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize;
    if body_bytes > SECRET_BYTES_MAX + SEAL_BYTES_MAX {
        return Err("it is too long".to_owned());
    }
    let body = take(body_bytes)?;
    for part in [&head, &name, &size, &body] {
        hasher.update(part);
    }
    let digest = take(32)?;
    let text = String::from_utf8_lossy(&name).into_owned();
    if digest != hasher.finalize().as_bytes() {
        return Err(format!("{text} has changed"));
    }
    let known = SecretName::parse(&text).ok_or_else(|| format!("\"{text}\" is the name of no secret"))?;
    SealedSecret::of(known, body).ok_or_else(|| format!("{text} is no sealed secret"))
}

#[cfg(test)]
mod tests;
