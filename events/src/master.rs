//! The master key: from a file that only its owner may read, or from a text.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use spunto_core::secret::Secret;

use crate::vault::KEY_BYTES;

/// Longest key file, in bytes.
const FILE_BYTES_MAX: u64 = 1024;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is none.
    #[error("a master key is 32 bytes, written as 64 hexadecimal digits or in base64; this is something else")]
    Malformed,
    /// Others may read the file.
    #[error("{path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Open {
        /// Which file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file can't be read or made.
    #[error("the master key file {path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// Reads a key from a text. The error does not repeat it.
///
/// # Errors
/// It is no key.
pub fn parse(text: &str) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
    let text = text.trim().as_bytes();
    let decoded = HEXLOWER_PERMISSIVE.decode(text).or_else(|_| BASE64.decode(text)).or_else(|_| BASE64_NOPAD.decode(text));
    let bytes = decoded.map_err(|_| MasterKeyError::Malformed)?;
    bytes.try_into().map(Secret::new).map_err(|_| MasterKeyError::Malformed)
}

/// Reads the key in a file.
///
/// # Errors
/// There is none, others may read it, or it holds something else.
pub fn load(path: &Path) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
    let fault = |error| MasterKeyError::Io { path: path.display().to_string(), error };
    let mut file = File::open(path).map_err(fault)?;
    let mode = file.metadata().map_err(fault)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Open { path: path.display().to_string(), mode });
    }
    let mut text = String::new();
    Read::by_ref(&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(fault)?;
    parse(&text)
}

/// Reads the key in a file, or makes a new one; durable when it returns.
///
/// # Errors
/// As [`load`], or it can't be written.
pub fn load_or_create(path: &Path) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
    let fault = |error| MasterKeyError::Io { path: path.display().to_string(), error };
    if path.exists() {
        return load(path);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| fault(io::Error::other(error.to_string())))?;
    // Written whole beside it first: a crash must not leave half a key.
    let draft = path.with_added_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).map_err(fault)?;
    file.write_all(HEXLOWER.encode(&key).as_bytes()).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(fault)?;
    std::fs::rename(&draft, path).map_err(fault)?;
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(fault)?;
    }
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed read is a failed test")]
    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let made = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn keys_are_hexadecimal_or_base64() {
        let bytes = [0xA7; KEY_BYTES];
        for text in [HEXLOWER.encode(&bytes), BASE64.encode(&bytes), BASE64_NOPAD.encode(&bytes) + "\n"] {
            assert_eq!(parse(&text).unwrap().expose(), &bytes);
        }
        for text in ["", "secret", "00", &"0".repeat(63), &"0".repeat(66)] {
            let error = parse(text).unwrap_err().to_string();
            assert!(text.len() < 10 || !error.contains(text));
        }
    }
}
