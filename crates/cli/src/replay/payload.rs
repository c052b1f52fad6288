//! The values of a replay, made so that a wrong one shows.
//!
//! A value holds its key, the number of its writer and a sequence. The rest is filled from all three and the length. So
//! bytes of another key, of another writer, of an earlier value of the same key, moved or cut short, do not pass.
//! Filling and checking are an addition and a comparison every eight bytes: about as fast as memory.
//!
//! A value too short for the three and a word that binds them is filled from its key and its length alone.

use std::time::{SystemTime, UNIX_EPOCH};

/// Makes the values of one process.
#[derive(Debug)]
pub(crate) struct Author {
    writer: u64,
    sequence: u64,
    buffer: Vec<u8>,
}

impl Author {
    /// An author whose number no other process has, as far as chance goes.
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = u64::try_from(since_1970.as_nanos()).unwrap_or_default();
        Author::numbered(mix(nanoseconds, u64::from(std::process::id())))
    }

    fn numbered(writer: u64) -> Self {
        Author { writer, sequence: 0, buffer: Vec::new() }
    }

    /// The next value for `key`, of `length_bytes`.
    pub(crate) fn compose(&mut self, key: u64, length_bytes: usize) -> &[u8] {
        self.sequence += 1;
        if self.buffer.len() < length_bytes {
            self.buffer.resize(length_bytes, 0);
        }
        let value = &mut self.buffer[..length_bytes];
        if length_bytes < SHORTEST_LABELLED_BYTES {
            fill(short_seed(key, length_bytes), value);
        } else {
            let label = Label { key, writer: self.writer, sequence: self.sequence };
            let (head, body) = value.split_at_mut(LABEL_BYTES);
            head.copy_from_slice(&label.to_bytes());
            fill(label.seed(length_bytes), body);
        }
        value
    }
}

/// Whether `value` is, whole and unchanged, one that an [`Author`] made for `key`.
pub(crate) fn is_genuine(key: u64, value: &[u8]) -> bool {
    match value.split_first_chunk() {
        Some((head, body)) if value.len() >= SHORTEST_LABELLED_BYTES => {
            let label = Label::from_bytes(head);
            label.key == key && is_filled(label.seed(value.len()), body)
        }
        _ => is_filled(short_seed(key, value.len()), value),
    }
}

/// What a value says of itself.
struct Label {
    key: u64,
    writer: u64,
    sequence: u64,
}

impl Label {
    fn to_bytes(&self) -> [u8; LABEL_BYTES] {
        let mut bytes = [0; LABEL_BYTES];
        let words = [self.key, self.writer, self.sequence];
        for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; LABEL_BYTES]) -> Label {
        let mut words = bytes.as_chunks().0.iter().copied().map(u64::from_le_bytes);
        let mut word = || words.next().unwrap_or_default();
        Label { key: word(), writer: word(), sequence: word() }
    }

    fn seed(&self, length_bytes: usize) -> u64 {
        mix(mix(mix(self.key, self.writer), self.sequence), length_bytes as u64)
    }
}

fn short_seed(key: u64, length_bytes: usize) -> u64 {
    mix(key, length_bytes as u64)
}

/// The words of a fill step by a constant from a well-mixed seed. No word tells where another fill stands, and no word
/// of a fill occurs twice in it.
fn fill(seed: u64, bytes: &mut [u8]) {
    let (words, tail) = bytes.as_chunks_mut();
    let mut next = seed;
    for word in words {
        *word = next.to_le_bytes();
        next = next.wrapping_add(STEP);
    }
    let tail_length = tail.len();
    tail.copy_from_slice(&next.to_le_bytes()[..tail_length]);
}

/// Reads every byte, also behind a wrong one: without an early exit, the loop runs at the speed of memory.
fn is_filled(seed: u64, bytes: &[u8]) -> bool {
    let (words, tail) = bytes.as_chunks();
    let mut next = seed;
    let mut difference = 0;
    for word in words {
        difference |= u64::from_le_bytes(*word) ^ next;
        next = next.wrapping_add(STEP);
    }
    difference == 0 && *tail == next.to_le_bytes()[..tail.len()]
}

/// Mixes two words into one. Every bit of it depends on every bit of both (the finaliser of SplitMix64).
fn mix(left: u64, right: u64) -> u64 {
    let mut word = left.wrapping_mul(STEP).rotate_left(32) ^ right;
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// Key, writer, sequence.
const LABEL_BYTES: usize = 24;
/// A label and one word: without the word, a flipped bit of the writer or of the sequence would not show.
const SHORTEST_LABELLED_BYTES: usize = LABEL_BYTES + 8;
/// Odd, and its bits look random: 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests;
