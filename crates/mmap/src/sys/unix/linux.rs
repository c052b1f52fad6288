//! What only Linux has: `fallocate`, locks of open file descriptions, futexes, `/proc`, and file systems with
//! numbers.

#![allow(clippy::disallowed_types)] // a word of the map, on its way from `word` to the futex

use super::super::{LockMode, LockRequest, LockTable, RangeRequest, ReserveRequest, WaitRequest, Waited};
use super::{check, retry};
use crate::access::Access;
use crate::fault::FaultKind;
use crate::flush::Durability;
use crate::seal::Seal;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Offsets of 64 bits, on every processor.
pub(super) use libc::{mmap64 as mmap, off64_t as off_t};

/// Addresses alone, for which no memory is set aside.
pub(super) const NO_RESERVE: libc::c_int = libc::MAP_NORESERVE;

/// The page that most processors have beside the usual one.
pub(super) const HUGE_PAGE: Option<usize> = Some(2 << 20);

/// How far `msync` brings a map of a file. There is nothing more to do than that.
pub(super) struct Backing(Durability);

impl Backing {
    pub(super) fn none() -> Backing {
        Backing(Durability::Nothing)
    }

    /// The question takes as long as a tenth of a map of a small file, so that it is not asked for mere readers.
    #[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
    pub(super) fn of(file: &File, access: Access) -> io::Result<Backing> {
        if access == Access::ReadOnly {
            return Ok(Backing(Durability::Data));
        }
        Ok(Backing(match file_system(file) {
            Ok(kind) if WRITE_THE_CACHE.contains(&kind) => Durability::Full,
            Ok(kind) if IN_MEMORY.contains(&kind) => Durability::Memory,
            _ => Durability::Data,
        }))
    }

    #[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
    pub(super) fn flush(&self) -> io::Result<Durability> {
        Ok(self.0)
    }
}

/// A map of gigabytes has no place in a core dump. Not vital, and not worth the call for a small one.
pub(super) fn leave_out_of_dumps(base: *mut u8, len: usize) {
    const SMALL: usize = 1 << 20;
    if len < SMALL {
        return;
    }
    // SAFETY: advice on a range that was just mapped; it changes no byte.
    unsafe { libc::madvise(base.cast(), len, libc::MADV_DONTDUMP) };
}

/// `fallocate`, or where the file system has none, zeroes written behind the old end.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    let ReserveRequest { file, before, len } = *request;
    if len == 0 {
        return Ok(());
    }
    let end = off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    let fd = file.as_raw_fd();
    // SAFETY: the descriptor is open; the call changes the file's size and space, and no byte that it holds.
    match retry(|| unsafe { libc::fallocate64(fd, 0, 0, end) }) {
        Err(error) if lacks(&error) => write_zeroes(file, before, len),
        Err(error) => Err(error),
        // A store behind the end through a map comes to light when the file grows; only tmpfs lets it.
        Ok(()) if before < len => write_zeroes(file, before, len.min(before.next_multiple_of(1 << 16))),
        Ok(()) => Ok(()),
    }
}

/// `fallocate` alone: what the range held stays, so that nothing may be written there instead.
pub(crate) fn reserve_range(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate(request, 0)
}

/// The range keeps its place in the file, and reads as zeroes.
pub(crate) fn punch(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate(request, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE)
}

fn allocate(request: &RangeRequest<'_>, mode: libc::c_int) -> io::Result<()> {
    let too_far = |_| io::Error::from_raw_os_error(libc::EFBIG);
    let offset = off_t::try_from(request.offset).map_err(too_far)?;
    let len = off_t::try_from(request.len).map_err(too_far)?;
    let fd = request.file.as_raw_fd();
    // SAFETY: the descriptor is open; what is mapped there stays mapped.
    match retry(|| unsafe { libc::fallocate64(fd, mode, offset, len) }) {
        Err(error) if lacks(&error) => Err(io::ErrorKind::Unsupported.into()),
        done => done,
    }
}

fn lacks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL))
}

fn write_zeroes(file: &File, from: u64, to: u64) -> io::Result<()> {
    static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = from;
    while at < to {
        let len = usize::try_from((to - at).min(1 << 16)).unwrap_or(1);
        file.write_all_at(&ZEROES[..len], at)?;
        at += len as u64;
    }
    Ok(())
}

/// File systems of this machine's devices whose `fdatasync` ends with the device told to write its cache.
const WRITE_THE_CACHE: [u32; 8] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // Btrfs
    0xF2F5_2010, // F2FS
    0xCA45_1A4E, // bcachefs
    0x2FC1_2FC1, // ZFS
    0x4D44,      // FAT
    0x2011_BAB0, // exFAT
];

