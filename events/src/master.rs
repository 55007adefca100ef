//! Where the master key comes from: text that the operator gives, or a file made at the first start. Must not know the vault's
//! files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use spunto_core::secret::Secret;

use crate::vault::KEY_BYTES;

/// Longest text that is read from a key file.
const TEXT_BYTES_MAX: u64 = 1024;

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The text is no key. It is not shown.
    #[error("a master key is {KEY_BYTES} bytes as 64 hexadecimal digits or as base64; this text is neither")]
    Malformed,
    /// The file holds no key.
    #[error("{0} holds no master key: {KEY_BYTES} bytes as 64 hexadecimal digits or as base64; restore it from a backup")]
    MalformedFile(PathBuf),
    /// Others may read it.
    #[error("{path} can be read by others (mode {mode:04o}): run `chmod 600 {path}`", path = path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file can't be read or made.
    #[error("the master key in {path} could not be read or made: {error}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// Reads a key from text: 64 hexadecimal digits, or base64. Space around it is ignored.
///
/// # Errors
/// [`MasterKeyError::Malformed`]
pub fn parse(text: &str) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
    let text = text.trim().as_bytes();
    let bytes = HEXLOWER_PERMISSIVE.decode(text).or_else(|_| BASE64.decode(text)).map_err(|_| MasterKeyError::Malformed)?;
    bytes.try_into().map(Secret::new).map_err(|_| MasterKeyError::Malformed)
}

/// A file that holds the master key.
#[derive(Debug)]
pub struct MasterKeyFile;

impl MasterKeyFile {
    /// Reads the key in `path`.
    ///
    /// # Errors
    /// There is no file, others may read it, it holds no key.
    pub fn load(path: &Path) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
        load(path, File::open(path).map_err(|error| MasterKeyError::Io { path: path.to_owned(), error })?)
    }

    /// Reads the key in `path`; makes one there (mode 0600) when there is no file. A key that was made is durable when this
    /// returns.
    ///
    /// # Errors
    /// Others may read the file, it holds no key, it can't be read or made.
    pub fn load_or_create(path: &Path) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
        let failed = |error| MasterKeyError::Io { path: path.to_owned(), error };
        match File::open(path) {
            Ok(file) => load(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).map_err(failed),
            Err(error) => Err(failed(error)),
        }
    }
}

fn load(path: &Path, file: File) -> Result<Secret<[u8; KEY_BYTES]>, MasterKeyError> {
    let failed = |error| MasterKeyError::Io { path: path.to_owned(), error };
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::TooOpen { path: path.to_owned(), mode });
    }
    let mut text = String::new();
    match file.take(TEXT_BYTES_MAX).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(MasterKeyError::MalformedFile(path.to_owned())),
        Err(error) => Err(failed(error)),
        Ok(_) => parse(&text).map_err(|_| MasterKeyError::MalformedFile(path.to_owned())),
    }
}

/// Writes a draft first, so that a crash leaves a whole key or none; `hard_link` refuses to replace a key of another process.
fn create(path: &Path) -> io::Result<Secret<[u8; KEY_BYTES]>> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let draft = path.with_added_extension(format!("{}.new", std::process::id()));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(HEXLOWER.encode(&key).as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let named = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    named?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()?;
    Ok(Secret::new(key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a key that is not made is a failed test")]

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again_and_is_nobody_elses() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("master.key");
        let made = MasterKeyFile::load_or_create(&path).unwrap();
        assert_eq!(MasterKeyFile::load_or_create(&path).unwrap(), made);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        assert_ne!(MasterKeyFile::load_or_create(&directory.path().join("other.key")).unwrap(), made);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_what_to_do() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("master.key");
        MasterKeyFile::load_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = MasterKeyFile::load_or_create(&path).unwrap_err();
            assert!(refused.to_string().contains(&format!("chmod 600 {}", path.display())), "{refused}");
        }
    }

    #[test]
    fn text_is_hexadecimal_or_base64_of_32_bytes() {
        let key = [7; KEY_BYTES];
        for text in
            [HEXLOWER.encode(&key), HEXLOWER.encode(&key).to_uppercase(), BASE64.encode(&key), format!(" {}\n", BASE64.encode(&key))]
        {
            assert_eq!(parse(&text).unwrap().expose(), &key);
        }
        for text in [String::new(), "secret-but-short".to_owned(), HEXLOWER.encode(&key[1..]), BASE64.encode(&[7; 33])] {
            let refused = parse(&text).unwrap_err();
            assert!(text.is_empty() || !format!("{refused} {refused:?}").contains(&text));
        }
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("master.key");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(b"\xff\xfe").unwrap();
        assert!(matches!(MasterKeyFile::load_or_create(&path), Err(MasterKeyError::MalformedFile(_))));
    }
}
