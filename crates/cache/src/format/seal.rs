//! The seal of an entry: a keyed sum over its place, its terms, its key and its value, by which accidental damage, and an
//! entry of an earlier life of the same place, are told from the value that was set.
//!
//! SipHash-1-3 (Aumasson and Bernstein, 2012) under the file's secret key: a user that may store values but not write the
//! file cannot plant bytes inside a value that pass for an entry. It protects against no one who may write the file. The value
//! takes part by its XXH3 (Collet, 2019) under a seed that follows from the secret, at ten times SipHash's speed: that is a sum
//! against damage; what nobody can foretell is the SipHash over it and the place.

use crate::format::entry::{Header, KeyValue, MAX_PREFACE, Preface};
use crate::format::position::Position;
use crate::format::ring::Ring;
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// Bytes of the era, the ring, the position and the sum of the value.
const FIRST: usize = 32;

/// The secret by which a file's entries are sealed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey {
    secret: [u8; 16],
    /// That for values, which follows from it.
    seed: u64,
}

/// The seals of one era of a file. Whatever empties a file because it cannot be trusted begins a new one: positions that were
/// given out, and forgotten by the disk, may then be used again, and what lies there of an earlier era is nobody's entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealer<'k> {
    key: &'k SealKey,
    era: u64,
}

/// Where an entry lies, for ever: positions are not used twice in an era.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) ring: Ring,
    pub(crate) at: Position,
}

/// What an entry holds, ready to be sealed in any place.
#[derive(Clone, Copy)]
pub(crate) struct Content<'p> {
    key: &'p [u8],
    /// The sum of the value.
    value: u64,
}

impl SealKey {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        let mut hasher = SipHasher13::new_with_key(&secret);
        hasher.write(&0u64.to_le_bytes());
        SealKey { secret, seed: hasher.finish() }
    }

    pub(crate) fn secret(&self) -> [u8; 16] {
        self.secret
    }

    /// The seals of this era.
    pub(crate) fn in_era(&self, era: u64) -> Sealer<'_> {
        Sealer { key: self, era }
    }
}

impl Sealer<'_> {
    /// This key and value, read once for all the seals that they get.
    pub(crate) fn content<'p>(self, KeyValue { key, value }: KeyValue<'p>) -> Content<'p> {
        Content { key, value: XxHash3_64::oneshot_with_seed(self.key.seed, value) }
    }

    /// The seal of an entry; the one that its preface may hold does not count.
    pub(crate) fn seal(self, home: Home, header: Header, preface: &Preface, content: Content<'_>) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key.secret);
        let (before_key, len) = Preface { seal: None, ..*preface }.encode(header);
        let mut before = [0; FIRST + MAX_PREFACE];
        let words = [self.era, home.ring as u64, home.at.word(), content.value];
        for (part, word) in before.chunks_exact_mut(8).zip(words) {
            part.copy_from_slice(&word.to_le_bytes());
        }
        before[FIRST..].copy_from_slice(&before_key);
        hasher.write(&before[..FIRST + len]);
        hasher.write(content.key);
        hasher.finish()
    }

    /// Does the entry bear the seal that it should? An entry without one does not.
    pub(crate) fn is_whole(
        self,
        home: Home,
        header: Header,
        preface: &Preface,
        content: Content<'_>,
    ) -> bool {
        preface.seal == Some(self.seal(home, header, preface, content))
    }
}

/// Secrets are not shown.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
mod tests;
