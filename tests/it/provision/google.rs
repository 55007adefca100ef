//! The same at Google Compute Engine: nothing of the saga knows which cloud it is.

use spunto_tests::cloud::google::{self, Google};

use super::*;

fn counts(cloud: &Running<Google>) -> (usize, usize, usize) {
    (cloud.cloud.machines(), cloud.cloud.disks(), cloud.cloud.ever_made())
}

#[test]
fn a_node_is_made_fails_is_retried_and_goes_with_disk_and_all() {
    let machines = Machines::default();
    let cloud = Running::start(Google::with_hook(machines.hook())).unwrap();
    let data = tempfile::tempdir().unwrap();
    let flags = [format!("--cloud-base=google={}/compute/v1", cloud.url), format!("--cloud-base=google-token={}", cloud.url)];
    let world = World::on(&data.path().join("data"), &flags).unwrap();
    machines.know(&world.api.url, world.directory.path().join("machines"));
    let add = |name: &str, secret: &str| {
        let body = json!({ "name": name, "provider": "google", "secret": secret });
        world.api.post(&world.of_org("/credentials"), &body).unwrap()
    };
    assert_eq!(add("strange", &google::key_of_a_stranger()).code(), "credential_refused");
    let added = add("main", &google::account()).ok().unwrap();
    assert!(added["credential"]["account"].is_string(), "the project is named: {added}");
    let image = "projects/debian-cloud/global/images/family/debian-12";
    let wish = json!({ "credential": added["credential"]["id"], "location": "us-central1-a", "machine_type": "e2-medium", "image": image });
    cloud.cloud.limit_instances(0);
    let created = world.api.post(&world.of_org("/nodes"), &json!({ "name": "g", "cloud": wish })).unwrap().ok().unwrap();
    let node = text(&created["node"]["id"]);
    let seen = world.wait_node(&node, "provisioning_failed").unwrap();
    assert_eq!((shown(&seen).as_str(), seen["provision"]["failed"]["class"].as_str()), ("✓✗··", Some("quota")), "{seen}");
    cloud.cloud.limit_instances(usize::MAX);
    // What may have been left by the first attempt settles before the second one begins.
    world.api.post(&world.of_org(&format!("/nodes/{node}/retry")), &json!({})).unwrap().ok().unwrap();
    wait_for("a session", 2 * SOON, || {
        let seen = world.node(&node)?;
        anyhow::ensure!(seen["status"]["state"] == "online", "{} {}", seen["status"], seen["provision"]);
        Ok(Some(()))
    })
    .unwrap();
    assert_eq!(counts(&cloud).0, 1);
    assert_eq!(counts(&cloud).2, 1);
    world.api.delete(&world.of_org(&format!("/nodes/{node}"))).unwrap().ok().unwrap();
    wait_for("the end", 2 * SOON, || {
        let gone = world.api.get(&world.of_org(&format!("/nodes/{node}")))?.status == 404;
        Ok(gone.then_some(()))
    })
    .unwrap();
    assert_eq!((counts(&cloud).0, counts(&cloud).1), (0, 0));
}
