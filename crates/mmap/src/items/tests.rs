//! Items of every size, at every alignment.

use crate::view::View;
use crate::view::tests::Page;

/// All items, or where each takes long, some of them.
const STEP: usize = if cfg!(miri) { 997 } else { 1 };
const MOST: usize = if cfg!(miri) { 9 } else { 8192 };

fn check<const N: usize>(view: View<'_>, all: &[u8]) {
    for (offset, len) in [(0, all.len() / N), (3, (all.len() - 3) / N)] {
        let items = view.items::<[u8; N]>(offset, len).unwrap();
        for index in (0..len).step_by(STEP) {
            let mut item = [0; N];
            assert!(items.read(index, &mut item).unwrap());
            assert!(item == all[offset + index * N..][..N], "item {index} of {N}");
        }
        assert!(!items.read(len, &mut [0; N]).unwrap());
        assert!(!items.read(usize::MAX, &mut [0; N]).unwrap());
        let some = len.min(MOST);
        let mut lasts = vec![0; some];
        assert!(items.gather::<u8>(0..some, N - 1, &mut lasts).unwrap());
        assert!((0..some).all(|index| lasts[index] == all[offset + index * N + N - 1]));
        assert!(!items.gather::<u8>(0..some, N, &mut lasts).unwrap(), "beyond the item");
        assert!(!items.gather::<u8>(len + 1 - some..len + 1, 0, &mut lasts).unwrap(), "beyond the last");
        assert!(!items.gather::<u16>(0..some, 0, &mut lasts).unwrap(), "no room");
    }
    assert!(view.items::<[u8; N]>(1, all.len() / N + 1).is_err());
    assert!(view.items::<[u8; N]>(0, usize::MAX).is_err());
}

#[test]
fn items_of_every_size_are_copied_whole() {
    let page = Page::new();
    let view = page.view();
    let all: Vec<u8> = (0..8192u32).map(|i| (i * 31 % 251) as u8).collect();
    view.write_from(0, &all).unwrap();
    macro_rules! sizes {
        ($($size:literal)+) => { $(check::<$size>(view, &all);)+ };
    }
    sizes!(1 2 3 4 5 7 8 9 12 15 16 17 24 31 32 33 40 48 56 63 64 65 88 127 128 129 176 450);
}
