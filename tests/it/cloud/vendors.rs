//! The fakes are what they claim to be: the vendors' own clients work with them, and see their errors as they would the real ones.

use std::path::Path;
use std::process::Command;

use spunto_actors::cloud::conformance::{Rig, clear, order};
use spunto_actors::cloud::{Architecture, FaultKind};
use spunto_tests::cloud::Running;
use spunto_tests::cloud::google::{self, Google};
use spunto_tests::cloud::hetzner::{self, Hetzner};
use spunto_tests::paths::python;

use super::rig::{AtGoogle, Place};

fn drive(script: &str, argument: &str, credentials: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("it/cloud").join(script);
    let mut command = Command::new(python("python"));
    command.arg(path).arg(argument).envs(credentials.iter().map(|(name, value)| (*name, value.as_str())));
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

/// All that a provider can be asked, with what it refuses.
async fn whole_life(place: &impl Rig) {
    let provider = place.ours();
    provider.verify().await.unwrap();
    provider.locations().await.unwrap();
    let order = order(place, 5, 1);
    provider.machine_types(&order.location).await.unwrap();
    provider.images(Architecture::X86).await.unwrap();
    let begun = provider.create(&order).await.unwrap();
    provider.progress(&begun.operation.unwrap()).await.unwrap();
    provider.create(&order).await.unwrap();
    place.fail_later();
    let other = spunto_actors::cloud::Order { node: spunto_core::id::NodeId::from_u64(6), ..order.clone() };
    let failing = provider.create(&other).await.unwrap();
    provider.progress(&failing.operation.unwrap()).await.unwrap();
    provider.list().await.unwrap();
    place.plant(&spunto_actors::cloud::ownership::machine_name(other.node));
    let again = spunto_actors::cloud::Order { attempt: 2, ..other };
    assert_eq!(provider.create(&again).await.unwrap_err().kind, FaultKind::NameTaken);
    clear(&*provider, order.node).await;
}

#[tokio::test]
async fn what_our_client_and_the_fake_say_is_in_google_s_own_description() {
    let place = AtGoogle::new();
    place.plan().record();
    whole_life(&place).await;
    let exchanges = place.plan().exchanges();
    assert!(exchanges.len() > 20);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("exchanges.json");
    std::fs::write(&file, serde_json::Value::from(exchanges).to_string()).unwrap();
    drive("check_google.py", file.to_str().unwrap(), &[]);
}
