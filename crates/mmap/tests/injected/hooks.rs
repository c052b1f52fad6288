//! The hooks: what is reported, and a death in the middle of a copy.

use crate::common::this_program;
use samovar_mmap::hooks::{Event, set_process_hook, set_thread_hook};
use samovar_mmap::{Access, SharedMap};
use std::cell::RefCell;
use std::rc::Rc;

const FILE: &str = "SAMOVAR_TEST_FILE";

fn map(path: &std::path::Path) -> SharedMap {
    let file = samovar_mmap::open_existing(path, Access::ReadWrite).unwrap();
    samovar_mmap::reserve(&file, 4096).unwrap();
    SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap()
}

#[test]
fn every_access_is_reported() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let map = map(file.path());
    let (view, word) = (map.view(), map.view().word64(0).unwrap());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&seen);
    set_thread_hook(Some(Box::new(move |event| log.borrow_mut().push(event))));
    word.store(1);
    word.load_acquire();
    word.compare_exchange(1, 2).unwrap();
    word.fetch_add(1);
    view.load_line(64).unwrap();
    view.write_from(64, b"four").unwrap();
    view.zero(64, 2).unwrap();
    view.copy_to(64, 4, view, 100).unwrap();
    view.read_into(64, &mut [0; 4]).unwrap();
    view.equals(64, b"four").unwrap();
    view.write_from(64, b"1").unwrap();
    map.flush().unwrap();
    set_thread_hook(None);
    word.store(5);
    let expected = [
        [Event::Store, Event::Load, Event::CompareExchange, Event::FetchAdd].as_slice(),
        &[Event::Load, Event::CopyIn, Event::CopyHalf, Event::CopyIn, Event::CopyHalf],
        &[Event::CopyIn, Event::CopyHalf, Event::CopyOut, Event::CopyOutHalf, Event::CopyOut],
        &[Event::CopyIn, Event::Flush],
    ];
    assert_eq!(*seen.borrow(), expected.concat());
}

#[test]
#[ignore = "started by the test below as a process of its own"]
fn dying_process() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let map = map(path.as_ref());
    set_process_hook(Some(Box::new(|event| {
        if event == Event::CopyHalf {
            std::process::abort();
        }
    })));
    let _ = map.view().write_from(10, b"abcdefgh");
}

#[test]
fn a_death_in_mid_copy_leaves_half() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let map = map(file.path());
    let status = this_program("hooks::dying_process").env(FILE, file.path()).output().unwrap().status;
    assert!(!status.success());
    assert!(map.view().equals(9, b"\0abcd\0\0\0\0\0").unwrap());
}
