//! Faults: files cut short, full devices, and whose signal it is.
//!
//! What may end a process runs in one of its own: see `another_process`.
#![cfg(unix)]

mod common;

use common::{Mounted, in_another_process, is_emulated, rounds};
use samovar_mmap::{
    Access, ErrorKind, FaultKind, GuardState, SharedMap, View, fault_guard_state, install_fault_guard,
    remove_fault_guard,
};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PAGE: usize = 4096;
/// A copy that met a fault leaves the map as it was; elsewhere it poisons it, as words do. It is an error everywhere.
const COPIES_LEAVE_NO_TRACE: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

fn file_of(pages: usize) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len((pages * PAGE) as u64).unwrap();
    file
}

fn guarded(file: &File, access: Access) -> SharedMap {
    install_fault_guard().unwrap();
    SharedMap::map(file, access, 0, None).unwrap()
}

/// Emulators do not pass on the question by which a full device is told from a file cut short.
fn kinds_are_told() -> bool {
    !is_emulated()
}

#[track_caller]
fn assert_fault(error: &samovar_mmap::Error, offset: usize, kind: FaultKind) {
    assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
    let fault = error.fault().unwrap();
    assert_eq!(fault.offset, offset, "{error}");
    assert!(fault.kind == kind || !kinds_are_told(), "{error}");
}

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

fn fill_a_full_device(dir: &std::path::Path, kind: FaultKind) {
    let file = File::options().read(true).write(true).create_new(true).open(dir.join("sparse")).unwrap();
    file.set_len(64 << 20).unwrap();
    let map = guarded(&file, Access::ReadWrite);
    let fill = |offset| map.view().write_from(offset, &[1; PAGE]);
    let error = (0..(64 << 20) / PAGE).find_map(|page| fill(page * PAGE).err()).expect("it is smaller");
    assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
    assert!(error.fault().unwrap().kind == kind || !kinds_are_told(), "{error}");
    let map = guarded(&file, Access::ReadWrite);
    let mut offset = 0;
    while !map.is_poisoned() {
        map.view().word64(offset).unwrap().store(1);
        offset += PAGE;
    }
    let fault = map.fault().unwrap();
    assert_eq!(fault.offset, offset - PAGE);
    assert!(fault.kind == kind || !kinds_are_told());
}

/// A sparse map on a full device is a fault error. (A tmpfs needs space for reading a hole, too.)
#[test]
fn a_full_tmpfs_is_an_error() {
    if let Some(tmpfs) = Mounted::tmpfs("4m") {
        fill_a_full_device(tmpfs.path(), FaultKind::Missing);
    }
}

/// The same on ext4.
#[test]
fn a_full_ext4_is_an_error() {
    if let Some(ext4) = Mounted::ext4(24 << 20) {
        fill_a_full_device(ext4.path(), FaultKind::NoSpace);
    }
}

struct Tally {
    right: AtomicUsize,
    errors: AtomicUsize,
    stop: AtomicBool,
}

