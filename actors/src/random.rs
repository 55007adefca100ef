//! Randomness from the operating system, for ids and credentials. The core never makes its own.

/// So many random bytes.
///
/// # Panics
/// The operating system has no randomness to give; nothing safe can be done then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    #[cfg(feature = "simulation")]
    if let Some(bytes) = seeded::bytes() {
        return bytes;
    }
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random number: ids, correlations, nonces.
#[must_use]
pub fn number() -> u64 {
    u64::from_le_bytes(bytes())
}

/// Numbers that come again with their seed, for simulations; no server is built with them.
#[cfg(feature = "simulation")]
pub mod seeded {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// From here on, this thread's numbers follow from the seed.
    pub fn start(seed: u64) {
        STATE.set(Some(seed));
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough for what is no secret.
    fn next() -> Option<u64> {
        let state = STATE.get()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
        STATE.set(Some(state));
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }

    pub(super) fn bytes<const N: usize>() -> Option<[u8; N]> {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&next()?.to_le_bytes()[..chunk.len()]);
        }
        Some(bytes)
    }

    /// The next number; 0 where no seed was set.
    #[must_use]
    pub fn number() -> u64 {
        next().unwrap_or(0)
    }
}
