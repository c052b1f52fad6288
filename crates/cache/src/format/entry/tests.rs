//! Header words and marks, packed and read back.

use super::*;

#[test]
fn a_header_gives_back_its_lengths() {
    let all = Extras::ALL;
    for (key_len, value_len, extras, units) in [
        (0, 0, Extras::NONE, 2),
        (1, 3, Extras::NONE, 2),
        (20, 64, Extras::NONE, 12),
        (20, 64, Extras::ABSENT, 12),
        (20, 64, Extras::EXPIRY, 13),
        (20, 64, all, 16),
        (65_535, u32::MAX, all, 0),
    ] {
        let header = Header::new(key_len, value_len, extras);
        assert_eq!(Mark::parse(header.word()), Mark::Entry(header));
        assert_eq!(Mark::parse(header.dead_word()), Mark::Dead(header.units()));
        assert!(units == 0 || header.units() == units, "{extras:?}");
    }
}

#[test]
fn a_preface_gives_back_what_was_put_in() {
    for bits in 0..32u64 {
        let word = |bit: u64| (bits >> bit & 1 == 1).then_some(bits * 1000 + bit);
        let terms =
            Terms { expiry_ms: word(0), stale_ms: word(1), namespace: word(2), absent: word(3).is_some() };
        let preface = Preface { terms, seal: word(4), version: 0xdead_beef };
        let extras = terms.extras().with(if preface.seal.is_some() { Extras::SEAL } else { Extras::NONE });
        let header = Header::new(3, 5, extras);
        let (bytes, len) = preface.encode(header);
        assert_eq!(len, header.key_at());
        assert_eq!(Preface::decode(header, &bytes), preface);
        assert_eq!(Mark::parse(u64::from_le_bytes(bytes[..8].try_into().unwrap())), Mark::Entry(header));
    }
}

#[test]
fn marks_are_told_apart_and_most_damage_is_seen() {
    assert_eq!(Mark::parse(Mark::wrap_word((1 << 34) - 2)), Mark::Wrap((1 << 34) - 2));
    assert_eq!(Mark::parse(Mark::filler_word(7)), Mark::Filler(7));
    assert_eq!(Mark::parse(0), Mark::Damaged);
    assert_eq!(Mark::parse(u64::MAX), Mark::Damaged);
    let word = Header::new(20, 64, Extras::NONE).word();
    let seen = (0..64).filter(|bit| Mark::parse(word ^ (1 << bit)) == Mark::Damaged).count();
    assert!(seen >= 60, "only {seen} of 64 single-bit flips were seen");
}
