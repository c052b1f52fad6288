//! Wall time and the CPU time of this thread, taken together.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Running since it was made.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

/// What passed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Elapsed {
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let cpu = thread_cpu();
        Stopwatch { wall: Instant::now(), cpu }
    }

    /// Wall time alone: a few dozen nanoseconds.
    #[inline]
    pub(crate) fn wall(self) -> Duration {
        self.wall.elapsed()
    }

    pub(crate) fn elapsed(self) -> Elapsed {
        let wall = self.wall.elapsed();
        Elapsed { wall, cpu: thread_cpu().saturating_sub(self.cpu) }
    }
}

fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = Duration::from_secs(u64::try_from(now.tv_sec).unwrap_or(0));
    seconds + Duration::from_nanos(u64::try_from(now.tv_nsec).unwrap_or(0))
}
