//! Waiting on a word where the system has no way across processes: look, sleep, look again.

#![allow(clippy::disallowed_types)] // a word of the map, on its way from `word` to the system

use super::request::{WaitRequest, Waited};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SPINS: u32 = 100;
const FIRST_SLEEP: Duration = Duration::from_micros(50);
const LONGEST_SLEEP: Duration = Duration::from_millis(2);

pub(crate) fn wait(request: &WaitRequest<'_>) -> Waited {
    let changed = || request.word.load(Ordering::Relaxed) != request.expected;
    for _ in 0..SPINS {
        if changed() {
            return Waited::Woken;
        }
        std::hint::spin_loop();
    }
    let begun = Instant::now();
    let mut sleep = FIRST_SLEEP;
    while !changed() {
        let left = request.timeout.map_or(LONGEST_SLEEP, |timeout| timeout.saturating_sub(begun.elapsed()));
        if left.is_zero() {
            return Waited::Interrupted;
        }
        std::thread::sleep(sleep.min(left));
        sleep = (sleep * 2).min(LONGEST_SLEEP);
    }
    Waited::Woken
}

/// The sleepers look for themselves.
pub(crate) fn wake(_word: &AtomicU32, _count: i32) {}
