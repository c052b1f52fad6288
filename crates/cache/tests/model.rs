//! Random operations against a model: a hit is exactly what was last set; `check` is clean after every step.

use proptest::prelude::*;
use samovar::{Cache, Ttl};
use std::collections::HashMap;

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Op {
    Set { key: u16, len: usize },
    Expiring { key: u16, len: usize },
    Remove { key: u16 },
    Get { key: u16 },
    Reopen,
}

fn op(keys: u16, longest: usize) -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Set { key, len }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Expiring { key, len }),
        2 => (0..keys).prop_map(|key| Op::Remove { key }),
        8 => (0..keys).prop_map(|key| Op::Get { key }),
        1 => Just(Op::Reopen),
    ]
}

fn key_bytes(key: u16) -> Vec<u8> {
    // Lengths from 2 to 300, so that keys of every alignment and keys longer than any buffer on a stack occur.
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.resize(2 + usize::from(key) % 299, 0x6b);
    bytes
}

fn value_bytes(key: u16, version: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| at.wrapping_mul(31).wrapping_add(usize::from(key)).wrapping_add(version).to_le_bytes()[0])
        .collect()
}

struct Checked {
    cache: Cache,
    model: HashMap<u16, Vec<u8>>,
    lossless: bool,
}

impl Checked {
    fn step(&mut self, op: Op, version: usize, reopen: impl Fn() -> Cache) {
        match op {
            Op::Set { key, len } => {
                let value = value_bytes(key, version, len);
                self.cache.set(&key_bytes(key), &value).unwrap();
                self.model.insert(key, value);
            }
            Op::Expiring { key, len } => {
                self.cache
                    .set_with(&key_bytes(key), &value_bytes(key, version, len), Ttl::millis(0))
                    .unwrap();
                self.model.remove(&key);
            }
            Op::Remove { key } => {
                let removed = self.cache.remove(&key_bytes(key)).unwrap();
                let expected = self.model.remove(&key).is_some();
                assert!(if self.lossless { removed == expected } else { expected || !removed });
            }
            Op::Get { key } => {
                let found = self.cache.get(&key_bytes(key)).unwrap();
                let expected = self.model.get(&key);
                assert!(found.is_none() || found.as_ref() == expected, "key {key}: a foreign or stale value");
                assert!(!self.lossless || found.as_ref() == expected, "key {key} was lost");
            }
            Op::Reopen => self.cache = reopen(),
        }
        let report = self.cache.check().unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.entries, self.cache.stats().entries);
    }
}

fn run(ops: Vec<Op>, lossless: bool, open: impl Fn() -> Cache) {
    let mut checked = Checked { cache: open(), model: HashMap::new(), lossless };
    for (version, op) in ops.into_iter().enumerate() {
        checked.step(op, version, &open);
    }
    if lossless {
        assert_eq!(checked.cache.stats().evictions, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_roomy_cache_is_a_map(ops in prop::collection::vec(op(100, 900), 1..600)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, true, || Cache::options().capacity(512 << 10).open(&path).unwrap());
    }

    #[test]
    fn a_tight_cache_forgets_but_never_lies(ops in prop::collection::vec(op(400, 700), 1..800)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, false, || Cache::options().capacity_entries(40, 2, 900).open(&path).unwrap());
    }

    #[test]
    fn entries_of_very_different_sizes_share_a_ring(ops in prop::collection::vec(op(200, 4000), 1..400)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, false, || Cache::options().capacity(256 << 10).open(&path).unwrap());
    }
}
