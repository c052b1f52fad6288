//! What a salvage tells, what it refuses, how it dies, and the slot that would deceive it.
//!
//! Canary, in `scripts/canaries`: a ring that goes on for ever since the last flush.

use crate::common::Label;
use crate::common::disk::restart;
use samovar::{Cache, ErrorKind, Policy, Salvaged, Swap, Ttl};
use samovar_mmap::hooks::{Clock, Event, set_thread_clock, set_thread_hook};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Mutex;

const CAPACITY: u64 = 256 << 10;
/// Where the selector of the shard is, the two copies of its metadata, and in them the head of the main ring.
const SELECTOR: u64 = 86_016 + 128;
const COPIES: [u64; 2] = [86_016 + 256, 86_016 + 384];
const MAIN_HEAD: u64 = 4;
/// Where the index begins.
const INDEX: usize = 102_400;

fn options() -> samovar::Options {
    Cache::options().capacity(CAPACITY).seals(true)
}

fn word(path: &Path, at: u64) -> u64 {
    let mut word = [0; 8];
    File::open(path).unwrap().read_exact_at(&mut word, at).unwrap();
    u64::from_le_bytes(word)
}

/// What the file would be after the power was lost just now, with everything on the disk. It has a name of its own, since the
/// file is in use.
fn lose_power(path: &Path) -> PathBuf {
    let mut lost = path.as_os_str().to_owned();
    lost.push(".lost");
    restart(Path::new(&lost), std::fs::read(path).unwrap());
    lost.into()
}

fn name(number: u32) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

fn value(number: u32) -> Vec<u8> {
    Label { key: u64::from(number), writer: 0, sequence: 1 }
        .value(40 + usize::try_from(number % 200).unwrap())
}

/// A sealed file in use, with a hundred values that were flushed, and one that was not.
fn in_use(dir: &Path) -> (PathBuf, Cache) {
    let path = dir.join("c.samovar");
    let cache = options().open(&path).unwrap();
    for number in 0..100 {
        cache.set(&name(number), &value(number)).unwrap();
    }
    cache.flush().unwrap();
    cache.set(b"later", b"value").unwrap();
    (path, cache)
}

