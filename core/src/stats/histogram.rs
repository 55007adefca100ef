//! A histogram of whole numbers in buckets that grow with them: fixed size, quantiles exact to 2 %.

/// Buckets per doubling.
const STEPS: u64 = 64;
/// Numbers below this have a bucket each.
const EXACT: u64 = 2 * STEPS;

/// How often each number was seen, roughly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Grows as far as the largest number needs.
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

fn bucket(number: u64) -> usize {
    if number < EXACT {
        return number as usize;
    }
    let shift = u64::from(number.ilog2()) - u64::from(STEPS.ilog2());
    (EXACT + (shift - 1) * STEPS + (number >> shift) - STEPS) as usize
}

/// The largest number of a bucket.
fn end(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < EXACT {
        return bucket;
    }
    let shift = (bucket - EXACT) / STEPS + 1;
    let within = (bucket - EXACT) % STEPS + STEPS;
    ((within + 1) << shift) - 1
}

impl Histogram {
    /// Counts a number.
    pub fn add(&mut self, number: u64) {
        // Larger ones share a bucket: nothing that is measured here lasts for 35 years.
        let place = bucket(number.min(1 << 40));
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        self.buckets[place] += 1;
        self.count += 1;
        self.max = self.max.max(number);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The largest, exactly.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.max
    }

    /// The number that so many percent of all don't exceed; 0 when nothing was counted.
    #[must_use]
    pub fn quantile(&self, percent: u64) -> u64 {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (place, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return end(place).min(self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_one_another_and_hold_their_numbers() {
        let mut last = 0;
        for number in 0..100_000_u64 {
            let place = bucket(number);
            assert!(place == last || place == last + 1, "{number}");
            assert!(end(place) >= number && (place == 0 || end(place - 1) < number), "{number} in {place}");
            last = place;
        }
        assert!(bucket(1 << 40) < 3000);
    }

    #[test]
    fn quantiles_are_exact_to_two_percent() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile(50), histogram.max()), (0, 0));
        (1..=10_000).for_each(|number| histogram.add(number * 7));
        for (percent, exact) in [(50, 35_000_u64), (95, 66_500), (100, 70_000)] {
            let found = histogram.quantile(percent);
            assert!(found.abs_diff(exact) * 50 <= exact, "{percent} %: {found}");
        }
        assert_eq!(histogram.max(), 70_000);
        histogram.add(u64::MAX);
        assert_eq!(histogram.quantile(100), end(bucket(1 << 40)));
    }
}
