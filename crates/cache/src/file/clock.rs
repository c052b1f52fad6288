//! How long an entry lives, and what time it is.

use crate::error::Result;
use crate::format::entry::Terms;
use crate::format::layout::{TIME_AHEAD, TIME_BASE, WATERMARK};
use samovar_mmap::View;
use std::cell::Cell;
use std::time::Duration;

/// How long an entry lives after it was set, and from when it is worth a refresh. Milliseconds; the clock behind it ticks
/// every few of them.
///
/// ```
/// use samovar::Ttl;
/// use std::time::Duration;
///
/// assert_eq!(Ttl::secs(2), Ttl::millis(2_000));
/// // Fresh for a minute; for nine more it may be given out while somebody loads it anew.
/// let ttl = Ttl::secs(600).stale_after(Duration::from_secs(60));
/// assert!(ttl != Ttl::secs(600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl {
    hard_ms: Option<u64>,
    soft_ms: Option<u64>,
}

impl Ttl {
    /// The entry stays until it is evicted, removed or replaced.
    pub const NEVER: Ttl = Ttl { hard_ms: None, soft_ms: None };

    /// The entry is gone this many seconds from now.
    pub const fn secs(seconds: u64) -> Ttl {
        Ttl::millis(seconds.saturating_mul(1000))
    }

    /// The entry is gone this many milliseconds from now.
    pub const fn millis(milliseconds: u64) -> Ttl {
        Ttl { hard_ms: Some(milliseconds), soft_ms: None }
    }

    /// The entry is stale this long from now: [`Cache::lookup`](crate::Cache::lookup) and the calls that load a value then
    /// have one caller refresh it, and give it to all others as it is. To every other call a stale value is a value.
    pub const fn stale_after(self, soft: Duration) -> Ttl {
        let soft_ms = soft.as_secs().saturating_mul(1000).saturating_add(soft.subsec_millis() as u64);
        Ttl { soft_ms: Some(soft_ms), ..self }
    }

    /// When an entry set now dies, and when it is stale. Who stores such terms lets it be known that this time was seen.
    pub(crate) fn terms(self, clock: &Clock<'_>) -> Result<Terms> {
        if self == Ttl::NEVER {
            return Ok(Terms::default());
        }
        clock.note()?;
        let from_now = |ms: u64| clock.now_ms().saturating_add(ms).min(u64::MAX - 1);
        let (expiry_ms, stale_ms) = (self.hard_ms.map(from_now), self.soft_ms.map(from_now));
        Ok(Terms { expiry_ms, stale_ms, ..Terms::default() })
    }
}

/// No file's time is before this: a watermark of zero says that nothing was ever to expire.
const FIRST_MS: u64 = 1;

/// Times above this, in the year 10889, are damage.
const LAST_MS: u64 = 1 << 48;

/// How the file's time follows from the system's clocks.
///
/// ```text
///   new file ----------> the clock on the wall
///   opened, same boot -> what the file says: it goes on as the time since the boot does, whoever sets the wall's clock
///   opened, new boot --> the clock on the wall, and what the file's time was ahead of it; but never back before a time seen
/// ```
///
/// So a clock that is set, back or ahead, in a running system or across a restart, revives nothing; and time goes on,
/// also after a clock was years ahead for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeBase {
    /// What the file's time is above the milliseconds since this boot, modulo 2^64.
    Boot(u64),
    /// This system does not tell its boots apart, or how long one lasts: its clock on the wall has to do.
    Wall,
}

impl TimeBase {
    /// What the file says, which is of this boot.
    pub(crate) fn load(file: View<'_>) -> Result<Self> {
        let base = file.word64(TIME_BASE)?.load();
        Ok(samovar_mmap::boot_ms().map_or(TimeBase::Wall, |_| TimeBase::Boot(base)))
    }

    /// The file's time after a restart of the machine.
    pub(crate) fn resume(file: View<'_>) -> Result<Self> {
        let (Some(_), Some(boot_ms)) = (samovar_mmap::boot_id(), samovar_mmap::boot_ms()) else {
            return Ok(TimeBase::Wall);
        };
        let wall_ms = samovar_mmap::wall_ms();
        let now_ms = wall_ms.wrapping_add(file.word64(TIME_AHEAD)?.load());
        let now_ms = if now_ms < LAST_MS { now_ms } else { wall_ms };
        Ok(TimeBase::Boot(now_ms.max(watermark(file)?).max(FIRST_MS).wrapping_sub(boot_ms)))
    }

    /// Lets everybody who opens the file in this boot have the same time.
    pub(crate) fn store(self, file: View<'_>) -> Result<()> {
        match self {
            TimeBase::Boot(base) => file.word64(TIME_BASE)?.store(base),
            TimeBase::Wall => {}
        }
        Ok(())
    }

    fn now_ms(self) -> u64 {
        match (self, samovar_mmap::boot_ms()) {
            (TimeBase::Boot(base), Some(boot_ms)) => boot_ms.wrapping_add(base),
            _ => samovar_mmap::wall_ms().max(FIRST_MS),
        }
    }
}

/// The time that expiry is judged by, never before what any writer has seen. Read at most once, and only if somebody asks.
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
            // The watermark's offset is a constant inside every file: without it there would be no mapping.
            self.read_ms.set(self.base.now_ms().max(watermark(self.file).unwrap_or(0)));
        }
        self.read_ms.get()
    }

    /// Lets every process know that this time was seen.
    pub(crate) fn note(&self) -> Result<()> {
        if watermark(self.file)? < self.now_ms() {
            self.file.word64(WATERMARK)?.store(self.now_ms());
        }
        Ok(())
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

/// The latest time that any writer has seen.
fn watermark(file: View<'_>) -> Result<u64> {
    let watermark_ms = file.word64(WATERMARK)?.load();
    Ok(if watermark_ms < LAST_MS { watermark_ms } else { 0 })
}
