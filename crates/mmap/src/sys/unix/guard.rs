//! The signal handler of the fault guard.
//!
//! Invariant: what runs in a handler takes no lock, allocates nothing, and leaves `errno` as it was.

use super::call::check;
use super::context::{self, Resume};
use super::errno;
use crate::fault::{FaultKind, GuardState};
use crate::machine;
use crate::registry::{self, Slot};
use libc::{c_int, c_void, siginfo_t, ucontext_t};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether a fault can be sent to an exit.
pub(crate) const FINDS_EXITS: bool = context::ARE_KNOWN;

/// Taken by those who install and remove, never by the handler.
static CHANGING: Mutex<()> = Mutex::new(());
/// Off, the handler passes everything on.
static ENABLED: AtomicBool = AtomicBool::new(false);
/// Whether ours is set, or was and may be called by one that came later.
static IN_PLACE: AtomicBool = AtomicBool::new(false);
/// What was there before us. Never freed, since a handler may be reading it.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

pub(crate) fn install() -> io::Result<()> {
    let _changing = changing();
    let current = current()?;
    // A handler that came after ours may call ours: calling it from ours would never end.
    let may_call_us = IN_PLACE.load(Ordering::Relaxed)
        && current.sa_sigaction != libc::SIG_DFL
        && current.sa_sigaction != libc::SIG_IGN;
    if !is_ours(&current) && !may_call_us {
        set_in_front_of(current)?;
    }
    ENABLED.store(true, Ordering::Release);
    Ok(())
}

pub(crate) fn remove() -> io::Result<()> {
    let _changing = changing();
    ENABLED.store(false, Ordering::Release);
    if !is_ours(&current()?) {
        return Ok(());
    }
    let previous = PREVIOUS.load(Ordering::Acquire);
    // SAFETY: what the system gave us as the handler before ours; it is never freed.
    check(unsafe { libc::sigaction(libc::SIGBUS, previous, ptr::null_mut()) })?;
    IN_PLACE.store(false, Ordering::Relaxed);
    Ok(())
}

pub(crate) fn state() -> GuardState {
    match current() {
        _ if !ENABLED.load(Ordering::Acquire) => GuardState::Absent,
        Ok(current) if is_ours(&current) => GuardState::Active,
        _ => GuardState::Replaced,
    }
}

fn changing() -> MutexGuard<'static, ()> {
    CHANGING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn current() -> io::Result<libc::sigaction> {
    let mut found = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: asks only, and has room for the answer.
    check(unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), found.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, and so it filled the answer.
    Ok(unsafe { found.assume_init() })
}

fn handler() -> usize {
    let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = on_signal;
    handler as *const () as usize
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == handler()
}

fn set_in_front_of(previous: libc::sigaction) -> io::Result<()> {
    let mut action = previous;
    action.sa_sigaction = handler();
    // On the alternate stack, where there is one; whatever was blocked for the old handler stays so.
    action.sa_flags =
        libc::SA_SIGINFO | libc::SA_ONSTACK | (previous.sa_flags & (libc::SA_NODEFER | libc::SA_RESTART));
    PREVIOUS.store(Box::into_raw(Box::new(previous)), Ordering::Release);
    // SAFETY: the handler has the three arguments that SA_SIGINFO asks for, and may run at any moment: see above.
    check(unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) })?;
    IN_PLACE.store(true, Ordering::Relaxed);
    Ok(())
}

extern "C" fn on_signal(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = errno::get();
    // SAFETY: the kernel passes both to a handler that was installed with SA_SIGINFO, valid until it returns.
    let cause = unsafe { &*info };
    let is_fault = cause.si_code > 0 && cause.si_code != libc::BUS_ADRALN;
    if !(is_fault && ENABLED.load(Ordering::Acquire) && answer(cause, context)) {
        pass_on(signal, info, context);
    }
    errno::set(errno);
}

/// Whether the fault was one of ours, and the program may go on.
fn answer(cause: &siginfo_t, context: *mut c_void) -> bool {
    // SAFETY: a fault of memory has an address.
    let address = unsafe { cause.si_addr() }.addr();
    // SAFETY: as for the cause; nobody else looks at it while the handler runs.
    let context = unsafe { &mut *context.cast::<ucontext_t>() };
    if let Some(pc) = machine::error_exit(context::pc(context)) {
        context::resume(context, &Resume { pc, address });
        return true;
    }
    registry::find(address).is_some_and(|slot| swap_in_zeroes(slot, address))
}

/// A page of zeroes, of this process alone, where the file's page cannot be.
fn swap_in_zeroes(slot: &Slot, address: usize) -> bool {
    let page = super::call::page_size();
    let base = address & !(page - 1);
    let (kind, protection) = if slot.is_writable() {
        (super::system::store_fault(address), libc::PROT_READ | libc::PROT_WRITE)
    } else {
        (FaultKind::Missing, libc::PROT_READ)
    };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_FIXED;
    slot.poison(address, kind);
    // SAFETY: replaces one page of a map of ours, which lives, since somebody is accessing it; all accesses to it are
    // volatile in effect.
    let mapped = unsafe { libc::mmap(ptr::without_provenance_mut(base), page, protection, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// What would have happened without us.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: null, or what `set_in_front_of` leaked.
    let previous = unsafe { PREVIOUS.load(Ordering::Acquire).as_ref() };
    let (target, flags) =
        previous.map_or((libc::SIG_DFL, 0), |action| (action.sa_sigaction, action.sa_flags));
    // SAFETY: valid until the handler returns.
    let was_sent = unsafe { (*info).si_code } <= 0;
    match target {
        libc::SIG_IGN if was_sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            put_back_default(signal);
            if was_sent {
                send_again(signal);
            }
        }
        _ if flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: a handler that was set with SA_SIGINFO has these three arguments.
            let call: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(target) };
            call(signal, info, context);
        }
        _ => {
            // SAFETY: a handler that was set without SA_SIGINFO has this one argument.
            let call: extern "C" fn(c_int) = unsafe { std::mem::transmute(target) };
            call(signal);
        }
    }
}

/// Restores the system's own answer: it ends the process at the faulting instruction, which runs again when the handler
/// returns.
fn put_back_default(signal: c_int) {
    // SAFETY: puts back what the system does by itself.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// For a signal that somebody sent, at no instruction.
fn send_again(signal: c_int) {
    // SAFETY: sends a signal to this thread; it comes when the handler returns.
    unsafe { libc::raise(signal) };
}
