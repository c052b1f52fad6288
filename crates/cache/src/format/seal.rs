//! The seal of an entry: a keyed checksum over its place, its terms, its key and its value. It tells the value that was
//! set from accidental damage, and from an earlier entry in the same place.
//!
//! It is SipHash-1-3 (Aumasson and Bernstein, 2012) under the file's secret key. A user that may store values, but not
//! write the file, cannot put bytes into a value that pass for an entry. It gives no protection against a process that
//! may write the file. The value takes part by its XXH3 (Collet, 2019) under a seed that follows from the secret, at
//! ten times SipHash's speed. The XXH3 is a checksum against damage; only the SipHash over it and the place cannot be
//! predicted.

use crate::format::entry::{Header, KeyValue, MAX_PREFACE, Preface};
use crate::format::position::Position;
use crate::format::ring::Ring;
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;
use twox_hash::XxHash3_64;

/// Bytes of the era, the ring, the position and the sum of the value.
const FIRST: usize = 32;

/// The secret key of a file's seals.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey {
    secret: [u8; 16],
    /// That for values, which follows from it.
    seed: u64,
}

/// The seals of one era of a file. A file that is emptied because it cannot be trusted begins a new era. Positions that
/// were given out, and that the disk forgot, may be used again then. Bytes of an earlier era there are no entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealer<'k> {
    key: &'k SealKey,
    era: u64,
}

/// Where an entry lies. In an era a position is not used again before the laps of its ring have come round.
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

    /// Makes the seals of this era.
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
