//! Keys of 20 bytes, made from an entry's number by two multiplications. Nothing is looked up in memory for it, so a
//! key costs every peer the same two nanoseconds.

use crate::random::mix;

pub(crate) const KEY_LEN: usize = 20;
/// A key as it is made.
pub(crate) type Key = [u8; KEY_LEN];
/// Entries with this bit in their number are never stored.
pub(crate) const ABSENT: u32 = 1 << 31;

/// The key of entry `number`: sixteen bytes that look random, then the number.
#[inline]
pub(crate) fn key(number: u32) -> Key {
    let high = mix(u64::from(number) + 1);
    let low = high.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut key = [0; KEY_LEN];
    key[..8].copy_from_slice(&high.to_le_bytes());
    key[8..16].copy_from_slice(&low.to_le_bytes());
    key[16..].copy_from_slice(&number.to_le_bytes());
    key
}
