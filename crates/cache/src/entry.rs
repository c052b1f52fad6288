//! An entry in the log: one header word, an expiry if it has one, the key, the value, padding to eight bytes.
//!
//! ```text
//!        63    56 55   48 47        32 31                  0
//! header | check | flags |  key length |   value length    |
//! ```
//!
//! Flags tell entries, and entries known to be dead, from the two marks that a walk meets: WRAP (the rest of this lap is empty) and FILLER (skip `value
//! length` units). The check byte is a sum over the other seven, so that a walk over damaged bytes stops at once.

use crate::position::UNIT;

/// Keys are shorter than this by one.
pub(crate) const MAX_KEY_LEN: usize = (1 << 16) - 1;
/// The value length has 32 bits.
pub(crate) const MAX_VALUE_LEN: u64 = (1 << 32) - 1;
/// Bytes of the header word.
pub(crate) const HEADER: u64 = 8;
const EXPIRY: u64 = 8;

const HAS_EXPIRY: u8 = 1;
const WRAP: u8 = 2;
const FILLER: u8 = 4;
/// A hint: no slot names this entry any more. Set after its slot has changed; its absence proves nothing.
const DEAD: u8 = 8;
const FLAGS: u8 = HAS_EXPIRY | WRAP | FILLER | DEAD;

/// What a header word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// An entry with a key and a value.
    Entry(Header),
    /// An entry that no slot names any more, this many units long.
    Dead(u64),
    /// Nothing more in this lap.
    Wrap,
    /// This many units hold nothing.
    Filler(u64),
    /// Not a header that was ever written.
    Damaged,
}

/// The shape of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) key_len: u16,
    pub(crate) value_len: u32,
    pub(crate) has_expiry: bool,
}

/// Units in the log for an entry of these lengths.
pub(crate) fn units_for(key_len: u64, value_len: u64, has_expiry: bool) -> u64 {
    let expiry = if has_expiry { EXPIRY } else { 0 };
    (HEADER + expiry + key_len + value_len).div_ceil(UNIT)
}

impl Header {
    pub(crate) fn units(self) -> u64 {
        units_for(u64::from(self.key_len), u64::from(self.value_len), self.has_expiry)
    }

    /// Bytes from the entry's start to its key.
    pub(crate) fn key_at(self) -> usize {
        if self.has_expiry { 16 } else { 8 }
    }

    /// Bytes from the entry's start to its value.
    pub(crate) fn value_at(self) -> usize {
        self.key_at() + usize::from(self.key_len)
    }

    /// Bytes of key and value.
    pub(crate) fn payload(self) -> u64 {
        u64::from(self.key_len) + u64::from(self.value_len)
    }

    pub(crate) fn word(self) -> u64 {
        self.word_with(0)
    }

    /// The header of the same entry, dead.
    pub(crate) fn dead_word(self) -> u64 {
        self.word_with(DEAD)
    }

    fn word_with(self, more: u8) -> u64 {
        let flags = more | if self.has_expiry { HAS_EXPIRY } else { 0 };
        sealed(u64::from(flags) << 48 | u64::from(self.key_len) << 32 | u64::from(self.value_len))
    }
}

impl Mark {
    #[inline]
    pub(crate) fn parse(word: u64) -> Mark {
        let [v0, v1, v2, v3, k0, k1, flags, _] = word.to_le_bytes();
        if sealed(word) != word || flags & !FLAGS != 0 {
            return Mark::Damaged;
        }
        let value_len = u32::from_le_bytes([v0, v1, v2, v3]);
        match flags {
            WRAP => Mark::Wrap,
            FILLER if value_len > 0 => Mark::Filler(u64::from(value_len)),
            _ if flags & !(HAS_EXPIRY | DEAD) == 0 => {
                let key_len = u16::from_le_bytes([k0, k1]);
                let header = Header { key_len, value_len, has_expiry: flags & HAS_EXPIRY != 0 };
                if flags & DEAD == 0 { Mark::Entry(header) } else { Mark::Dead(header.units()) }
            }
            _ => Mark::Damaged,
        }
    }

    pub(crate) fn wrap_word() -> u64 {
        sealed(u64::from(WRAP) << 48)
    }

    /// `units` must be below 2^32; longer stretches take several fillers.
    pub(crate) fn filler_word(units: u32) -> u64 {
        sealed(u64::from(FILLER) << 48 | u64::from(units))
    }
}

/// The word with its check byte set: a multiplicative sum of the lower 56 bits, never zero for a zero word.
#[inline]
fn sealed(word: u64) -> u64 {
    let low = word & ((1 << 56) - 1);
    let sum = (low ^ 0x5a_a55a_a55a_a55a).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    low | sum << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_gives_back_its_lengths() {
        for (key_len, value_len, has_expiry, units) in [
            (0, 0, false, 1),
            (1, 0, false, 2),
            (20, 64, false, 12),
            (20, 64, true, 13),
            (65_535, u32::MAX, true, 0),
        ] {
            let header = Header { key_len, value_len, has_expiry };
            assert_eq!(Mark::parse(header.word()), Mark::Entry(header));
            assert_eq!(Mark::parse(header.dead_word()), Mark::Dead(header.units()));
            assert!(units == 0 || header.units() == units);
        }
    }

    #[test]
    fn marks_are_told_apart_and_most_damage_is_seen() {
        assert_eq!(Mark::parse(Mark::wrap_word()), Mark::Wrap);
        assert_eq!(Mark::parse(Mark::filler_word(7)), Mark::Filler(7));
        assert_eq!(Mark::parse(0), Mark::Damaged);
        assert_eq!(Mark::parse(u64::MAX), Mark::Damaged);
        let word = Header { key_len: 20, value_len: 64, has_expiry: false }.word();
        let seen = (0..64).filter(|bit| Mark::parse(word ^ (1 << bit)) == Mark::Damaged).count();
        assert!(seen >= 60, "only {seen} of 64 single-bit flips were seen");
    }
}
