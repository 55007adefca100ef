//! A node's gauges of the last minutes, packed: with thousands of nodes they are most of what a session costs.
//!
//! Used memory is kept in steps of 64 KiB and used disk in steps of 1 MiB; sizes and uptime follow from the latest gauges, which are
//! kept as they came.

use std::collections::VecDeque;

use spunto_core::protocol::Gauges;
use spunto_core::time::Timestamp;

/// Gauges kept of each node: ten minutes at one in 5 s.
pub const GAUGES_KEPT_MAX: usize = 120;
const MEMORY_STEP: u64 = 64 << 10;
const DISK_STEP: u64 = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    at: Timestamp,
    cpu_percent: f32,
    load_1m: f32,
    memory_steps: u32,
    disk_steps: u32,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    latest: Option<(Timestamp, Gauges)>,
    /// Oldest first; the latest is not among them.
    samples: VecDeque<Sample>,
}

fn steps(bytes: u64, step: u64) -> u32 {
    u32::try_from(bytes / step).unwrap_or(u32::MAX)
}

impl History {
    /// Adds gauges; the oldest go.
    pub fn push(&mut self, at: Timestamp, gauges: Gauges) {
        if let Some((at, before)) = self.latest.replace((at, gauges)) {
            if self.samples.len() + 1 >= GAUGES_KEPT_MAX {
                self.samples.pop_front();
            }
            self.samples.push_back(Sample {
                at,
                cpu_percent: before.cpu_percent,
                load_1m: before.load_1m,
                memory_steps: steps(before.memory_used_bytes, MEMORY_STEP),
                disk_steps: steps(before.disk_used_bytes, DISK_STEP),
            });
        }
    }

    /// The latest, as they came.
    #[must_use]
    pub const fn latest(&self) -> Option<(Timestamp, Gauges)> {
        self.latest
    }

    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Gauges)> + '_ {
        let latest = self.latest.iter();
        let older = self.samples.iter().zip(latest.clone().cycle()).map(|(sample, (at, latest))| {
            let gauges = Gauges {
                cpu_percent: sample.cpu_percent,
                load_1m: sample.load_1m,
                memory_used_bytes: u64::from(sample.memory_steps) * MEMORY_STEP,
                disk_used_bytes: u64::from(sample.disk_steps) * DISK_STEP,
                uptime_s: latest.uptime_s.saturating_sub(at.ms_since(sample.at) / 1000),
                ..*latest
            };
            (sample.at, gauges)
        });
        older.chain(latest.copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gauges(number: u64) -> Gauges {
        Gauges {
            cpu_percent: 12.5,
            memory_used_bytes: number << 20,
            memory_total_bytes: 8 << 30,
            disk_used_bytes: number << 30,
            disk_total_bytes: 1 << 40,
            uptime_s: 1000 + number,
            load_1m: 0.5,
        }
    }

    #[test]
    fn what_is_kept_reads_as_it_came_to_the_step() {
        let mut history = History::default();
        assert_eq!(history.iter().count(), 0);
        for number in 0..10 {
            history.push(Timestamp::from_ms(number * 1000), gauges(number));
        }
        let all: Vec<_> = history.iter().collect();
        let expected: Vec<_> = (0..10).map(|number| (Timestamp::from_ms(number * 1000), gauges(number))).collect();
        assert_eq!(all, expected);
        assert_eq!(history.latest(), expected.last().copied());
    }

    #[test]
    fn it_is_bounded_and_small() {
        let mut history = History::default();
        for number in 0..1000 {
            history.push(Timestamp::from_ms(number), gauges(number));
        }
        assert_eq!(history.iter().count(), GAUGES_KEPT_MAX);
        assert!(size_of::<Sample>() <= 24);
    }
}
