//! Statistics, which take no lock: of each shard they tell one moment, whatever is written meanwhile.
//!
//! Canary, tried and found: one look at a shard's accounts, that counts if the same copy of them holds before and after it.

use samovar::Cache;
use samovar_mmap::hooks::{Event, set_thread_hook};
use std::cell::Cell;
use std::rc::Rc;

/// Sizes of two values that go, one after the other, while the statistics are taken.
const SIZES: [usize; 2] = [10, 1000];

#[test]
fn what_is_told_of_a_shard_is_of_one_moment() {
    let mut overtaken = 0;
    for nth in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let open = || Cache::options().capacity(256 << 10).open(&path).unwrap();
        let (cache, other) = (open(), Rc::new(open()));
        for size in SIZES {
            cache.set(&size.to_le_bytes(), &vec![1; size]).unwrap();
        }
        let moments: Vec<(u64, u64)> = {
            let bytes = |sizes: &[usize]| sizes.iter().map(|size| *size as u64 + 8).sum();
            (0..=SIZES.len()).map(|gone| ((SIZES.len() - gone) as u64, bytes(&SIZES[gone..]))).collect()
        };
        // At the nth load both go: the copy of the accounts that held before holds again.
        let loads = Rc::new(Cell::new(0));
        let (counted, writer) = (Rc::clone(&loads), Rc::clone(&other));
        set_thread_hook(Some(Box::new(move |event| {
            if event == Event::Load && counted.replace(counted.get() + 1) == nth {
                for size in SIZES {
                    writer.remove(&size.to_le_bytes()).unwrap();
                }
            }
        })));
        let stats = cache.stats().unwrap();
        set_thread_hook(None);
        let told = (stats.entries, stats.live_bytes);
        assert!(moments.contains(&told), "load {nth}: {told:?} is none of {moments:?}");
        if loads.get() <= nth {
            break;
        }
        overtaken += 1;
    }
    assert!(overtaken > 20, "{overtaken} loads");
}
