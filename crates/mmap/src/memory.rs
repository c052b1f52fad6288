//! Memory that belongs to no file: this process's own, and such as children share.
//!
//! Invariant: nobody else can change the bytes of a [`Memory`], so it gives slices. Others can change those of a
//! [`SharedMemory`], so it gives views.

use crate::advice::Discard;
use crate::code::CodeMap;
use crate::error::{Error, ErrorKind, Result};
use crate::pages::sealed::Backed;
use crate::region::{Exposure, Kind, Region};
use crate::sys::{Protection, Sharing};
use crate::view::View;
use std::ops::{Deref, DerefMut};

const PRIVATE: Kind =
    Kind { sharing: Sharing::Private, protection: Protection::ReadWrite, exposure: Exposure::Direct };
const SHARED: Kind =
    Kind { sharing: Sharing::Shared, protection: Protection::ReadWrite, exposure: Exposure::Views };

/// Pages of zeroes of this process's own, as a slice. A forked child has a copy.
///
/// ```
/// use samovar_mmap::{Advice, Memory, Pages};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut memory = Memory::new(1 << 22)?;
/// let _ = memory.advise(Advice::HugePage, 0, 1 << 22);
/// memory[1 << 21] = 7;
/// assert_eq!(memory.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 7);
/// println!("{:?} bytes in huge pages", memory.huge_bytes().ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Memory {
    region: Region,
}

impl Memory {
    /// `len` zeroes. None is an empty slice.
    ///
    /// # Errors
    /// `NoMemory` if there is not so much; `InvalidArgument` beyond the platform's addresses.
    pub fn new(len: usize) -> Result<Memory> {
        Ok(Memory { region: Region::of_memory(len, PRIVATE)? })
    }

    /// Gives whole pages within a range up, and says how many bytes those were.
    ///
    /// # Errors
    /// `OutOfBounds`; `InvalidArgument` if it is [`Discard::Remove`], which is for files.
    pub fn discard(&mut self, discard: Discard, offset: usize, len: usize) -> Result<usize> {
        if discard == Discard::Remove {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "memory of no file has no space in one; discard it with DontNeed",
            ));
        }
        self.region.discard(discard, offset, len)
    }

    /// Makes it read-only. After an error it is gone.
    ///
    /// # Errors
    /// `NoMemory` or `Io` if the system refuses.
    pub fn freeze(mut self) -> Result<FrozenMemory> {
        self.region.protect(Protection::Read)?;
        Ok(FrozenMemory { region: self.region })
    }

    /// Makes it code: executable, and no longer writable.
    ///
    /// ```
    /// # #[cfg(all(unix, target_arch = "x86_64"))]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use samovar_mmap::Memory;
    ///
    /// let mut memory = Memory::new(6)?;
    /// memory.copy_from_slice(&[0xB8, 0x2A, 0, 0, 0, 0xC3]); // mov eax, 42; ret
    /// // SAFETY: these bytes are a function that takes nothing and returns 42.
    /// let code = unsafe { memory.into_code()? };
    /// // SAFETY: as above.
    /// let function: extern "C" fn() -> u32 = unsafe { std::mem::transmute(code.as_ptr()) };
    /// assert_eq!(function(), 42);
    /// # Ok(())
    /// # }
    /// # #[cfg(not(all(unix, target_arch = "x86_64")))]
    /// # fn main() {}
    /// ```
    ///
    /// # Safety
    /// A jump into it executes these bytes. They must be code of this processor, and nobody who is not trusted may have
    /// chosen them.
    ///
    /// # Errors
    /// `PermissionDenied` if the system forbids it.
    pub unsafe fn into_code(mut self) -> Result<CodeMap> {
        self.region.protect(Protection::ReadExecute)?;
        Ok(CodeMap::from_region(self.region))
    }

    /// Unmaps it and says whether that worked.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Deref for Memory {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped and readable while `self` is borrowed; private, and nothing is written while it is
        // borrowed, since writing takes `&mut self`; at most `isize::MAX` bytes.
        unsafe { std::slice::from_raw_parts(self.region.base(), self.region.len()) }
    }
}

impl DerefMut for Memory {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: mapped and writable while `self` is borrowed; private, and borrowed by nobody else; at most
        // `isize::MAX` bytes.
        unsafe { std::slice::from_raw_parts_mut(self.region.base(), self.region.len()) }
    }
}

impl Backed for Memory {
    fn region(&self) -> &Region {
        &self.region
    }
}

/// [`Memory`] that can no longer be written, not even by a stray pointer.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut memory = samovar_mmap::Memory::new(100)?;
/// memory[0] = 1;
/// let frozen = memory.freeze()?;
/// assert_eq!(frozen[0], 1);
/// frozen.thaw()?[0] = 2;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct FrozenMemory {
    region: Region,
}

impl FrozenMemory {
    /// Makes it writable again. After an error it is gone.
    ///
    /// # Errors
    /// `NoMemory` or `Io` if the system refuses.
    pub fn thaw(mut self) -> Result<Memory> {
        self.region.protect(Protection::ReadWrite)?;
        Ok(Memory { region: self.region })
    }

    /// Unmaps it and says whether that worked.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Deref for FrozenMemory {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped and readable while `self` is borrowed, and written by nobody; at most `isize::MAX` bytes.
        unsafe { std::slice::from_raw_parts(self.region.base(), self.region.len()) }
    }
}

impl Backed for FrozenMemory {
    fn region(&self) -> &Region {
        &self.region
    }
}

/// Pages of zeroes that children forked later share: what one writes, all see.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let memory = samovar_mmap::SharedMemory::new(4096)?;
/// let counter = memory.view().word64(0)?;
/// counter.fetch_add(1); // a forked child may do the same
/// assert_eq!(counter.load(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedMemory {
    region: Region,
}

impl SharedMemory {
    /// `len` zeroes. None is an empty map.
    ///
    /// # Errors
    /// `NoMemory` if there is not so much; `InvalidArgument` beyond the platform's addresses.
    pub fn new(len: usize) -> Result<SharedMemory> {
        Ok(SharedMemory { region: Region::of_memory(len, SHARED)? })
    }

    /// Bytes mapped.
    #[inline]
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Whether nothing is mapped.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it.
    #[inline]
    pub fn view(&self) -> View<'_> {
        self.region.view()
    }

    /// Unmaps it here, not in children, and says whether that worked.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Backed for SharedMemory {
    fn region(&self) -> &Region {
        &self.region
    }
}
