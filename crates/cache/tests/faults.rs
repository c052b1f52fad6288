//! A file cut short under a running cache is an error in it, never a dead process, and never a wrong value.

use samovar::{Cache, ErrorKind};
use std::fs::OpenOptions;

#[test]
fn a_file_cut_short_is_an_error_of_every_operation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(16 << 20).open(&path).unwrap();
    for key in 0u32..10_000 {
        cache.set(&key.to_le_bytes(), &[7; 500]).unwrap();
    }
    let len = OpenOptions::new().write(true).open(&path).unwrap();
    len.set_len(100_000).unwrap();
    let mut faults = 0;
    for key in 0u32..10_000 {
        match cache.get(&key.to_le_bytes()) {
            Ok(found) => assert!(found.is_none_or(|value| value == [7; 500])),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
                faults += 1;
            }
        }
    }
    assert!(faults > 9_000, "only {faults} of 10,000 gets saw the fault");
    assert_eq!(cache.set(b"k", b"v").unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(cache.remove(b"k").unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(cache.check().unwrap_err().kind(), ErrorKind::Fault);
    drop(cache);
    assert_eq!(Cache::options().open(&path).unwrap_err().kind(), ErrorKind::Truncated);
}
