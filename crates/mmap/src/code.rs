//! Executable maps.

use crate::error::Result;
use crate::pages::sealed::Backed;
use crate::placement::Placement;
use crate::region::{Exposure, Kind, Region};
use crate::sys::{Protection, Sharing};
use std::fs::File;

/// Bytes that can be executed, and not written. From a file, or made of [`Memory`](crate::Memory::into_code).
#[derive(Debug)]
pub struct CodeMap {
    region: Region,
}

impl CodeMap {
    /// Maps `len` bytes of `file` from `offset`, which may be any; `None` is to the end.
    ///
    /// # Safety
    /// A jump into it executes what the file holds at that moment. That must be code of this processor, and no program that
    /// is not trusted may be able to write or cut the file.
    ///
    /// # Errors
    /// `OutOfBounds` if the range leaves the file; `PermissionDenied` if the system forbids it, for instance on a
    /// file system mounted `noexec`.
    pub unsafe fn map(file: &File, offset: u64, len: Option<usize>) -> Result<CodeMap> {
        let placement = Placement::within(file, offset, len)?;
        let kind = Kind {
            sharing: Sharing::Shared,
            protection: Protection::ReadExecute,
            exposure: Exposure::Direct,
        };
        Ok(CodeMap::from_region(Region::of_file(file, &placement, kind)?))
    }

    pub(crate) fn from_region(region: Region) -> CodeMap {
        crate::sys::synchronise_code(region.base(), region.len());
        CodeMap { region }
    }

    /// Bytes mapped.
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Whether nothing is mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where it begins.
    pub fn as_ptr(&self) -> *const u8 {
        self.region.base()
    }

    /// Unmaps it and says whether that worked. Nobody may be executing it.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Backed for CodeMap {
    fn region(&self) -> &Region {
        &self.region
    }
}
