//! An entry in the log: one header word, the optional words that its flags name, a version, the key, the value, padding to
//! eight bytes.
//!
//! ```text
//!        63    56 55   48 47        32 31                  0
//! header | check | flags |  key length |   value length    |
//! then, each only if flagged, eight bytes: expiry, stale, space, seal; then the version, four bytes
//! ```
//!
//! Flags tell entries from the two marks that a walk meets, and dead entries from others. WRAP ends the lap: the next
//! one begins at the unit in the low 34 bits. FILLER means: skip `value length` units. The check byte is a sum over the
//! other seven, so that a walk over damaged bytes stops at once.

use crate::format::hash::NamespaceWord;
use crate::format::position::{OFFSET_MASK, UNIT};
use std::fmt;

/// Keys are shorter than this by one.
pub(crate) const MAX_KEY_LEN: usize = (1 << 16) - 1;
/// The value length has 32 bits.
pub(crate) const MAX_VALUE_LEN: u64 = (1 << 32) - 1;
/// Bytes of the header word, of each optional word, and of the version.
const WORD: usize = 8;
const VERSION_LEN: usize = 4;
/// Bytes before the key, at most.
pub(crate) const MAX_PREFACE: usize = WORD + 4 * WORD + VERSION_LEN;
/// Bytes before the key of an entry without extras.
pub(crate) const PLAIN_PREFACE: usize = WORD + VERSION_LEN;

const KEY_SHIFT: u32 = 32;
const FLAGS_SHIFT: u32 = 48;
const CHECK_SHIFT: u32 = 56;
const LOW_BITS: u64 = (1 << CHECK_SHIFT) - 1;

const WRAP: u64 = 2;
const FILLER: u64 = 4;
/// A hint: no slot names this entry any more. Set after its slot has changed; its absence proves nothing.
const DEAD: u64 = 8;

/// What an entry has beside its key and value: a set of flags. Each but one adds a word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Extras(u8);

impl Extras {
    pub(crate) const NONE: Extras = Extras(0);
    /// When the entry dies, in wall milliseconds.
    pub(crate) const EXPIRY: Extras = Extras(1);
    /// From when the value is worth a refresh, in wall milliseconds.
    pub(crate) const STALE: Extras = Extras(16);
    /// Which namespace the entry is of, and in which epoch of it.
    pub(crate) const NAMESPACE: Extras = Extras(32);
    /// A keyed sum over the entry and its place.
    pub(crate) const SEAL: Extras = Extras(64);
    /// No word: the entry says that its key is known to have no value.
    pub(crate) const ABSENT: Extras = Extras(128);
    const WORDS: [Extras; 4] = [Extras::EXPIRY, Extras::STALE, Extras::NAMESPACE, Extras::SEAL];
    const WORD_BITS: u8 = 1 | 16 | 32 | 64;
    const ALL_BITS: u8 = Extras::WORD_BITS | 128;
    /// All of them: no entry is longer than with these.
    pub(crate) const ALL: Extras = Extras(Extras::ALL_BITS);

    pub(crate) fn with(self, more: Extras) -> Self {
        Extras(self.0 | more.0)
    }

    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn has(self, other: Extras) -> bool {
        self.0 & other.0 != 0
    }

    #[inline(always)]
    fn words(self) -> usize {
        match self.0 & Extras::WORD_BITS {
            0 => 0,
            words => words.count_ones() as usize,
        }
    }

    /// Bytes from the entry's start to the word of one flag, if it has that flag.
    #[inline]
    fn word_at(self, word: Extras) -> usize {
        WORD + Extras(self.0 & (word.0 - 1)).words() * WORD
    }

    #[inline(always)]
    fn version_at(self) -> usize {
        WORD + self.words() * WORD
    }

    /// Bytes from the entry's start to its key.
    #[inline(always)]
    pub(crate) fn key_at(self) -> usize {
        self.version_at() + VERSION_LEN
    }
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extras({:#04x})", self.0)
    }
}

/// What a header word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// An entry with a key and a value.
    Entry(Header),
    /// An entry that no slot names any more, this many units long.
    Dead(u64),
    /// Nothing more in this lap; the next begins at this offset.
    Wrap(u64),
    /// This many units hold nothing.
    Filler(u64),
    /// Not a header that was ever written.
    Damaged,
}

/// The shape of one entry: its header word without the check byte. It is kept whole, since parts of a word that are stored one by
/// one cannot be loaded together before they have reached the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header(u64);

