//! What is known of a fault: where mapped memory could not be reached, and why.

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
    /// The bytes are not there. The file was cut short, its device could not read them, or it has a hole in a memory
    /// file system that is full.
    Missing,
    /// They can be read but not written: the device, the quota or the memory limit is full.
    NoSpace,
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
