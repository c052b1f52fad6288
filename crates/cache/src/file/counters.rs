//! Counters: in the file, so that they outlive every process, on lines that no two busy threads share.

use crate::error::{ErrorKind, Result};
use crate::format::layout::{COUNTER_STRIPE_LEN, COUNTER_STRIPES, COUNTERS, REFUSED};
use samovar_mmap::View;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One of the counters of a stripe.
#[derive(Clone, Copy)]
pub(crate) enum Counter {
    Hits = 0,
    Misses = 1,
    Removes = 3,
    Refusals = 4,
    OwnerStopped = 5,
    Damaged = 6,
    Clears = 7,
}

const COUNTERS_IN_USE: usize = 8;

/// Why a write was refused, where the counter of all refusals is not enough.
#[derive(Clone, Copy)]
enum Reason {
    TooLarge = 0,
    Busy = 1,
    System = 2,
}

const REASONS: usize = 3;

impl Reason {
    fn of(kind: ErrorKind) -> Option<Self> {
        match kind {
            ErrorKind::KeyTooLong | ErrorKind::ValueTooLarge => Some(Reason::TooLarge),
            ErrorKind::Busy => Some(Reason::Busy),
            ErrorKind::NoSpace | ErrorKind::Io | ErrorKind::Fault | ErrorKind::PermissionDenied => {
                Some(Reason::System)
            }
            _ => None,
        }
    }
}

/// Counts the reason of a refusal, if it is one that is counted.
#[cold]
pub(crate) fn count_reason(file: View<'_>, kind: ErrorKind) -> Result<()> {
    if let Some(reason) = Reason::of(kind) {
        file.word64(REFUSED + reason as usize * 8)?.fetch_add(1);
    }
    Ok(())
}

/// Refusals because of size, because of others, because of the system.
pub(crate) fn reasons(file: View<'_>) -> Result<[u64; REASONS]> {
    let mut counts = [0; REASONS];
    for (number, count) in counts.iter_mut().enumerate() {
        *count = file.word64(REFUSED + number * 8)?.load();
    }
    Ok(counts)
}

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// A small number for this thread; consecutive threads get consecutive numbers.
#[inline(always)]
fn thread_number() -> usize {
    match THREAD.get() {
        usize::MAX => first_thread_number(),
        number => number,
    }
}

#[cold]
fn first_thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    THREAD.set(number);
    number
}

/// The stripe of this thread of process `process` among so many.
#[inline(always)]
pub(crate) fn stripe(process: u32, stripes: usize) -> usize {
    (process as usize * 8 + thread_number()) % stripes.max(1)
}

/// Hits and misses of a read-only handle, which cannot count in the file.
#[derive(Default)]
pub(crate) struct Local([LocalLine; LOCAL_LINES]);

/// A line for one thread, or for few.
#[derive(Default)]
#[repr(align(64))]
struct LocalLine([AtomicUsize; 2]);

const LOCAL_LINES: usize = 16;

impl Local {
    /// Adds `times`, if it is a hit or a miss.
    #[inline]
    pub(crate) fn count(&self, counter: Counter, times: usize) {
        let line = &self.0[thread_number() % LOCAL_LINES];
        if let Some(count) = line.0.get(counter as usize) {
            // Relaxed: it orders nothing.
            count.fetch_add(times, Ordering::Relaxed);
        }
    }

    /// Hits, or misses. Relaxed, too: a count that is read while others count is of some moment between.
    pub(crate) fn sum(&self, counter: Counter) -> u64 {
        let of = |line: &LocalLine| {
            line.0.get(counter as usize).map_or(0, |count| count.load(Ordering::Relaxed) as u64)
        };
        self.0.iter().map(of).sum()
    }
}

/// Adds `times`, on this thread's line of process `process`.
#[inline(always)]
pub(crate) fn count(file: View<'_>, process: u32, counter: Counter, times: u64) -> Result<()> {
    let stripe = stripe(process, COUNTER_STRIPES);
    file.word64(COUNTERS + stripe * COUNTER_STRIPE_LEN + counter as usize * 8)?.fetch_add(times);
    Ok(())
}

/// The sums over all stripes, in the order of [`Counter`].
pub(crate) fn sums(file: View<'_>) -> Result<[u64; COUNTERS_IN_USE]> {
    let mut sums = [0u64; COUNTERS_IN_USE];
    for stripe in 0..COUNTER_STRIPES {
        for (sum, value) in sums.iter_mut().zip(file.load_line(COUNTERS + stripe * COUNTER_STRIPE_LEN)?) {
            *sum = sum.wrapping_add(value);
        }
    }
    Ok(sums)
}
