//! The doctor on a real data directory: clean where all is well, and each planted problem found with what to do.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use spunto_tests::paths::server_binary;
use spunto_tests::server::{Server, Start};
use spunto_tests::world::World;

/// What the doctor says of a check.
struct Said {
    code: Option<i32>,
    report: Value,
}

impl Said {
    fn of(&self, check: &str) -> (String, String) {
        let items = self.report["findings"].as_array().unwrap();
        let finding = items.iter().find(|item| item["check"] == check).unwrap_or_else(|| panic!("no {check} in {}", self.report));
        let text = format!("{} {}", finding["found"].as_str().unwrap(), finding["do"].as_str().unwrap_or(""));
        (finding["mark"].as_str().unwrap().to_owned(), text)
    }

    fn expect(&self, check: &str, mark: &str, word: &str) {
        let (seen, text) = self.of(check);
        assert!(seen == mark && text.contains(word), "{check}: {seen}: {text}");
        if mark == "wrong" {
            assert_eq!(self.code, Some(1), "something must be done");
        }
    }
}

fn ask(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    Said { code: output.status.code(), report }
}

/// Asks about a data directory, with more flags.
fn doctor(data: &Path, flags: &[&str]) -> Said {
    ask(Command::new(server_binary()).args(["doctor", "--json", "--data-dir"]).arg(data).args(flags))
}

/// A data directory with an owner and a node, whose server has stopped.
fn stopped() -> (World, PathBuf) {
    let mut world = World::local().unwrap();
    world.create_node("n1").unwrap();
    assert!(world.server.stop().unwrap().success());
    let data = world.start.data.clone();
    (world, data)
}

#[test]
fn a_stopped_server_is_verified_whole_and_nothing_is_changed_by_it() {
    let (world, data) = stopped();
    let said = doctor(&data, &[]);
    assert_eq!(said.code, Some(0), "{}", said.report);
    said.expect("data directory", "good", "0700");
    said.expect("event log", "good", "verified whole");
    said.expect("event log", "good", "1 nodes");
    said.expect("keys", "good", "opens all 3 secrets");
    said.expect("first owner", "good", "set up");
    let key = fs::read_to_string(data.join("master.key")).unwrap();
    assert!(!said.report.to_string().contains(key.trim()));
    let _server = world.start.run().unwrap();
    assert_eq!(world.api.get(&world.of_org("/nodes")).unwrap().ok().unwrap()["items"].as_array().unwrap().len(), 1);

    let text = Command::new(server_binary()).args(["doctor", "--data-dir"]).arg(&data).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("✓ data directory:") && text.contains("\n! address:") && text.contains("\n  → "), "{text}");

    let nothing = data.with_file_name("nothing");
    let said = doctor(&nothing, &[]);
    said.expect("event log", "good", "none yet");
    said.expect("first owner", "look", "setup-link");
    assert!(!nothing.exists(), "looking makes nothing");
}

