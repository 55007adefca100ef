//! Two hundred seeds, those that once found something, and that a seed gives the same run again.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use spunto_simulation::faults::{FAULTS, Fault};
use spunto_simulation::run::simulate;

const SEEDS: u64 = 200;
const STEPS: u64 = 2000;

/// Seeds that found a bug, with what it was; run for ever. (What they meet changes with the simulation itself, so each bug that was
/// found is planted as well: see `planted.rs`.)
const FOUND: &[(u64, &str)] = &[
    (36, "an agent removed the container that another agent of its node had made, as making its own had failed"),
    (11_149, "a container that was made and never ran, found instead of the one that had run elsewhere, kept its unit running for ever"),
    (169, "an order that came again late, after the removal of its unit, made the container anew"),
    (53, "a machine whose agent had called, and which the lagging list had not shown yet, was taken for removed"),
    (61, "the wall clock jumped while a call could still make a machine, and an empty list was believed too early"),
    (788, "the log had stopped with an attempt's failure in it, and the provisioner asked for its machine once more"),
];

#[test]
fn two_hundred_seeds_hold_every_invariant() {
    let (next, faults) = (AtomicU64::new(1), Mutex::new(BTreeMap::<Fault, u64>::new()));
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > SEEDS {
                return;
            }
            match simulate(seed, STEPS) {
                Ok(report) => report.faults.iter().for_each(|(fault, count)| *faults.lock().unwrap().entry(*fault).or_default() += count),
                Err(what) => failures.lock().unwrap().push(what),
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (faults, failures) = (faults.into_inner().unwrap(), failures.into_inner().unwrap());
    for fault in FAULTS {
        println!("{:>8}  {fault:?}", faults.get(fault).unwrap_or(&0));
    }
    assert!(failures.is_empty(), "run one again with: cargo run -- --from SEED, in tests/simulation\n{}", failures.join("\n"));
    let never: Vec<&Fault> = FAULTS.iter().filter(|fault| !faults.contains_key(fault)).collect();
    assert!(never.is_empty(), "faults that were never made: {never:?}");
}

#[test]
fn seeds_that_found_something_find_it_no_more() {
    for (seed, what) in FOUND {
        simulate(*seed, STEPS).unwrap_or_else(|found| panic!("{what} (again?): {found}"));
    }
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for seed in [7, 1_000_003] {
        let (first, second) = (simulate(seed, STEPS).unwrap(), simulate(seed, STEPS).unwrap());
        assert!(first.events > 100, "{first:?}");
        assert_eq!((first.trace, first.messages, first.faults), (second.trace, second.messages, second.faults));
    }
    assert_ne!(simulate(8, 200).unwrap().trace, simulate(9, 200).unwrap().trace);
}
