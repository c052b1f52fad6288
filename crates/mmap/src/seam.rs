//! The one seam of all accesses to mapped memory: with the feature `inject`, a hook is called at each of
//! them.
//!
//! A test kills its process in the hook, or waits in it for another thread's step, and so makes a death or an
//! interleaving happen at a chosen store. Without the feature [`hit`] is empty. Events inside a hook are not
//! reported.

/// What is about to happen, or for a load has just happened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[cfg_attr(not(feature = "inject"), allow(unreachable_pub))] // without the feature the module is private
pub enum Event {
    /// Before a word is stored.
    Store,
    /// Before a compare-exchange.
    CompareExchange,
    /// Before a fetch-and-add.
    FetchAdd,
    /// Before the first byte of a copy into the map (or of zeroing it).
    CopyIn,
    /// In the middle of that copy: its first half is there, its second half is not. Not reported for copies
    /// of fewer than two bytes.
    CopyHalf,
    /// After a word or a line was loaded.
    Load,
    /// Before the first byte of a copy out of the map, or of a comparison.
    CopyOut,
    /// In the middle of a copy out of the map. Not reported for comparisons.
    CopyOutHalf,
    /// Before a flush.
    Flush,
}

#[cfg(not(feature = "inject"))]
mod hook {
    /// Nothing is injected in this build.
    #[inline(always)]
    pub(crate) fn hit(_event: super::Event) {}

    pub(crate) const ON: bool = false;
}

#[cfg(feature = "inject")]
mod hook {
    use super::Event;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, PoisonError, RwLock};

    type ProcessHook = Arc<dyn Fn(Event) + Send + Sync>;
    type ThreadHook = Rc<dyn Fn(Event)>;

    static HOOKS: AtomicUsize = AtomicUsize::new(0);
    static PROCESS: RwLock<Option<ProcessHook>> = RwLock::new(None);
    thread_local! {
        static THREAD: RefCell<Option<ThreadHook>> = const { RefCell::new(None) };
        static INSIDE: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) const ON: bool = true;

    /// Calls the hooks, this thread's and then the process's.
    #[inline]
    pub(crate) fn hit(event: Event) {
        if HOOKS.load(Ordering::Relaxed) != 0 {
            call(event);
        }
    }

    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            INSIDE.set(false);
        }
    }

    #[cold]
    fn call(event: Event) {
        if INSIDE.replace(true) {
            return;
        }
        let _leave = Leave;
        let thread = THREAD.with_borrow(Clone::clone);
        if let Some(hook) = thread {
            hook(event);
        }
        let process = PROCESS.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(hook) = process {
            hook(event);
        }
    }

    fn count(before: bool, after: bool) {
        match (before, after) {
            (false, true) => HOOKS.fetch_add(1, Ordering::SeqCst),
            (true, false) => HOOKS.fetch_sub(1, Ordering::SeqCst),
            _ => 0,
        };
    }

    /// Sets this thread's hook, or takes it away.
    ///
    /// ```
    /// use samovar_mmap::seam;
    ///
    /// seam::set_thread_hook(Some(Box::new(|event| println!("{event:?}"))));
    /// seam::set_thread_hook(None);
    /// ```
    pub fn set_thread_hook(hook: Option<Box<dyn Fn(Event)>>) {
        let is_some = hook.is_some();
        let before = THREAD.replace(hook.map(Rc::from));
        count(before.is_some(), is_some);
    }

    /// Sets the hook that every thread of this process calls, or takes it away.
    pub fn set_process_hook(hook: Option<Box<dyn Fn(Event) + Send + Sync>>) {
        let mut guard = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        count(guard.is_some(), hook.is_some());
        *guard = hook.map(Arc::from);
    }
}

pub(crate) use hook::{ON, hit};
#[cfg(feature = "inject")]
pub use hook::{set_process_hook, set_thread_hook};
