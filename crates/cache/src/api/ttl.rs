//! How long an entry lives, as its user says it.

use crate::error::Result;
use crate::file::clock::Clock;
use crate::format::entry::Terms;
use std::cmp::Ordering;
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
/// // What lives longer is greater, so that the shortest of several can be had.
/// assert_eq!(Ttl::NEVER.min(Ttl::secs(3600)), Ttl::secs(3600));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ttl {
    hard_ms: Option<u64>,
    soft_ms: Option<u64>,
}

/// By how long the entry lives; of those that live equally long, by how long it is fresh.
impl Ord for Ttl {
    fn cmp(&self, other: &Self) -> Ordering {
        let limits = |ttl: &Ttl| (Limit::of(ttl.hard_ms), Limit::of(ttl.soft_ms));
        limits(self).cmp(&limits(other))
    }
}

impl PartialOrd for Ttl {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A limit, in the order of time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Limit {
    After(u64),
    Never,
}

impl Limit {
    fn of(ms: Option<u64>) -> Self {
        ms.map_or(Limit::Never, Limit::After)
    }
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

    /// The entry is stale this long from now. [`Cache::lookup`](crate::Cache::lookup) and the calls that load a value
    /// then have one caller refresh it. All others get it as it is. To every other call a stale value is a value.
    pub const fn stale_after(self, soft: Duration) -> Ttl {
        let soft_ms = soft.as_secs().saturating_mul(1000).saturating_add(soft.subsec_millis() as u64);
        Ttl { soft_ms: Some(soft_ms), ..self }
    }

    /// When an entry set now dies, and when it is stale. A writer that stores such terms also stores that this time was
    /// seen.
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
