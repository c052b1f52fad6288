//! What is known of a fault: where mapped memory could not be reached, and why.

use crate::registry;
use crate::sys;

/// A place of a map that could not be reached.
///
/// ```
/// use samovar_mmap::{Access, FaultKind, SharedMap, install_fault_guard};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # if install_fault_guard().is_err() { return Ok(()) }
/// let file = tempfile::tempfile()?;
/// file.set_len(1 << 20)?;
/// let map = SharedMap::map(&file, Access::ReadOnly, 0, None)?;
/// # if cfg!(windows) { return Ok(()) }
/// file.set_len(0)?; // another process would do this
///
/// let error = map.view().read_into(1 << 19, &mut [0; 8]).unwrap_err();
/// let fault = error.fault().expect("it says where");
/// assert_eq!((fault.offset, fault.kind), (1 << 19, FaultKind::Missing));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Fault {
    /// The first byte that could not be reached, counted from the beginning of the map or the view that was
    /// asked.
    pub offset: usize,
    /// Why.
    pub kind: FaultKind,
}

/// Why mapped memory could not be reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FaultKind {
    /// The bytes are not there: the file was cut short, its device could not read them, or it has a hole and
    /// lies in a memory file system that is full.
    Missing,
    /// They can be read but not written: the device, the quota or the memory limit is full.
    NoSpace,
}

impl FaultKind {
    /// Why a store into the page of this address fails. To be asked soon: the answer may change.
    pub(crate) fn of_store(address: usize) -> FaultKind {
        match FaultKind::noted(address) {
            Some(kind) => kind,
            None if sys::can_be_read(address) => FaultKind::NoSpace,
            None => FaultKind::Missing,
        }
    }

    /// Why a load of this address failed.
    pub(crate) fn of_load(address: usize) -> FaultKind {
        FaultKind::noted(address).unwrap_or(FaultKind::Missing)
    }

    /// What the handler found, if it was at this very place that the map was poisoned: its page is another now.
    fn noted(address: usize) -> Option<FaultKind> {
        registry::poison_of(address).filter(|(at, _)| *at == address).map(|(_, kind)| kind)
    }
}

/// Whether faults are errors in this process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum GuardState {
    /// Not installed, or removed: a fault ends the process.
    Absent,
    /// Installed, and first to be asked.
    Active,
    /// Installed, but another handler was set since. Faults are errors only if that one passes on to us what
    /// it was not set for.
    Replaced,
}
