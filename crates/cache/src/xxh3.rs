//! XXH3-64 with a seed, of a key that may just have been put together.
//!
//! The algorithm reads the first sixteen bytes of a short input and the last sixteen, in words of eight that begin anywhere. A
//! word that lies across two stores which are still under way cannot be forwarded to its load: the processor waits until both
//! have reached its cache, and so until everything before them is done. Who makes a key and looks it up then waits for the
//! memory of one look-up before the next begins. So words are read here as keys are written, from the front, and those that the
//! algorithm wants are shifted together from them. What comes out is the same, bit for bit.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The first words of the algorithm's default secret, and its multipliers.
const SECRET: [u64; 4] =
    [0xbe4b_a423_396c_feb8, 0x1cad_21f7_2c81_017c, 0xdb97_9083_e96d_d4de, 0x1f67_b3b7_a4a4_4072];
const PRIME: u64 = 0x9e37_79b1_85eb_ca87;
const AVALANCHE: u64 = 0x1656_6791_9e37_79f9;

/// The hash of some bytes.
#[inline]
pub(crate) fn xxh3(bytes: &[u8], seed: u64) -> u64 {
    match bytes.len() {
        17..=32 => of_two_blocks(bytes, seed),
        _ => xxh3_64_with_seed(bytes, seed),
    }
}

/// That of 17 to 32 bytes.
#[inline]
fn of_two_blocks(bytes: &[u8], seed: u64) -> u64 {
    // The last whole words before the tail, and the tail of one to eight bytes.
    let before = if bytes.len() > 24 { 8 } else { 0 };
    let (low, high) = (word(bytes, before), word(bytes, before + 8));
    let tail = &bytes[before + 16..];
    let bits = 8 * tail.len();
    // In two steps: of 64 bits nothing stays.
    let joined = |word: u64, next: u64| word >> (bits - 1) >> 1 | next << (64 - bits);
    let (second_last, last) = (joined(low, high), joined(high, short_word(tail)));
    let mixed = (bytes.len() as u64)
        .wrapping_mul(PRIME)
        .wrapping_add(mixed([word(bytes, 0), word(bytes, 8)], [SECRET[0], SECRET[1]], seed))
        .wrapping_add(mixed([second_last, last], [SECRET[2], SECRET[3]], seed));
    let folded = (mixed ^ mixed >> 37).wrapping_mul(AVALANCHE);
    folded ^ folded >> 32
}

/// Both halves of a product, folded into one.
#[inline]
fn mixed(words: [u64; 2], secret: [u64; 2], seed: u64) -> u64 {
    let factors = [words[0] ^ secret[0].wrapping_add(seed), words[1] ^ secret[1].wrapping_sub(seed)];
    let (low, high) = factors[0].carrying_mul(factors[1], 0);
    low ^ high
}

/// The eight bytes from an offset on.
#[inline]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// One to eight bytes as a word: of four and more its halves, which may overlap.
#[inline]
fn short_word(bytes: &[u8]) -> u64 {
    let halves = bytes.first_chunk().zip(bytes.last_chunk());
    if let Some((first, last)) = halves {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return first | last << (8 * (bytes.len() - 4));
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_library_says_of_every_length() {
        let bytes: Vec<u8> = (0..300u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for len in 0..=256 {
            for seed in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
                for key in [&bytes[..len], &bytes[44..][..len]] {
                    assert_eq!(xxh3(key, seed), xxh3_64_with_seed(key, seed), "{len} bytes, seed {seed}");
                }
            }
        }
    }
}
