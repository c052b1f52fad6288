//! Whose signal it is. What may end a process runs in one of its own: see `another_process`.

use crate::common::{in_another_process, is_emulated};
use crate::guarded::{COPIES_LEAVE_NO_TRACE, PAGE, file_of};
use samovar_mmap::{
    Access, ErrorKind, GuardState, SharedMap, fault_guard_state, install_fault_guard, remove_fault_guard,
};
use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A map of somebody else's, whose file is then cut short. Touching it is a fault that is no business of ours.
fn touch_a_foreign_map() {
    use std::os::fd::AsRawFd;
    let file = file_of(1);
    let (read, shared) = (libc::PROT_READ, libc::MAP_SHARED);
    // SAFETY: asks for no address; the file is open.
    let base = unsafe { libc::mmap(std::ptr::null_mut(), PAGE, read, shared, file.as_raw_fd(), 0) };
    assert_ne!(base, libc::MAP_FAILED);
    file.set_len(0).unwrap();
    // SAFETY: mapped above. The test sees that it faults.
    let byte = unsafe { base.cast::<u8>().read_volatile() };
    println!("it did not: {byte}");
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

fn with_cause() -> usize {
    old_handler_with_cause as *const () as usize
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

/// What the kernel tells of a hardware error in memory that was being read, told by ourselves.
#[cfg(target_os = "linux")]
fn a_hardware_error(address: *const u8) {
    #[repr(C)]
    struct Cause {
        signal: libc::c_int,
        error: libc::c_int,
        code: libc::c_int,
        address: *const u8,
        rest: [usize; 16],
    }
    let cause = Cause { signal: libc::SIGBUS, error: 0, code: libc::BUS_MCEERR_AR, address, rest: [0; 16] };
    let process = std::process::id();
    // SAFETY: asks for a number.
    let thread = unsafe { libc::gettid() };
    // SAFETY: sends a signal to this thread, with a cause of the kernel's layout and at least its size, which is 128 bytes.
    let sent = unsafe {
        libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, libc::SIGBUS, &raw const cause)
    };
    assert_eq!(sent, 0);
}

/// Zeroes must not take the place of bytes that somebody has as a slice, whatever the cause.
#[cfg(target_os = "linux")]
fn a_slice_loses_a_page(kind: &str) {
    use samovar_mmap::{Memory, Seal, SealedMap, memory_file, seal};
    install_after(with_cause(), libc::SA_SIGINFO);
    let mut memory = Memory::new(2 * PAGE).unwrap();
    memory.fill(7);
    match kind {
        "memory" => a_hardware_error(&raw const memory[PAGE + 5]),
        "frozen" => a_hardware_error(&raw const memory.freeze().unwrap()[PAGE + 5]),
        _ => {
            let file = memory_file(2 * PAGE as u64).unwrap();
            seal(&file, Seal::Write).unwrap();
            a_hardware_error(&raw const SealedMap::map(&file, 0, None).unwrap()[PAGE + 5]);
        }
    }
    println!("the process went on");
    std::process::exit(3);
}

/// What the other process does before it touches a map of somebody else's; by the name of its role.
const ROLES: &[(&str, fn())] = &[
    ("no guard", touch_a_foreign_map),
    ("no guard for a copy", a_guarded_copy_fails),
    ("guard alone", || install_fault_guard().unwrap()),
    ("plain handler first", || install_after(old_handler as *const () as usize, 0)),
    ("handler with cause first", || install_after(with_cause(), libc::SA_SIGINFO | libc::SA_ONSTACK)),
    ("polite handler later", a_polite_handler_comes_later),
    ("guard removed", the_guard_is_removed),
    ("guard removed and installed", the_guard_is_removed_and_installed),
    ("signal sent", || a_signal_is_sent_to(old_handler as *const () as usize)),
    ("signal ignored", a_signal_is_ignored),
    ("signal sent by default", || a_signal_is_sent_to(libc::SIG_DFL)),
    ("stack overflow", the_stack_overflows),
    ("fork", fork),
    #[cfg(target_os = "linux")]
    ("memory", || a_slice_loses_a_page("memory")),
    #[cfg(target_os = "linux")]
    ("frozen", || a_slice_loses_a_page("frozen")),
    #[cfg(target_os = "linux")]
    ("sealed", || a_slice_loses_a_page("sealed")),
];

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn another_process() {
    let Ok(role) = std::env::var("SAMOVAR_TEST_ROLE") else { return };
    let (_, act) = ROLES.iter().find(|(name, _)| *name == role).expect("no such role");
    act();
    a_guarded_copy_fails();
    touch_a_foreign_map();
    std::process::exit(2);
}

fn install_after(handler: usize, flags: libc::c_int) {
    set_handler(handler, flags);
    install_fault_guard().unwrap();
}

fn a_polite_handler_comes_later() {
    install_after(with_cause(), libc::SA_SIGINFO);
    let ours = set_handler(polite_handler as *const () as usize, libc::SA_SIGINFO);
    OURS.store(ours.sa_sigaction, Ordering::Relaxed);
    assert_eq!(fault_guard_state(), GuardState::Replaced);
    install_fault_guard().unwrap();
}

fn the_guard_is_removed() {
    install_after(old_handler as *const () as usize, 0);
    remove_fault_guard().unwrap();
    assert_eq!(fault_guard_state(), GuardState::Absent);
    touch_a_foreign_map();
}

fn the_guard_is_removed_and_installed() {
    install_after(with_cause(), libc::SA_SIGINFO);
    remove_fault_guard().unwrap();
    install_fault_guard().unwrap();
    assert_eq!(fault_guard_state(), GuardState::Active);
}

fn a_signal_is_sent_to(handler: usize) {
    install_after(handler, 0);
    // SAFETY: sends a signal to this thread.
    unsafe { libc::raise(libc::SIGBUS) };
}

fn a_signal_is_ignored() {
    a_signal_is_sent_to(libc::SIG_IGN);
    a_guarded_copy_fails();
    std::process::exit(44);
}

fn the_stack_overflows() {
    install_fault_guard().unwrap();
    a_guarded_copy_fails();
    println!("{}", overflow(0));
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
    let output = in_another_process("signals::another_process", role);
    assert_eq!(output.status.code(), Some(code), "{role}: {output:?}");
}

#[track_caller]
fn assert_killed_by_the_fault(role: &str) {
    let output = in_another_process("signals::another_process", role);
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

/// A hardware error in memory that is a slice is passed on: nobody could be told that the bytes are others.
#[test]
#[cfg(target_os = "linux")]
fn hardware_errors_in_slices_are_passed_on() {
    if is_emulated() {
        return println!("SKIPPED: the emulator does not pass on such a cause");
    }
    for kind in ["memory", "frozen", "sealed"] {
        assert_exit(kind, 43);
    }
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
    let output = in_another_process("signals::another_process", "stack overflow");
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

/// A forked child.
#[test]
fn the_guard_holds_after_a_fork() {
    assert_exit("fork", 45);
}
