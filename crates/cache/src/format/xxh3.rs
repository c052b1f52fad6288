//! XXH3-64 with a seed (Yann Collet, xxHash 0.8), of a key that may just have been put together.
//!
//! The algorithm reads the first sixteen bytes of a short input and the last sixteen, in words of eight that begin
//! anywhere. A load that spans two recent stores cannot be forwarded from them. The processor waits until both have
//! reached its cache, and so until all stores before them have. A caller that makes a key and looks it up then waits
//! for the memory of one look-up before the next begins. So words are read here as keys are written, from the front,
//! and those that the algorithm wants are shifted together from them. The result is the same, bit for bit.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The first words of the algorithm's default secret, and its multipliers.
const SECRET: [u64; 4] =
    [0xbe4b_a423_396c_feb8, 0x1cad_21f7_2c81_017c, 0xdb97_9083_e96d_d4de, 0x1f67_b3b7_a4a4_4072];
const PRIME: u64 = 0x9e37_79b1_85eb_ca87;
const AVALANCHE: u64 = 0x1656_6791_9e37_79f9;

/// The hash of some bytes.
#[inline(always)]
pub(crate) fn xxh3(bytes: &[u8], seed: u64) -> u64 {
    match bytes.len() {
        // One by itself, known to the compiler: the length of many digests.
        20 => of_two_blocks(bytes, seed, 0),
        17..=23 => of_odd_length(bytes, seed, 0),
        25..=31 => of_odd_length(bytes, seed, 8),
        // Among them 24 and 32, whose last words begin where words are written.
        _ => of_any_length(bytes, seed),
    }
}

#[inline(never)]
fn of_any_length(bytes: &[u8], seed: u64) -> u64 {
    xxh3_64_with_seed(bytes, seed)
}

#[inline(never)]
fn of_odd_length(bytes: &[u8], seed: u64, at: usize) -> u64 {
    of_two_blocks(bytes, seed, at)
}

/// That of 17 to 31 bytes, but for 24. The last sixteen bytes begin within one word. `at` is where that word begins;
/// one more word follows it, and a tail of less than a word.
#[inline(always)]
fn of_two_blocks(bytes: &[u8], seed: u64, at: usize) -> u64 {
    let tail = &bytes[at + 16..];
    let last = shifted([word(bytes, at), word(bytes, at + 8)], short_word(tail), tail.len());
    let sum = (bytes.len() as u64)
        .wrapping_mul(PRIME)
        .wrapping_add(mixed([word(bytes, 0), word(bytes, 8)], [SECRET[0], SECRET[1]], seed))
        .wrapping_add(mixed(last, [SECRET[2], SECRET[3]], seed));
    let folded = (sum ^ sum >> 37).wrapping_mul(AVALANCHE);
    folded ^ folded >> 32
}

/// The last sixteen bytes of two words and a tail of so many bytes.
#[inline(always)]
fn shifted([low, high]: [u64; 2], tail: u64, len: usize) -> [u64; 2] {
    let joined = |word: u64, next: u64| word >> (8 * len) | next << (64 - 8 * len);
    [joined(low, high), joined(high, tail)]
}

/// Both halves of a product, folded into one.
#[inline(always)]
fn mixed(words: [u64; 2], secret: [u64; 2], seed: u64) -> u64 {
    let factors = [words[0] ^ secret[0].wrapping_add(seed), words[1] ^ secret[1].wrapping_sub(seed)];
    let (low, high) = factors[0].carrying_mul(factors[1], 0);
    low ^ high
}

/// The eight bytes from an offset on.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word))
}

/// One to seven bytes as a word: of four and more its halves, of fewer the first, the middle and the last, which may overlap.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    if let Some((first, last)) = bytes.first_chunk().zip(bytes.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return first | last << (8 * (bytes.len() - 4));
    }
    let byte = |at: usize| u64::from(bytes[at]) << (8 * at);
    byte(0) | byte(bytes.len() / 2) | byte(bytes.len() - 1)
}

#[cfg(test)]
mod tests;
