//! What providers offer, kept for a few minutes: lists that forms ask for again and again, and that cost calls of an account's limit.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::Value;
use spunto_core::id::CredentialId;
use spunto_core::time::Timestamp;

/// How long a list is good.
const KEPT_MS: u64 = 2 * 60 * 1000;
/// Most lists kept.
const LISTS_MAX: usize = 500;

/// Which list: of which credential and version of its secret, and what.
pub type Key = (CredentialId, u32, String);

/// See the module.
#[derive(Debug, Default)]
pub struct Offers(Mutex<HashMap<Key, (Timestamp, Value)>>);

impl Offers {
    /// A list that is still good.
    #[must_use]
    pub fn find(&self, key: &Key, now: Timestamp) -> Option<Value> {
        self.0.lock().get(key).filter(|(at, _)| now.ms_since(*at) < KEPT_MS).map(|(_, list)| list.clone())
    }

    /// Keeps a list.
    pub fn keep(&self, key: Key, now: Timestamp, list: Value) {
        let mut lists = self.0.lock();
        if lists.len() >= LISTS_MAX {
            lists.retain(|_, (at, _)| now.ms_since(*at) < KEPT_MS);
        }
        if lists.len() < LISTS_MAX {
            lists.insert(key, (now, list));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_kept_for_a_while_and_not_without_end() {
        let offers = Offers::default();
        let (at, later) = (Timestamp::from_ms(1), Timestamp::from_ms(1 + KEPT_MS));
        let key = |number: u64| (CredentialId::from_u64(number), 1, "locations".to_owned());
        for number in 0..2 * LISTS_MAX as u64 {
            offers.keep(key(number), at, Value::Null);
        }
        assert_eq!(offers.0.lock().len(), LISTS_MAX);
        assert!(offers.find(&key(0), at).is_some() && offers.find(&key(0), later).is_none());
        offers.keep(key(7_000), later, Value::Null);
        assert!(offers.find(&key(7_000), later).is_some());
    }
}
