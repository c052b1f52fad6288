//! Values that say whose they are: a torn, old or foreign one is seen when it is checked.
//!
//! A value begins with the number of its entry and the version of the write, and ends with bytes that follow from both.
//! What lies between is filled once a buffer, so a value costs the same for every size.

use crate::random::mix;

/// The smallest value: a number, a version, and two bytes of tail.
pub(crate) const MIN_VALUE_LEN: usize = 10;

/// A buffer in which values are made.
pub(crate) struct Payload {
    bytes: Vec<u8>,
}

impl Payload {
    pub(crate) fn new(max_len: usize) -> Self {
        let bytes = (0..max_len).map(|at| at.to_le_bytes()[0] ^ 0x5a).collect();
        Payload { bytes }
    }

    /// The value of this length for entry `number`.
    #[inline]
    pub(crate) fn value(&mut self, len: usize, number: u32, version: u32) -> &[u8] {
        let value = &mut self.bytes[..len];
        let tail = tail_of(number, version);
        value[len - tail_len(len)..].copy_from_slice(&tail[..tail_len(len)]);
        value[..4].copy_from_slice(&number.to_le_bytes());
        value[4..8].copy_from_slice(&version.to_le_bytes());
        value
    }
}

/// The version of a value of entry `number`; none if it is not one, or not whole.
#[inline]
pub(crate) fn version(value: &[u8], number: u32) -> Option<u32> {
    let (head, rest) = value.split_first_chunk::<8>()?;
    let [n0, n1, n2, n3, v0, v1, v2, v3] = *head;
    let version = u32::from_le_bytes([v0, v1, v2, v3]);
    if u32::from_le_bytes([n0, n1, n2, n3]) != number {
        return None;
    }
    let tail = tail_of(number, version);
    let whole = match rest.last_chunk::<8>() {
        Some(last) => *last == tail,
        None => rest == &tail[..tail_len(value.len())],
    };
    whole.then_some(version)
}

#[inline]
fn tail_of(number: u32, version: u32) -> [u8; 8] {
    mix(u64::from(number) << 32 | u64::from(version)).to_le_bytes()
}

#[inline]
fn tail_len(len: usize) -> usize {
    len.saturating_sub(8).min(8)
}

#[cfg(test)]
mod tests;
