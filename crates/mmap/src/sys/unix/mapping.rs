//! Mapped pages: `mmap` and its kin.

use super::call::{check, page_size};
use super::{pages, system};
use crate::access::Access;
use crate::advice::{Advice, Discard, LockMode};
use crate::durability::Durability;
use crate::sys::request::{GrowRequest, MapRequest, PageRange, Protection, Sharing};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::ptr;

/// Mapped pages, unmapped on drop.
pub(crate) struct Mapping {
    base: *mut u8,
    len: usize,
    backing: system::Backing,
}

/// What `mmap` is asked for, but for the address.
struct Call {
    len: usize,
    protection: libc::c_int,
    flags: libc::c_int,
    /// Open, or -1.
    fd: libc::c_int,
    offset: system::off_t,
}

impl Call {
    /// Maps it anywhere.
    fn map(&self) -> io::Result<*mut libc::c_void> {
        // SAFETY: no address is asked for, so that nothing that is mapped is touched; the descriptor is open, or
        // there is none.
        let base = unsafe {
            system::mmap(ptr::null_mut(), self.len, self.protection, self.flags, self.fd, self.offset)
        };
        mapped(base)
    }

    /// Maps it as far from the start of a huge page as its offset is from one of the file's. So the system can map or
    /// make whole huge pages there. Not every file system does that itself.
    fn map_for_huge_pages(&self, huge: usize) -> io::Result<*mut libc::c_void> {
        let (len, flags) = (self.len.next_multiple_of(page_size()), libc::MAP_PRIVATE | libc::MAP_ANON);
        let room = Call {
            len: len + huge,
            protection: libc::PROT_NONE,
            flags: flags | system::NO_RESERVE,
            fd: -1,
            offset: 0,
        };
        let start = room.map()?;
        let into_page = usize::try_from(self.offset).map_err(|_| io::ErrorKind::InvalidInput)? % huge;
        let skipped = into_page.wrapping_sub(start.addr()) % huge;
        let at = start.wrapping_byte_add(skipped);
        // SAFETY: the range lies within what was reserved just now, and nothing is there; the descriptor is open.
        let base = unsafe {
            system::mmap(at, self.len, self.protection, self.flags | libc::MAP_FIXED, self.fd, self.offset)
        };
        let base = mapped(base);
        let left = match base {
            Ok(_) => [(start, skipped), (at.wrapping_byte_add(len), huge - skipped)],
            Err(_) => [(start, room.len), (start, 0)],
        };
        for (from, len) in left.into_iter().filter(|(_, len)| *len > 0) {
            // SAFETY: of what was reserved just now, and nobody's. What could not be given back would be addresses alone.
            unsafe { libc::munmap(from, len) };
        }
        base
    }
}

fn mapped(base: *mut libc::c_void) -> io::Result<*mut libc::c_void> {
    if base == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(base) }
}

