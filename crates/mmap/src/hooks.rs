//! Fault injection hooks at all accesses to mapped memory: with the feature `inject`, a hook is called at each of
//! them.
//!
//! A test kills its process in the hook, or waits in it for another thread's step, and so makes a death or an
//! interleaving happen at a chosen store. Without the feature nothing is called. Events inside a hook are not
//! reported. What else a schedule has to govern passes here too: sleeping for want of a lock, the clock, and with a
//! [model of weak memory](WeakMemory) what a load returns.

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
    /// Before a range of a file is given its space, or gives it back.
    Space,
}

/// What a test's clocks show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(feature = "inject"), allow(unreachable_pub))]
pub struct Clock {
    /// The clock on the wall.
    pub wall_ms: u64,
    /// Since this boot.
    pub boot_ms: u64,
}

/// What the disk does with a flush.
#[cfg(feature = "inject")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// It does what it really does.
    Works,
    /// It refuses every write.
    Refuses,
}

#[cfg(feature = "inject")]
mod weak;

/// How long the byte locks of a file last.
#[cfg(feature = "inject")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locks {
    /// As long as this system can make them last.
    Last,
    /// Until all descriptors of the file are closed, as on systems where nothing keeps them longer.
    EndWithDescriptors,
}

#[cfg(not(feature = "inject"))]
mod hook {
    use std::sync::atomic::Ordering;

    /// Nothing is injected in this build.
    #[inline(always)]
    pub(crate) fn report(_event: super::Event) {}

    /// Nobody asks what is flushed.
    #[inline(always)]
    pub(crate) fn report_flush(_range: std::ops::Range<usize>) {
        report(super::Event::Flush);
    }

    /// Nobody does anything instead of sleeping.
    #[inline(always)]
    pub(crate) fn waited() -> bool {
        false
    }

    /// The disk does what it does.
    #[inline(always)]
    pub(crate) fn disk_refuses() -> bool {
        false
    }

    /// Locks last as long as they can.
    #[inline(always)]
    pub(crate) fn locks_last() -> bool {
        true
    }

    /// The clocks are the system's.
    #[inline(always)]
    pub(crate) fn clock() -> Option<super::Clock> {
        None
    }

    pub(crate) const ON: bool = false;

    /// The processor decides what a load returns.
    #[inline(always)]
    pub(crate) fn is_modelled() -> bool {
        false
    }

    /// What the processor loaded.
    #[inline(always)]
    pub(crate) fn loaded<T>(_at: *const T, latest: T, _order: Ordering) -> T {
        latest
    }

    /// Nobody remembers what was there.
    #[inline(always)]
    pub(crate) fn stored<T>(_at: *const T, _values: [T; 2], _order: Ordering) {}

    /// As above.
    #[inline(always)]
    pub(crate) fn replaced<T>(_at: *const T, _values: [T; 2], _order: Ordering) {}

    /// The processor decides whether an exchange succeeds.
    #[inline(always)]
    pub(crate) fn exchanged<T>(_at: *const T, _expected: T, _values: [T; 2], _order: Ordering) -> Option<T> {
        None
    }

    /// The processor's own fence is all.
    #[inline(always)]
    pub(crate) fn fenced(_order: Ordering) {}

    /// As above, for what the kernel does.
    #[inline(always)]
    pub(crate) fn entered_kernel() {}
}