#[test]
fn a_salvage_says_what_it_kept_and_the_file_remembers_it() {
    let dir = tempfile::tempdir().unwrap();
    let (path, cache) = in_use(dir.path());
    let space = cache.create_namespace("tea", None).unwrap();
    space.set(b"green", b"1").unwrap();
    space.clear().unwrap();
    space.set(b"black", b"2").unwrap();
    cache.set_with(b"short", b"lived", Ttl::millis(1)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let lost = lose_power(&path);
    assert_eq!(
        Cache::options().read_only(true).salvage(true).open(&lost).unwrap_err().kind(),
        ErrorKind::Cold
    );
    let told = std::sync::Arc::new(Mutex::new(Vec::new()));
    let telling = std::sync::Arc::clone(&told);
    let tell = move |done, of| telling.lock().unwrap().push((done, of));
    let cache = Cache::options().salvage_telling(tell).open(&lost).unwrap();
    let attachment = cache.attachment();
    let salvaged: Salvaged = attachment.salvaged.unwrap();
    assert_eq!((salvaged.kept, salvaged.dropped(), salvaged.expired, salvaged.emptied), (102, 2, 1, 1));
    assert!(!attachment.warm && attachment.entries == 102 && attachment.cold_reason.is_some());
    assert_eq!(salvaged.to_string(), "102 entries kept, 2 dropped (1 expired, 1 of an emptied namespace)");
    assert_eq!(told.lock().unwrap().last(), Some(&(2048, 2048)));
    for number in 0..100 {
        assert_eq!(cache.get(&name(number)).unwrap(), Some(value(number)));
    }
    assert_eq!(cache.namespace("tea").unwrap().get(b"black").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(cache.namespace("tea").unwrap().stats().unwrap().entries, 1);
    assert!(cache.check().unwrap().is_clean());
    // It is on the disk, and as good as flushed.
    let again = Cache::options().open(lose_power(&lost)).unwrap();
    assert!(again.attachment().warm && again.attachment().entries == 102);
    let emptied = again.attachment().last_emptied.unwrap();
    assert_eq!(emptied.kept, Some(102));
    assert!(emptied.to_string().starts_with("salvaged, with 102 entries kept, because"), "{emptied}");
}

#[test]
fn versions_are_kept_and_not_used_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (path, cache) = in_use(dir.path());
    let (_, version) = cache.get_with_version(b"later").unwrap().unwrap();
    let cache = Cache::options().salvage(true).open(lose_power(&path)).unwrap();
    assert_eq!(cache.get_with_version(b"later").unwrap().unwrap().1, version);
    cache.set(b"another", b"v").unwrap();
    let (_, next) = cache.get_with_version(b"another").unwrap().unwrap();
    assert!(next.number().wrapping_sub(version.number()) > 1000, "{next:?} {version:?}");
    assert_eq!(cache.compare_and_set(b"later", version, b"new", Ttl::NEVER).unwrap(), Swap::Stored);
}

/// A salvage may take an hour. What the file remembers of the clocks is as of its end.
#[test]
fn time_goes_on_while_it_salvages() {
    const HOUR_MS: u64 = 3_600_000;
    let at = |ms| set_thread_clock(Some(Clock { wall_ms: 1_700_000_000_000 + ms, boot_ms: 1000 + ms }));
    let dir = tempfile::tempdir().unwrap();
    at(0);
    let (path, cache) = in_use(dir.path());
    cache.set_with(b"tea", b"hot", Ttl::secs(2 * 3600)).unwrap();
    let lost = lose_power(&path);
    let salvaging = options().salvage_telling(move |_, _| at(HOUR_MS));
    let cache = salvaging.open(&lost).unwrap();
    assert_eq!(cache.attachment().salvaged.unwrap().kept, 102);
    assert_eq!(cache.get(b"tea").unwrap().as_deref(), Some(&b"hot"[..]));
    // After another restart, half an hour before and after the tea expires.
    for (ms, there) in [(HOUR_MS * 3 / 2, true), (HOUR_MS * 5 / 2, false)] {
        let again = lose_power(&lost);
        at(ms);
        let cache = options().open(&again).unwrap();
        assert!(cache.attachment().warm);
        assert_eq!(cache.get(b"tea").unwrap().is_some(), there, "after {ms} ms");
    }
    set_thread_clock(None);
}

#[test]
fn only_what_lost_power_is_salvaged() {
    let dir = tempfile::tempdir().unwrap();
    let (path, cache) = in_use(dir.path());
    // A copy of a file in use: nobody knows from which moments its pages are.
    let copy = dir.path().join("copy");
    std::fs::write(&copy, std::fs::read(&path).unwrap()).unwrap();
    // One that is closed, or whose processes died, is warm.
    let attachment = options().salvage(true).open(&path).unwrap().attachment();
    assert!(attachment.warm && attachment.salvaged.is_none());
    drop(cache);
    forget_locks(&copy);
    let attachment = options().salvage(true).open(&copy).unwrap().attachment();
    assert!(attachment.cold_reason.unwrap().contains("copy") && attachment.salvaged.is_none());
    assert_eq!(attachment.entries, 0);
    // Without seals nothing can be told, and nothing is touched.
    let plain = dir.path().join("plain");
    let cache = Cache::options().capacity(CAPACITY).open(&plain).unwrap();
    cache.set(b"k", b"v").unwrap();
    let error = Cache::options().salvage(true).open(lose_power(&plain)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("Options::seals"), "{error}");
    let explicit = Cache::options().capacity(CAPACITY).seals(false).salvage(true);
    assert_eq!(explicit.open(dir.path().join("new")).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

/// Nobody whom the file names as attached lives.
fn forget_locks(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    (0..8).for_each(|slot| file.write_all_at(&[0x11; 8], 8192 + slot * 16 + 8).unwrap());
}

/// Runs `act`, and says what the file holds before its store number `at`; none if there are fewer.
fn before_store(path: &Path, at: u64, act: impl FnOnce()) -> Option<Vec<u8>> {
    let (left, bytes) = (Cell::new(at), Rc::new(RefCell::new(None)));
    let (seen, path) = (Rc::clone(&bytes), path.to_owned());
    set_thread_hook(Some(Box::new(move |event| {
        if matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf) || seen.borrow().is_some() {
            return;
        }
        if left.get() == 0 {
            *seen.borrow_mut() = Some(std::fs::read(&path).unwrap());
        }
        left.set(left.get().saturating_sub(1));
    })));
    act();
    set_thread_hook(None);
    bytes.take()
}

/// Who dies at any store of a salvage leaves a file that is cold, and can be salvaged, or that is warm, and whole.
#[test]
fn a_death_at_every_store_of_a_salvage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = options().open(&path).unwrap();
    for number in 0..12 {
        cache.set(&name(number), &value(number)).unwrap();
    }
    cache.create_namespace("tea", None).unwrap().set(b"black", b"2").unwrap();
    let start = std::fs::read(&path).unwrap();
    let (work, left) = (dir.path().join("work"), dir.path().join("left"));
    let mut warm = 0;
    for at in 0.. {
        restart(&work, start.clone());
        let salvage = || drop(options().salvage(true).open(&work).unwrap());
        let Some(bytes) = before_store(&work, at, salvage) else {
            println!("died before each of {at} stores, after which it was warm {warm} times");
            assert!(at > 100 && warm > 0 && warm < at);
            return;
        };
        let rebooted = bytes.clone();
        restart(&left, rebooted);
        let cache = options().salvage(true).open(&left).unwrap();
        expect_right(&cache, at);
        drop(cache);
        // The same boot, and an opener that does not salvage.
        place(&left, &bytes);
        let cache = options().open(&left).unwrap();
        warm += u64::from(cache.attachment().warm);
        let entries = cache.check().unwrap().entries;
        assert_eq!(entries, if cache.attachment().warm { 13 } else { 0 }, "died at {at}");
        expect_right(&cache, at);
    }
}

fn expect_right(cache: &Cache, at: u64) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "died at {at}: {report}");
    for number in 0..12 {
        let found = cache.get(&name(number)).unwrap();
        assert!(found.is_none_or(|found| found == value(number)), "died at {at}, key {number}");
    }
    cache.set(&name(3), b"after").unwrap();
    assert_eq!(cache.get(&name(3)).unwrap().as_deref(), Some(&b"after"[..]), "died at {at}");
}

