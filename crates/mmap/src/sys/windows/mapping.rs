//! Mapped pages: views of sections, and memory of no file.

use super::call::{check, page_size};
use super::files::is_remote;
use crate::access::Access;
use crate::advice::{Advice, Discard, LockMode};
use crate::durability::Durability;
use crate::sys::request::unsupported;
use crate::sys::request::{GrowRequest, MapRequest, PageRange, Protection, Sharing};
use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::ptr;
use windows_sys::Win32::Foundation::{
    CloseHandle, ERROR_INVALID_PARAMETER, ERROR_NOT_LOCKED, HANDLE, INVALID_HANDLE_VALUE,
};
use windows_sys::Win32::System::Diagnostics::Debug::FlushInstructionCache;
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_COPY, FILE_MAP_EXECUTE, FILE_MAP_READ, FILE_MAP_WRITE, FlushViewOfFile,
    MEM_COMMIT, MEM_RELEASE, MEM_RESERVE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, PAGE_EXECUTE_READ,
    PAGE_READONLY, PAGE_READWRITE, PAGE_WRITECOPY, PrefetchVirtualMemory, UnmapViewOfFile, VirtualAlloc,
    VirtualFree, VirtualLock, VirtualProtect, VirtualUnlock, WIN32_MEMORY_RANGE_ENTRY,
};
use windows_sys::Win32::System::ProcessStatus::{
    K32QueryWorkingSetEx, PSAPI_WORKING_SET_EX_BLOCK, PSAPI_WORKING_SET_EX_INFORMATION,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessWorkingSetSize};

/// Where pages come from, and so how they go.
enum Backing {
    /// A view of a section; with the file, if flushes are wanted.
    View(Option<File>),
    /// Memory of no file.
    Private,
}

/// Mapped pages, unmapped on drop.
pub(crate) struct Mapping {
    base: *mut u8,
    len: usize,
    backing: Backing,
}

impl Mapping {
    pub(crate) fn new(request: &MapRequest<'_>) -> io::Result<Mapping> {
        match (request.file, request.sharing) {
            (None, Sharing::Private) => Mapping::private(request.len),
            (None, Sharing::Shared) => {
                let section = Section::new(INVALID_HANDLE_VALUE, PAGE_READWRITE, request.len as u64)?;
                section.view(request, FILE_MAP_READ | FILE_MAP_WRITE, Backing::View(None))
            }
            (Some(file), sharing) => Mapping::of_file(request, file, sharing),
        }
    }