impl Mapping {
    pub(crate) fn new(request: &MapRequest<'_>) -> io::Result<Mapping> {
        let sharing = match request.sharing {
            Sharing::Shared => libc::MAP_SHARED,
            Sharing::Private => libc::MAP_PRIVATE,
        };
        let (fd, anonymous) = request.file.map_or((-1, libc::MAP_ANON), |file| (file.as_raw_fd(), 0));
        let offset = system::off_t::try_from(request.offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let flushed = request.file.filter(|_| request.sharing == Sharing::Shared);
        let backing = match flushed {
            Some(file) => system::Backing::of(file, request.protection.access())?,
            None => system::Backing::none(),
        };
        let call = Call {
            len: request.len,
            protection: bits(request.protection),
            flags: sharing | anonymous,
            fd,
            offset,
        };
        let huge = system::HUGE_PAGE.filter(|huge| flushed.is_some() && request.len >= *huge);
        let base = huge.map_or_else(|| call.map(), |huge| call.map_for_huge_pages(huge))?.cast();
        let mapping = Mapping { base, len: request.len, backing };
        if request.file.is_some() {
            system::leave_out_of_dumps(base, request.len);
        }
        Ok(mapping)
    }

    /// Addresses for `len` bytes, which are a multiple of the page size, with nothing there yet, and then this file.
    pub(crate) fn reserve(len: usize, file: &File, access: Access) -> io::Result<Mapping> {
        let backing = system::Backing::of(file, access)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON | system::NO_RESERVE;
        // SAFETY: no address is asked for, so that nothing that is mapped is touched.
        let base = unsafe { system::mmap(ptr::null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { base: base.cast(), len, backing })
    }

    /// Maps a part of a file over a part of what was reserved.
    pub(crate) fn grow(&self, request: &GrowRequest<'_>) -> io::Result<()> {
        let len = request.to - request.from;
        let at = self.at(request.from, len)?;
        let offset = system::off_t::try_from(request.from).map_err(|_| io::ErrorKind::InvalidInput)?;
        let (protection, fd) = (bits(request.access.into()), request.file.as_raw_fd());
        let flags = libc::MAP_SHARED | libc::MAP_FIXED;
        // SAFETY: the range lies within what was reserved, and nothing was mapped there yet; the descriptor is open.
        let base = unsafe { system::mmap(at.cast(), len, protection, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        system::leave_out_of_dumps(at, len);
        Ok(())
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    /// Where these bytes are; an error unless they lie within the pages that are mapped.
    fn at(&self, offset: usize, len: usize) -> io::Result<*mut u8> {
        let pages = self.len.next_multiple_of(page_size());
        if offset > pages || len > pages - offset {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.base.wrapping_add(offset))
    }

    /// Writes the pages of this range and waits for them.
    pub(crate) fn flush(&self, range: PageRange) -> io::Result<Durability> {
        let range = range.outwards(page_size());
        let from = self.at(range.offset, range.len)?;
        // SAFETY: the range lies within the mapping, and begins at a page.
        check(unsafe { libc::msync(from.cast(), range.len, libc::MS_SYNC) })?;
        self.backing.flush()
    }

    pub(crate) fn advise(&self, range: PageRange, advice: Advice) -> io::Result<()> {
        let number = pages::advice(advice).ok_or(io::ErrorKind::Unsupported)?;
        self.madvise(range, number)
    }

    pub(crate) fn discard(&self, range: PageRange, discard: Discard) -> io::Result<()> {
        let number = system::discard(discard).ok_or(io::ErrorKind::Unsupported)?;
        self.madvise(range, number)
    }

    fn madvise(&self, range: PageRange, number: libc::c_int) -> io::Result<()> {
        let from = self.at(range.offset, range.len)?;
        // SAFETY: the range lies within the mapping, and begins at a page; advice that changes bytes comes from
        // `discard` alone, whose caller may write them.
        check(unsafe { libc::madvise(from.cast(), range.len, number) })
    }

    pub(crate) fn populate(&self, range: PageRange, access: Access) -> io::Result<()> {
        let number = system::populate(access).ok_or(io::ErrorKind::Unsupported)?;
        self.madvise(range, number).map_err(|error| match error.raw_os_error() {
            Some(libc::EINVAL) => io::ErrorKind::Unsupported.into(), // a kernel before 5.14
            Some(libc::EFAULT) => io::ErrorKind::UnexpectedEof.into(),
            _ => error,
        })
    }

    pub(crate) fn residency(&self, range: PageRange) -> io::Result<Vec<bool>> {
        let from = self.at(range.offset, range.len)?;
        let mut pages = vec![0_u8; range.len / page_size()];
        // SAFETY: the range lies within the mapping, and begins at a page; there is a byte for each page.
        check(unsafe { libc::mincore(from.cast(), range.len, pages.as_mut_ptr().cast()) })?;
        Ok(pages.into_iter().map(|page| page & 1 != 0).collect())
    }

    pub(crate) fn lock(&self, range: PageRange, mode: LockMode) -> io::Result<()> {
        let from = self.at(range.offset, range.len)?;
        match mode {
            // SAFETY: the range lies within the mapping.
            LockMode::Now => check(unsafe { libc::mlock(from.cast(), range.len) }),
            LockMode::OnFault => system::lock_on_fault(from, range.len),
        }
    }

    pub(crate) fn unlock(&self, range: PageRange) -> io::Result<()> {
        let from = self.at(range.offset, range.len)?;
        // SAFETY: the range lies within the mapping.
        check(unsafe { libc::munlock(from.cast(), range.len) })
    }

    pub(crate) fn protect(&self, protection: Protection) -> io::Result<()> {
        // SAFETY: exactly the mapping; the caller has it alone, so that nobody holds what is no longer allowed.
        check(unsafe { libc::mprotect(self.base.cast(), self.len, bits(protection)) })
    }

    pub(crate) fn huge_bytes(&self) -> io::Result<usize> {
        system::huge_bytes(self.base.addr(), self.len)
    }

    pub(crate) fn unmap(self) -> io::Result<()> {
        let (base, len) = (self.base, self.len);
        let mut whole = std::mem::ManuallyDrop::new(self);
        whole.backing = system::Backing::none();
        // SAFETY: exactly what was mapped; the caller owned it, and no view of it lives.
        check(unsafe { libc::munmap(base.cast(), len) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped; we own it, and no view of it lives.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

fn bits(protection: Protection) -> libc::c_int {
    match protection {
        Protection::Read => libc::PROT_READ,
        Protection::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        Protection::ReadExecute => libc::PROT_READ | libc::PROT_EXEC,
    }
}
