//! What only Apple's systems have: F_FULLFSYNC, F_PREALLOCATE, locks of open file descriptions, `renamex_np`.

use super::super::call::{check, retry};
use crate::access::Access;
use crate::durability::Durability;
use crate::sys::request::{ByteLock, LockQuery, LockRequest, RangeRequest, ReserveRequest};
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Addresses alone, for which no memory is set aside.
pub(crate) const NO_RESERVE: libc::c_int = libc::MAP_NORESERVE;

/// None for maps of files.
pub(crate) const HUGE_PAGE: Option<usize> = None;

/// The file of a shared map, kept to be flushed: `msync` stops short of the device.
pub(crate) struct Backing(Option<File>);

impl Backing {
    pub(crate) fn none() -> Backing {
        Backing(None)
    }

    pub(crate) fn of(file: &File, _access: Access) -> io::Result<Backing> {
        Ok(Backing(Some(file.try_clone()?)))
    }

    /// F_FULLFSYNC, or where the file system does not know it, `fsync`.
    pub(crate) fn flush(&self) -> io::Result<Durability> {
        let Some(file) = &self.0 else { return Ok(Durability::Nothing) };
        let fd = file.as_raw_fd();
        // SAFETY: the descriptor is open; no byte of the file is changed.
        match retry(|| unsafe { libc::fcntl(fd, libc::F_FULLFSYNC) }) {
            Ok(()) => Ok(Durability::Full),
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::ENOTSUP | libc::EINVAL | libc::ENOTTY)) =>
            {
                // SAFETY: as above.
                retry(|| unsafe { libc::fsync(fd) })?;
                Ok(Durability::Data)
            }
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn leave_out_of_dumps(_base: *mut u8, _len: usize) {}

/// Space in one piece, else in many. A file system that cannot has it written by the caller.
pub(super) fn preallocate(request: &ReserveRequest<'_>) -> io::Result<()> {
    let more =
        libc::off_t::try_from(request.len - request.before).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut store = libc::fstore_t {
        fst_flags: libc::F_ALLOCATECONTIG,
        fst_posmode: libc::F_PEOFPOSMODE,
        fst_offset: 0,
        fst_length: more,
        fst_bytesalloc: 0,
    };
    let fd = request.file.as_raw_fd();
    // SAFETY: the descriptor is open, and the request is ours to be written for the call.
    if retry(|| unsafe { libc::fcntl(fd, libc::F_PREALLOCATE, &raw mut store) }).is_ok() {
        return Ok(());
    }
    store.fst_flags = libc::F_ALLOCATEALL;
    // SAFETY: as above.
    match retry(|| unsafe { libc::fcntl(fd, libc::F_PREALLOCATE, &raw mut store) }) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTSUP | libc::EINVAL)) => Ok(()),
        other => other,
    }
}

/// The range, which begins and ends at blocks of the file system, keeps its place in the file and reads as zeroes.
pub(crate) fn punch(request: &RangeRequest<'_>) -> io::Result<()> {
    let off = |bytes: u64| libc::off_t::try_from(bytes).map_err(|_| io::ErrorKind::FileTooLarge);
    let hole = libc::fpunchhole_t {
        fp_flags: 0,
        reserved: 0,
        fp_offset: off(request.offset)?,
        fp_length: off(request.len)?,
    };
    let fd = request.file.as_raw_fd();
    // SAFETY: the descriptor is open, and the request lives for the call; what is mapped there stays mapped.
    match retry(|| unsafe { libc::fcntl(fd, libc::F_PUNCHHOLE, &raw const hole) }) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOTSUP | libc::EINVAL | libc::ENOTTY)) => {
            Err(io::ErrorKind::Unsupported.into())
        }
        done => done,
    }
}

pub(crate) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    let from = CString::new(from.as_os_str().as_bytes())?;
    let to = CString::new(to.as_os_str().as_bytes())?;
    // SAFETY: two strings that end in zero and live for the call.
    check(unsafe { libc::renamex_np(from.as_ptr(), to.as_ptr(), libc::RENAME_EXCL) })
}

fn lock_of(bytes: Range<u64>, lock: ByteLock) -> io::Result<libc::flock> {
    let start = libc::off_t::try_from(bytes.start).ok().filter(|start| *start < libc::off_t::MAX);
    let len = libc::off_t::try_from(bytes.end - bytes.start).map_err(|_| io::ErrorKind::InvalidInput)?;
    let kind = match lock {
        ByteLock::Exclusive => libc::F_WRLCK,
        ByteLock::Shared => libc::F_RDLCK,
        ByteLock::Unlocked => libc::F_UNLCK,
    };
    let start = start.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(libc::flock { l_start: start, l_len: len, l_pid: 0, l_type: kind, l_whence: 0 })
}

/// Here locks end with the last descriptor, whatever is mapped.
#[derive(Debug)]
pub(crate) enum Hold {}

impl Hold {
    pub(crate) fn of(_file: &File) -> Option<Hold> {
        None
    }
}

pub(crate) fn lock(request: &LockRequest<'_>) -> io::Result<bool> {
    let mut lock = lock_of(request.byte..request.byte + 1, request.lock)?;
    let fd = request.file.as_raw_fd();
    // SAFETY: the descriptor is open, and the lock lives for the call.
    match retry(|| unsafe { libc::fcntl(fd, libc::F_OFD_SETLK, &raw mut lock) }) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_locked_elsewhere(query: &LockQuery<'_>) -> io::Result<bool> {
    let mut lock = lock_of(query.bytes.clone(), query.lock)?;
    let fd = query.file.as_raw_fd();
    // SAFETY: the descriptor is open, and the lock is ours to be written for the call.
    retry(|| unsafe { libc::fcntl(fd, libc::F_OFD_GETLK, &raw mut lock) })?;
    Ok(lock.l_type != libc::F_UNLCK)
}

/// `kern.bootsessionuuid`, a text.
pub(super) fn boot_id() -> Option<[u8; 16]> {
    let mut text = [0_u8; 64];
    let mut len = text.len();
    let name = c"kern.bootsessionuuid".as_ptr();
    // SAFETY: a name that ends in zero, room for the answer, and no new value.
    let outcome =
        unsafe { libc::sysctlbyname(name, text.as_mut_ptr().cast(), &raw mut len, std::ptr::null_mut(), 0) };
    check(outcome).ok()?;
    let digits: String = text.iter().map(|byte| char::from(*byte)).filter(char::is_ascii_hexdigit).collect();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(number.to_be_bytes())
}

/// Microseconds since 1970.
pub(super) fn process_start_of(pid: u32) -> Option<u64> {
    let pid = libc::c_int::try_from(pid).ok()?;
    let mut info = std::mem::MaybeUninit::<libc::proc_bsdinfo>::uninit();
    let size = libc::c_int::try_from(size_of::<libc::proc_bsdinfo>()).ok()?;
    // SAFETY: room for the answer, and its size.
    let got = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, info.as_mut_ptr().cast(), size) };
    if got != size {
        return None;
    }
    // SAFETY: the call filled all of it.
    let info = unsafe { info.assume_init() };
    Some(info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec)
}

pub(super) fn process_age_ms(pid: u32) -> Option<u64> {
    Some(super::wall_ms().saturating_sub(process_start_of(pid)? / 1000))
}
