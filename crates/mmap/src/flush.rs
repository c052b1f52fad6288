//! Flushing, and remembering that it failed.

use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::seam;
use crate::view::faulted;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets no flush succeed after one that failed, since the system may have dropped what it could not write.
#[derive(Default)]
pub(crate) struct FlushLatch {
    failed: AtomicBool,
}

impl FlushLatch {
    pub(crate) fn flush(&self, fault: Option<Fault>, flush: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Io,
                "an earlier flush of this map failed, and what it lost is unknown; open the file anew",
            ));
        }
        if let Some(fault) = fault {
            return Err(faulted(fault));
        }
        seam::hit(seam::Event::Flush);
        flush().inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }
}
