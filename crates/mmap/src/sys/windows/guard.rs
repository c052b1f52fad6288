//! The exception handler of the fault guard: in-page errors, by which Windows says that a mapped file's device or
//! network failed.
//!
//! Copies leave by their error exit. A word has none. No page can be put in the place of one of a view, so the
//! exception goes on to the next handler.

use crate::fault::GuardState;
use crate::machine;
use std::io;
use std::sync::{Mutex, PoisonError};
use windows_sys::Win32::Foundation::EXCEPTION_IN_PAGE_ERROR;
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, CONTEXT, EXCEPTION_POINTERS, RemoveVectoredExceptionHandler,
};

/// Whether a fault can be sent to an exit.
pub(crate) const FINDS_EXITS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

const CONTINUE_EXECUTION: i32 = -1;
const CONTINUE_SEARCH: i32 = 0;

/// The handle of our handler, as a number; 0 if there is none.
static HANDLER: Mutex<usize> = Mutex::new(0);

pub(crate) fn install() -> io::Result<()> {
    let mut handler = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
    if *handler == 0 {
        // SAFETY: the handler has the right signature, and lives as long as the program.
        let added = unsafe { AddVectoredExceptionHandler(1, Some(on_exception)) };
        if added.is_null() {
            return Err(io::Error::last_os_error());
        }
        *handler = added.expose_provenance();
    }
    Ok(())
}

pub(crate) fn remove() -> io::Result<()> {
    let mut handler = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
    let added = std::mem::take(&mut *handler);
    if added != 0 {
        // SAFETY: what was added, once.
        unsafe { RemoveVectoredExceptionHandler(std::ptr::with_exposed_provenance(added)) };
    }
    Ok(())
}

/// Handlers stand in a list, so that nobody replaces ours.
pub(crate) fn state() -> GuardState {
    let handler = HANDLER.lock().unwrap_or_else(PoisonError::into_inner);
    if *handler == 0 { GuardState::Absent } else { GuardState::Active }
}

unsafe extern "system" fn on_exception(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes what lives until the handler returns.
    let pointers = unsafe { &*pointers };
    // SAFETY: as above.
    let record = unsafe { &*pointers.ExceptionRecord };
    if record.ExceptionCode != EXCEPTION_IN_PAGE_ERROR {
        return CONTINUE_SEARCH;
    }
    // SAFETY: as above; nobody else looks at it while the handler runs.
    let context = unsafe { &mut *pointers.ContextRecord };
    let Some(exit) = machine::error_exit(pc(context)) else { return CONTINUE_SEARCH };
    resume(context, exit, record.ExceptionInformation[1]);
    CONTINUE_EXECUTION
}

#[cfg(target_arch = "x86_64")]
fn pc(context: &CONTEXT) -> usize {
    usize::try_from(context.Rip).unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
fn resume(context: &mut CONTEXT, exit: usize, address: usize) {
    context.Rip = exit as u64;
    context.Rdx = address as u64;
}

#[cfg(target_arch = "aarch64")]
fn pc(context: &CONTEXT) -> usize {
    usize::try_from(context.Pc).unwrap_or(0)
}

#[cfg(target_arch = "aarch64")]
fn resume(context: &mut CONTEXT, exit: usize, address: usize) {
    context.Pc = exit as u64;
    // SAFETY: the union is the registers by number and by name.
    unsafe { context.Anonymous.X[1] = address as u64 };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn pc(_context: &CONTEXT) -> usize {
    0
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn resume(_context: &mut CONTEXT, _exit: usize, _address: usize) {}
