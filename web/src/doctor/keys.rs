//! The master key and what it seals: is it there, is it nobody else's, and does it open every secret of the vault?

use std::path::Path;

use spunto_events::master::{self, MasterKeyError, MasterKeyFile};
use spunto_events::vault::{MasterKey, Vault, VaultError};

use super::Finding;
use crate::config::Data;

const CHECK: &str = "keys";

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeysSeen {
    path: String,
    /// Id of the key that is given by flag or environment.
    given: Option<Result<u32, String>>,
    /// Id of the key in the file; none when there is no file.
    file: Option<Result<u32, NoKey>>,
    /// Whether there is anything that a key belongs to.
    log: bool,
    vault: VaultSeen,
}

/// Why the file gives no key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum NoKey {
    TooOpen(u32),
    Unusable(String),
}

/// Secrets, by what became of opening them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct VaultSeen {
    missing: bool,
    current: usize,
    older: usize,
    /// Sealed with a key that is not here: one of its ids.
    unknown: Option<(usize, u32)>,
    /// Do not open: one of their names.
    damaged: Option<(usize, String)>,
    failed: Option<String>,
}

fn file(path: &Path) -> Option<Result<MasterKey, NoKey>> {
    match MasterKeyFile::load(path) {
        Ok(key) => Some(Ok(MasterKey::new(&key))),
        Err(MasterKeyError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(MasterKeyError::TooOpen { mode, .. }) => Some(Err(NoKey::TooOpen(mode))),
        Err(error) => Some(Err(NoKey::Unusable(error.to_string()))),
    }
}

pub(super) fn measure(data: &Data) -> KeysSeen {
    let path = data.data_dir.join("master.key");
    let parsed = |text: &String| master::parse(text).map(|key| MasterKey::new(&key)).map_err(|error| error.to_string());
    let given = data.master_key.as_ref().map(parsed);
    let file = file(&path);
    let current = match (&given, &file) {
        (Some(Ok(key)), _) | (None, Some(Ok(key))) => Some(key.clone()),
        _ => None,
    };
    let older = data.old_master_key.iter().map(parsed).collect::<Result<Vec<_>, _>>();
    let vault = match (current, older) {
        (None, _) => VaultSeen::default(),
        (_, Err(error)) => VaultSeen { failed: Some(format!("an older master key: {error}")), ..VaultSeen::default() },
        (Some(current), Ok(older)) => vault(&data.data_dir.join("vault"), current, older),
    };
    KeysSeen {
        path: path.display().to_string(),
        given: given.map(|key| key.map(|key| key.id())),
        file: file.map(|key| key.map(|key| key.id())),
        log: data.data_dir.join("log").exists(),
        vault,
    }
}

/// Opens every secret and forgets it at once.
fn vault(directory: &Path, current: MasterKey, older: Vec<MasterKey>) -> VaultSeen {
    // Opening would make a directory that is missing.
    if !directory.exists() {
        return VaultSeen { missing: true, ..VaultSeen::default() };
    }
    let mut seen = VaultSeen::default();
    let id = current.id();
    let opened = Vault::open(directory, current, older).and_then(|vault| Ok((vault.list()?, vault)));
    let (names, vault) = match opened {
        Ok(opened) => opened,
        Err(error) => return VaultSeen { failed: Some(error.to_string()), ..seen },
    };
    for name in names {
        match vault.get(name).and_then(|_| vault.sealed_with(name)) {
            Ok(key) if key == id => seen.current += 1,
            Ok(_) => seen.older += 1,
            // Erased since it was listed.
            Err(VaultError::Missing(_)) => {}
            Err(VaultError::UnknownKey { key, .. }) => seen.unknown = Some((seen.unknown.map_or(1, |(count, _)| count + 1), key)),
            Err(VaultError::Damaged(name)) => {
                let count = seen.damaged.as_ref().map_or(1, |(count, _)| count + 1);
                seen.damaged = Some((count, format!("{name:?}")));
            }
            Err(error) => seen.failed = Some(error.to_string()),
        }
    }
    seen
}

pub(super) fn judge(seen: &KeysSeen) -> Finding {
    const BACK: &str = "put the key file back from a backup, or pass the key with SPUNTO_MASTER_KEY; without it the vault can't be opened";
    let path = &seen.path;
    let (id, from) = match (&seen.given, &seen.file) {
        (Some(Ok(id)), _) => (*id, "the given master key"),
        (Some(Err(why)), _) => return Finding::wrong(CHECK, format!("SPUNTO_MASTER_KEY: {why}"), "give the key whole, as it was made"),
        (None, Some(Ok(id))) => (*id, "master.key"),
        (None, Some(Err(NoKey::TooOpen(mode)))) => {
            return Finding::wrong(CHECK, format!("{path} can be read by others (mode {mode:04o})"), format!("chmod 600 {path}"));
        }
        (None, Some(Err(NoKey::Unusable(why)))) => return Finding::wrong(CHECK, why.clone(), BACK),
        (None, None) if seen.log => return Finding::wrong(CHECK, format!("there is an event log but no {path}"), BACK),
        (None, None) => return Finding::good(CHECK, "there is none yet; the first start makes master.key"),
    };
    seen.vault.fault(id, from, seen.log).unwrap_or_else(|| seen.habits(id, from))
}

impl VaultSeen {
    /// What is wrong with the vault.
    fn fault(&self, id: u32, from: &str, log: bool) -> Option<Finding> {
        const RESTORE: &str = "restore the vault directory from the backup that belongs to this log";
        if let Some(why) = &self.failed {
            return Some(Finding::wrong(CHECK, why.clone(), "ask as the user that runs the server, with sudo -u"));
        }
        if let Some((count, other)) = self.unknown {
            let found = format!("{count} secrets were sealed with master key {other:08x}, and {from} is {id:08x}");
            return Some(Finding::wrong(
                CHECK,
                found,
                format!("put key {other:08x} back; or, to keep both, give it with SPUNTO_OLD_MASTER_KEYS"),
            ));
        }
        if let Some((count, name)) = &self.damaged {
            return Some(Finding::wrong(CHECK, format!("{count} secrets do not open, such as {name}: changed, cut or moved"), RESTORE));
        }
        (self.missing && log).then(|| Finding::wrong(CHECK, "there is an event log but no vault directory beside it", RESTORE))
    }
}

impl KeysSeen {
    /// All opens; what could be kept better?
    fn habits(&self, id: u32, from: &str) -> Finding {
        let VaultSeen { current, older, .. } = self.vault;
        let opens = format!("{from} ({id:08x}) opens all {} secrets", current + older);
        let path = &self.path;
        match (&self.given, &self.file) {
            (Some(_), Some(Ok(file))) if *file == id => Finding::look(
                CHECK,
                format!("{opens}; the same key also lies in {path}, beside what it protects"),
                format!("if the given key is kept elsewhere too: rm {path}"),
            ),
            (Some(_), Some(_)) => {
                let found = format!("{opens}; {path} holds another key, which is not used");
                Finding::look(CHECK, found, "keep that file elsewhere, or stop giving a key, whichever is meant")
            }
            _ if older > 0 => {
                let found = format!("{opens}, but {older} of them are still sealed with an older key");
                Finding::look(CHECK, found, "keep SPUNTO_OLD_MASTER_KEYS; to seal all with the new key: spunto admin reseal")
            }
            _ => Finding::good(CHECK, opens),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    fn seen() -> KeysSeen {
        let vault = VaultSeen { current: 3, ..VaultSeen::default() };
        KeysSeen { path: "/data/master.key".into(), given: None, file: Some(Ok(0xAB)), log: true, vault }
    }

    fn check(seen: &KeysSeen, mark: Mark, word: &str) {
        let finding = judge(seen);
        assert_eq!(finding.mark, mark, "{finding}");
        assert!(finding.to_string().contains(word), "{finding}");
    }

    #[test]
    fn a_key_is_there_and_nobody_elses() {
        check(&seen(), Mark::Good, "000000ab) opens all 3");
        check(&KeysSeen { file: Some(Err(NoKey::TooOpen(0o644))), ..seen() }, Mark::Wrong, "chmod 600 /data/master.key");
        check(&KeysSeen { file: Some(Err(NoKey::Unusable("no key".into()))), ..seen() }, Mark::Wrong, "backup");
        check(&KeysSeen { file: None, ..seen() }, Mark::Wrong, "no /data/master.key");
        check(&KeysSeen { file: None, log: false, ..seen() }, Mark::Good, "first start");
        check(&KeysSeen { given: Some(Err("too short".into())), ..seen() }, Mark::Wrong, "too short");
    }

    #[test]
    fn a_key_opens_every_secret() {
        let with = |vault| KeysSeen { vault, ..seen() };
        check(&with(VaultSeen { unknown: Some((2, 0xCD)), ..seen().vault }), Mark::Wrong, "sealed with master key 000000cd");
        check(&with(VaultSeen { damaged: Some((1, "NodeToken".into())), ..seen().vault }), Mark::Wrong, "NodeToken");
        check(&with(VaultSeen { missing: true, ..VaultSeen::default() }), Mark::Wrong, "no vault directory");
        check(&with(VaultSeen { failed: Some("Permission denied".into()), ..VaultSeen::default() }), Mark::Wrong, "Permission denied");
        check(&with(VaultSeen { older: 1, ..seen().vault }), Mark::Look, "older key");
    }

    #[test]
    fn two_keys_at_once_are_told() {
        check(&KeysSeen { given: Some(Ok(0xAB)), ..seen() }, Mark::Look, "beside what it protects");
        check(&KeysSeen { given: Some(Ok(0xAC)), ..seen() }, Mark::Look, "not used");
        check(&KeysSeen { given: Some(Ok(0xAC)), file: None, ..seen() }, Mark::Good, "the given master key (000000ac)");
    }
}
