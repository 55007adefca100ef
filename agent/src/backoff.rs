//! How long to wait before dialling again: full jitter, so that thousands of agents do not come back at one moment.

use std::time::Duration;

/// The first limit.
const FIRST_MS: u64 = 250;
/// The last limit.
const LAST_MS: u64 = 30_000;
/// A session of this length was a good one: begin anew.
pub const GOOD_SESSION: Duration = Duration::from_secs(60);
/// Between attempts when only a person can change the answer.
pub const LATER: Duration = Duration::from_secs(60);

/// Attempts so far.
#[derive(Debug, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait now: between nothing and a limit that doubles; `random` is any number.
    pub fn next(&mut self, random: u64) -> Duration {
        let limit = FIRST_MS.saturating_mul(1 << self.attempts.min(16)).min(LAST_MS);
        self.attempts = self.attempts.saturating_add(1);
        Duration::from_millis(random % (limit + 1))
    }

    /// Begins anew.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_to_half_a_minute_and_no_further() {
        let mut backoff = Backoff::default();
        for limit in [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            assert_eq!(backoff.next(limit).as_millis(), u128::from(limit));
        }
        backoff.reset();
        assert_eq!(backoff.next(250).as_millis(), 250);
        assert!((0..100).all(|_| backoff.next(0).is_zero()));
    }
}
