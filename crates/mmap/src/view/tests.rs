//! Views of memory that no system call made, so that an interpreter can look on: races of copies, of words, and of both in
//! turn.

use super::*;
use crate::word::{fence_acquire, fence_release};

const ROUNDS: u64 = if cfg!(miri) { 30 } else { 20_000 };

/// A page that is accessed by views alone.
pub(crate) struct Page(*mut u8);

impl Page {
    const LAYOUT: std::alloc::Layout = std::alloc::Layout::new::<Aligned>();

    pub(crate) fn new() -> Page {
        // SAFETY: the layout has a size.
        Page(unsafe { std::alloc::alloc_zeroed(Page::LAYOUT) })
    }

    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.0, Page::LAYOUT.size(), Access::ReadWrite)
    }
}

#[repr(align(64))]
struct Aligned(#[allow(dead_code)] [u8; 8192]);

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and no view lives.
        unsafe { std::alloc::dealloc(self.0, Page::LAYOUT) };
    }
}

// SAFETY: what is shared of it are views.
unsafe impl Sync for Page {}

/// Copies race at every alignment, each of them whole bytes.
#[test]
fn racing_copies_have_one_size() {
    let page = Page::new();
    std::thread::scope(|scope| {
        let view = page.view();
        for thread in 0..2_usize {
            scope.spawn(move || {
                let bytes = [u8::try_from(thread + 1).unwrap(); 40];
                for round in 0..usize::try_from(ROUNDS).unwrap() {
                    view.write_from(64 + (round + thread * 3) % 16, &bytes).unwrap();
                    view.copy_to(64, 40, view, 256 + round % 8).unwrap();
                    view.zero(300 + thread, 9).unwrap();
                }
            });
        }
        let mut out = [0; 33];
        for round in 0..usize::try_from(ROUNDS).unwrap() {
            view.read_into(64 + round % 9, &mut out).unwrap();
            assert!(out.iter().all(|byte| *byte <= 2));
            view.equals(256, &out).unwrap();
        }
    });
}

/// Words order what lies around them, also on a page that is read-only for the reader.
#[test]
fn words_publish_what_was_copied() {
    let page = Page::new();
    std::thread::scope(|scope| {
        let view = page.view();
        scope.spawn(move || {
            let sequence = view.word64(0).unwrap();
            for round in 1..=ROUNDS {
                sequence.store(round * 2 - 1);
                fence_release();
                view.write_from(64, &round.to_le_bytes()).unwrap();
                sequence.store_release(round * 2);
            }
        });
        let reader = view.read_only();
        let (sequence, mut last) = (reader.word64(0).unwrap(), 0);
        while last < ROUNDS * 2 {
            let before = sequence.load_acquire();
            let mut out = [0; 8];
            reader.read_into(64, &mut out).unwrap();
            fence_acquire();
            if before % 2 == 0 && sequence.load() == before {
                assert_eq!(u64::from_le_bytes(out), before / 2);
                last = before;
            }
            std::thread::yield_now();
        }
    });
}

/// A region is filled with bytes by one who has it alone, published, and then used as words; and the other way around.
#[test]
fn bytes_become_words_and_words_become_bytes() {
    let page = Page::new();
    let view = page.view();
    let (turn, line) = (view.word32(0).unwrap(), view.line(128).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while turn.load_acquire() == 0 {
                std::thread::yield_now();
            }
            assert_eq!(line.load_all(), [0x0707_0707_0707_0707; 8]);
            assert_eq!(line.matches(0xff, 7).count(), 8);
            line.word(3).fetch_add(1);
            line.copy_from(view.line(256).unwrap());
            turn.store_release(2);
        });
        view.write_from(128, &[7; 64]).unwrap();
        turn.store_release(1);
        while turn.load_acquire() != 2 {
            std::thread::yield_now();
        }
        assert!(view.equals(128, &[0; 64]).unwrap());
    });
}