/// Under which terms an entry lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// When it dies, in wall milliseconds.
    pub(crate) expiry_ms: Option<u64>,
    /// From when it is worth a refresh, in wall milliseconds.
    pub(crate) stale_ms: Option<u64>,
    /// The namespace's word.
    pub(crate) namespace: Option<u64>,
    /// The key is known to have no value.
    pub(crate) absent: bool,
}

/// Everything of an entry before its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preface {
    pub(crate) terms: Terms,
    /// The keyed sum, for an entry that has one.
    pub(crate) seal: Option<u64>,
    /// The low half of the shard's version when the value was set: the version of a compare-and-set.
    pub(crate) version: u32,
}

/// The bytes of an entry.
#[derive(Clone, Copy)]
pub(crate) struct KeyValue<'p> {
    pub(crate) key: &'p [u8],
    pub(crate) value: &'p [u8],
}

/// What an entry takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    /// Units in the log.
    pub(crate) units: u64,
    /// Bytes of its key and value.
    pub(crate) payload: u64,
}

/// Units in the log for an entry of these lengths.
#[inline(always)]
pub(crate) fn units_for(key_len: u64, value_len: u64, extras: Extras) -> u64 {
    (extras.key_at() as u64 + key_len + value_len).div_ceil(UNIT)
}

/// What stands before the key of an entry without extras.
#[inline]
pub(crate) fn plain_preface(header: Header, version: u32) -> [u8; PLAIN_PREFACE] {
    let mut bytes = [0; PLAIN_PREFACE];
    bytes[..WORD].copy_from_slice(&header.word().to_le_bytes());
    bytes[WORD..].copy_from_slice(&version.to_le_bytes());
    bytes
}

impl Terms {
    #[inline]
    pub(crate) fn extras(self) -> Extras {
        let flag = |set: bool, flag: Extras| if set { flag } else { Extras::NONE };
        flag(self.expiry_ms.is_some(), Extras::EXPIRY)
            .with(flag(self.stale_ms.is_some(), Extras::STALE))
            .with(flag(self.namespace.is_some(), Extras::NAMESPACE))
            .with(flag(self.absent, Extras::ABSENT))
    }
}

impl Preface {
    /// The same, with this seal if it has one at all.
    pub(crate) fn sealed_with(&self, seal: u64) -> Self {
        Preface { seal: Some(seal), ..*self }
    }

    /// The bytes before the key, and how many they are.
    pub(crate) fn encode(&self, header: Header) -> ([u8; MAX_PREFACE], usize) {
        let mut bytes = [0; MAX_PREFACE];
        let mut len = 0;
        let mut put = |part: &[u8]| {
            bytes[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        };
        put(&header.word().to_le_bytes());
        let terms = self.terms;
        for word in [terms.expiry_ms, terms.stale_ms, terms.namespace, self.seal].into_iter().flatten() {
            put(&word.to_le_bytes());
        }
        put(&self.version.to_le_bytes());
        (bytes, len)
    }

    /// Takes apart what [`Preface::encode`] made; the header was read before, and says what is there.
    pub(crate) fn decode(header: Header, bytes: &[u8; MAX_PREFACE]) -> Self {
        let word = |flag: Extras| {
            let mut word = [0; WORD];
            let at = header.extras().word_at(flag);
            word.copy_from_slice(&bytes[at..at + WORD]);
            header.extras().has(flag).then_some(u64::from_le_bytes(word))
        };
        let [expiry_ms, stale_ms, namespace, seal] = Extras::WORDS.map(word);
        let mut version = [0; VERSION_LEN];
        let at = header.extras().version_at();
        version.copy_from_slice(&bytes[at..at + VERSION_LEN]);
        let absent = header.extras().has(Extras::ABSENT);
        let terms = Terms { expiry_ms, stale_ms, namespace, absent };
        Preface { terms, seal, version: u32::from_le_bytes(version) }
    }
}

impl fmt::Display for Preface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}", self.version)?;
        let Terms { expiry_ms, stale_ms, namespace, absent } = self.terms;
        for (name, word) in [("expires", expiry_ms), ("stale", stale_ms)] {
            if let Some(word) = word {
                write!(f, ", {name} {word}")?;
            }
        }
        if let Some(namespace) = namespace.map(NamespaceWord::from_word) {
            write!(f, ", namespace {} in epoch {}", namespace.number(), namespace.epoch())?;
        }
        if let Some(seal) = self.seal {
            write!(f, ", seal {seal:016x}")?;
        }
        f.write_str(if absent { ", absent" } else { "" })
    }
}