impl Tally {
    fn count(&self, outcome: Result<(), samovar_mmap::Error>) {
        match outcome {
            Ok(()) => &self.right,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
                &self.errors
            }
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

/// One page at a time: pages hold sevens, or zeroes since the file was cut and regrown. A map that a copy poisoned is
/// mapped anew.
fn copy_in_the_storm(file: &File, tally: &Tally, seed: usize) {
    let anew = || SharedMap::map_beyond_end(file, Access::ReadWrite, 0, 16 * PAGE).unwrap();
    let mut map = anew();
    let mut out = vec![0; PAGE];
    let mut page = seed;
    while !tally.stop.load(Ordering::Relaxed) {
        page = (page + 1) % 16;
        let poisoned = map.is_poisoned();
        assert_ne!((poisoned, COPIES_LEAVE_NO_TRACE), (true, true));
        if poisoned {
            map = anew();
        }
        let view = map.view();
        let outcome = match page % 4 {
            0 => view.write_from(page * PAGE, &[7; PAGE]),
            _ => view.read_into(page * PAGE, &mut out).inspect(|()| {
                assert!(out.iter().all(|byte| *byte == 7 || *byte == 0));
            }),
        };
        tally.count(outcome);
    }
}

/// Words at the ends of pages. A poisoned map is one error, and is mapped anew.
fn swap_in_the_storm(file: &File, tally: &Tally) {
    while !tally.stop.load(Ordering::Relaxed) {
        let Ok(map) = SharedMap::map(file, Access::ReadWrite, 0, Some(16 * PAGE)) else {
            tally.errors.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let view = map.view();
        let mut page = 0;
        while !tally.stop.load(Ordering::Relaxed) {
            page = (page + 1) % 16;
            let word = view.word64(page * PAGE + 128).unwrap();
            let seen = [word.load_acquire(), view.load_line(page * PAGE + 128).unwrap()[0]];
            word.store_release(0x0707_0707_0707_0707);
            if map.is_poisoned() {
                tally.errors.fetch_add(1, Ordering::Relaxed);
                break;
            }
            assert!(seen.iter().all(|value| [0, 0x0707_0707_0707_0707].contains(value)), "{seen:x?}");
            tally.right.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Threads copying and threads using words while the file is cut and regrown: every access is right
/// or an error. `SAMOVAR_STORM_ROUNDS=2000` for the long run.
fn storm(threads: usize, rounds: usize) {
    let file = file_of(16);
    install_fault_guard().unwrap();
    let zero = || AtomicUsize::new(0);
    let tally = Tally { right: zero(), errors: zero(), stop: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        for seed in 0..threads {
            let (file, tally) = (&file, &tally);
            scope.spawn(move || copy_in_the_storm(file, tally, seed));
            scope.spawn(move || swap_in_the_storm(file, tally));
        }
        let seen = |count: &AtomicUsize| count.load(Ordering::Relaxed) > 0;
        let mut round = 0;
        while round < rounds || !seen(&tally.right) || !seen(&tally.errors) {
            round += 1;
            file.set_len([0, 3 * PAGE, 5 * PAGE + 77][round % 3] as u64).unwrap();
            std::thread::yield_now();
            file.set_len(16 * PAGE as u64).unwrap();
            std::thread::yield_now();
        }
        tally.stop.store(true, Ordering::Relaxed);
    });
    let (right, errors) = (tally.right.into_inner(), tally.errors.into_inner());
    println!("{threads} + {threads} threads, {rounds} rounds: {right} right, {errors} errors, alive");
}

#[test]
fn a_storm_of_truncations_with_one_thread() {
    storm(1, rounds("SAMOVAR_STORM_ROUNDS", 100));
}

#[test]
fn a_storm_of_truncations_with_four_threads() {
    storm(4, rounds("SAMOVAR_STORM_ROUNDS", 200));
}

#[test]
fn a_storm_of_truncations_with_sixteen_threads() {
    storm(16, rounds("SAMOVAR_STORM_ROUNDS", 50));
}

/// A map of somebody else's, whose file is then cut short. Touching it is a fault that is no business of ours.
fn touch_a_foreign_map() -> u8 {
    use std::os::fd::AsRawFd;
    let file = file_of(1);
    let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: asks for no address; the file is open.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, read, shared, file.as_raw_fd(), 0) };
    assert_ne!(base, libc::MAP_FAILED);
    file.set_len(0).unwrap();
    // SAFETY: mapped above. That it faults is what is to be seen.
    unsafe { base.cast::<u8>().read_volatile() }
}

fn a_guarded_copy_fails() {
    let file = file_of(2);
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    file.set_len(0).unwrap();
    assert_eq!(map.view().read_into(0, &mut [0; 8]).unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(map.is_poisoned(), !COPIES_LEAVE_NO_TRACE);
    assert_eq!(map.view().word64(PAGE).unwrap().load(), 0);
    assert!(map.is_poisoned());
}

extern "C" fn old_handler(_signal: libc::c_int) {
    // SAFETY: ends the process, as a handler may.
    unsafe { libc::_exit(42) };
}

extern "C" fn old_handler_with_cause(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: the kernel's, valid in the handler.
    let cause = unsafe { &*info };
    // SAFETY: a fault has an address.
    let address = unsafe { cause.si_addr() };
    let right = signal == libc::SIGBUS && !address.is_null() && !context.is_null();
    // SAFETY: ends the process, as a handler may.
    unsafe { libc::_exit(if right { 43 } else { 1 }) };
}

fn set_handler(handler: usize, flags: libc::c_int) -> libc::sigaction {
    // SAFETY: a C struct of integers and pointers, for which zeroes are a value.
    let (mut action, mut before): (libc::sigaction, libc::sigaction) = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: the handler fits the flags, as each caller sees to.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, &raw mut before) }, 0);
    before
}

static OURS: AtomicUsize = AtomicUsize::new(0);

/// A later handler that passes on what it does not know.
extern "C" fn polite_handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
    // SAFETY: the guard's handler, which takes these three.
    let ours: Handler = unsafe { std::mem::transmute(OURS.load(Ordering::Relaxed)) };
    ours(signal, info, context);
}

