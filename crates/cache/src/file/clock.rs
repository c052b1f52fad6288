//! What time it is in the file: the time that expiry goes by, the same for every process.

use crate::error::Result;
use crate::file::identity::Identity;
use crate::format::layout::{TIME_AHEAD, TIME_BASE, WATERMARK};
use samovar_mmap::View;
use std::cell::Cell;

/// No file's time is before this: a watermark of zero says that nothing was ever to expire.
// canary: time begins
const FIRST_MS: u64 = 1;

/// Times above this, in the year 10889, are damage.
const LAST_MS: u64 = 1 << 48;

/// How far the watermark can be ahead of the clock by which it was noted: processes read it one after another.
const AHEAD_MS: u64 = 1000;

/// How the file's time follows from the system's clocks.
///
/// ```text
///   new file ----------> the clock on the wall
///   opened, same boot -> what the file says: it goes on as the time since the boot does, even if the wall's clock is set
///   opened, new boot --> the clock on the wall, and what the file's time was ahead of it; but never back before a time seen
/// ```
///
/// So setting a clock, back or ahead, in a running system or across a restart, revives nothing. And the file's time
/// goes on, even after a clock was years ahead for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeBase {
    /// What the file's time is above the milliseconds since this boot, modulo 2^64.
    Boot(u64),
    /// This system does not tell its boots apart, or how long one lasts: its wall clock is used.
    Wall,
}

impl TimeBase {
    /// The base in the file, if a writer opened it in this boot; else the base that the next writer will store.
    pub(crate) fn present(file: View<'_>) -> Result<Self> {
        if Identity::load(file)?.is_of_this_boot() { TimeBase::load(file) } else { TimeBase::resume(file) }
    }

    /// The base that the file holds, of this boot.
    fn load(file: View<'_>) -> Result<Self> {
        let base = file.word64(TIME_BASE)?.load();
        Ok(samovar_mmap::boot_ms().map_or(TimeBase::Wall, |_| TimeBase::Boot(base)))
    }

    /// The file's time after a restart of the machine.
    pub(crate) fn resume(file: View<'_>) -> Result<Self> {
        let (Some(_), Some(boot_ms)) = (samovar_mmap::boot_id(), samovar_mmap::boot_ms()) else {
            return Ok(TimeBase::Wall);
        };
        let wall_ms = samovar_mmap::wall_ms();
        // canary: time ahead
        let now_ms = wall_ms.wrapping_add(file.word64(TIME_AHEAD)?.load());
        let now_ms = if now_ms < LAST_MS { now_ms } else { wall_ms };
        // canary: time seen
        Ok(TimeBase::Boot(now_ms.max(watermark(file)?).max(FIRST_MS).wrapping_sub(boot_ms)))
    }

    /// Stores the base, so that all openers in this boot have the same time.
    pub(crate) fn store(self, file: View<'_>) -> Result<()> {
        match self {
            TimeBase::Boot(base) => file.word64(TIME_BASE)?.store(base),
            TimeBase::Wall => {}
        }
        Ok(())
    }

    fn now_ms(self) -> u64 {
        match (self, samovar_mmap::boot_ms()) {
            // canary: boot clock
            (TimeBase::Boot(base), Some(boot_ms)) => boot_ms.wrapping_add(base),
            _ => samovar_mmap::wall_ms().max(FIRST_MS),
        }
    }
}

/// The time that expiry goes by. Read at most once, and only if somebody asks.
///
/// Within a boot it is the clock's alone: a watermark that is wrong stops nothing. Only who goes by the wall, whose clock may
/// be set back, takes the watermark for the time, and only as long as it is within bounds.
pub(crate) struct Clock<'a> {
    file: View<'a>,
    base: TimeBase,
    read_ms: Cell<u64>,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(file: View<'a>, base: TimeBase) -> Self {
        Clock { file, base, read_ms: Cell::new(0) }
    }

    /// The file's time, in milliseconds: as a rule that of the clock on the wall.
    pub(crate) fn now_ms(&self) -> u64 {
        if self.read_ms.get() == 0 {
            let now_ms = self.base.now_ms();
            // The watermark's offset is a constant inside every file: without it there would be no mapping.
            // canary: watermark bound
            let seen_ms = match self.base {
                TimeBase::Boot(_) => None,
                TimeBase::Wall => watermark(self.file).ok().filter(|seen_ms| !is_ahead(*seen_ms, now_ms)),
            };
            self.read_ms.set(seen_ms.unwrap_or(0).max(now_ms));
        }
        self.read_ms.get()
    }

    /// Time may have passed since it was read: the next question reads it anew.
    #[inline(always)]
    pub(crate) fn forget(&self) {
        self.read_ms.set(0);
    }

    /// Lets every process know that this time was seen.
    pub(crate) fn note(&self) -> Result<()> {
        let (seen_ms, now_ms) = (watermark(self.file)?, self.now_ms());
        if seen_ms < now_ms || self.is_wrong(seen_ms) {
            self.file.word64(WATERMARK)?.store(self.now_ms());
        }
        Ok(())
    }

    /// How far the watermark is ahead of the file's time, in milliseconds, where no writer can have noted it; else none. By the
    /// wall nobody can tell: its clock may have been set back.
    pub(crate) fn watermark_ahead_ms(&self) -> Result<Option<u64>> {
        let seen_ms = self.file.word64(WATERMARK)?.load();
        Ok(self.is_wrong(seen_ms).then(|| seen_ms.saturating_sub(self.now_ms())))
    }

    fn is_wrong(&self, seen_ms: u64) -> bool {
        matches!(self.base, TimeBase::Boot(_)) && is_ahead(seen_ms, self.now_ms())
    }

    /// Was any entry ever to expire?
    pub(crate) fn matters(&self) -> Result<bool> {
        Ok(watermark(self.file)? != 0)
    }

    /// Notes what the next boot needs, to go on from here.
    pub(crate) fn leave_off(&self) -> Result<()> {
        self.note()?;
        self.file.word64(TIME_AHEAD)?.store(self.now_ms().wrapping_sub(samovar_mmap::wall_ms()));
        Ok(())
    }
}

/// Is a watermark out of bounds at this time?
fn is_ahead(seen_ms: u64, now_ms: u64) -> bool {
    seen_ms > now_ms.saturating_add(AHEAD_MS)
}

/// The latest time that any writer has seen.
fn watermark(file: View<'_>) -> Result<u64> {
    let watermark_ms = file.word64(WATERMARK)?.load();
    Ok(if watermark_ms < LAST_MS { watermark_ms } else { 0 })
}
