//! Clocks, the boot, and processes: what `/proc` says.

use std::os::unix::fs::MetadataExt;

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
