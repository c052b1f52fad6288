//! Files cut short under their maps.

use crate::guarded::{COPIES_LEAVE_NO_TRACE, PAGE, assert_fault, file_of, guarded, kinds_are_told};
use samovar_mmap::{Access, ErrorKind, FaultKind, SharedMap, View, install_fault_guard};

/// Truncate to 0, to mid-page, to a page edge; the error says where; growing again heals.
#[test]
fn copies_beyond_the_end_are_errors_that_say_where() {
    if !COPIES_LEAVE_NO_TRACE {
        return;
    }
    let file = file_of(8);
    let map = guarded(&file, Access::ReadWrite);
    let view = map.view();
    for cut in [0, 2 * PAGE, 2 * PAGE + 100] {
        view.write_from(0, &[7; 8 * PAGE]).unwrap();
        file.set_len(cut as u64).unwrap();
        let end = cut.next_multiple_of(PAGE);
        let mut out = vec![0; 8 * PAGE];
        assert_fault(&view.read_into(0, &mut out).unwrap_err(), end, FaultKind::Missing);
        assert_fault(&view.append_to(end + 5, 3, &mut Vec::new()).unwrap_err(), end + 5, FaultKind::Missing);
        assert_fault(&view.equals(end + 10, &[7; 300]).unwrap_err(), end + 10, FaultKind::Missing);
        assert_fault(&view.write_from(end, &[1; 8]).unwrap_err(), end, FaultKind::Missing);
        assert_fault(&view.zero(end, 100).unwrap_err(), end, FaultKind::Missing);
        assert_eq!(view.copy_to(end, 8, view, end + 64).unwrap_err().kind(), ErrorKind::Fault);
        let window = view.window(end, 50).unwrap();
        assert_fault(&window.read_into(20, &mut [0; 8]).unwrap_err(), 20, FaultKind::Missing);
        if cut > 0 {
            view.read_into(0, &mut out[..cut]).unwrap();
            assert!(out[..cut].iter().all(|byte| *byte == 7));
        }
        assert!(!map.is_poisoned(), "copies report for themselves");
        file.set_len(8 * PAGE as u64).unwrap();
        assert!(view.equals(4 * PAGE, &[0; 4 * PAGE]).unwrap(), "it heals, with zeroes");
    }
}