#[cfg(feature = "inject")]
mod hook {
    use super::{Clock, Disk, Event, Locks};
    use std::cell::{Cell, RefCell};
    use std::ops::Range;
    use std::rc::Rc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, PoisonError, RwLock};

    type ProcessHook = Arc<dyn Fn(Event) + Send + Sync>;
    type ThreadHook = Rc<dyn Fn(Event)>;

    /// The hooks that are set.
    static HOOKS: AtomicUsize = AtomicUsize::new(0);
    static PROCESS: RwLock<Option<ProcessHook>> = RwLock::new(None);
    thread_local! {
        static THREAD: RefCell<Option<ThreadHook>> = const { RefCell::new(None) };
        static INSIDE: Cell<bool> = const { Cell::new(false) };
        static WAITER: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
        static DISK: Cell<Disk> = const { Cell::new(Disk::Works) };
        static LOCKS: Cell<Locks> = const { Cell::new(Locks::Last) };
        static FLUSHED: RefCell<Range<usize>> = const { RefCell::new(0..0) };
        static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
    }

    pub(crate) const ON: bool = true;

    /// Calls the hooks, this thread's and then the process's.
    #[inline]
    pub(crate) fn report(event: Event) {
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

    /// Reports that these bytes of a map are about to be flushed.
    pub(crate) fn report_flush(range: Range<usize>) {
        FLUSHED.set(range);
        report(Event::Flush);
    }

    /// The bytes of its map that this thread's flush at hand makes durable. To be asked in a hook, at the event of a flush.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap, hooks};
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(8192)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// hooks::set_thread_hook(Some(Box::new(|_| assert_eq!(hooks::flushed_range(), 4096..4100))));
    /// map.flush_range(4096, 4)?;
    /// # hooks::set_thread_hook(None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flushed_range() -> Range<usize> {
        FLUSHED.with_borrow(Clone::clone)
    }

    /// Lets this thread do what its test has for it to do instead of sleeping; false if there is nothing.
    pub(crate) fn waited() -> bool {
        let waiter = WAITER.with_borrow(Clone::clone);
        waiter.map(|wait| wait()).is_some()
    }

    /// Does this thread's test have flushes fail?
    pub(crate) fn disk_refuses() -> bool {
        DISK.get() == Disk::Refuses
    }

    /// Do the locks last that this thread's test opens a file for?
    pub(crate) fn locks_last() -> bool {
        LOCKS.get() == Locks::Last
    }

    /// The time that this thread's test has set.
    pub(crate) fn clock() -> Option<Clock> {
        CLOCK.get()
    }

    /// Sets this thread's hook, or takes it away.
    ///
    /// ```
    /// use samovar_mmap::hooks;
    ///
    /// hooks::set_thread_hook(Some(Box::new(|event| println!("{event:?}"))));
    /// hooks::set_thread_hook(None);
    /// ```
    pub fn set_thread_hook(hook: Option<Box<dyn Fn(Event)>>) {
        HOOKS.fetch_add(usize::from(hook.is_some()), Ordering::SeqCst);
        let before = THREAD.replace(hook.map(Rc::from));
        HOOKS.fetch_sub(usize::from(before.is_some()), Ordering::SeqCst);
    }

    /// What this thread does instead of sleeping until a word or a byte lock may be free; it then looks again. With
    /// none it sleeps.
    ///
    /// ```
    /// # use samovar_mmap::hooks;
    /// hooks::set_thread_waiter(Some(Box::new(std::thread::yield_now)));
    /// hooks::set_thread_waiter(None);
    /// ```
    pub fn set_thread_waiter(waiter: Option<Box<dyn Fn()>>) {
        WAITER.set(waiter.map(Rc::from));
    }

    /// Within a hook: does `act` as if outside of it. For hooks that let another flow of control run on this thread,
    /// whose events are to be reported.
    ///
    /// ```
    /// # use samovar_mmap::hooks;
    /// hooks::set_thread_hook(Some(Box::new(|_| hooks::outside(|| ()))));
    /// # hooks::set_thread_hook(None);
    /// ```
    pub fn outside(act: impl FnOnce()) {
        let inside = INSIDE.replace(false);
        act();
        INSIDE.set(inside);
    }

    /// Sets whether flushes by this thread succeed or fail.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap, hooks};
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// hooks::set_thread_disk(hooks::Disk::Refuses);
    /// assert!(map.flush().is_err());
    /// # hooks::set_thread_disk(hooks::Disk::Works);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_thread_disk(disk: Disk) {
        DISK.set(disk);
    }

    /// Sets how long the byte locks last that this thread opens files for from now on.
    ///
    /// ```
    /// # use samovar_mmap::hooks;
    /// hooks::set_thread_locks(hooks::Locks::EndWithDescriptors);
    /// # hooks::set_thread_locks(hooks::Locks::Last);
    /// ```
    pub fn set_thread_locks(locks: Locks) {
        LOCKS.set(locks);
    }

    /// Sets what [`wall_ms`](crate::wall_ms) and [`boot_ms`](crate::boot_ms) say on this thread, or gives it the system's
    /// clocks back.
    ///
    /// ```
    /// # use samovar_mmap::{hooks, wall_ms};
    /// hooks::set_thread_clock(Some(hooks::Clock { wall_ms: 7, boot_ms: 1 }));
    /// assert_eq!(wall_ms(), 7);
    /// hooks::set_thread_clock(None);
    /// ```
    pub fn set_thread_clock(clock: Option<Clock>) {
        CLOCK.set(clock);
    }

    /// Sets the hook that every thread of this process calls, or takes it away.
    pub fn set_process_hook(hook: Option<Box<dyn Fn(Event) + Send + Sync>>) {
        let mut guard = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        HOOKS.fetch_add(usize::from(hook.is_some()), Ordering::SeqCst);
        let before = std::mem::replace(&mut *guard, hook.map(Arc::from));
        HOOKS.fetch_sub(usize::from(before.is_some()), Ordering::SeqCst);
    }
}

pub(crate) use hook::{ON, clock, disk_refuses, locks_last, report, report_flush, waited};
#[cfg(not(feature = "inject"))]
pub(crate) use hook::{entered_kernel, exchanged, fenced, is_modelled, loaded, replaced, stored};
#[cfg(feature = "inject")]
pub use hook::{
    flushed_range, outside, set_process_hook, set_thread_clock, set_thread_disk, set_thread_hook,
    set_thread_locks, set_thread_waiter,
};
#[cfg(feature = "inject")]
pub use weak::{
    MOST_FLOWS, OrderingPart, Part, VectorClock, WeakMemory, known, learn, set_flow, set_thread_memory,
};
#[cfg(feature = "inject")]
pub(crate) use weak::{
    copied_in, copied_out, entered_kernel, exchanged, fenced, is_modelled, loaded, replaced, stored,
};
