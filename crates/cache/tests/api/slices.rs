//! Slices of values in place, on a cache whose user trusts all writers of its file. They stay as they were, whatever is
//! written, and nobody else gets one. This is the one test that makes the promise; like every user who makes it, it
//! must say why it may.

use crate::common::{Label, Rng, seed};
use samovar::{Cache, TrustedWriters};

const CAPACITY: u64 = 272 << 10;

fn value(key: u64, sequence: u64) -> Vec<u8> {
    let len = usize::try_from(Rng::new(key ^ sequence << 32).below(3000)).unwrap();
    Label { key, writer: 0, sequence }.value(len)
}

#[test]
fn a_slice_stays_whatever_is_written() {
    let mut rng = Rng::new(seed());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    // SAFETY: the file is in a directory of this test, which writes it by way of the cache alone, and does not cut it.
    let trust = unsafe { TrustedWriters::promise() };
    let cache = Cache::options().capacity(CAPACITY).open_trusting(&path, trust).unwrap();
    let other = Cache::options().open(&path).unwrap();
    for round in 0..300 {
        let key = rng.below(40);
        cache.set(&key.to_le_bytes(), &value(key, round)).unwrap();
        let held = cache.get_ref(&key.to_le_bytes()).unwrap().unwrap();
        let slice: &[u8] = held.as_slice().unwrap();
        assert_eq!(slice, value(key, round));
        // The key gets other values, and the log goes round.
        for sequence in 0..60 {
            let set = if sequence % 3 == 0 { key } else { 100 + rng.below(400) };
            other.set(&set.to_le_bytes(), &value(set, round << 8 | sequence)).unwrap();
        }
        assert_eq!(slice, value(key, round), "a slice changed");
        assert_eq!(slice, held.to_vec().unwrap());
    }
    assert!(cache.stats().unwrap().evictions > 1000, "the log did not go round");
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn who_promised_nothing_gets_no_slice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(CAPACITY).open(&path).unwrap();
    cache.set(b"k", b"value").unwrap();
    // SAFETY: as above.
    let trust = unsafe { TrustedWriters::promise() };
    let trusting = Cache::options().open_trusting(&path, trust).unwrap();
    assert!(cache.get_ref(b"k").unwrap().unwrap().as_slice().is_none());
    assert_eq!(trusting.get_ref(b"k").unwrap().unwrap().as_slice(), Some(&b"value"[..]));
    // A clone is a handle on the same opening; so is a namespace.
    let space = trusting.clone().create_namespace("tea", None).unwrap();
    space.set(b"empty", b"").unwrap();
    assert_eq!(space.get_ref(b"empty").unwrap().unwrap().as_slice(), Some(&b""[..]));
}
