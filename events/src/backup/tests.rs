#![allow(clippy::unwrap_used, reason = "what can't be made or read fails the test")]

use spunto_core::event::NodeUndrained;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::secret::Secret;
use spunto_core::time::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::group::Hash;
use crate::log::file::SegmentFile;
use crate::vault::{KEY_BYTES, MasterKey, SecretKind, Vault, VaultError};

fn key(byte: u8) -> MasterKey {
    MasterKey::new(&Secret::new([byte; KEY_BYTES]))
}

fn name(owner: u64) -> SecretName {
    SecretName { kind: SecretKind::UnitEnv, owner, version: 1 }
}

fn groups(count: u64) -> Vec<Arc<Group>> {
    let (mut groups, mut previous) = (Vec::new(), Hash::default());
    for seq in 1..=count {
        let node = NodeId::from_u64(7);
        let record = Record {
            seq,
            org: Some(OrgId::from_u64(1)),
            stream: StreamId::Node(node),
            stream_version: seq,
            at: Timestamp::from_ms(seq),
            actor: Actor::System,
            correlation: 0,
            causation: 0,
            event: NodeUndrained { node }.into(),
        };
        let group = Group::of(seq, previous, &[record]).unwrap();
        previous = group.hash;
        groups.push(Arc::new(group));
    }
    groups
}

const ABOUT: About = About { spunto: String::new(), taken_at_ms: 5, incarnation: 0xabc, installation: 0xdef, secrets_named: 3 };

fn made(directory: &TempDir) -> (PathBuf, Vec<Arc<Group>>) {
    let vault = Vault::open(&directory.path().join("vault"), key(1), Vec::new()).unwrap();
    for owner in 1..=3 {
        vault.put(name(owner), &Secret::new(format!("secret {owner}").into_bytes())).unwrap();
    }
    let sealed: Vec<SealedSecret> = (1..=3).map(|owner| vault.sealed(name(owner)).unwrap()).collect();
    let (groups, path) = (groups(20), directory.path().join("backup"));
    write(File::create(&path).unwrap(), &ABOUT, groups.iter().cloned().map(Ok), &sealed).unwrap();
    (path, groups)
}

#[test]
fn a_backup_holds_the_log_as_an_export_does_and_secrets_only_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, groups) = made(&directory);
    let backup = Backup::open(&path).unwrap();
    assert!(is_backup(&path).unwrap());
    let Manifest { seq, secrets, incarnation, .. } = backup.manifest();
    assert_eq!((*seq, *secrets, incarnation.as_str(), backup.installation().unwrap()), (20, 3, "0000000000000abc", 0xdef));
    assert_eq!(backup.log().read(1, usize::MAX).unwrap(), groups);
    let export = directory.path().join("export");
    SegmentFile::write(&export, 0xabc, 1, Hash::default(), groups.into_iter().map(Ok)).unwrap();
    let (whole, exported) = (std::fs::read(&path).unwrap(), std::fs::read(&export).unwrap());
    assert!(whole.starts_with(&exported));
    assert!(!whole.windows(8).any(|bytes| bytes == b"secret 1"), "no secret in the clear");

    let same = Vault::open(&directory.path().join("same"), key(2), vec![key(1)]).unwrap();
    let other = Vault::open(&directory.path().join("other"), key(3), Vec::new()).unwrap();
    let mut opened = 0;
    let mut each = |secret: SealedSecret| {
        same.put_sealed(&secret).unwrap();
        opened += 1;
        assert_eq!(same.get(secret.name()).unwrap().expose(), format!("secret {}", secret.name().owner).as_bytes());
        assert!(matches!(other.put_sealed(&secret), Err(VaultError::UnknownKey { key, .. }) if key == secret.key()));
        Ok(())
    };
    backup.secrets(&mut each).unwrap();
    assert_eq!((opened, other.list().unwrap().len()), (3, 0));
}

#[test]
fn every_changed_bit_and_every_cut_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let (path, _) = made(&directory);
    let sound = std::fs::read(&path).unwrap();
    let hurt = directory.path().join("hurt");
    for place in (0..sound.len()).step_by(7).chain(sound.len() - 80..sound.len()) {
        let mut bytes = sound.clone();
        bytes[place] ^= 1 << (place % 8);
        std::fs::write(&hurt, &bytes).unwrap();
        assert!(Backup::open(&hurt).is_err(), "bit in byte {place} of {}", sound.len());
    }
    for length in (0..sound.len()).step_by(11) {
        std::fs::write(&hurt, &sound[..length]).unwrap();
        assert!(matches!(Backup::open(&hurt), Err(BackupError::NotWhole { .. } | BackupError::Damaged { .. })), "cut to {length}");
    }
}