/// Puts these bytes there, as those of a file in use whose users have died.
fn place(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&inode.to_le_bytes(), 4096 + 40).unwrap();
    forget_locks(path);
}

/// Sets values of one length, each under a key of its own, until the main ring's head is at this position.
fn fill_until(cache: &Cache, path: &Path, number: &mut u32, head: u64) {
    while main_head(path) != head {
        assert!(main_head(path) < head, "it went past");
        *number += 1;
        cache.set(&number.to_le_bytes(), &[7; 1000]).unwrap();
    }
}

fn main_head(path: &Path) -> u64 {
    let copy = COPIES[usize::try_from(word(path, SELECTOR) & 1).unwrap()];
    word(path, copy + MAIN_HEAD * 8)
}

/// Pages of before and after a namespace had all its entries evicted hold, together, more than its limit allows.
#[test]
fn a_limit_holds_whatever_the_disk_has() {
    const LIMIT: u64 = 8_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = options().policy(Policy::Fifo).open(&path).unwrap();
    let space = cache.create_namespace("tea", Some(LIMIT)).unwrap();
    let fill = |from: u32| (from..from + 200).for_each(|number| space.set(&name(number), &[7; 60]).unwrap());
    fill(0);
    cache.flush().unwrap();
    let flushed = std::fs::read(&path).unwrap();
    let written = usize::try_from(main_head(&path)).unwrap() * 8;
    fill(200);
    let now = std::fs::read(&path).unwrap();
    let (lost, logs) = (dir.path().join("lost"), INDEX + 16_384);
    let mut without_room = 0;
    for mask in 0..16 {
        let mut disk = now.clone();
        let before = (0..4).filter(|page| mask >> page & 1 == 1).map(|page| INDEX + page * 4096);
        for page in before.chain((logs..logs + written / 4096 * 4096).step_by(4096)) {
            disk[page..page + 4096].copy_from_slice(&flushed[page..page + 4096]);
        }
        restart(&lost, disk);
        let cache = Cache::options().salvage(true).open(&lost).unwrap();
        let (held, salvaged) =
            (cache.namespace("tea").unwrap().stats().unwrap(), cache.attachment().salvaged.unwrap());
        assert!(held.bytes <= LIMIT && held.entries == salvaged.kept, "{held:?} {salvaged:?}");
        assert!(held.bytes > LIMIT / 4 && cache.check().unwrap().is_clean(), "{held:?} {salvaged:?}");
        without_room += salvaged.no_room;
    }
    assert!(without_room > 0, "there was room for all, always");
}

