//! The ranges of all maps of this process, for the fault handler to look up.
//!
//! Invariant: a handler may look at any moment, in any thread, also amid a change: nothing here locks, and
//! nothing is ever freed. Chunks are added, never taken away. A slot:
//!
//! ```text
//!    vacant (even generation) --taken, fields stored--> registered (odd) --dropped--> vacant (the next even one)
//! ```
//!
//! Fields are stored only while the generation is even. A reader that finds the same odd generation before and after
//! loading them has those of one range.

#![allow(dead_code)] // looked up by the handlers of some platforms alone

use crate::access::Access;
use crate::fault::{Fault, FaultKind};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, fence};

const SLOTS: usize = 64;

/// Whether any map of this process was ever poisoned. While none was, nobody looks further.
static ANY_POISONED: AtomicBool = AtomicBool::new(false);

/// One registered range.
#[derive(Debug)]
pub(crate) struct Slot {
    taken: AtomicBool,
    writable: AtomicBool,
    /// Odd while a range is registered.
    generation: AtomicUsize,
    /// First address.
    start: AtomicUsize,
    /// One past the last address.
    end: AtomicUsize,
    /// 0, or the first fault: see `pack`.
    fault: AtomicUsize,
}

struct Chunk {
    slots: [Slot; SLOTS],
    next: AtomicPtr<Chunk>,
}

static FIRST: Chunk = Chunk::EMPTY;

impl Chunk {
    #[allow(clippy::declare_interior_mutable_const)] // each use is a new one, as is meant
    const EMPTY: Chunk =
        Chunk { slots: [const { Slot::EMPTY }; SLOTS], next: AtomicPtr::new(ptr::null_mut()) };

    fn next(&self) -> Option<&'static Chunk> {
        let next = self.next.load(Ordering::Acquire);
        // SAFETY: null, or a chunk that `grow` leaked; the acquire load sees it whole.
        unsafe { next.as_ref() }
    }

    /// The next chunk, made if there is none. Two threads may make one at once; then one of them is dropped.
    fn grow(&self) -> &'static Chunk {
        let made = Box::into_raw(Box::new(Chunk::EMPTY));
        let linked = self.next.compare_exchange(ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire);
        if linked.is_err() {
            // SAFETY: made above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(made) });
        }
        match self.next() {
            Some(next) => next,
            None => unreachable!("it was linked, by us or by another"),
        }
    }
}

impl Slot {
    #[allow(clippy::declare_interior_mutable_const)] // each use is a new one, as is meant
    const EMPTY: Slot = Slot {
        taken: AtomicBool::new(false),
        writable: AtomicBool::new(false),
        generation: AtomicUsize::new(0),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        fault: AtomicUsize::new(0),
    };

    fn try_take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed)
            && self.taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    fn covers(&self, address: usize) -> bool {
        self.covers_while(address, || ())
    }

    /// `amid` is done between the two loads of the generation.
    #[inline(always)]
    fn covers_while(&self, address: usize, amid: impl FnOnce()) -> bool {
        // Acquire, with the release in `Registration::new`: the fields are at least that range's.
        let generation = self.generation.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        let end = self.end.load(Ordering::Relaxed);
        amid();
        // With the fence in `Registration::new`: a handler that loaded a field of a later range finds its generation,
        // too.
        fence(Ordering::Acquire);
        let is_registered = generation % 2 == 1;
        is_registered
            && (start..end).contains(&address)
            && self.generation.load(Ordering::Relaxed) == generation
    }

    pub(crate) fn is_writable(&self) -> bool {
        self.writable.load(Ordering::Relaxed)
    }

    /// Notes a fault at this address, unless there was one before.
    pub(crate) fn poison(&self, address: usize, kind: FaultKind) {
        let offset = address.wrapping_sub(self.start.load(Ordering::Relaxed));
        let packed = pack(offset, kind);
        let _ = self.fault.compare_exchange(0, packed, Ordering::Release, Ordering::Relaxed);
        // Release, with the acquire in `poison_of`: a thread that sees this sees the fault.
        ANY_POISONED.store(true, Ordering::Release);
    }
}

/// The slot whose range holds this address. Called by the fault handler.
pub(crate) fn find(address: usize) -> Option<&'static Slot> {
    let mut chunk = Some(&FIRST);
    while let Some(here) = chunk {
        if let Some(slot) = here.slots.iter().find(|slot| slot.covers(address)) {
            return Some(slot);
        }
        chunk = here.next();
    }
    None
}

