//! The server is killed on both sides of every call to the provider: before the provider acts, and after it has acted and before
//! its answer arrives; from the wish to the end of the removal. Afterwards one machine is there, made once, or none.

use spunto_tests::cloud::Answer as Reply;

use super::site::{BOTH, Site, Which, each_at_once};

/// Calls that a creation or a removal makes at least, a token's included.
const fn calls_min(which: Which) -> (usize, usize) {
    match which {
        Which::Hetzner => (7, 4),
        Which::Google => (9, 7),
    }
}
/// Calls that a creation or a removal makes at most; more means that it does not end.
const CALLS_MAX: usize = 40;

/// Kills the server when it makes the call that was planned not to be answered. Says which one it was; none where everything came to
/// its end without it.
fn kill_at_the_call(site: &mut Site, over: impl Fn(&Site) -> bool) -> Option<String> {
    let struck = site.wait("the call, or the end", || {
        Ok(match site.plan.struck() {
            Some(call) => Some(Some(call)),
            None => over(site).then_some(None),
        })
    });
    if struck.is_some() {
        site.kill();
    }
    site.plan.clear();
    struck
}

fn killed_at_every_call(which: Which, acts: bool) {
    let mut site = Site::new(which);
    let (mut creating, mut removing) = (Vec::new(), Vec::new());
    for nth in 1..CALLS_MAX {
        let (_, _, made) = site.counts();
        // A fresh server makes its first call with a fresh token, each time.
        site.kill();
        site.plan.at(nth, acts, Reply::Never);
        let node = site.create();
        let created = kill_at_the_call(&mut site, |site| site.is(&node, "online"));
        site.wait_online(&node);
        assert_eq!(site.counts(), (1, 0, made + 1), "{which:?}, killed at {created:?}, which acted: {acts}");
        site.kill();
        site.plan.at(nth, acts, Reply::Never);
        site.delete(&node);
        let removed = kill_at_the_call(&mut site, |site| site.is_gone(&node));
        site.wait_gone(&node);
        assert_eq!(site.counts(), (0, 0, made + 1), "{which:?}, killed at {removed:?}, which acted: {acts}");
        if created.is_none() && removed.is_none() {
            break;
        }
        creating.extend(created);
        removing.extend(removed);
    }
    println!("{which:?}, acted: {acts}: killed at {creating:?}, then at {removing:?}");
    let (least_creating, least_removing) = calls_min(which);
    assert!(creating.len() >= least_creating && removing.len() >= least_removing, "{which:?}: {creating:?} {removing:?}");
    site.verify();
}

#[test]
fn killed_on_both_sides_of_every_call() {
    let all: Vec<_> = BOTH.iter().flat_map(|which| [(*which, false), (*which, true)]).collect();
    each_at_once(&all, |(which, acts)| killed_at_every_call(which, acts));
}
