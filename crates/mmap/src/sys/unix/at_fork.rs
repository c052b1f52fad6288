//! Handlers around forks, registered with the system once for the process and its children.
//!
//! ```text
//!    absent --one thread claims--> claimed by its process --registered--> there
//!      ^                                  |
//!      +----------- refused --------------+
//! ```
//!
//! There is no edge out of `there`: children inherit the handlers. A fork may copy `claimed` into a child that has no such
//! thread: the child sees another process's number there, and claims it for itself. The system lets no registration pass
//! between the handlers before a fork and those after it, so that such a child has no handlers yet.

use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

const ABSENT: i32 = 0;
const THERE: i32 = -1;

/// Whether the handlers are registered, or by which process they are being registered.
pub(super) struct AtFork(AtomicI32);

impl AtFork {
    pub(super) const fn absent() -> AtFork {
        AtFork(AtomicI32::new(ABSENT))
    }

    #[inline]
    pub(super) fn is_there(&self) -> bool {
        // Acquire, with the release of who registered: the handlers are behind it.
        self.0.load(Ordering::Acquire) == THERE
    }

    /// Has `register` called, unless it was before with success. A refusal is an error, and the next call tries again. Waits
    /// while another thread registers, which the system does without waiting for anybody.
    pub(super) fn install(&self, register: impl FnOnce() -> libc::c_int) -> io::Result<()> {
        // Acquire, as in `is_there`.
        let mut found = self.0.load(Ordering::Acquire);
        while found != THERE {
            let me = std::process::id().cast_signed();
            if found == me {
                std::thread::yield_now();
                found = self.0.load(Ordering::Acquire);
                continue;
            }
            match self.0.compare_exchange(found, me, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => return self.register(register),
                Err(now) => found = now,
            }
        }
        Ok(())
    }

    fn register(&self, register: impl FnOnce() -> libc::c_int) -> io::Result<()> {
        let outcome = register();
        // Release, with the acquire in `is_there`.
        self.0.store(if outcome == 0 { THERE } else { ABSENT }, Ordering::Release);
        if outcome == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(outcome)) }
    }

    /// To be called by the handler in the child: that it runs shows that it is registered.
    pub(super) fn inherited(&self) {
        self.0.store(THERE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
