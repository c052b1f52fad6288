//! A dump decodes any bytes: it ends, it does not panic, and it changes nothing.

use samovar::{Cache, Depth, ErrorKind};
use std::fs;

fn told(path: &std::path::Path) -> Result<String, samovar::Error> {
    let mut out = Vec::new();
    samovar::dump(path, Depth::Entries, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn made(path: &std::path::Path) {
    let cache = Cache::options().capacity(256 << 10).open(path).unwrap();
    for key in 0u32..1500 {
        cache.set(format!("key {key}").as_bytes(), &vec![7; (key % 300) as usize]).unwrap();
    }
    cache.create_namespace("tea", None).unwrap().set(b"leaf", b"green").unwrap();
    cache.set_with(b"brief", b"v", samovar::Ttl::secs(9)).unwrap();
    cache.close().unwrap();
}

#[test]
fn a_dump_shows_keys_slots_and_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    made(&path);
    let before = fs::read(&path).unwrap();
    let told = told(&path).unwrap();
    for part in [
        "geometry",
        "clean      1",
        "shard 0",
        "Main ring",
        "\"key 1499\"",
        "\"brief\"",
        "expires",
        "live",
        "\"tea\", epoch 1",
        "namespace 1 in epoch 1",
    ] {
        assert!(told.contains(part), "{part} is missing");
    }
    assert!(fs::read(&path).unwrap() == before, "the file was changed");
}

#[test]
fn a_dump_of_any_bytes_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    made(&path);
    let whole = fs::read(&path).unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random
    };
    for _ in 0..200 {
        let mut bytes = whole.clone();
        for _ in 0..next() % 200 {
            let at = 4096 + usize::try_from(next() % (bytes.len() as u64 - 4096)).unwrap();
            bytes[at] = next().to_le_bytes()[0];
        }
        // The heads decide the most: damage them often.
        for _ in 0..next() % 8 {
            let at = 86_016 + usize::try_from(next() % 512).unwrap();
            bytes[at] = next().to_le_bytes()[0];
        }
        bytes.truncate(bytes.len() - usize::try_from(next() % 3 * 40_000).unwrap());
        fs::write(&path, &bytes).unwrap();
        told(&path).unwrap();
    }
    fs::write(&path, b"not a cache").unwrap();
    assert_eq!(told(&path).unwrap_err().kind(), ErrorKind::NotACache);
}
