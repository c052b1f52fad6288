//! The seal of an entry: a keyed sum over its place, its terms, its key and its value, by which accidental damage, and an
//! entry of an earlier life of the same place, are told from the value that was set.
//!
//! SipHash-1-3 (Aumasson and Bernstein, 2012) under the file's secret key: whoever may store values but not write the
//! file cannot plant bytes inside a value that pass for an entry. It protects against no one who may write the file.

use crate::entry::{Header, Preface};
use crate::position::Position;
use crate::ring::Queue;
use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;

/// The secret by which a file's entries are sealed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SealKey([u8; 16]);

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
    pub(crate) queue: Queue,
    pub(crate) at: Position,
}

impl SealKey {
    pub(crate) fn new(secret: [u8; 16]) -> Self {
        SealKey(secret)
    }

    pub(crate) fn secret(&self) -> [u8; 16] {
        self.0
    }

    /// The seals of this era.
    pub(crate) fn in_era(&self, era: u64) -> Sealer<'_> {
        Sealer { key: self, era }
    }
}

impl Sealer<'_> {
    /// The seal of an entry; the one that its preface may hold does not count.
    pub(crate) fn seal(self, home: Home, header: Header, preface: &Preface, parts: [&[u8]; 2]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key.0);
        let (before_key, len) = preface.sealed_with(0).encode(header);
        hasher.write(&self.era.to_le_bytes());
        hasher.write(&(home.queue as u64).to_le_bytes());
        hasher.write(&home.at.word().to_le_bytes());
        hasher.write(&before_key[..len]);
        for part in parts {
            hasher.write(part);
        }
        hasher.finish()
    }

    /// Does the entry bear the seal that it should? An entry without one does not.
    pub(crate) fn is_whole(self, home: Home, header: Header, preface: &Preface, parts: [&[u8]; 2]) -> bool {
        preface.seal == Some(self.seal(home, header, preface, parts))
    }
}

/// Secrets are not shown.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Extras, Terms};

    #[test]
    fn every_part_of_an_entry_and_its_place_counts() {
        let (secret, other) = (SealKey::new([7; 16]), SealKey::new([8; 16]));
        let key = secret.in_era(4);
        let home = Home { queue: Queue::Small, at: Position::new(3, 100) };
        let terms = Terms { expiry_ms: Some(5), ..Terms::default() };
        let header = Header { key_len: 1, value_len: 2, extras: terms.extras().with(Extras::SEAL) };
        let preface = Preface { terms, seal: None, stamp: 9 };
        let sum = key.seal(home, header, &preface, [b"k", b"vv"]);
        let sealed = preface.sealed_with(sum);
        assert!(key.is_whole(home, header, &sealed, [b"k", b"vv"]));
        assert!(!key.is_whole(home, header, &preface, [b"k", b"vv"]), "no seal");
        let longer = Header { value_len: 3, ..header };
        let stale = Preface { terms: Terms { expiry_ms: Some(6), ..terms }, ..sealed };
        let later = Home { at: Position::new(4, 100), ..home };
        for (home, header, preface, parts) in [
            (Home { queue: Queue::Main, ..home }, header, sealed, [&b"k"[..], &b"vv"[..]]),
            (later, header, sealed, [b"k", b"vv"]),
            (home, longer, sealed, [b"k", b"vv"]),
            (home, header, stale, [b"k", b"vv"]),
            (home, header, Preface { stamp: 8, ..sealed }, [b"k", b"vv"]),
            (home, header, sealed, [b"l", b"vv"]),
            (home, header, sealed, [b"k", b"vw"]),
        ] {
            assert!(!key.is_whole(home, header, &preface, parts), "{home:?} {header:?} {preface:?}");
        }
        for another in [other.in_era(4), secret.in_era(5)] {
            assert!(another.seal(home, header, &preface, [b"k", b"vv"]) != sum, "{another:?}");
        }
    }
}
