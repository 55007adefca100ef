//! The server is killed on both sides of every call to the provider: before the provider acts, and after it has acted and before it
//! answers; from the wish to the end of the removal. Afterwards one machine is there, made once, or none.

use spunto_tests::cloud::Answer as Reply;

use super::site::{BOTH, Site, Which, each_at_once};
use super::*;

/// Calls that a creation and a removal make, a token's included.
const fn calls_of(which: Which) -> (usize, usize) {
    match which {
        Which::Hetzner => (7, 4),
        Which::Google => (9, 7),
    }
}
/// Calls that a creation or a removal makes at most; more means that it does not end.
const CALLS_MAX: usize = 40;

/// A fresh server that its `nth` call to the cloud will kill. It makes its first call with a fresh token, each time.
fn doom(site: &mut Site, nth: usize, acts: bool) {
    site.kill();
    let doomed = site.world.server.pid();
    site.plan.at(nth, acts, Reply::Kill(doomed));
}

/// Waits until the server was killed, and starts another; the call that killed it. None when all was over without it.
fn revive(site: &mut Site, over: impl Fn(&Site) -> bool) -> Option<String> {
    let killed = wait_for("the kill, or the end", 2 * SOON, || {
        if !site.world.server.is_running() {
            return Ok(Some(true));
        }
        Ok(over(site).then_some(false))
    });
    if killed.unwrap() {
        site.kill();
    }
    site.plan.clear();
    site.plan.struck()
}

fn killed_at_every_call(which: Which, acts: bool) {
    let mut site = Site::new(which);
    let (mut creating, mut removing) = (Vec::new(), Vec::new());
    for nth in 1..CALLS_MAX {
        let (_, _, made) = site.counts();
        // Its machine keeps quiet until the provider has nothing more to say of it, so that the calls are always the same.
        site.gate.close();
        doom(&mut site, nth, acts);
        let wish = site.wish();
        let first = site.ask(&wish);
        let created = revive(&mut site, |site| site.awaits_handshake(&wish));
        let node = site.ask(&wish).unwrap();
        assert!(first.is_err() || first.unwrap() == node, "one wish, one node");
        site.gate.open();
        site.wait_online(&node);
        assert_eq!(site.counts(), (1, 0, made + 1), "{which:?}, killed at {created:?}, which acted: {acts}");
        doom(&mut site, nth, acts);
        let told = site.world.api.delete(&site.of_node(&node)).is_ok();
        let removed = revive(&mut site, |site| site.is_gone(&node));
        site.delete_again(&node, told);
        site.wait_gone(&node);
        assert_eq!(site.counts(), (0, 0, made + 1), "{which:?}, killed at {removed:?}, which acted: {acts}");
        if created.is_none() && removed.is_none() {
            break;
        }
        creating.extend(created);
        removing.extend(removed);
    }
    println!("{which:?}, acted: {acts}: killed at {creating:?}, then at {removing:?}");
    let (to_create, to_remove) = calls_of(which);
    assert!(creating.len() >= to_create && removing.len() >= to_remove, "{which:?}: {creating:?} {removing:?}");
    site.verify();
}

#[test]
fn killed_on_both_sides_of_every_call() {
    let all: Vec<_> = BOTH.iter().flat_map(|which| [(*which, false), (*which, true)]).collect();
    each_at_once(&all, |(which, acts)| killed_at_every_call(which, acts));
}
