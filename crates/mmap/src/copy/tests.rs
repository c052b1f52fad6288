//! Every length and alignment against a model, with guard bytes around.

use super::{Unreachable, choose, copy_across, copy_in, copy_out, equals, load, store, stream, zero};

const ROOM: usize = 512;
/// All lengths and offsets, or where each takes long, some of them.
const STEP: usize = if cfg!(miri) { 13 } else { 1 };

fn pattern(seed: usize) -> Vec<u8> {
    (0..ROOM).map(|i| u8::try_from((i * 31 + seed * 7 + 1) % 251).unwrap()).collect()
}

type Copy = unsafe fn(*mut u8, *const u8, usize) -> Result<(), Unreachable>;

/// How many bytes go from where to where.
#[derive(Clone, Copy, Debug)]
struct Case {
    len: usize,
    from: usize,
    to: usize,
}

/// Copies, looks at the whole target, and puts back what was there.
fn check_copy(copy: Copy, source: &mut [u8], target: &mut [u8], case: Case) {
    let Case { len, from, to } = case;
    let model = target.to_vec();
    let (dst, src) = (target.as_mut_ptr().wrapping_add(to), source.as_mut_ptr().wrapping_add(from));
    // SAFETY: both slices are `ROOM` long, and the ranges lie within; they are two allocations, borrowed here.
    unsafe { copy(dst, src, len) }.unwrap();
    assert_eq!(target[to..to + len], source[from..from + len], "{case:?}");
    target[to..to + len].copy_from_slice(&model[to..to + len]);
    assert_eq!(target, model, "{case:?}");
}

#[test]
fn streams_every_length_to_every_offset() {
    let source: Vec<u8> = (0..4096usize).map(|i| i.to_le_bytes()[0] ^ i.to_le_bytes()[1] ^ 0x5a).collect();
    for len in (0..700).step_by(STEP).chain([1023, 1024, 4000]) {
        for offset in (0..64).step_by(STEP) {
            let mut target = vec![1; len + 128];
            // SAFETY: the target has 128 bytes more than are copied.
            unsafe {
                stream(target.as_mut_ptr().wrapping_add(offset), source.as_ptr().wrapping_add(len % 17), len)
            }
            .unwrap();
            assert_eq!(target[offset..offset + len], source[len % 17..][..len], "len {len} to {offset}");
            let others = target[..offset].iter().chain(&target[offset + len..]);
            assert!(others.copied().all(|byte| byte == 1), "len {len} to {offset}");
        }
    }
}

#[test]
fn copies_every_length_at_every_offset() {
    choose();
    check_copies();
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        crate::machine::choose_the_oldest();
        check_copies();
        copies_long_ranges();
        choose();
    }
}

fn check_copies() {
    let (mut source, mut target) = (pattern(1), pattern(6));
    for copy in [copy_out as Copy, copy_in, copy_across] {
        for len in (0..300).step_by(STEP) {
            for offset in (0..64).step_by(STEP) {
                let cases = [
                    Case { len, from: offset, to: (offset * 5 + len) % 64 },
                    Case { len, from: (offset * 3 + len) % 64, to: offset },
                ];
                for case in cases {
                    check_copy(copy, &mut source, &mut target, case);
                }
            }
        }
    }
}

fn same(a: &mut [u8], b: &[u8]) -> bool {
    assert_eq!(a.len(), b.len());
    // SAFETY: two slices of this length, borrowed.
    unsafe { equals(a.as_mut_ptr(), b.as_ptr(), a.len()) }.unwrap()
}

#[test]
fn equals_sees_every_byte() {
    for len in (0..130).step_by(STEP) {
        for offset in (0..17).step_by(STEP) {
            let mut left = pattern(len);
            let mut right = vec![0xee; offset];
            right.extend_from_slice(&left[3..3 + len]);
            right.push(0xee);
            assert!(same(&mut left[3..3 + len], &right[offset..offset + len]));
            for at in offset..offset + len {
                right[at] ^= 0x40;
                assert!(!same(&mut left[3..3 + len], &right[offset..offset + len]), "len {len} byte {at}");
                right[at] ^= 0x40;
            }
        }
    }
}

#[test]
fn zeroes_exactly_its_range() {
    for len in (0..300).step_by(STEP) {
        for offset in (0..64).step_by(STEP) {
            let mut target = [1; ROOM];
            let mut model = target;
            model[offset..offset + len].fill(0);
            // SAFETY: the range lies within the vector.
            unsafe { zero(target.as_mut_ptr().wrapping_add(offset), len) }.unwrap();
            assert_eq!(target, model, "len {len} offset {offset}");
        }
    }
}

#[test]
fn copies_long_ranges() {
    for len in [1 << 12, (1 << 14) + 1, (1 << 16) - 1].into_iter().take(if cfg!(miri) { 1 } else { 3 }) {
        for shift in [0, 1, 7, 31, 63] {
            let source: Vec<u8> = (0..len).map(|i: usize| i.to_le_bytes()[0] ^ i.to_le_bytes()[1]).collect();
            let mut target = vec![0; len + 64];
            // SAFETY: the target has 64 bytes more than are copied.
            unsafe { copy_in(target.as_mut_ptr().wrapping_add(shift), source.as_ptr(), len) }.unwrap();
            assert_eq!(&target[shift..shift + len], &source[..]);
        }
    }
}

#[test]
fn eight_bytes_come_and_go() {
    let mut bytes = *b"0123456789abcdef";
    for offset in 0..=8 {
        // SAFETY: eight bytes of the array.
        let loaded = unsafe { load(bytes.as_mut_ptr().wrapping_add(offset)) }.unwrap();
        assert_eq!(loaded, bytes[offset..offset + 8]);
    }
    // SAFETY: eight bytes of the array.
    unsafe { store(bytes.as_mut_ptr().wrapping_add(3), *b"ABCDEFGH") }.unwrap();
    assert_eq!(&bytes, b"012ABCDEFGHbcdef");
}
