//! The fakes are what they claim to be: the vendors' own clients work with them, and see their errors as they would the real ones.

use std::path::Path;
use std::process::Command;

use spunto_tests::cloud::Running;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::cloud::hetzner::{self, Hetzner};
use spunto_tests::paths::python;

fn drive(script: &str, url: &str, credentials: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/cloud").join(script);
    let mut command = Command::new(python("python"));
    command.arg(path).arg(url).envs(credentials.iter().map(|(name, value)| (*name, value.as_str())));
    let output = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.trim_end().ends_with("all as it should be"), "{said}\n{complained}");
}

#[test]
fn hetzner_s_client_works_with_the_fake() {
    let fake = Running::start(Hetzner::default()).unwrap();
    fake.cloud.sell_out("ccx13", "fsn1");
    fake.cloud.limit_servers(60);
    let credentials = [("HETZNER_TOKEN", hetzner::TOKEN.to_owned()), ("HETZNER_READ_ONLY", hetzner::READ_ONLY.to_owned())];
    drive("drive_hetzner.py", &fake.url, &credentials);
    assert_eq!((fake.cloud.machines(), fake.cloud.ever_made()), (0, 61));
}

#[test]
fn google_s_client_works_with_the_fake() {
    let fake = Running::start(Google::default()).unwrap();
    fake.cloud.limit_instances(7);
    let credentials = [("GOOGLE_KEY", google::account()), ("GOOGLE_STRANGER", google::key_of_a_stranger())];
    drive("drive_google.py", &fake.url, &credentials);
    assert_eq!((fake.cloud.machines(), fake.cloud.disks(), fake.cloud.ever_made()), (0, 0, 8));
}
