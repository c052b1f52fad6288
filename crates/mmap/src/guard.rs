//! The fault guard: a handler, installed once for the process, that turns faults of maps into errors.
//!
//! It has two answers. A copy leaves by its error exit. Any other access to a registered map finds a page of zeroes,
//! and the map is poisoned. Faults elsewhere are passed on to the handler that was there before.

use crate::error::{Error, Result};
use crate::fault::GuardState;
use crate::sys;

/// Makes faults of maps errors, from now on and in all threads, also for maps that are there already, and in
/// children after a fork. Calling it again does nothing.
///
/// Without it, a process that touches a part of a map which is no longer in the file ends with `SIGBUS`; so does one
/// that writes to a full device. With it:
///
/// * copies, comparisons and zeroing through a [`View`](crate::View) return an error of kind
///   [`Fault`](crate::ErrorKind::Fault) that [says where and why](crate::Error::fault);
/// * a word used in place, or a slice obtained by an `unsafe` door, reads zeroes from that page on, and writes to it
///   are lost. [`SharedMap::is_poisoned`](crate::SharedMap::is_poisoned) is true from then on. Ask it at the end of an
///   operation, before the result is believed;
/// * without the assembly copy, a copy that meets a fault is the same error, and poisons the map too. Every later copy
///   through that map is an error, until the file is mapped anew. That is so on processors other than x86-64 and
///   aarch64, and on systems whose signals do not tell where the program was. A copy is right or an error everywhere;
/// * memory that is a slice or code ([`Memory`](crate::Memory), [`FrozenMemory`](crate::FrozenMemory),
///   [`SealedMap`](crate::SealedMap), [`CodeMap`](crate::CodeMap)) never changes behind its user. A hardware error in
///   it, or a missing page, does the same as without the guard;
/// * a signal for anything else reaches the handler that was installed before.
///
/// If a thread blocks this signal, the system ends the process there. The guard works until another library sets a
/// handler for this signal and does not pass other faults on: [`fault_guard_state`] tells. It takes no lock and
/// allocates nothing when a fault comes. On Windows it handles errors of the device and the network; files cannot be
/// cut short there while they are mapped.
///
/// ```
/// use samovar_mmap::{GuardState, fault_guard_state, install_fault_guard};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// install_fault_guard()?;
/// install_fault_guard()?;
/// assert_eq!(fault_guard_state(), GuardState::Active);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Unsupported` on platforms without signals; `Io` if the system refuses.
pub fn install_fault_guard() -> Result<()> {
    sys::guard::install().map_err(|source| Error::os("installing the fault guard", source))
}

/// Takes the guard away and puts back the handler that was there before it. If another handler was set since,
/// ours must stay, because that one may call it, and passes everything on.
///
/// ```
/// use samovar_mmap::{GuardState, fault_guard_state, install_fault_guard, remove_fault_guard};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// install_fault_guard()?;
/// remove_fault_guard()?;
/// assert_eq!(fault_guard_state(), GuardState::Absent);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Io` if the system refuses.
pub fn remove_fault_guard() -> Result<()> {
    sys::guard::remove().map_err(|source| Error::os("removing the fault guard", source))
}

/// Whether the guard is there and first to be asked.
pub fn fault_guard_state() -> GuardState {
    sys::guard::state()
}
