//! The server ends itself at the provisioner's own points, one after the other: before and after each call and each event, from the
//! wish to the end of the removal.

use super::site::{Site, Which};
use super::*;
use crate::kills::times;

/// Every so manyth point in `make test`, by an odd number so that all sorts come by; `make test-full` sets `SPUNTO_POINT_STEP` to 1.
const STEP: usize = 7;
/// Points of a node's life at least and at most.
const POINTS: std::ops::Range<usize> = 20..200;

/// Goes on with a new server if this one has died; whether all is over instead.
fn dead_or(site: &mut Site, what: &str, over: impl Fn(&Site) -> bool) -> bool {
    let dead = wait_for(what, 2 * SOON, || {
        if !site.world.server.is_running() {
            return Ok(Some(true));
        }
        Ok(over(site).then_some(false))
    });
    let dead = dead.unwrap();
    if dead {
        site.wait_dead(what);
    }
    dead
}

#[test]
fn killed_at_the_provisioner_s_points() {
    let mut site = Site::new(Which::Hetzner);
    let (mut point, step) = (1, times("SPUNTO_POINT_STEP", STEP));
    loop {
        let (failpoint, (_, _, made)) = (format!("provisioner:{point}"), site.counts());
        site.arm(&failpoint);
        let wish = site.wish();
        let first = site.ask(&wish);
        let mut dead = dead_or(&mut site, &failpoint, |site| site.ask(&wish).is_ok_and(|node| site.is(&node, "online")));
        let node = site.ask(&wish).unwrap();
        assert!(first.is_err() || first.unwrap() == node, "{failpoint}: one wish, one node");
        site.wait_online(&node);
        assert_eq!(site.counts(), (1, 0, made + 1), "{failpoint}");
        let told = site.world.api.delete(&site.of_node(&node)).is_ok();
        if !dead {
            dead = dead_or(&mut site, &failpoint, |site| site.is_gone(&node));
            site.delete_again(&node, told);
        }
        site.wait_gone(&node);
        assert_eq!(site.counts(), (0, 0, made + 1), "{failpoint}");
        if !dead {
            break;
        }
        point += step;
    }
    println!("killed at {point} points, one in {step}");
    assert!(POINTS.contains(&point), "{point} points");
    site.verify();
}
