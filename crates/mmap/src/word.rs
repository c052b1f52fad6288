//! Words of a map, used in place by atomics, and the fences that go with them.
//!
//! Invariant: a word is aligned and mapped for `'a`. This is the only file with atomics on mapped memory.
//! Words are little-endian in the file: values are turned on their way in and out. Every store passes the
//! hooks first.

#![allow(clippy::disallowed_types)] // the one place where they belong

use crate::access::Access;
use crate::hooks::{self, Event};
use crate::machine;
use crate::sys;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

/// Defines a word: the two widths differ in their integers alone.
macro_rules! word {
    ($(#[$doc:meta])* $name:ident, $atomic:ty, $int:ty, $load:path) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'a> {
            at: *mut $int,
            access: Access,
            map: PhantomData<&'a ()>,
        }

        // SAFETY: every access is atomic, and the map outlives the word.
        unsafe impl Send for $name<'_> {}
        // SAFETY: as above.
        unsafe impl Sync for $name<'_> {}

        impl<'a> $name<'a> {
            /// # Safety
            /// 1. `at` is aligned to its size, and its bytes are mapped for `'a`.
            /// 2. They are writable if `access` says so.
            /// 3. No Rust reference covers them.
            #[inline(always)]
            pub(crate) unsafe fn new(at: *mut $int, access: Access) -> Self {
                $name { at, access, map: PhantomData }
            }

            /// The atomic in place. On a read-only map it may only be loaded, relaxed: that is what the standard library promises
            /// of memory that cannot be written. (Its `from_ptr` asks for memory that can.)
            #[inline(always)]
            fn atomic(self) -> &'a $atomic {
                // SAFETY: 1. aligned, and mapped for `'a`, as `new` was promised; 2. it lies outside every Rust allocation, any bytes
                // are a value, and no reference to it as anything but an atomic of this size is ever formed; 3. a reference to an
                // atomic does not promise that it can be written, and every store checks the map's access first.
                unsafe { &*self.at.cast::<$atomic>() }
            }

            #[inline(always)]
            fn writable(self, event: Event) -> &'a $atomic {
                if self.access == Access::ReadOnly {
                    read_only();
                }
                hooks::report(event);
                self.atomic()
            }

            /// Loads it (relaxed).
            #[inline]
            pub fn load(self) -> $int {
                let value = self.load_quietly();
                hooks::report(Event::Load);
                value
            }

            /// The same, reported by the caller.
            #[inline(always)]
            pub(crate) fn load_quietly(self) -> $int {
                hooks::loaded(self.at, self.newest(), Ordering::Relaxed)
            }

            /// What it is, whatever a model of the memory says.
            #[inline(always)]
            fn newest(self) -> $int {
                <$int>::from_le($load(self.atomic()))
            }

            /// Loads it (acquire): what came before the store of this value is seen after this load.
            #[inline]
            #[cfg_attr(feature = "inject", track_caller)]
            pub fn load_acquire(self) -> $int {
                // A relaxed load and a fence, since an acquire load of a read-only page is not defined.
                let value = hooks::loaded(self.at, self.newest(), Ordering::Acquire);
                fence(Ordering::Acquire);
                hooks::report(Event::Load);
                value
            }

            /// Stores it (relaxed).
            ///
            /// # Panics
            /// If the map is read-only, as all writes of words do.
            #[inline]
            pub fn store(self, value: $int) {
                self.store_in(Ordering::Relaxed, value);
            }

            /// Stores it (release): a thread that loads this value with acquire sees all that came before.
            #[inline]
            #[cfg_attr(feature = "inject", track_caller)]
            pub fn store_release(self, value: $int) {
                self.store_in(Ordering::Release, value);
            }

            #[inline(always)]
            #[cfg_attr(feature = "inject", track_caller)]
            fn store_in(self, order: Ordering, value: $int) {
                let word = self.writable(Event::Store);
                if hooks::ON {
                    hooks::stored(self.at, [self.newest(), value], order);
                }
                word.store(value.to_le(), order);
            }

            /// Stores `new` if it is `current`; in any case tells what it was. Acquire and release; never fails
            /// spuriously.
            ///
            /// # Errors
            /// What it was instead.
            #[inline]
            #[cfg_attr(feature = "inject", track_caller)]
            pub fn compare_exchange(self, current: $int, new: $int) -> std::result::Result<$int, $int> {
                let word = self.writable(Event::CompareExchange);
                if hooks::ON
                    && let Some(found) = hooks::exchanged(self.at, current, [self.newest(), new], Ordering::AcqRel)
                {
                    return Err(found);
                }
                word.compare_exchange(current.to_le(), new.to_le(), Ordering::AcqRel, Ordering::Acquire)
                    .map(<$int>::from_le)
                    .map_err(<$int>::from_le)
            }

            /// Adds to it (relaxed), wrapping around, and tells what it was.
            #[inline]
            #[cfg_attr(feature = "inject", track_caller)]
            pub fn fetch_add(self, addend: $int) -> $int {
                self.add_in(Ordering::Relaxed, addend)
            }

            /// The same (release): a thread that loads this value, or one that was added to it, with acquire sees all that came
            /// before.
            #[inline]
            #[cfg_attr(feature = "inject", track_caller)]
            pub fn fetch_add_release(self, addend: $int) -> $int {
                self.add_in(Ordering::Release, addend)
            }

            #[inline(always)]
            #[cfg_attr(feature = "inject", track_caller)]
            fn add_in(self, order: Ordering, addend: $int) -> $int {
                let word = self.writable(Event::FetchAdd);
                if hooks::ON {
                    let old = self.newest();
                    hooks::replaced(self.at, [old, old.wrapping_add(addend)], order);
                }
                if cfg!(target_endian = "little") {
                    return word.fetch_add(addend, order);
                }
                let add = |value| Some(<$int>::from_le(value).wrapping_add(addend).to_le());
                <$int>::from_le(word.fetch_update(order, Ordering::Relaxed, add).unwrap_or_default())
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.newest()).finish()
            }
        }
    };
}

