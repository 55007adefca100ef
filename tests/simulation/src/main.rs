//! Runs seeds: `spunto-simulation --seeds 5000`. Prints what was done, and the first seed that fails.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use spunto_simulation::faults::{FAULTS, Fault};
use spunto_simulation::run::{Report, simulate};

/// Runs the whole system on simulated time, network, engines and disk.
#[derive(Parser)]
struct Options {
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Steps of each.
    #[arg(long, default_value_t = 2000)]
    steps: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let (next, began) = (AtomicU64::new(options.from), Instant::now());
    let (sum, failures) = (Mutex::new(Report::default()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= options.from + options.seeds {
                return;
            }
            match simulate(seed, options.steps) {
                Ok(report) => {
                    if options.seeds == 1 {
                        println!("trace {} messages {}", report.trace, report.messages);
                    }
                    if let Ok(mut sum) = sum.lock() {
                        add(&mut sum, &report);
                    }
                }
                Err(what) => {
                    println!("{what}\n");
                    if let Ok(mut failures) = failures.lock() {
                        failures.push(seed);
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (sum, failures) = (sum.into_inner().unwrap_or_default(), failures.into_inner().unwrap_or_default());
    println!("{} seeds of {} steps in {:.1} s: {} failed", options.seeds, options.steps, began.elapsed().as_secs_f64(), failures.len());
    println!("{} commands, {} events, {} messages, {} sessions", sum.commands, sum.events, sum.messages, sum.sessions);
    for fault in FAULTS {
        println!("{:>10}  {fault:?}", sum.faults.get(fault).copied().unwrap_or(0));
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn add(sum: &mut Report, report: &Report) {
    sum.commands += report.commands;
    sum.events += report.events;
    sum.messages += report.messages;
    sum.sessions += report.sessions;
    let made: &BTreeMap<Fault, u64> = &report.faults;
    for (fault, count) in made {
        *sum.faults.entry(*fault).or_default() += count;
    }
}
