//! Items of every size, at every alignment.

use crate::{Access, SharedMap};

fn check<const N: usize>(map: &SharedMap, all: &[u8]) {
    for (offset, len) in [(0, all.len() / N), (3, (all.len() - 3) / N)] {
        let items = map.view().items::<[u8; N]>(offset, len).unwrap();
        for index in 0..len {
            let mut item = [0; N];
            assert!(items.read(index, &mut item).unwrap());
            assert!(item == all[offset + index * N..][..N], "item {index} of {N}");
        }
        assert!(!items.read(len, &mut [0; N]).unwrap());
        assert!(!items.read(usize::MAX, &mut [0; N]).unwrap());
        let mut lasts = vec![0; len];
        assert!(items.gather::<u8>(0..len, N - 1, &mut lasts).unwrap());
        assert!((0..len).all(|index| lasts[index] == all[offset + index * N + N - 1]));
        assert!(!items.gather::<u8>(0..len, N, &mut lasts).unwrap(), "beyond the item");
        assert!(!items.gather::<u8>(1..len + 1, 0, &mut lasts).unwrap(), "beyond the last");
        assert!(!items.gather::<u16>(0..len, 0, &mut lasts).unwrap(), "no room");
    }
    assert!(map.view().items::<[u8; N]>(1, all.len() / N + 1).is_err());
    assert!(map.view().items::<[u8; N]>(0, usize::MAX).is_err());
}

#[test]
fn items_of_every_size_are_copied_whole() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    let all: Vec<u8> = (0..8192u32).map(|i| (i * 31 % 251) as u8).collect();
    map.view().write_from(0, &all).unwrap();
    macro_rules! sizes {
        ($($size:literal)+) => { $(check::<$size>(&map, &all);)+ };
    }
    sizes!(1 2 3 4 5 7 8 9 12 15 16 17 24 31 32 33 40 48 56 63 64 65 88 127 128 129 176 450);
}
