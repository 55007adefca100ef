//! What the vault keeps, and what it refuses to open.

#![allow(clippy::unwrap_used, reason = "a vault that does not open is a failed test")]

use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;

fn key(byte: u8) -> MasterKey {
    MasterKey::new(&Secret::new([byte; KEY_BYTES]))
}

fn name(owner: u64, version: u32) -> SecretName {
    SecretName { kind: SecretKind::NodeToken, owner, version }
}

fn secret(text: &str) -> Secret<Vec<u8>> {
    Secret::new(text.as_bytes().to_vec())
}

fn vault(directory: &TempDir) -> Vault {
    Vault::open(&directory.path().join("vault"), key(1), vec![]).unwrap()
}

#[test]
fn keeps_replaces_lists_and_erases() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory);
    vault.put(name(1, 1), &secret("one")).unwrap();
    vault.put(name(1, 2), &secret("two")).unwrap();
    vault.put(name(1, 2), &secret("three")).unwrap();
    assert_eq!(vault.get(name(1, 2)).unwrap(), secret("three"));
    assert_eq!(vault.list().unwrap(), BTreeSet::from([name(1, 1), name(1, 2)]));
    vault.delete(name(1, 1)).unwrap();
    vault.delete(name(1, 1)).unwrap();
    assert!(matches!(vault.get(name(1, 1)), Err(VaultError::Missing(_))));
    assert!(matches!(vault.put(name(1, 1), &Secret::new(vec![0; SECRET_BYTES_MAX + 1])), Err(VaultError::TooLarge)));
}

#[test]
fn nothing_readable_is_on_disk_and_nobody_else_may_read_it() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory);
    vault.put(name(1, 1), &secret("hunter2-hunter2")).unwrap();
    let path = vault.directory.join(name(1, 1).file_name());
    assert!(!fs::read(&path).unwrap().windows(7).any(|window| window == b"hunter2"));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&vault.directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_changed_cut_or_moved_file_does_not_open() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory);
    vault.put(name(1, 1), &secret("one")).unwrap();
    let path = vault.directory.join(name(1, 1).file_name());
    let sound = fs::read(&path).unwrap();
    for bit in 0..sound.len() * 8 {
        let mut damaged = sound.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, damaged).unwrap();
        assert!(vault.get(name(1, 1)).is_err(), "bit {bit}");
    }
    for length in 0..sound.len() {
        fs::write(&path, &sound[..length]).unwrap();
        assert!(matches!(vault.get(name(1, 1)), Err(VaultError::Damaged(_))), "{length} bytes");
    }
    fs::write(vault.directory.join(name(2, 1).file_name()), &sound).unwrap();
    assert!(matches!(vault.get(name(2, 1)), Err(VaultError::Damaged(_))));
}

#[test]
fn a_new_master_key_takes_over_what_an_older_one_sealed() {
    let directory = TempDir::new().unwrap();
    vault(&directory).put(name(1, 1), &secret("one")).unwrap();
    let path = directory.path().join("vault");
    let alone = Vault::open(&path, key(2), vec![]).unwrap();
    assert!(matches!(alone.get(name(1, 1)), Err(VaultError::UnknownKey { key: id, .. }) if id == key(1).id()));
    assert!(alone.reseal().is_err());
    assert_eq!(Vault::open(&path, key(2), vec![key(1)]).unwrap().reseal().unwrap(), 1);
    assert_eq!(alone.get(name(1, 1)).unwrap(), secret("one"));
}

#[test]
fn strange_files_are_no_secrets() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory);
    for stray in ["README", "node-token.1.1", "node-token.0000000000000001.00000001.new", "other.0000000000000001.00000001"] {
        fs::write(vault.directory.join(stray), b"x").unwrap();
    }
    assert!(vault.list().unwrap().is_empty());
}

#[test]
fn what_no_event_names_is_collected_and_nothing_else() {
    let directory = TempDir::new().unwrap();
    let vault = vault(&directory);
    for owner in 1..=3 {
        vault.put(name(owner, 1), &secret("one")).unwrap();
    }
    fs::write(vault.directory.join("node-token.0000000000000009.00000001.new"), b"half").unwrap();
    fs::write(vault.directory.join("README"), b"mine").unwrap();
    assert_eq!(vault.collect(&BTreeSet::from([name(2, 1), name(7, 1)])).unwrap(), BTreeSet::from([name(1, 1), name(3, 1)]));
    assert_eq!(vault.list().unwrap(), BTreeSet::from([name(2, 1)]));
    assert_eq!(fs::read_dir(&vault.directory).unwrap().count(), 2);
    assert!(vault.collect(&BTreeSet::from([name(2, 1)])).unwrap().is_empty());
}