    fn private(len: usize) -> io::Result<Mapping> {
        // SAFETY: no address is asked for, so that nothing that is there is touched.
        let base = unsafe { VirtualAlloc(ptr::null(), len, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) };
        if base.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { base: base.cast(), len, backing: Backing::Private })
    }

    /// The section is as long as the file is: nothing here makes it grow. The file is kept for flushing under a
    /// handle of our own, since the caller's may be closed.
    fn of_file(request: &MapRequest<'_>, file: &File, sharing: Sharing) -> io::Result<Mapping> {
        let (section, view) = match (request.protection, sharing) {
            (Protection::Read, _) => (PAGE_READONLY, FILE_MAP_READ),
            (Protection::ReadWrite, Sharing::Shared) => (PAGE_READWRITE, FILE_MAP_READ | FILE_MAP_WRITE),
            (Protection::ReadWrite, Sharing::Private) => (PAGE_WRITECOPY, FILE_MAP_COPY),
            (Protection::ReadExecute, _) => (PAGE_EXECUTE_READ, FILE_MAP_READ | FILE_MAP_EXECUTE),
        };
        let is_flushed = section == PAGE_READWRITE;
        let kept = is_flushed.then(|| file.try_clone()).transpose()?;
        Section::new(file.as_raw_handle(), section, 0)?.view(request, view, Backing::View(kept))
    }

    pub(crate) fn reserve(_len: usize, _file: &File, _access: Access) -> io::Result<Mapping> {
        unsupported()
    }

    pub(crate) fn grow(&self, _request: &GrowRequest<'_>) -> io::Result<()> {
        unsupported()
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    /// Where these bytes are; an error unless they lie within the pages that are mapped.
    fn at(&self, range: PageRange) -> io::Result<*mut u8> {
        let pages = self.len.next_multiple_of(page_size());
        if range.offset > pages || range.len > pages - range.offset {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(self.base.wrapping_add(range.offset))
    }

    /// Hands the range to the file, and the file to its device.
    pub(crate) fn flush(&self, range: PageRange) -> io::Result<Durability> {
        let Backing::View(Some(file)) = &self.backing else { return Ok(Durability::Nothing) };
        let from = self.at(range)?;
        // SAFETY: the range lies within the view.
        check(unsafe { FlushViewOfFile(from.cast(), range.len) })?;
        file.sync_all()?;
        Ok(if is_remote(file).unwrap_or(true) { Durability::Data } else { Durability::Full })
    }

    pub(crate) fn advise(&self, range: PageRange, advice: Advice) -> io::Result<()> {
        match advice {
            Advice::Normal | Advice::Random | Advice::Sequential => Ok(()), // there is nobody to tell
            Advice::WillNeed => {
                let from = self.at(range)?;
                let entry =
                    WIN32_MEMORY_RANGE_ENTRY { VirtualAddress: from.cast(), NumberOfBytes: range.len };
                // SAFETY: asks about this process.
                let process = unsafe { GetCurrentProcess() };
                // SAFETY: one entry, whose range lies within the mapping; no byte is changed.
                check(unsafe { PrefetchVirtualMemory(process, 1, &raw const entry, 0) })
            }
            _ => unsupported(),
        }
    }

    pub(crate) fn discard(&self, _range: PageRange, _discard: Discard) -> io::Result<()> {
        unsupported()
    }

    pub(crate) fn populate(&self, _range: PageRange, _access: Access) -> io::Result<()> {
        unsupported()
    }

    pub(crate) fn residency(&self, range: PageRange) -> io::Result<Vec<bool>> {
        let from = self.at(range)?;
        let mut pages: Vec<_> = (0..range.len)
            .step_by(page_size())
            .map(|offset| PSAPI_WORKING_SET_EX_INFORMATION {
                VirtualAddress: from.wrapping_add(offset).cast(),
                VirtualAttributes: PSAPI_WORKING_SET_EX_BLOCK { Flags: 0 },
            })
            .collect();
        let bytes = u32::try_from(size_of_val(&pages[..])).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: asks about this process.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: so many bytes of entries, ours to be written.
        check(unsafe { K32QueryWorkingSetEx(process, pages.as_mut_ptr().cast(), bytes) })?;
        Ok(pages.iter().map(is_resident).collect())
    }

    pub(crate) fn lock(&self, range: PageRange, mode: LockMode) -> io::Result<()> {
        if mode == LockMode::OnFault {
            return unsupported();
        }
        let from = self.at(range)?;
        // SAFETY: the range lies within the mapping.
        check(unsafe { VirtualLock(from.cast(), range.len) })
    }

    pub(crate) fn unlock(&self, range: PageRange) -> io::Result<()> {
        let from = self.at(range)?;
        // SAFETY: the range lies within the mapping.
        match check(unsafe { VirtualUnlock(from.cast(), range.len) }) {
            Err(error) if is(&error, ERROR_NOT_LOCKED) => Ok(()),
            other => other,
        }
    }

    /// A view cannot be given more than its section was made for: that is a matter of permission, whatever the
    /// system calls it.
    pub(crate) fn protect(&self, protection: Protection) -> io::Result<()> {
        let new = match protection {
            Protection::Read => PAGE_READONLY,
            Protection::ReadWrite => PAGE_READWRITE,
            Protection::ReadExecute => PAGE_EXECUTE_READ,
        };
        let mut old = 0;
        // SAFETY: exactly the mapping; the caller has it alone, so that nobody holds what is no longer allowed.
        match check(unsafe { VirtualProtect(self.base.cast(), self.len, new, &raw mut old) }) {
            Err(error) if is(&error, ERROR_INVALID_PARAMETER) => Err(io::ErrorKind::PermissionDenied.into()),
            other => other,
        }
    }

    pub(crate) fn huge_bytes(&self) -> io::Result<usize> {
        unsupported()
    }

    pub(crate) fn unmap(self) -> io::Result<()> {
        let outcome = self.release();
        let mut gone = std::mem::ManuallyDrop::new(self);
        gone.backing = Backing::Private; // and so the file is closed
        outcome
    }

    fn release(&self) -> io::Result<()> {
        match self.backing {
            Backing::View(_) => {
                let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: self.base.cast() };
                // SAFETY: exactly what was mapped; we own it, and no view of it lives.
                check(unsafe { UnmapViewOfFile(view) })
            }
            // SAFETY: exactly what was allocated; we own it, and no slice of it lives.
            Backing::Private => check(unsafe { VirtualFree(self.base.cast(), 0, MEM_RELEASE) }),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let _ = self.release();
    }
}

fn is_resident(page: &PSAPI_WORKING_SET_EX_INFORMATION) -> bool {
    // SAFETY: all members of the union are the same integer.
    let flags = unsafe { page.VirtualAttributes.Flags };
    flags & 1 != 0
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error().and_then(|found| u32::try_from(found).ok()) == Some(code)
}

/// What views are made of. Views keep it alive.
struct Section(HANDLE);

impl Section {
    /// `len` 0 is as long as the file.
    fn new(file: HANDLE, protection: u32, len: u64) -> io::Result<Section> {
        let Halves { high, low } = halves(len);
        // SAFETY: a file that is open, or none; no security attributes, and no name.
        let section = unsafe { CreateFileMappingW(file, ptr::null(), protection, high, low, ptr::null()) };
        if section.is_null() { Err(io::Error::last_os_error()) } else { Ok(Section(section)) }
    }

    fn view(&self, request: &MapRequest<'_>, access: u32, backing: Backing) -> io::Result<Mapping> {
        let Halves { high, low } = halves(request.offset);
        // SAFETY: the section is open; no address is asked for, so that nothing that is there is touched.
        let view = unsafe { MapViewOfFile(self.0, access, high, low, request.len) };
        if view.Value.is_null() {
            return Err(io::Error::last_os_error());
        }
        Ok(Mapping { base: view.Value.cast(), len: request.len, backing })
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { CloseHandle(self.0) };
    }
}

/// A number of 64 bits as the system takes it.
struct Halves {
    high: u32,
    low: u32,
}

fn halves(number: u64) -> Halves {
    let half = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(0);
    Halves { high: half(number >> 32), low: half(number) }
}

/// The smallest working set: less than that can be locked.
pub(crate) fn lock_limit() -> Option<u64> {
    let (mut least, mut most) = (0, 0);
    // SAFETY: asks about this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: there is room for two answers.
    check(unsafe { GetProcessWorkingSetSize(process, &raw mut least, &raw mut most) }).ok()?;
    Some(least as u64)
}

/// Code that was just made is what will be executed.
pub(crate) fn synchronise_code(base: *const u8, len: usize) {
    // SAFETY: asks about this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: a range of ours; no byte is changed.
    unsafe { FlushInstructionCache(process, base.cast(), len) };
}