#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 64]);
    if depth == u64::MAX { 0 } else { overflow(depth + 1) + room[3] }
}

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn another_process() {
    let Ok(role) = std::env::var("SAMOVAR_TEST_ROLE") else { return };
    let plain = old_handler as *const () as usize;
    let with_cause = old_handler_with_cause as *const () as usize;
    match role.as_str() {
        "no guard" => {}
        "no guard for a copy" => a_guarded_copy_fails(),
        "guard alone" => install_fault_guard().unwrap(),
        "plain handler first" => {
            set_handler(plain, 0);
            install_fault_guard().unwrap();
        }
        "handler with cause first" => {
            set_handler(with_cause, libc::SA_SIGINFO | libc::SA_ONSTACK);
            install_fault_guard().unwrap();
        }
        "polite handler later" => {
            set_handler(with_cause, libc::SA_SIGINFO);
            install_fault_guard().unwrap();
            let ours = set_handler(polite_handler as *const () as usize, libc::SA_SIGINFO);
            OURS.store(ours.sa_sigaction, Ordering::Relaxed);
            assert_eq!(fault_guard_state(), GuardState::Replaced);
            install_fault_guard().unwrap();
        }
        "guard removed" => {
            set_handler(plain, 0);
            install_fault_guard().unwrap();
            remove_fault_guard().unwrap();
            assert_eq!(fault_guard_state(), GuardState::Absent);
            touch_a_foreign_map();
        }
        "guard removed and installed" => {
            set_handler(with_cause, libc::SA_SIGINFO);
            install_fault_guard().unwrap();
            remove_fault_guard().unwrap();
            install_fault_guard().unwrap();
            assert_eq!(fault_guard_state(), GuardState::Active);
        }
        "signal sent" => {
            set_handler(plain, 0);
            install_fault_guard().unwrap();
            // SAFETY: sends a signal to this thread.
            unsafe { libc::raise(libc::SIGBUS) };
        }
        "signal ignored" => {
            set_handler(libc::SIG_IGN, 0);
            install_fault_guard().unwrap();
            // SAFETY: sends a signal to this thread.
            unsafe { libc::raise(libc::SIGBUS) };
            a_guarded_copy_fails();
            std::process::exit(44);
        }
        "signal sent by default" => {
            set_handler(libc::SIG_DFL, 0);
            install_fault_guard().unwrap();
            // SAFETY: sends a signal to this thread.
            unsafe { libc::raise(libc::SIGBUS) };
        }
        "stack overflow" => {
            install_fault_guard().unwrap();
            a_guarded_copy_fails();
            println!("{}", overflow(0));
        }
        "fork" => fork(),
        other => panic!("no role {other}"),
    }
    if role != "no guard" {
        a_guarded_copy_fails();
    }
    touch_a_foreign_map();
    std::process::exit(2);
}

/// The guard holds in a forked child, and for maps from before the fork.
fn fork() {
    install_fault_guard().unwrap();
    let file = file_of(2);
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    // SAFETY: the child calls what this test is about, which takes no lock, and ends.
    let child = unsafe { libc::fork() };
    file.set_len(0).unwrap();
    assert_eq!(map.view().word64(PAGE).unwrap().load(), 0);
    assert_eq!(map.view().read_into(0, &mut [0; 8]).unwrap_err().kind(), ErrorKind::Fault);
    let right = map.is_poisoned();
    if child == 0 {
        // SAFETY: ends the process at once.
        unsafe { libc::_exit(if right { 7 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: our child, and an integer of ours.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(right && libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7);
    std::process::exit(45);
}

#[track_caller]
fn assert_exit(role: &str, code: i32) {
    let output = in_another_process("another_process", role);
    assert_eq!(output.status.code(), Some(code), "{role}: {output:?}");
}

#[track_caller]
fn assert_killed_by_the_fault(role: &str) {
    let output = in_another_process("another_process", role);
    assert!(
        output.status.signal() == Some(libc::SIGBUS) || is_emulated() && !output.status.success(),
        "{output:?}"
    );
}

/// A foreign fault reaches the handler from before, whatever its kind; without one it is deadly, as ever.
#[test]
fn faults_of_others_reach_the_handler_before_ours() {
    assert_exit("plain handler first", 42);
    assert_exit("handler with cause first", 43);
    assert_exit("guard removed", 42);
    assert_exit("guard removed and installed", 43);
    assert_killed_by_the_fault("no guard");
    assert_killed_by_the_fault("no guard for a copy");
    assert_killed_by_the_fault("guard alone");
}

/// A handler that another library sets after ours, and that passes on, gets ours called once and no more.
#[test]
fn a_later_handler_that_passes_on_keeps_the_guard() {
    assert_exit("polite handler later", 43);
}

#[test]
fn signals_that_were_sent_do_what_they_did() {
    assert_exit("signal sent", 42);
    assert_exit("signal ignored", 44);
    assert_killed_by_the_fault("signal sent by default");
}

/// The standard library's report is as it was.
#[test]
fn a_stack_overflow_is_still_reported() {
    if is_emulated() {
        println!("SKIPPED: the emulator has no such report");
        return;
    }
    let output = in_another_process("another_process", "stack overflow");
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("overflowed its stack"), "{said}");
}

/// As hosts with small stacks ask (Go, for one): on the alternate stack, with the cause; and installed once.
#[test]
fn the_handler_runs_on_the_alternate_stack() {
    install_fault_guard().unwrap();
    install_fault_guard().unwrap();
    assert_eq!(fault_guard_state(), GuardState::Active);
    // SAFETY: a C struct of integers and pointers, for which zeroes are a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: asks only, and has room for the answer.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, std::ptr::null(), &raw mut action) }, 0);
    let flags = libc::SA_ONSTACK | libc::SA_SIGINFO;
    assert_eq!(action.sa_flags & flags, flags);
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

/// A forked child.
#[test]
fn the_guard_holds_after_a_fork() {
    assert_exit("fork", 45);
}
