//! Hashes of keys in parts are those of the whole.

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