/// Each kind of copy, through a map of its own: an error on every processor, also when asked again. Where that poisons
/// the map, so is every later copy, since nobody can tell zeroes that were there from those that were put there.
#[test]
fn each_kind_of_copy_beyond_the_end_is_an_error() {
    let file = file_of(4);
    let source = guarded(&file, Access::ReadWrite);
    type Copy<'a> = &'a dyn Fn(View<'_>) -> samovar_mmap::Result<()>;
    let at = 3 * PAGE + 64;
    let copies: [Copy<'_>; 10] = [
        &|view| view.read_into(at, &mut [0; 8]),
        &|view| view.read_into(at, &mut [0; 100]),
        &|view| view.append_to(at, 9, &mut Vec::new()),
        &|view| view.write_from(at, &[7; 8]),
        &|view| view.write_from(at, &[7; 100]),
        &|view| view.stream_from(at, &[7; 3000]),
        &|view| view.equals(at, &[0; 30]).map(drop),
        &|view| view.zero(at, 30),
        &|view| view.copy_to(at, 30, source.view(), 0),
        &|view| source.view().copy_to(0, 30, view, at),
    ];
    for (number, copy) in copies.into_iter().enumerate() {
        let map = SharedMap::map_beyond_end(&file, Access::ReadWrite, 0, 4 * PAGE).unwrap();
        file.set_len(PAGE as u64).unwrap();
        for round in 0..2 {
            let error = copy(map.view()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Fault, "{number} {round}: {error}");
            let kind = error.fault().unwrap().kind;
            assert!(kind == FaultKind::Missing || !kinds_are_told(), "{number} {round}: {error}");
        }
        assert_eq!(map.is_poisoned(), !COPIES_LEAVE_NO_TRACE, "{number}");
        assert!(map.fault().is_none_or(|fault| fault.offset == at), "{number}: {:?}", map.fault());
        assert_eq!(map.view().read_into(0, &mut [0; 8]).is_ok(), COPIES_LEAVE_NO_TRACE, "{number}");
        map.view().read_into(4 * PAGE, &mut []).unwrap();
        source.view().read_into(0, &mut [0; 8]).unwrap();
    }
}

/// Every length and position of a copy against a page that is not there.
#[test]
fn every_instruction_of_a_copy_may_fault() {
    if !COPIES_LEAVE_NO_TRACE {
        return;
    }
    let file = file_of(2);
    let map = guarded(&file, Access::ReadWrite);
    file.set_len(PAGE as u64).unwrap();
    let view = map.view();
    let mut out = vec![0; 1200];
    let bytes = vec![0; 1200];
    for len in (1..300).chain([511, 512, 513, 1023, 1024, 1025, 1200]) {
        for inside in [0, 1, len / 3, len / 2, len - 1, len] {
            let from = PAGE - inside;
            let reached = inside == len;
            assert_eq!(view.read_into(from, &mut out[..len]).is_ok(), reached, "read {len} {inside}");
            assert_eq!(view.write_from(from, &bytes[..len]).is_ok(), reached, "write {len} {inside}");
            assert_eq!(view.stream_from(from, &bytes[..len]).is_ok(), reached, "stream {len} {inside}");
            assert_eq!(view.zero(from, len).is_ok(), reached, "zero {len} {inside}");
            assert_eq!(view.equals(from, &bytes[..len]).is_ok(), reached, "equals {len} {inside}");
        }
    }
}

/// Words read zeroes from that page on, and the map says so.
#[test]
fn words_beyond_the_end_poison_their_map_alone() {
    let file = file_of(4);
    let (map, other) = (guarded(&file, Access::ReadWrite), guarded(&file, Access::ReadOnly));
    let part = SharedMap::map(&file, Access::ReadWrite, 100, None).unwrap();
    let (short, line) = (guarded(&file, Access::ReadWrite), guarded(&file, Access::ReadWrite));
    map.view().word64(3 * PAGE).unwrap().store(9);
    file.set_len(PAGE as u64).unwrap();
    assert!(!map.is_poisoned() && map.fault().is_none());
    assert_eq!(map.view().word64(3 * PAGE + 16).unwrap().load(), 0);
    assert!(map.is_poisoned());
    let fault = map.fault().unwrap();
    assert_eq!(fault.offset, 3 * PAGE + 16);
    assert!(fault.kind == FaultKind::Missing || !kinds_are_told());
    map.view().word64(3 * PAGE + 24).unwrap().store(1);
    assert_eq!(map.view().word32(2 * PAGE).unwrap().fetch_add(1), 0);
    assert_eq!(map.view().word64(2 * PAGE + 8).unwrap().compare_exchange(5, 6), Err(0));
    assert_eq!(map.fault().unwrap().offset, 3 * PAGE + 16, "the first one");
    let error = map.flush_range(0, 8).unwrap_err();
    assert_fault(&error, 3 * PAGE + 16, FaultKind::Missing);

    // Where a short copy is no few instructions of its own, the call says it.
    let written = short.view().write_short(2 * PAGE + 4, &[7; 12]);
    let fault = written.err().and_then(|error| error.fault()).or_else(|| short.fault());
    assert_eq!(fault.unwrap().offset, 2 * PAGE + 4);
    line.view().line(2 * PAGE).unwrap().copy_from(line.view().line(0).unwrap());
    assert_eq!(line.fault().unwrap().offset, 2 * PAGE);

    assert!(!other.is_poisoned());
    assert_eq!(other.view().load_line(PAGE).unwrap(), [0; 8]);
    assert_eq!(other.fault().unwrap().offset, PAGE);
    part.view().word32(2 * PAGE).unwrap().store(3);
    assert_eq!(part.fault().unwrap().offset, 2 * PAGE, "counted from the map's beginning");
    assert_eq!(file.metadata().unwrap().len(), PAGE as u64);
    map.close().unwrap();
    drop((other, part));
    file.set_len(4 * PAGE as u64).unwrap();
    let anew = guarded(&file, Access::ReadWrite);
    assert_eq!(anew.view().word64(3 * PAGE + 24).unwrap().load(), 0);
    assert!(!anew.is_poisoned(), "a place in the registry that is used again is clean");
}

/// Holes punched under readers are zeroes and no faults.
#[test]
#[cfg(target_os = "linux")]
fn holes_are_zeroes() {
    use std::os::fd::AsRawFd;
    let file = file_of(4);
    let map = guarded(&file, Access::ReadWrite);
    map.view().write_from(0, &[7; 4 * PAGE]).unwrap();
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: an open file of ours.
    let punched = unsafe { libc::fallocate64(file.as_raw_fd(), mode, PAGE as i64, 2 * PAGE as i64) };
    if punched != 0 {
        println!("SKIPPED: no holes can be punched here");
        return;
    }
    assert!(map.view().equals(PAGE, &[0; 2 * PAGE]).unwrap());
    assert!(map.view().equals(0, &[7; PAGE]).unwrap());
    assert!(!map.is_poisoned());
}

/// A private map of a file is no safer: cutting the file takes even the pages that were written.
#[test]
fn copy_on_write_maps_fault_too() {
    let file = file_of(4);
    install_fault_guard().unwrap();
    let map = samovar_mmap::CowMap::map(&file, 0, None).unwrap();
    map.view().write_from(2 * PAGE, b"dirty").unwrap();
    file.set_len(0).unwrap();
    assert_fault(&map.view().read_into(2 * PAGE, &mut [0; 5]).unwrap_err(), 2 * PAGE, FaultKind::Missing);
    assert_eq!(map.view().word32(PAGE).unwrap().load(), 0);
    assert!(map.is_poisoned());
    assert_eq!(map.fault().unwrap().offset, if COPIES_LEAVE_NO_TRACE { PAGE } else { 2 * PAGE });
}

/// A map that grows in place, and then its file is cut.
#[test]
fn growing_maps_fault_too() {
    let file = file_of(4);
    install_fault_guard().unwrap();
    let map = samovar_mmap::GrowingMap::map(&file, Access::ReadWrite, 1 << 24).unwrap();
    file.set_len(8 * PAGE as u64).unwrap();
    map.grow(&file).unwrap();
    file.set_len(5 * PAGE as u64).unwrap();
    map.view().write_from(4 * PAGE, b"there").unwrap();
    assert_fault(&map.view().zero(6 * PAGE, 9).unwrap_err(), 6 * PAGE, FaultKind::Missing);
    map.view().word64(7 * PAGE).unwrap().store(1);
    assert_eq!(map.fault().unwrap().offset, if COPIES_LEAVE_NO_TRACE { 7 * PAGE } else { 6 * PAGE });
    assert_eq!(map.flush_range(0, PAGE).unwrap_err().kind(), ErrorKind::Fault);
}

/// Populating what is not there is an error and no signal, with the guard or without.
#[test]
#[cfg(target_os = "linux")]
fn populating_what_is_not_there_is_an_error() {
    use samovar_mmap::Pages;
    let file = file_of(4);
    let map = guarded(&file, Access::ReadWrite);
    file.set_len(PAGE as u64).unwrap();
    if kinds_are_told() {
        assert_eq!(map.populate(Access::ReadOnly, 2 * PAGE, PAGE).unwrap_err().kind(), ErrorKind::Fault);
        assert_eq!(map.populate(Access::ReadWrite, 0, 2 * PAGE).unwrap_err().kind(), ErrorKind::Fault);
    }
    map.populate(Access::ReadWrite, 0, PAGE).unwrap();
    assert!(!map.is_poisoned());
}
