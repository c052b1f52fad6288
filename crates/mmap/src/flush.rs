//! Remembering that a flush failed.

use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::hooks;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets no flush succeed after one that failed, since the system may have dropped what it could not write.
#[derive(Default)]
pub(crate) struct FlushLatch {
    failed: AtomicBool,
}

impl FlushLatch {
    /// Flushes a range of a map, unless the map has a fault.
    pub(crate) fn flush(
        &self,
        fault: Option<Fault>,
        range: Range<usize>,
        flush: impl FnOnce() -> Result<Durability>,
    ) -> Result<Durability> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Io,
                "an earlier flush of this map failed, and what it lost is unknown; open the file anew",
            ));
        }
        if let Some(fault) = fault {
            return Err(Error::faulted(fault));
        }
        hooks::report_flush(range);
        let flushed = if hooks::disk_refuses() { Err(refused()) } else { flush() };
        flushed.inspect_err(|_| self.failed.store(true, Ordering::Relaxed))
    }
}

#[cold]
fn refused() -> Error {
    Error::new(ErrorKind::Io, "a test has the disk refuse what is written")
}