#[test]
fn keys_that_are_open_lost_or_wrong_are_found() {
    let (_world, data) = stopped();
    let key = data.join("master.key");
    let text = fs::read_to_string(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    doctor(&data, &[]).expect("keys", "wrong", &format!("chmod 600 {}", key.display()));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    doctor(&data, &["--master-key", text.trim()]).expect("keys", "look", "beside what it protects");
    let other = "07".repeat(32);
    doctor(&data, &["--master-key", &other]).expect("keys", "wrong", "3 secrets were sealed with master key");
    doctor(&data, &["--master-key", &other, "--old-master-key", text.trim()]).expect("keys", "look", "another key");
    fs::rename(&key, data.join("elsewhere")).unwrap();
    doctor(&data, &["--master-key", &other, "--old-master-key", text.trim()]).expect("keys", "look", "spunto admin reseal");
    doctor(&data, &[]).expect("keys", "wrong", "put the key file back");
    fs::rename(data.join("elsewhere"), &key).unwrap();
    let sealed = fs::read_dir(data.join("vault")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs::read(&sealed).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&sealed, bytes).unwrap();
    doctor(&data, &[]).expect("keys", "wrong", "1 secrets do not open");
}

#[test]
fn a_new_master_key_takes_over_and_everybody_is_still_known() {
    let (mut world, data) = stopped();
    let key = data.join("master.key");
    let old = fs::read_to_string(&key).unwrap().trim().to_owned();
    fs::write(&key, format!("{}\n", "5a".repeat(32))).unwrap();
    let reseal = |more: &[&str]| {
        let told = Command::new(server_binary()).args(["admin", "reseal", "--data-dir"]).arg(&data).args(more).output().unwrap();
        (told.status.success(), String::from_utf8_lossy(&[told.stdout, told.stderr].concat()).into_owned())
    };
    let (done, words) = reseal(&[]);
    assert!(!done && words.contains("not in the key ring") && !words.contains(&old), "{words}");
    let (done, words) = reseal(&["--old-master-key", &old]);
    assert!(done && words.contains("3 secrets are sealed"), "{words}");
    doctor(&data, &["--old-master-key", &old]).expect("keys", "good", "opens all 3 secrets");
    doctor(&data, &[]).expect("keys", "good", "opens all 3 secrets");
    world.start.env.push(("SPUNTO_OLD_MASTER_KEYS".into(), old));
    let server = world.start.run().unwrap();
    assert!(server.api().sign_in("owner@example.com", "correct horse battery").is_ok(), "by the digest of the old key");
    let twice = world.api.post(&world.of_org("/members"), &json!({ "email": "owner@example.com", "role": "member" })).unwrap();
    assert_eq!(twice.code(), "already_member", "the same person is not made twice");
    let invited =
        world.api.post(&world.of_org("/members"), &json!({ "email": "bob@example.com", "role": "member" })).unwrap().ok().unwrap();
    let bob = world.of_org(&format!("/members/{}", invited["user"].as_str().unwrap()));
    world.api.delete(&bob).unwrap().ok().unwrap();
    let token = invited["invitation"]["link"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let late = world.api.post("/api/invitations/accept", &json!({ "token": token, "name": "Bob", "password": "bob's own horse" })).unwrap();
    assert_eq!(late.status, 410, "an invitation that was taken back opens nothing");
}

#[test]
fn a_damaged_log_and_a_directory_open_to_all_are_found() {
    let (_world, data) = stopped();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    doctor(&data, &[]).expect("data directory", "wrong", "chmod 700");
    // Both notes of where the log ended.
    let tail = fs::OpenOptions::new().write(true).open(data.join("log/tail")).unwrap();
    tail.write_all_at(&[0xFF; 8192], 0).unwrap();
    let said = doctor(&data, &[]);
    said.expect("event log", "wrong", "damaged");
    said.expect("event log", "wrong", "restore a backup");
    said.expect("first owner", "look", "could not be found out");
}

#[test]
fn too_few_open_files_are_found() {
    let (_world, data) = stopped();
    let line = format!("ulimit -n 64; exec {} doctor --json --data-dir {}", server_binary().display(), data.display());
    ask(Command::new("sh").args(["-c", &line])).expect("open files", "wrong", "LimitNOFILE=2512");
    let said = doctor(&data, &["--agents=1000000"]);
    said.expect("open files", "wrong", "not for 1000000");
}

/// Writes a certificate for `name` that ends in so many days, and its key.
fn certificate(directory: &Path, name: &str, days: i64) -> String {
    written(directory, name, days, rcgen::IsCa::ExplicitNoCa)
}

fn written(directory: &Path, name: &str, days: i64, is_ca: rcgen::IsCa) -> String {
    use rcgen::{CertificateParams, KeyPair};
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.is_ca = is_ca;
    let now = time::OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - time::Duration::days(100), now + time::Duration::days(days) + time::Duration::hours(1));
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    fs::write(directory.join("cert.pem"), &pem).unwrap();
    fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    fs::set_permissions(directory.join("key.pem"), fs::Permissions::from_mode(0o600)).unwrap();
    pem
}

/// A server with TLS and its first owner, on a port that stays.
fn secured(directory: &Path) -> (Server, Vec<String>) {
    let pem = certificate(directory, "localhost", 60);
    let mut start = Start::new(&directory.join("data"), &["127.0.0.1:0"]);
    start.flags = ["cert", "key"].map(|name| format!("--tls-{name}={}", directory.join(format!("{name}.pem")).display())).to_vec();
    start.trusts = Some(pem.clone());
    let server = start.run().unwrap();
    let address = server.addresses[0].trim_start_matches("https://").to_owned();
    let api = spunto_tests::api::Api::trusting(&format!("https://{}", address.replace("127.0.0.1", "localhost")), &pem).unwrap();
    api.set_up(server.setup_token.as_ref().unwrap(), "ada@example.com", "correct horse").unwrap();
    let mut flags = start.flags.clone();
    flags.push(format!("--listen={address}"));
    flags.push(format!("--public-url=https://{}", address.replace("127.0.0.1", "localhost")));
    (server, flags)
}

#[test]
fn a_running_server_is_asked_and_its_certificate_judged() {
    let directory = tempfile::tempdir().unwrap();
    let (server, flags) = secured(directory.path());
    let data = directory.path().join("data");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let said = doctor(&data, &flags);
    assert_eq!(said.code, Some(0), "{}", said.report);
    said.expect("event log", "good", &format!("process {}", server.pid()));
    said.expect("server", "good", "is ready");
    said.expect("first owner", "good", "set up");
    said.expect("address", "good", "TLS ends here");
    said.expect("certificate", "good", "valid for localhost for 60 days");

    let health = |flags: &[&str]| Command::new(server_binary()).arg("health").args(flags).output().unwrap().status.code();
    assert_eq!((health(&flags), health(&["--listen=127.0.0.1:1"])), (Some(0), Some(1)));
    // Asked at another address, nobody answers; that is told, and how to ask right.
    doctor(&data, &["--listen=127.0.0.1:1"]).expect("server", "wrong", "--tls-cert");

    for (name, days, mark, word) in [
        ("localhost", 30, "look", "still serves another"),
        ("localhost", -3, "wrong", "expired 2 days ago"),
        ("elsewhere.example", 60, "wrong", "is for elsewhere.example, and nodes are told localhost"),
    ] {
        certificate(directory.path(), name, days);
        doctor(&data, &flags).expect("certificate", mark, word);
    }
    drop(server);
    written(directory.path(), "localhost", 60, rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained));
    doctor(&data, &flags).expect("certificate", "wrong", "authority's own certificate");
    certificate(directory.path(), "localhost", 13);
    doctor(&data, &flags).expect("certificate", "look", "ends in 13 days");
    fs::write(directory.path().join("key.pem"), rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    doctor(&data, &flags).expect("certificate", "wrong", "don't belong together");
}

#[test]
fn settings_come_from_the_same_file_as_the_servers() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("spunto.toml");
    let data = directory.path().join("data");
    fs::write(&file, format!("data-dir = {}\nlisten = \"127.0.0.1:1\"\npublic-url = \"http://spunto.example\"\n", json!(data))).unwrap();
    let said = ask(Command::new(server_binary()).args(["doctor", "--json", "--config"]).arg(&file));
    said.expect("address", "wrong", "agents refuse");
    said.expect("data directory", "good", data.to_str().unwrap());
}
