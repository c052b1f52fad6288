//! Clocks, the boot, and processes: what `/proc` says.

use crate::sys::unix::fork;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

/// The inode of the time namespace that the machine booted with: its clocks have no offset.
const FIRST_TIME_NAMESPACE: u64 = 0xefff_fffa;

#[inline]
pub(crate) fn wall_ms() -> u64 {
    clock_ms(libc::CLOCK_REALTIME_COARSE)
}

#[inline]
pub(crate) fn boot_ms() -> Option<u64> {
    let offset_ms = time_offset_ms()?;
    Some(clock_ms(libc::CLOCK_BOOTTIME).saturating_add_signed(offset_ms.wrapping_neg()))
}

/// What the clock since the boot shows here above what it shows in the first time namespace; none if that cannot be told. It
/// is asked for once in each process: a forked child may be in another namespace.
#[inline]
fn time_offset_ms() -> Option<i64> {
    // Relaxed, but for the origin: release, with the acquire here, so that the offset is of that process.
    if ORIGIN.load(Ordering::Acquire) != fork::here().wrapping_add(1) {
        keep_time_offset();
    }
    Some(OFFSET_MS.load(Ordering::Relaxed)).filter(|offset_ms| *offset_ms != UNKNOWN)
}

/// One more than what tells this process from its children, once the offset below is its own; 0 before.
static ORIGIN: AtomicUsize = AtomicUsize::new(0);
static OFFSET_MS: AtomicI64 = AtomicI64::new(UNKNOWN);
const UNKNOWN: i64 = i64::MIN;

#[cold]
fn keep_time_offset() {
    OFFSET_MS.store(read_time_offset_ms().unwrap_or(UNKNOWN), Ordering::Relaxed);
    ORIGIN.store(fork::here().wrapping_add(1), Ordering::Release);
}

/// The file of offsets is about the namespace of future children. That is another one between `unshare` and the fork.
fn read_time_offset_ms() -> Option<i64> {
    let own = match namespace("time") {
        Ok(own) => own,
        // A system that has namespaces, but none of time.
        Err(error) if error.kind() == io::ErrorKind::NotFound && namespace("pid").is_ok() => return Some(0),
        Err(_) => return None,
    };
    if own == FIRST_TIME_NAMESPACE {
        return Some(0);
    }
    let offsets = std::fs::read_to_string("/proc/self/timens_offsets").ok()?;
    if namespace("time_for_children").ok()? == own { boot_offset_ms(&offsets) } else { None }
}

/// A line for each clock: its name, seconds, nanoseconds.
fn boot_offset_ms(offsets: &str) -> Option<i64> {
    let mut lines = offsets.lines().map(|line| line.split_ascii_whitespace());
    let mut boot = lines.find_map(|mut line| (line.next() == Some("boottime")).then_some(line))?;
    let mut number = || boot.next()?.parse::<i64>().ok();
    number()?.checked_mul(1000)?.checked_add(number()? / 1_000_000)
}

/// The namespace of a kind that this process is in.
fn namespace(kind: &str) -> io::Result<u64> {
    Ok(std::fs::metadata(format!("/proc/self/ns/{kind}"))?.ino())
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

/// Ticks since the boot, in whichever time namespace we are.
pub(crate) fn process_start_of(pid: u32) -> Option<u64> {
    let offset_ms = time_offset_ms().unwrap_or(0);
    let offset_ticks = offset_ms.checked_mul(i64::try_from(ticks_per_second()?).ok()?)?.checked_div(1000)?;
    Some(start_ticks(pid)?.wrapping_add_signed(offset_ticks.wrapping_neg()))
}

/// The 22nd field of `/proc/PID/stat`; the second is a name in brackets, which may hold anything. It has the offset of our time
/// namespace.
fn start_ticks(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let mut rest = std::str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
    // One that has ended stays in the table until its parent asks for it.
    let has_ended = matches!(rest.next()?, "Z" | "X" | "x");
    rest.nth(18).filter(|_| !has_ended)?.parse().ok()
}

/// Starts are counted in ticks since the boot.
pub(crate) fn process_age_ms(pid: u32) -> Option<u64> {
    let start_ms = start_ticks(pid)?.checked_mul(1000)?.checked_div(ticks_per_second()?)?;
    Some(clock_ms(libc::CLOCK_BOOTTIME).saturating_sub(start_ms))
}

fn ticks_per_second() -> Option<u64> {
    // SAFETY: asks for a number.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).ok()
}

pub(crate) fn pid_namespace() -> Option<u64> {
    namespace("pid").ok()
}

#[cfg(test)]
mod tests;
