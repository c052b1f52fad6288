//! A thread that flushes every so often, for who asked for it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The thread, which ends soon after this is dropped.
pub(crate) struct Flusher(Arc<Ending>);

#[derive(Default)]
struct Ending {
    ended: Mutex<bool>,
    told: Condvar,
}

impl Flusher {
    /// Calls `flush` every `interval`, for as long as it answers true.
    pub(crate) fn start(
        interval: Duration,
        flush: impl Fn() -> bool + Send + 'static,
    ) -> std::io::Result<Flusher> {
        let ending = Arc::new(Ending::default());
        let told = Arc::clone(&ending);
        std::thread::Builder::new()
            .name("records flush".into())
            .spawn(move || while !told.comes_within(interval) && flush() {})?;
        Ok(Flusher(ending))
    }
}

impl Ending {
    fn comes_within(&self, interval: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(ended, interval, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        *self.0.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.told.notify_all();
    }
}