word! {
    /// Eight bytes of a map, used in place by all who map it.
    ///
    /// ```
    /// use samovar_mmap::{Access, SharedMap};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// let word = map.view().word64(8)?;
    /// assert_eq!(word.compare_exchange(0, 7), Ok(0));
    /// assert_eq!(word.compare_exchange(0, 8), Err(7));
    /// assert_eq!(word.fetch_add(1), 7);
    /// assert_eq!(word.load_acquire(), 8);
    /// assert!(map.view().equals(8, &[8, 0, 0, 0, 0, 0, 0, 0])?);
    /// # Ok(())
    /// # }
    /// ```
    Word64, AtomicU64, u64, machine::load_u64
}

word! {
    /// Four bytes of a map, used in place by all who map it, on which processes can wait for one another.
    ///
    /// ```
    /// use samovar_mmap::{Access, SharedMap};
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// let word = map.view().word32(0)?;
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         word.store_release(1);
    ///         word.wake_all();
    ///     });
    ///     while word.load_acquire() == 0 {
    ///         word.wait(0, Duration::from_secs(10));
    ///     }
    /// });
    /// assert!(!word.wait(1, Duration::from_millis(1)), "nobody comes");
    /// # Ok(())
    /// # }
    /// ```
    Word32, AtomicU32, u32, machine::load_u32
}

impl Word32<'_> {
    /// Sleeps while it is `expected`, until a thread of any process wakes the sleepers of this word. `false` if the
    /// time ran out. `true` may be a spurious wake-up, so look at the word again.
    pub fn wait(self, expected: u32, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if self.load() != expected {
                return true;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return false;
            }
            if hooks::waited() {
                return true;
            }
            let request = sys::WaitRequest { word: self.atomic(), expected: expected.to_le(), timeout: left };
            match sys::wait(&request) {
                sys::Waited::Woken => return true,
                sys::Waited::Interrupted => {}
            }
        }
    }

    /// Wakes one of the threads that wait on this word, in any process.
    pub fn wake_one(self) {
        sys::wake(self.atomic(), 1);
    }

    /// Wakes all threads that wait on this word, in any process.
    pub fn wake_all(self) {
        sys::wake(self.atomic(), i32::MAX);
    }
}

/// No load after it is made before the loads that come before it.
#[inline]
#[cfg_attr(feature = "inject", track_caller)]
pub fn fence_acquire() {
    hooks::fenced(Ordering::Acquire);
    fence(Ordering::Acquire);
}

/// No store after it is seen before the loads and stores that come before it.
#[inline]
#[cfg_attr(feature = "inject", track_caller)]
pub fn fence_release() {
    hooks::fenced(Ordering::Release);
    fence(Ordering::Release);
}

/// Nothing passes it either way, not even a store a later load.
#[inline]
#[cfg_attr(feature = "inject", track_caller)]
pub fn fence_full() {
    hooks::fenced(Ordering::SeqCst);
    fence(Ordering::SeqCst);
}

#[cold]
#[inline(never)]
fn read_only() -> ! {
    panic!("a word of a read-only map cannot be written; map the file with Access::ReadWrite");
}
