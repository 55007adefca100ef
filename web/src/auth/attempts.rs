//! Limits how often somebody may guess a secret: counts failures in a window, per address, per account, and per both.
//!
//! An attempt counts as failed from its start until it is known to be right, so that many at once gain nothing. A right answer
//! clears what was counted for this account from this address, and nothing else.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::Mutex;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;

/// How long a failure counts, in milliseconds: 15 minutes.
pub const WINDOW_MS: u64 = 15 * 60 * 1000;
/// Failures for one account from one address.
pub const PAIR_MAX: u32 = 5;
/// Failures from one address, whatever the account.
pub const ADDRESS_MAX: u32 = 50;
/// Failures for one account, wherever from: slows a spread guess down without letting one stranger lock somebody out.
pub const ACCOUNT_MAX: u32 = 100;
/// Counts kept of each kind; beyond that those whose window ends first are forgotten.
const TRACKED_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    since: Timestamp,
}

/// Counts of one kind.
#[derive(Debug)]
struct Counts<K> {
    counts: HashMap<K, Count>,
    max: u32,
}

impl<K: Eq + Hash + Clone> Counts<K> {
    fn new(max: u32) -> Self {
        Self { counts: HashMap::new(), max }
    }

    /// Milliseconds until another attempt is taken; none when one is taken now.
    fn wait_ms(&self, key: &K, now: Timestamp) -> Option<u64> {
        let count = self.counts.get(key)?;
        let age = now.ms_since(count.since);
        (count.failures >= self.max && age < WINDOW_MS).then(|| WINDOW_MS - age)
    }

    fn count(&mut self, key: &K, now: Timestamp) {
        if self.counts.len() >= TRACKED_MAX && !self.counts.contains_key(key) {
            self.counts.retain(|_, count| now.ms_since(count.since) < WINDOW_MS);
            if self.counts.len() >= TRACKED_MAX
                && let Some(oldest) = self.counts.iter().min_by_key(|(_, count)| count.since).map(|(key, _)| key.clone())
            {
                self.counts.remove(&oldest);
            }
        }
        let count = self.counts.entry(key.clone()).or_insert(Count { failures: 0, since: now });
        if now.ms_since(count.since) >= WINDOW_MS {
            *count = Count { failures: 0, since: now };
        }
        count.failures += 1;
    }

    fn take_back(&mut self, key: &K) {
        if let Some(count) = self.counts.get_mut(key) {
            count.failures = count.failures.saturating_sub(1);
        }
    }
}

#[derive(Debug)]
struct All {
    pairs: Counts<(String, SecretDigest)>,
    addresses: Counts<String>,
    accounts: Counts<SecretDigest>,
}

/// The counts of one server. In memory only: a restart forgets them.
#[derive(Debug)]
pub struct Attempts(Mutex<All>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Mutex::new(All { pairs: Counts::new(PAIR_MAX), addresses: Counts::new(ADDRESS_MAX), accounts: Counts::new(ACCOUNT_MAX) }))
    }
}

impl Attempts {
    /// Takes an attempt, counted as failed until [`Attempts::succeeded`].
    ///
    /// # Errors
    /// Too many failed; the milliseconds to wait.
    pub fn begin(&self, address: &str, account: SecretDigest, now: Timestamp) -> Result<(), u64> {
        let mut all = self.0.lock();
        let (pair, address) = ((address.to_owned(), account), address.to_owned());
        let waits = [all.pairs.wait_ms(&pair, now), all.addresses.wait_ms(&address, now), all.accounts.wait_ms(&account, now)];
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        all.pairs.count(&pair, now);
        all.addresses.count(&address, now);
        all.accounts.count(&account, now);
        Ok(())
    }

    /// The attempt was right.
    pub fn succeeded(&self, address: &str, account: SecretDigest) {
        let mut all = self.0.lock();
        all.pairs.counts.remove(&(address.to_owned(), account));
        all.addresses.take_back(&address.to_owned());
        all.accounts.take_back(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(number: u8) -> SecretDigest {
        SecretDigest::from_bytes([number; 32])
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(1_000_000 + ms)
    }

    #[test]
    fn the_sixth_failure_waits_for_the_window_s_end() {
        let attempts = Attempts::default();
        for second in 0..u64::from(PAIR_MAX) {
            assert_eq!(attempts.begin("a", account(1), at(second * 1000)), Ok(()));
        }
        assert_eq!(attempts.begin("a", account(1), at(5000)), Err(WINDOW_MS - 5000));
        assert_eq!(attempts.begin("b", account(1), at(5000)), Ok(()), "from elsewhere the owner still gets in");
        assert_eq!(attempts.begin("a", account(2), at(5000)), Ok(()), "another account is not held up");
        assert_eq!(attempts.begin("a", account(1), at(WINDOW_MS)), Ok(()));
    }

    #[test]
    fn being_right_clears_the_pair() {
        let attempts = Attempts::default();
        for _ in 0..100 {
            assert_eq!(attempts.begin("a", account(1), at(0)), Ok(()));
            attempts.succeeded("a", account(1));
        }
    }

    #[test]
    fn one_address_can_t_try_many_accounts_and_many_addresses_one_account() {
        let attempts = Attempts::default();
        let tried = (0..=255).filter(|number| attempts.begin("a", account(*number), at(0)).is_ok()).count();
        assert_eq!(tried, ADDRESS_MAX as usize);
        let attempts = Attempts::default();
        let tried = (0..1000).filter(|number| attempts.begin(&number.to_string(), account(1), at(0)).is_ok()).count();
        assert_eq!(tried, ACCOUNT_MAX as usize);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..TRACKED_MAX + 500 {
            let _ = attempts.begin(&number.to_string(), SecretDigest::keyed(&[0; 32], &number.to_string()), at(number as u64));
        }
        let all = attempts.0.lock();
        assert!(
            all.pairs.counts.len() <= TRACKED_MAX && all.addresses.counts.len() <= TRACKED_MAX && all.accounts.counts.len() <= TRACKED_MAX
        );
    }
}