/// File systems without a device.
const IN_MEMORY: [u32; 3] = [
    0x0102_1994, // tmpfs, and memory files
    0x8584_58F6, // ramfs
    0x9584_58F6, // hugetlbfs
];

/// File systems that write in place what was reserved. Of all others nothing is known or promised.
const IN_PLACE: [u32; 5] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x0102_1994, // tmpfs
    0x3153_464A, // JFS
    0x2011_BAB0, // exFAT
];

/// File systems on another machine, or behind a program.
const REMOTE: [u32; 19] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB2
    0x0102_1997, // 9p
    0x6573_5546, // FUSE and virtiofs
    0x00C3_6400, // Ceph
    0x5346_414F, // AFS
    0x6B41_4653, // AFS of the kernel
    0x7375_7245, // Coda
    0x564C,      // NCP
    0x7461_636F, // OCFS2
    0x0116_1970, // GFS2
    0x0BD0_0BD0, // Lustre
    0x4750_4653, // GPFS
    0x786F_4256, // VirtualBox
    0x1983_0326, // BeeGFS
    0x2003_0528, // OrangeFS
    0xAAD7_AAEA, // PanFS
];

fn file_system(file: &File) -> io::Result<u32> {
    let mut buffer = std::mem::MaybeUninit::<libc::statfs>::uninit();
    let fd = file.as_raw_fd();
    // SAFETY: the descriptor is open, and the buffer has the size of what is written to it.
    retry(|| unsafe { libc::fstatfs(fd, buffer.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, and so it filled the buffer.
    let found = unsafe { buffer.assume_init() };
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)]
    // its type differs; all have 32 bits in use
    Ok(found.f_type as u32)
}

pub(crate) fn is_remote(file: &File) -> io::Result<bool> {
    Ok(REMOTE.contains(&file_system(file)?))
}

pub(crate) fn keeps_reserved_space(file: &File, len: u64) -> io::Result<bool> {
    let has_blocks = file.metadata()?.blocks().saturating_mul(512) >= len;
    Ok(has_blocks && IN_PLACE.contains(&file_system(file)?))
}

pub(crate) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    let from = CString::new(from.as_os_str().as_bytes())?;
    let to = CString::new(to.as_os_str().as_bytes())?;
    let here = libc::AT_FDCWD;
    // SAFETY: two strings that end in zero and live for the call. (By number, since not every libc has the
    // function.)
    let outcome = unsafe {
        libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), libc::RENAME_NOREPLACE)
    };
    let outcome = check(if outcome == 0 { 0 } else { -1 });
    outcome.map_err(|error| if lacks(&error) { io::ErrorKind::Unsupported.into() } else { error })
}

/// The lock with offsets of 64 bits.
#[cfg(target_pointer_width = "64")]
use libc::flock as Lock;
#[cfg(not(target_pointer_width = "64"))]
use libc::flock64 as Lock;

fn lock_of(byte: u64, kind: libc::c_int) -> io::Result<Lock> {
    let start = off_t::try_from(byte).ok().filter(|start| *start < off_t::MAX);
    let kind = libc::c_short::try_from(kind).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: a C struct of integers, for which zeroes are a value.
    let mut lock: Lock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = 0; // SEEK_SET
    lock.l_start = start.ok_or(io::ErrorKind::InvalidInput)?;
    lock.l_len = 1;
    Ok(lock)
}

#[cfg(target_pointer_width = "64")]
fn set_lock(fd: libc::c_int, command: libc::c_int, lock: &mut Lock) -> libc::c_int {
    // SAFETY: the descriptor is open, and the lock is ours to be written for the call.
    unsafe { libc::fcntl(fd, command, &raw mut *lock) }
}

/// The system's call itself, since not every libc passes such a lock on as it is.
#[cfg(not(target_pointer_width = "64"))]
fn set_lock(fd: libc::c_int, command: libc::c_int, lock: &mut Lock) -> libc::c_int {
    // SAFETY: the descriptor is open, and the lock is ours to be written for the call.
    let outcome = unsafe { libc::syscall(libc::SYS_fcntl64, fd, command, &raw mut *lock) };
    if outcome == -1 { -1 } else { 0 }
}