/// A torn page has a slot from before a key was removed, and one from after it was set again. Both name their entries.
#[test]
fn of_two_values_of_a_key_the_later_one_is_kept() {
    const LIVE: u64 = 1 << 45;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = options().policy(Policy::Fifo).open(&path).unwrap();
    let keys = 0..600u32;
    keys.clone().for_each(|number| cache.set(&name(number), b"before").unwrap());
    cache.flush().unwrap();
    let flushed = std::fs::read(&path).unwrap();
    let written = usize::try_from(main_head(&path)).unwrap() * 8;
    keys.clone().for_each(|number| assert!(cache.remove(&name(number)).unwrap()));
    keys.clone().rev().for_each(|number| cache.set(&name(number), b"after").unwrap());
    let (mut disk, logs) = (std::fs::read(&path).unwrap(), INDEX + 16_384);
    for page in (logs..logs + written / 4096 * 4096).step_by(4096) {
        disk[page..page + 4096].copy_from_slice(&flushed[page..page + 4096]);
    }
    for slot in (INDEX..logs).step_by(8) {
        let now = u64::from_le_bytes(disk[slot..slot + 8].try_into().unwrap());
        if now & LIVE == 0 {
            disk[slot..slot + 8].copy_from_slice(&flushed[slot..slot + 8]);
        }
    }
    let lost = dir.path().join("lost");
    restart(&lost, disk);
    let cache = Cache::options().salvage(true).open(&lost).unwrap();
    let salvaged = cache.attachment().salvaged.unwrap();
    assert!(salvaged.kept == 600 && salvaged.replaced > 0, "{salvaged:?}");
    for number in keys {
        assert_eq!(cache.get(&name(number)).unwrap().as_deref(), Some(&b"after"[..]), "key {number}");
    }
    assert!(cache.check().unwrap().is_clean());
}

