//! Randomness from the operating system, for ids and credentials. The core never makes its own.

/// So many random bytes.
///
/// # Panics
/// The operating system has no randomness to give; nothing safe can be done then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A random number: ids, correlations, nonces.
#[must_use]
pub fn number() -> u64 {
    u64::from_le_bytes(bytes())
}
