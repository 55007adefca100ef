//! The server is killed on both sides of every call to the provider: before the provider acts, and after it has acted and before
//! its answer arrives. Afterwards one machine is there, made once, or none.

use spunto_tests::cloud::Answer as Reply;

use super::*;

/// The calls of a provision: by method, a part of their path, and which such call it is. The first order is the one that tries whether
/// the token may write.
const CALLS: [(&str, &str, usize); 7] = [
    ("GET", "/locations", 1),
    ("POST", "/servers", 1),
    ("GET", "/pricing", 1),
    ("GET", "/server_types", 1),
    ("POST", "/servers", 2),
    ("GET", "/actions", 1),
    ("GET", "/servers", 1),
];

/// Plans that the cloud does not answer this call, having acted or not.
fn stop_at(place: &Place, (method, path, which): (&str, &str, usize), acts: bool) {
    for _ in 1..which {
        place.cloud.plan.after(method, path, Reply::Usual);
    }
    match acts {
        true => place.cloud.plan.after(method, path, Reply::Never),
        false => place.cloud.plan.instead(method, path, Reply::Never),
    }
}

/// Waits until the cloud was asked that, and kills the server, which waits for the answer.
fn kill_at(place: &mut Place, (method, path, which): (&str, &str, usize), calls: usize) {
    wait_for("the call", 2 * SOON, || {
        let now = place.cloud.plan.calls();
        let such = now[calls..].iter().filter(|call| call.starts_with(method) && call.contains(path)).count();
        Ok((such >= which).then_some(()))
    })
    .unwrap();
    place.world.server.kill().unwrap();
    place.cloud.plan.clear();
    place.world.server = place.world.start.run().unwrap();
}

#[test]
fn killed_on_both_sides_of_every_call() {
    let mut place = Place::new();
    let mut nodes = Vec::new();
    for call in CALLS {
        for acts in [false, true] {
            let calls = place.cloud.plan.calls().len();
            stop_at(&place, call, acts);
            let node = place.create(&format!("killed-{}", nodes.len()));
            kill_at(&mut place, call, calls);
            place.wait(&node, "a session", |node| node["status"]["state"] == "online");
            nodes.push(node);
            let made = place.cloud.cloud.ever_made();
            assert_eq!((place.cloud.cloud.machines(), made), (nodes.len(), nodes.len()), "{call:?}, acted: {acts}");
        }
    }
    let made = nodes.len();
    // Everything that deletes is killed, too, on both sides of the list it looks at and of the deletion itself.
    for call in [("GET", "/servers", 1), ("DELETE", "/servers", 1)] {
        for acts in [false, true] {
            let calls = place.cloud.plan.calls().len();
            stop_at(&place, call, acts);
            place.delete(&nodes.pop().unwrap());
            kill_at(&mut place, call, calls);
        }
    }
    nodes.drain(..).for_each(|node| place.delete(&node));
    wait_for("the end of all", 4 * SOON, || {
        let left = place.world.api.get(&place.world.of_org("/nodes"))?.ok()?["items"].as_array().map_or(0, Vec::len);
        Ok((left == 0).then_some(()))
    })
    .unwrap();
    assert_eq!((place.cloud.cloud.machines(), place.cloud.cloud.ever_made()), (0, made));
}
