//! Views and words: bounds, alignment, copies against a model, atomics under threads.

use samovar_mmap::{Access, ErrorKind, SharedMap, fence_acquire, fence_full, fence_release};

const LEN: usize = 4096;

fn map() -> SharedMap {
    let file = tempfile::tempfile().unwrap();
    file.set_len(LEN as u64).unwrap();
    SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap()
}

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| u8::try_from((i * 13 + seed) % 255 + 1).unwrap()).collect()
}

#[test]
fn copies_of_every_length_at_every_offset() {
    let map = map();
    let view = map.view();
    let mut model = vec![0; LEN];
    for len in 0..300 {
        for offset in 0..64 {
            let bytes = pattern(len, offset + len);
            view.write_from(offset, &bytes).unwrap();
            model[offset..offset + len].copy_from_slice(&bytes);

            let mut out = vec![0xee; len];
            view.read_into(offset, &mut out).unwrap();
            assert_eq!(out, bytes);
            let mut out = b"before".to_vec();
            view.append_to(offset, len, &mut out).unwrap();
            assert_eq!(&out[..6], b"before");
            assert_eq!(&out[6..], bytes);

            let to = 1000 + (offset * 7 + len) % 64;
            view.copy_to(offset, len, view, to).unwrap();
            assert!(view.equals(to, &bytes).unwrap());
            model.copy_within(offset..offset + len, to);
        }
        assert!(view.equals(0, &model).unwrap(), "nothing else was touched by length {len}");
    }
    view.zero(3, 500).unwrap();
    model[3..503].fill(0);
    assert!(view.equals(0, &model).unwrap());
}

#[test]
fn every_range_that_leaves_the_view_is_refused() {
    let map = map();
    let view = map.view().window(64, 128).unwrap();
    let mut out = vec![0; 300];
    let ranges = [
        (0, 129),
        (1, 128),
        (128, 1),
        (129, 0),
        (129, 1),
        (usize::MAX, 2),
        (2, usize::MAX),
        (usize::MAX, usize::MAX),
    ];
    for (offset, len) in ranges {
        let short = &mut out[..len.min(300)];
        let bytes = short.to_vec();
        let errors = [
            view.window(offset, len).map(|_| ()),
            view.append_to(offset, len, &mut Vec::new()),
            view.copy_to(offset, len, map.view(), 1000),
            view.zero(offset, len),
            view.read_into(offset.max(129 - short.len().min(129)), short),
            view.write_from(offset.max(129 - bytes.len().min(129)), &bytes),
            view.equals(offset.max(129 - bytes.len().min(129)), &bytes).map(|_| ()),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::OutOfBounds, "{offset} {len}");
        }
        view.prefetch(offset);
    }
    assert_eq!(map.view().copy_to(0, 100, view, 29).unwrap_err().kind(), ErrorKind::OutOfBounds);
    for offset in [121, 128, 136, usize::MAX - 7] {
        assert_eq!(view.word64(offset).unwrap_err().kind(), ErrorKind::OutOfBounds);
    }
    assert_eq!(view.word32(125).unwrap_err().kind(), ErrorKind::OutOfBounds);
    assert_eq!(view.load_line(65).unwrap_err().kind(), ErrorKind::OutOfBounds);
    assert!(view.word64(120).is_ok() && view.word32(124).is_ok() && view.load_line(64).is_ok());
}

#[test]
fn words_and_lines_have_to_be_aligned() {
    let map = map();
    let view = map.view();
    for offset in 1..8 {
        assert_eq!(view.word64(offset).unwrap_err().kind(), ErrorKind::Misaligned);
        assert_eq!(view.word32(offset).is_ok(), offset == 4);
        assert_eq!(view.load_line(offset * 8).unwrap_err().kind(), ErrorKind::Misaligned);
    }
    let odd = view.window(4, 100).unwrap();
    assert!(odd.word64(4).is_ok() && odd.word64(0).is_err(), "counted from the file's beginning");
}

