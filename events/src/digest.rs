//! BLAKE3 of many short texts at once: the same digests as one by one, in a third of the time.
//!
//! A frame is hashed block by block, each block waiting for the one before, so that one frame keeps a processor's wide registers
//! almost empty. Here frames of the same number of blocks go side by side. The crate offers that only as a part that is
//! undocumented and may change; hence its exact version in the root `Cargo.toml`, and the tests here, which compare with
//! [`blake3::hash`].

use blake3::IncrementCounter;
use blake3::platform::Platform;

const BLOCK_BYTES: usize = 64;
/// Up to here a text is one chunk, whose blocks are a plain chain; longer ones are trees and fill the registers themselves.
const CHUNK_BYTES: usize = 1024;
/// Most texts side by side on any processor.
const LANES_MAX: usize = 16;
/// BLAKE3's initial chaining value, which is SHA-256's.
const START: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Flags of the first and the last block of a chunk, and of the last of a text.
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 2;
const ROOT: u8 = 8;

/// Texts that go side by side: which, and with what content.
type Lanes<'a> = Vec<(usize, &'a [u8])>;

/// The digest of each text.
pub(crate) fn of_each(texts: &[&[u8]]) -> Vec<[u8; 32]> {
    let mut digests = vec![[0; 32]; texts.len()];
    let platform = Platform::detect();
    // By the number of blocks before the last.
    let mut waiting: [Lanes<'_>; CHUNK_BYTES / BLOCK_BYTES] = Default::default();
    for (number, text) in texts.iter().enumerate() {
        if text.len() <= BLOCK_BYTES || text.len() > CHUNK_BYTES {
            digests[number] = *blake3::hash(text).as_bytes();
            continue;
        }
        let before = (text.len() - 1) / BLOCK_BYTES;
        waiting[before].push((number, text));
        if waiting[before].len() == LANES_MAX {
            hash(platform, before, &waiting[before], &mut digests);
            waiting[before].clear();
        }
    }
    for (before, lanes) in waiting.iter().enumerate().filter(|(_, lanes)| !lanes.is_empty()) {
        hash(platform, before, lanes, &mut digests);
    }
    digests
}

/// Hashes texts of `before` whole blocks and a last one.
fn hash(platform: Platform, before: usize, lanes: &[(usize, &[u8])], digests: &mut [[u8; 32]]) {
    let mut chained = [0; LANES_MAX * 32];
    macro_rules! of_blocks {
        ($($blocks:literal)*) => {
            match before {
                $($blocks => blocks::<{ $blocks * BLOCK_BYTES }>(platform, lanes, &mut chained),)*
                _ => unreachable!("a text of one chunk has at most fifteen blocks before its last"),
            }
        };
    }
    of_blocks!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for ((number, text), chained) in lanes.iter().zip(chained.chunks_exact(32)) {
        let mut words = [0; 8];
        for (word, bytes) in words.iter_mut().zip(chained.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let rest = &text[before * BLOCK_BYTES..];
        let mut block = [0; BLOCK_BYTES];
        block[..rest.len()].copy_from_slice(rest);
        let length = u8::try_from(rest.len()).expect("a block has 64 bytes");
        platform.compress_in_place(&mut words, &block, length, 0, CHUNK_END | ROOT);
        for (bytes, word) in digests[*number].chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }
}

/// Chains the first `BYTES` bytes of each text.
fn blocks<const BYTES: usize>(platform: Platform, lanes: &[(usize, &[u8])], chained: &mut [u8; LANES_MAX * 32]) {
    let mut inputs: [&[u8; BYTES]; LANES_MAX] = [&[0; BYTES]; LANES_MAX];
    for (input, (_, text)) in inputs.iter_mut().zip(lanes) {
        *input = text.first_chunk().expect("the text has so many blocks and one more");
    }
    platform.hash_many(&inputs[..lanes.len()], &START, 0, IncrementCounter::No, 0, CHUNK_START, 0, chained);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of these lengths, all different.
    fn check(lengths: impl IntoIterator<Item = usize>) {
        let texts: Vec<Vec<u8>> = (0_usize..)
            .zip(lengths)
            .map(|(number, length)| (0..length).map(|place| (place * 31 + number * 7 + place / 256) as u8).collect())
            .collect();
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let one_by_one: Vec<[u8; 32]> = texts.iter().map(|text| *blake3::hash(text).as_bytes()).collect();
        assert_eq!(of_each(&texts), one_by_one);
    }

    #[test]
    fn every_length_has_the_digest_that_it_has_alone() {
        check(0..2100);
    }

    #[test]
    fn any_number_side_by_side_is_the_same() {
        for count in 0..70 {
            check(std::iter::repeat_n(229, count));
            check((0..count).map(|number| [96, 160, 229, 1024, 1025, 64][number % 6]));
        }
    }
}
