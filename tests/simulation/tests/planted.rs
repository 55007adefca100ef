//! Every bug that is planted is found.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use spunto_core::planted::{BUGS, Bug, plant};
use spunto_simulation::run::simulate;

/// A bug must show within so many seeds.
const SEEDS: u64 = 150;
const STEPS: u64 = 2000;

/// The one check: with this bug some seed fails; what it says.
fn check(bug: Bug) -> Result<String, String> {
    plant(Some(bug));
    let found = (1..=SEEDS).find_map(|seed| simulate(seed, STEPS).err());
    plant(None);
    let first = |what: String| what.lines().next().unwrap_or_default().to_owned();
    found.map(|what| format!("{bug:?}: {}", first(what))).ok_or_else(|| format!("{bug:?} was not found in {SEEDS} seeds"))
}

#[test]
fn every_planted_bug_is_found() {
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = BUGS.iter().map(|bug| scope.spawn(|| check(*bug))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for result in &results {
        println!("{}", result.as_ref().unwrap_or_else(|missed| missed));
    }
    let missed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn without_a_bug_the_same_seeds_hold() {
    for seed in 1..=3 {
        simulate(seed, STEPS).unwrap();
    }
}
