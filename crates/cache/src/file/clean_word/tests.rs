//! Each edge of the clean word, and the absence of others.

use super::*;
use samovar_mmap::{Access, SharedMap};

/// Does something with the clean word of an empty file.
fn with_word(act: impl FnOnce(View<'_>, CleanWord<'_>)) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    act(map.view(), CleanWord::of(map.view()).unwrap());
}

#[test]
fn a_flush_that_nobody_wrote_during_leaves_the_file_clean() {
    with_word(|file, clean| {
        let syncing = begin_syncing(file).unwrap().unwrap();
        assert!(!clean.is_dirty() && !clean.is_clean());
        assert!(clean.finish_syncing(syncing) && clean.is_clean());
        assert_eq!(begin_syncing(file).unwrap(), None, "it is clean already");
    });
}

#[test]
fn a_flush_that_somebody_wrote_during_leaves_it_dirty() {
    with_word(|file, clean| {
        let syncing = begin_syncing(file).unwrap().unwrap();
        assert_eq!(clean.before_write(), BeforeWrite::Go);
        assert!(clean.is_dirty());
        assert!(!clean.finish_syncing(syncing) && clean.is_dirty());
    });
}

#[test]
fn a_flush_does_not_take_the_word_of_a_later_one_for_its_own() {
    with_word(|file, clean| {
        let first = begin_syncing(file).unwrap().unwrap();
        assert_eq!(clean.before_write(), BeforeWrite::Go);
        let second = begin_syncing(file).unwrap().unwrap();
        assert!(!clean.finish_syncing(first));
        assert!(clean.finish_syncing(second));
    });
}

#[test]
fn nobody_writes_before_the_disk_knows() {
    with_word(|file, clean| {
        clean.set_clean();
        assert_eq!(clean.before_write(), BeforeWrite::Clear);
        assert!(clean.begin_clearing());
        assert_eq!(clean.before_write(), BeforeWrite::Clear);
        assert_eq!(begin_syncing(file).unwrap(), None);
        assert!(clean.begin_clearing(), "the one who began has died");
        clean.finish_clearing();
        assert!(clean.is_dirty() && clean.before_write() == BeforeWrite::Go && !clean.begin_clearing());
    });
}

#[test]
fn a_deleted_cache_stays_deleted() {
    with_word(|file, clean| {
        let syncing = begin_syncing(file).unwrap().unwrap();
        clean.remove();
        assert!(!clean.finish_syncing(syncing) && clean.is_removed());
        assert_eq!(begin_syncing(file).unwrap(), None);
        assert!(!clean.begin_clearing());
        clean.finish_clearing();
        assert!(clean.is_removed());
    });
}

#[test]
fn the_first_opener_forgets_what_nobody_finished() {
    with_word(|file, clean| {
        begin_syncing(file).unwrap().unwrap();
        clean.recover();
        assert!(clean.is_dirty());
        clean.set_clean();
        clean.recover();
        assert!(clean.is_clean());
    });
}