pub(crate) fn lock(request: &LockRequest<'_>) -> io::Result<bool> {
    let kind = match request.mode {
        LockMode::Exclusive => libc::F_WRLCK,
        LockMode::Shared => libc::F_RDLCK,
        LockMode::Unlocked => libc::F_UNLCK,
    };
    let mut lock = lock_of(request.byte, kind)?;
    let fd = request.file.as_raw_fd();
    match retry(|| set_lock(fd, libc::F_OFD_SETLK, &mut lock)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_locked_elsewhere(file: &File, _table: &LockTable, byte: u64) -> io::Result<bool> {
    let mut lock = lock_of(byte, libc::F_WRLCK)?;
    let fd = file.as_raw_fd();
    retry(|| set_lock(fd, libc::F_OFD_GETLK, &mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}

pub(crate) fn wait(request: &WaitRequest<'_>) -> Waited {
    let timeout = request.timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let word = request.word.as_ptr();
    // SAFETY: an aligned word that stays mapped, and a time that lives for the call. Not private: sleepers
    // and wakers are of several processes.
    let outcome =
        unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, request.expected, timeout) };
    if outcome == 0 {
        return Waited::Woken;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EINTR | libc::ETIMEDOUT) => Waited::Interrupted,
        _ if request.word.load(Ordering::Relaxed) != request.expected => Waited::Woken,
        // It cannot sleep here (a fault, an odd file system): do not burn the processor instead.
        _ => {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Waited::Interrupted
        }
    }
}

pub(crate) fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: an aligned word that stays mapped; nothing is written.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}

#[inline]
pub(crate) fn wall_ms() -> u64 {
    clock_ms(libc::CLOCK_REALTIME_COARSE)
}

#[inline]
pub(crate) fn boot_ms() -> Option<u64> {
    Some(clock_ms(libc::CLOCK_BOOTTIME))
}

#[inline]
fn clock_ms(clock: libc::clockid_t) -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock exists on every Linux, and the time is ours to be written.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds * 1000 + u64::try_from(now.tv_nsec / 1_000_000).unwrap_or(0)
}

pub(crate) fn boot_id() -> Option<[u8; 16]> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    Some(number.to_be_bytes())
}

/// The 22nd field of `/proc/PID/stat`; the second is a name in brackets, which may hold anything.
pub(crate) fn process_start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let mut rest = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
    // One that has ended stays in the table until its parent asks for it.
    let has_ended = matches!(rest.next()?, "Z" | "X" | "x");
    rest.nth(18).filter(|_| !has_ended)?.parse().ok()
}

/// Starts are counted in ticks since the boot.
pub(crate) fn process_age_ms(pid: u32) -> Option<u64> {
    // SAFETY: asks for a number.
    let ticks_per_second = u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok()?;
    let start_ms = process_start_of(pid)?.checked_mul(1000)?.checked_div(ticks_per_second)?;
    Some(boot_ms()?.saturating_sub(start_ms))
}

pub(crate) fn pid_namespace() -> Option<u64> {
    std::fs::metadata("/proc/self/ns/pid").ok().map(|metadata| metadata.ino())
}

/// Why a store into the page of this address fails: whether the page can be read is found out without a signal. `Missing` on
/// kernels that cannot say (before 5.14). To be asked soon, since the answer may change. May be called by a signal handler.
pub(crate) fn store_fault(address: usize) -> FaultKind {
    let page = super::page_size();
    let base = std::ptr::without_provenance_mut(address & !(page - 1));
    // SAFETY: brings a page of ours in and changes no byte.
    let can_be_read = unsafe { libc::madvise(base, page, libc::MADV_POPULATE_READ) == 0 };
    if can_be_read { FaultKind::NoSpace } else { FaultKind::Missing }
}

#[cfg(target_os = "android")]
pub(crate) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "android"))]
pub(crate) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let range = (off_t::try_from(offset), off_t::try_from(len));
    let (Ok(offset), Ok(len)) = range else { return Err(io::ErrorKind::InvalidInput.into()) };
    // SAFETY: the descriptor is open; no byte is changed.
    check(unsafe { libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE) })
}

pub(crate) fn memory_file() -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: a string that ends in zero and lives for the call. (By number, since not every libc has the function.)
    let fd = unsafe { libc::syscall(libc::SYS_memfd_create, c"samovar".as_ptr(), flags) };
    let fd = libc::c_int::try_from(fd).map_err(|_| io::ErrorKind::InvalidData)?;
    check(fd)?;
    // SAFETY: the call succeeded, and nobody else has the descriptor.
    Ok(unsafe { File::from_raw_fd(fd) })
}

pub(crate) fn seal(file: &File, seal: Seal) -> io::Result<()> {
    let seals = match seal {
        Seal::Shrink => libc::F_SEAL_SHRINK,
        Seal::Resize => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW,
        Seal::Write => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE,
        Seal::FutureWrite => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE,
    };
    // SAFETY: the descriptor is open; no byte is changed.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }).map_err(unsealable)
}

pub(crate) fn is_sealed(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open; the call asks only.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    check(seals).map_err(unsealable)?;
    let needed = libc::F_SEAL_SHRINK | libc::F_SEAL_WRITE;
    Ok(seals & needed == needed)
}

/// What a file says that is not one in memory.
fn unsealable(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::EINVAL) { io::ErrorKind::Unsupported.into() } else { error }
}