impl Header {
    #[inline(always)]
    pub(crate) fn new(key_len: u16, value_len: u32, extras: Extras) -> Self {
        Header(u64::from(extras.0) << FLAGS_SHIFT | u64::from(key_len) << KEY_SHIFT | u64::from(value_len))
    }

    #[inline(always)]
    pub(crate) fn key_len(self) -> usize {
        let [_, _, _, _, k0, k1, ..] = self.0.to_le_bytes();
        usize::from(u16::from_le_bytes([k0, k1]))
    }

    #[inline(always)]
    pub(crate) fn value_len(self) -> usize {
        let [v0, v1, v2, v3, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([v0, v1, v2, v3]) as usize
    }

    #[inline(always)]
    pub(crate) fn extras(self) -> Extras {
        let [.., flags, _] = self.0.to_le_bytes();
        Extras(flags)
    }

    #[inline(always)]
    pub(crate) fn units(self) -> u64 {
        units_for(self.key_len() as u64, self.value_len() as u64, self.extras())
    }

    /// Bytes from the entry's start to its key.
    #[inline]
    pub(crate) fn key_at(self) -> usize {
        self.extras().key_at()
    }

    /// Bytes from the entry's start to its value.
    pub(crate) fn value_at(self) -> usize {
        self.key_at() + self.key_len()
    }

    /// Bytes from the entry's start to when it dies, if it does.
    pub(crate) fn expiry_at(self) -> Option<usize> {
        self.extras().has(Extras::EXPIRY).then_some(self.extras().word_at(Extras::EXPIRY))
    }

    /// Bytes from the entry's start to the word of its namespace, if it has one.
    pub(crate) fn namespace_at(self) -> Option<usize> {
        self.extras().has(Extras::NAMESPACE).then_some(self.extras().word_at(Extras::NAMESPACE))
    }

    /// Bytes of key and value.
    #[inline]
    pub(crate) fn payload(self) -> u64 {
        self.key_len() as u64 + self.value_len() as u64
    }

    #[inline(always)]
    pub(crate) fn footprint(self) -> Footprint {
        Footprint { units: self.units(), payload: self.payload() }
    }

    #[inline]
    pub(crate) fn word(self) -> u64 {
        with_check(self.0)
    }

    /// The header of the same entry, dead.
    #[inline]
    pub(crate) fn dead_word(self) -> u64 {
        with_check(self.0 | DEAD << FLAGS_SHIFT)
    }
}

impl Mark {
    #[inline(always)]
    pub(crate) fn parse(word: u64) -> Mark {
        let known = word & LOW_BITS;
        if sum_of(known) != word >> CHECK_SHIFT {
            return Mark::Damaged;
        }
        let flags = known >> FLAGS_SHIFT;
        let header = Header(known & !(DEAD << FLAGS_SHIFT));
        if flags & !u64::from(Extras::ALL_BITS) == 0 {
            return Mark::Entry(header);
        }
        match flags {
            WRAP => Mark::Wrap(word & OFFSET_MASK),
            FILLER if header.value_len() > 0 => Mark::Filler(header.value_len() as u64),
            _ if flags & !(u64::from(Extras::ALL_BITS) | DEAD) == 0 => Mark::Dead(header.units()),
            _ => Mark::Damaged,
        }
    }

    /// The next lap begins at `start`.
    pub(crate) fn wrap_word(start: u64) -> u64 {
        with_check(WRAP << FLAGS_SHIFT | start & OFFSET_MASK)
    }

    /// `units` must be below 2^32; longer stretches take several fillers.
    pub(crate) fn filler_word(units: u32) -> u64 {
        with_check(FILLER << FLAGS_SHIFT | u64::from(units))
    }
}

/// The word with its check byte set.
#[inline]
fn with_check(low: u64) -> u64 {
    low | sum_of(low) << CHECK_SHIFT
}

/// The check byte: a multiplicative sum of the lower 56 bits, never zero for a zero word.
#[inline]
fn sum_of(low: u64) -> u64 {
    (low ^ 0x5a_a55a_a55a_a55a).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> CHECK_SHIFT
}

#[cfg(test)]
mod tests;
