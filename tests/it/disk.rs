//! A disk that is full, or takes no writes: refused in words, reads go on, and all is well again without anybody's hand.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use serde_json::json;
use spunto_core::protocol::FromAgent;
use spunto_tests::api::{Answer, wait_for};
use spunto_tests::scripted::Scripted;
use spunto_tests::volume::{Kind, Volume, unavailable};
use spunto_tests::world::{SOON, World};

/// A world on a small disk of its own; none where there are no loop devices, which is said.
fn on_a_small_disk() -> Option<(World, Volume, tempfile::TempDir)> {
    if let Some(why) = unavailable() {
        println!("SKIPPED: {why}");
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let volume = Volume::make(&directory.path().join("image"), 160, Kind::Ext4, &directory.path().join("disk")).unwrap();
    let world = World::on(&volume.path.join("data"), &["--disk-reserve-mib=16".into()]).unwrap();
    Some((world, volume, directory))
}

fn create(world: &World, name: &str) -> Answer {
    world.api.post(&world.of_org("/nodes"), &json!({ "name": name })).unwrap()
}

type Mend = Box<dyn FnOnce(&mut World, Volume) -> Volume>;

/// The one check: while it is broken, changes are refused with this code, reads go on; mended, changes are taken again, and nothing was
/// lost.
fn check(code: &str, break_it: impl FnOnce(&Volume) -> Mend) {
    let Some((mut world, volume, _directory)) = on_a_small_disk() else { return };
    let node = create(&world, "n1").ok().unwrap();
    let mut session = Scripted::session(&world.api.url, node["token"].as_str().unwrap(), 7).unwrap();
    let id = node["node"]["id"].as_str().unwrap().to_owned();
    world.wait_node(&id, "online").unwrap();
    let mend = break_it(&volume);
    for number in 0..20 {
        let refused = create(&world, &format!("refused-{number}"));
        assert_eq!((refused.status, refused.code()), (507, code), "{}", refused.text);
        assert!(refused.body["detail"].as_str().unwrap().contains("nothing was changed"), "{}", refused.text);
    }
    assert_eq!(world.node(&id).unwrap()["name"], "n1", "reads go on");
    let ready = world.api.get("/readyz").unwrap();
    assert_eq!(ready.status, 200, "it can be read from: {}", ready.text);
    assert!(ready.body["read_only"].is_string(), "{}", ready.text);
    // What an agent tells meanwhile reaches the log later.
    session.send(&FromAgent::Goodbye { reason: "while the disk was full".into() }).unwrap();
    drop(session);
    let _volume = mend(&mut world, volume);
    wait_for("changes to be taken again", SOON, || Ok(create(&world, "n2").ok().ok())).unwrap();
    world.wait_node(&id, "offline").unwrap();
    assert!(world.api.get("/readyz").unwrap().body["read_only"].is_null());
    let names = world.api.get(&world.of_org("/nodes")).unwrap().ok().unwrap()["items"].as_array().unwrap().len();
    assert_eq!(names, 2, "nothing of what was refused is there");
    // And the log holds together: another server opens it.
    world.restart().unwrap();
    assert_eq!(world.node(&id).unwrap()["name"], "n1");
    world.server.kill().unwrap();
}

#[test]
fn a_full_disk_refuses_changes_and_recovers_by_itself() {
    check("disk_full", |volume| {
        let filling = volume.fill().unwrap();
        Box::new(move |world, volume| {
            assert!(world.server.is_running(), "the server lives through it");
            std::fs::remove_file(filling).unwrap();
            volume
        })
    });
}

#[test]
fn a_disk_that_the_kernel_made_read_only_refuses_changes_until_it_is_mounted_again() {
    check("disk_read_only", |volume| {
        volume.abort().unwrap();
        Box::new(|world, volume| {
            assert!(world.server.is_running(), "the server lives through it");
            // Nobody can mount it again while a process has files open there, so the server is stopped, as an operator would.
            world.server.kill().unwrap();
            let volume = volume.mount_again().unwrap();
            world.restart().unwrap();
            volume
        })
    });
}
