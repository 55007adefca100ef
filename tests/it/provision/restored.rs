//! A backup that is older than what has happened at a cloud since: no machine is removed and none is made, before the confirmation and
//! by it, and what differs is printed.

use super::*;
use crate::backup::{back_up, digest_in, move_to, spunto, well};

#[test]
fn an_old_backup_leaves_a_cloud_s_machines_alone() {
    let mut place = Place::new();
    let online = |place: &Place, node: &str| place.wait(node, "it to be online", |node| node["status"]["state"] == "online");
    let [kept, going] = ["kept", "going"].map(|name| place.create(name));
    for node in [&kept, &going] {
        online(&place, node);
    }
    let file = back_up(&place.world, "old.backup");
    place.delete(&going);
    place.wait_gone(&going);
    let newer = place.create("newer");
    let newer = text(&online(&place, &newer)["provision"]["machine"]["name"]);
    let count = |place: &Place| (place.cloud.cloud.machines(), place.cloud.cloud.ever_made());
    assert_eq!(count(&place), (2, 3), "there now, ever made");

    move_to(&mut place.world, &file);
    let shown = wait_for("the machine's agent", SOON, || {
        let shown = well(spunto(&place.world, &["restore-status"]).output()?);
        Ok(shown.contains("node kept").then_some(shown).filter(|shown| shown.contains("connected with the token")))
    })
    .unwrap();
    assert!(shown.contains(&format!("{newer} is not in this log -> left alone")), "{shown}");
    assert!(shown.contains("the machine of going is not there"), "{shown}");
    assert_eq!(place.try_create("x", &place.wish()).code(), "observing");
    assert_eq!(count(&place), (2, 3), "before the confirmation: {shown}");

    well(spunto(&place.world, &["confirm", &digest_in(&shown)]).output().unwrap());
    online(&place, &kept);
    let left = place.world.api.get(&place.of_credential("/leftovers")).unwrap().ok().unwrap();
    let names: Vec<String> = left["items"].as_array().unwrap().iter().map(|machine| text(&machine["name"])).collect();
    assert_eq!(names, [newer], "it waits for a person's word");
    assert_eq!(count(&place), (2, 3), "after the confirmation");
}