#[test]
fn overlapping_copies_are_refused() {
    let map = map();
    let view = map.view();
    for (from, to) in [(0, 0), (0, 9), (9, 0), (5, 6)] {
        assert_eq!(view.copy_to(from, 10, view, to).unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    view.copy_to(0, 10, view, 10).unwrap();
    view.copy_to(10, 10, view, 0).unwrap();
    view.copy_to(5, 0, view, 5).unwrap();
}

#[test]
fn words_are_little_endian_in_the_file() {
    let map = map();
    let view = map.view();
    let word = view.word64(64).unwrap();
    word.store(0x0102_0304_0506_0708);
    assert!(view.equals(64, &[8, 7, 6, 5, 4, 3, 2, 1]).unwrap());
    assert_eq!(word.load(), 0x0102_0304_0506_0708);
    assert_eq!(word.fetch_add(u64::MAX), 0x0102_0304_0506_0708);
    assert_eq!(word.load_acquire(), 0x0102_0304_0506_0707);
    assert_eq!(word.compare_exchange(1, 2), Err(0x0102_0304_0506_0707));
    assert_eq!(word.compare_exchange(0x0102_0304_0506_0707, 2), Ok(0x0102_0304_0506_0707));
    let half = view.word32(72).unwrap();
    half.store_release(0xA1B2_C3D4);
    assert!(view.equals(72, &[0xD4, 0xC3, 0xB2, 0xA1]).unwrap());
    assert_eq!(half.fetch_add(1), 0xA1B2_C3D4);
    assert_eq!(half.compare_exchange(0xA1B2_C3D5, 3), Ok(0xA1B2_C3D5));
    assert_eq!((half.load(), half.load_acquire()), (3, 3));
    assert_eq!(view.load_line(64).unwrap(), [2, 3, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn counters_of_many_threads_add_up() {
    let map = map();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (added, swapped) = (map.view().word64(0).unwrap(), map.view().word32(8).unwrap());
                for _ in 0..10_000 {
                    added.fetch_add(3);
                    let mut seen = swapped.load();
                    while let Err(now) = swapped.compare_exchange(seen, seen + 1) {
                        seen = now;
                    }
                }
            });
        }
    });
    assert_eq!(map.view().word64(0).unwrap().load(), 120_000);
    assert_eq!(map.view().word32(8).unwrap().load(), 40_000);
}

/// What the crate's page tells readers to do: a copy between two equal even sequences is whole.
#[test]
fn validated_copies_are_never_torn() {
    const ROUNDS: u64 = 20_000;
    let map = map();
    let (sequence, bytes) = (map.view().word64(0).unwrap(), map.view().window(64, 200).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..=ROUNDS {
                sequence.store(round * 2 - 1);
                fence_release();
                bytes.write_from(0, &[round.to_le_bytes()[0]; 200]).unwrap();
                sequence.store_release(round * 2);
            }
        });
        let mut last = 0;
        while last < ROUNDS * 2 {
            let before = sequence.load_acquire();
            let mut out = [0; 200];
            bytes.read_into(0, &mut out).unwrap();
            fence_acquire();
            if sequence.load() == before && before % 2 == 0 {
                assert_eq!(out, [(before / 2).to_le_bytes()[0]; 200]);
                assert!(before >= last);
                last = before;
            }
        }
    });
}

/// Two who each raise a flag and then look at the other's: with the full fence, one of them sees the other.
#[test]
fn the_full_fence_orders_a_store_and_a_load() {
    let map = map();
    let (one, other) = (map.view().word64(0).unwrap(), map.view().word64(64).unwrap());
    for _ in 0..2000 {
        one.store(0);
        other.store(0);
        let look = |mine: samovar_mmap::Word64<'_>, theirs: samovar_mmap::Word64<'_>| {
            mine.store(1);
            fence_full();
            theirs.load()
        };
        let seen = std::thread::scope(|scope| {
            let there = scope.spawn(|| look(one, other));
            (look(other, one), there.join().unwrap())
        });
        assert_ne!(seen, (0, 0));
    }
}
