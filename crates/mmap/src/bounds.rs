//! Where a window lies in memory, to say where in it a fault was.

use crate::copy::Unreachable;
use crate::error::Error;
use crate::fault::{Fault, FaultKind};
use crate::registry;
use crate::sys;

/// The addresses of a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) base: usize,
    pub(crate) len: usize,
}

impl Bounds {
    /// The error of a load that began at offset `began` of the window.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_fault(self, at: Unreachable, began: usize) -> Error {
        let kind = registry::kind_of(at.0).unwrap_or(FaultKind::Missing);
        Error::faulted(Fault { offset: self.offset_of(at, began), kind })
    }

    /// The error of a store that began at offset `began` of the window.
    #[cold]
    #[inline(never)]
    pub(crate) fn write_fault(self, at: Unreachable, began: usize) -> Error {
        let kind = registry::kind_of(at.0).unwrap_or_else(|| sys::store_fault(at.0));
        Error::faulted(Fault { offset: self.offset_of(at, began), kind })
    }

    /// If the fault was on the other side of a copy, where this side began.
    fn offset_of(self, at: Unreachable, began: usize) -> usize {
        at.0.checked_sub(self.base).filter(|offset| *offset < self.len).unwrap_or(began)
    }
}