/// Positions that the disk has forgotten are used again once the file is emptied. What lies there of the life before is no
/// entry of this one, though its seal is of that very place.
#[test]
fn what_is_of_an_era_that_was_emptied_brings_nothing_back() {
    const LAP: u64 = 1 << 34;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let (key, mut number) = (u32::MAX.to_le_bytes(), 0);
    let cache = options().policy(Policy::Fifo).open(&path).unwrap();
    cache.flush().unwrap();
    let flushed = std::fs::read(&path).unwrap();
    // Two laps on, where an emptied file begins.
    let at = main_head(&path) + 2 * LAP + 5 * units_of_one(&cache, &path);
    fill_until(&cache, &path, &mut number, at);
    cache.set(&key, &[1; 1000]).unwrap();
    // The disk got the logs and the control page of now, and of everything else what was flushed.
    let (mut disk, logs, now) = (flushed, INDEX + 16_384, std::fs::read(&path).unwrap());
    disk[logs..].copy_from_slice(&now[logs..]);
    disk[4096..8192].copy_from_slice(&now[4096..8192]);
    drop(cache);
    restart(&path, disk);
    let cache = options().open(&path).unwrap();
    assert!(cache.attachment().cold_reason.is_some());
    fill_until(&cache, &path, &mut number, at);
    cache.flush().unwrap();
    let mut disk = std::fs::read(&path).unwrap();
    cache.set(&key, &[2; 1000]).unwrap();
    // The power fails again, and of what came after the flush the disk got the index.
    let now = std::fs::read(&path).unwrap();
    disk[4096..8192].copy_from_slice(&now[4096..8192]);
    disk[INDEX..logs].copy_from_slice(&now[INDEX..logs]);
    let lost = dir.path().join("lost");
    restart(&lost, disk);
    let cache = Cache::options().salvage(true).open(&lost).unwrap();
    assert_eq!(cache.get(&key).unwrap(), None, "it was emptied with everything else before the flush");
    let salvaged = cache.attachment().salvaged.unwrap();
    assert_eq!((salvaged.kept, salvaged.broken), (5, 1), "{salvaged:?}");
}

/// Units that one of the values of [`fill_until`] takes. This sets the first of them.
fn units_of_one(cache: &Cache, path: &Path) -> u64 {
    let before = main_head(path);
    cache.set(&0u32.to_le_bytes(), &[7; 1000]).unwrap();
    main_head(path) - before
}

/// A slot has ten bits of the lap. A thousand laps after a flush one may look exactly like that of an entry evicted
/// before the flush. The disk still has the bytes of that entry.
#[test]
fn a_slot_of_a_thousand_laps_later_brings_nothing_back() {
    const LAP: u64 = 1 << 34;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = options().policy(Policy::Fifo).open(&path).unwrap();
    let (key, mut number) = (u32::MAX.to_le_bytes(), 0u32);
    // Some way into a lap, so that the frontier is in the same lap when the entry has gone.
    while main_head(&path) < 3 * LAP + 6_000 {
        number += 1;
        cache.set(&number.to_le_bytes(), &[7; 1000]).unwrap();
    }
    let at = main_head(&path);
    cache.set(&key, &[1; 1000]).unwrap();
    while cache.get(&key).unwrap().is_some() {
        number += 1;
        cache.set(&number.to_le_bytes(), &[7; 1000]).unwrap();
    }
    assert!(main_head(&path) <= at + LAP, "its bytes are still there");
    cache.flush().unwrap();
    let flushed = std::fs::read(&path).unwrap();
    fill_until(&cache, &path, &mut number, at + 1024 * LAP);
    cache.set(&key, &[2; 1000]).unwrap();
    // The disk got the index and the control page of now, and of nothing else any later version.
    let now = std::fs::read(&path).unwrap();
    let mut disk = flushed.clone();
    disk[4096..8192].copy_from_slice(&now[4096..8192]);
    disk[INDEX..INDEX + 16_384].copy_from_slice(&now[INDEX..INDEX + 16_384]);
    let lost = dir.path().join("lost");
    restart(&lost, disk);
    let cache = Cache::options().salvage(true).open(&lost).unwrap();
    assert_eq!(cache.get(&key).unwrap(), None, "it was evicted before the flush");
    let salvaged = cache.attachment().salvaged.unwrap();
    assert!(salvaged.kept == 0 && salvaged.untold > 50, "{salvaged:?}");
    // With everything on the disk that could be told, but for this ring.
    drop(cache);
    restart(&lost, now);
    let salvaged = Cache::options().salvage(true).open(&lost).unwrap().attachment().salvaged.unwrap();
    assert!(salvaged.kept == 0 && salvaged.untold > 50, "{salvaged:?}");
}