/// The first fault that poisoned the range that holds this address, and the address where it was. The range must
/// stay registered for the call.
#[inline]
pub(crate) fn poison_of(address: usize) -> Option<(usize, FaultKind)> {
    if ANY_POISONED.load(Ordering::Acquire) { poison_in(find(address)?) } else { None }
}

/// Why this very address could not be reached, if a fault there poisoned its map. Its page was replaced then.
pub(crate) fn kind_of(address: usize) -> Option<FaultKind> {
    poison_of(address).filter(|(at, _)| *at == address).map(|(_, kind)| kind)
}

#[cold]
fn poison_in(slot: &Slot) -> Option<(usize, FaultKind)> {
    let fault = unpack(slot.fault.load(Ordering::Acquire))?;
    Some((slot.start.load(Ordering::Relaxed) + fault.offset, fault.kind))
}

/// A range that is registered until this is dropped, which must be before it is unmapped.
pub(crate) struct Registration(&'static Slot);

impl Registration {
    pub(crate) fn new(base: *mut u8, len: usize, access: Access) -> Registration {
        let slot = take();
        // With the fence in `Slot::covers_while`: the even generation is seen no later than the fields.
        fence(Ordering::Release);
        slot.writable.store(access == Access::ReadWrite, Ordering::Relaxed);
        slot.fault.store(0, Ordering::Relaxed);
        slot.start.store(base.addr(), Ordering::Relaxed);
        slot.end.store(base.addr() + len, Ordering::Relaxed);
        // Release, with the acquire in `Slot::covers_while`. The slot is ours alone, so that nobody else counts.
        slot.generation.store(slot.generation.load(Ordering::Relaxed).wrapping_add(1), Ordering::Release);
        Registration(slot)
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.0.fault.load(Ordering::Relaxed) != 0
    }

    /// The first fault, counted from the beginning of the range.
    pub(crate) fn fault(&self) -> Option<Fault> {
        unpack(self.0.fault.load(Ordering::Acquire))
    }

    pub(crate) fn token(&self) -> RangeToken {
        RangeToken { slot: self.0, generation: self.0.generation.load(Ordering::Relaxed) }
    }

    /// What may be done with the pages from now on.
    pub(crate) fn set_access(&self, access: Access) {
        self.0.writable.store(access == Access::ReadWrite, Ordering::Relaxed);
    }
}

/// Names one registered range among all that ever were.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeToken {
    slot: &'static Slot,
    generation: usize,
}

impl RangeToken {
    /// Does the address lie in this range? The range that the address lies in must stay registered for the call.
    #[inline]
    pub(crate) fn is_of(self, address: usize) -> bool {
        // Relaxed: the address's range is registered for the call, so if it is this slot's, it does not change.
        self.slot.covers(address) && self.slot.generation.load(Ordering::Relaxed) == self.generation
    }
}

/// Whether a map is poisoned, for those who ask often: one load. Got from [`SharedMap::health`](crate::SharedMap::health).
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(64)?;
/// let map = SharedMap::map(&file, Access::ReadOnly, 0, None)?;
/// let health = map.health();
/// assert!((0..1000).all(|_| !health.is_poisoned()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Health<'a>(&'a AtomicUsize);

/// A map of nothing is never poisoned.
static WELL: AtomicUsize = AtomicUsize::new(0);

impl<'a> Health<'a> {
    pub(crate) fn of(registration: Option<&'a Registration>) -> Self {
        Health(registration.map_or(&WELL, |registration| &registration.0.fault))
    }

    /// As [`SharedMap::is_poisoned`](crate::SharedMap::is_poisoned).
    #[inline(always)]
    pub fn is_poisoned(self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let slot = self.0;
        slot.generation.store(slot.generation.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        // Release, with the acquire in `try_take`: who takes it next counts on from here.
        slot.taken.store(false, Ordering::Release);
    }
}

fn take() -> &'static Slot {
    let mut chunk = &FIRST;
    loop {
        if let Some(slot) = chunk.slots.iter().find(|slot| slot.try_take()) {
            return slot;
        }
        chunk = chunk.next().unwrap_or_else(|| chunk.grow());
    }
}

/// The offset doubled, the lowest bit for the kind, and one more, so that it is never 0. No map is longer than
/// `isize::MAX`, so that it fits.
fn pack(offset: usize, kind: FaultKind) -> usize {
    (offset << 1 | usize::from(kind == FaultKind::NoSpace)) + 1
}

fn unpack(packed: usize) -> Option<Fault> {
    let bits = packed.checked_sub(1)?;
    let kind = if bits & 1 == 1 { FaultKind::NoSpace } else { FaultKind::Missing };
    Some(Fault { offset: bits >> 1, kind })
}

#[cfg(test)]
mod tests;
