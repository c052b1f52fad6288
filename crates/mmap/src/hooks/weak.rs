//! A model of weak memory: with it, a load may return any value that the release/acquire order of the run still allows.
//!
//! The flows of control of a test share one thread, take turns at the hooks, and run the real code on a real map. The map
//! holds the newest value of every location. The model remembers older ones, and lets a load return one of them:
//!
//! ```text
//!   store --> the newest of its location's stores, with the clock of its flow
//!   load  --> one of its location's stores, but none before the newest that is known to have happened
//!               acquire: the flow learns what the store's message says     relaxed: only a later acquire fence does that
//! ```
//!
//! What a flow knows to have happened is a vector clock: how many steps of each flow. It knows a store if it knows a step
//! that made or met it, as loom has it. A message is the clock of a release store, or that of the last release fence before a
//! relaxed one; an exchange hands on the message of what it replaces. Full fences also share one clock.
//!
//! What it leaves out: loads are not held back behind later stores, and the stores of a location have the order in which
//! they were made. So an ordering that only keeps a load before a later store cannot be missed here.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::panic::Location as Source;
use std::sync::atomic::Ordering;

/// The most flows of control in one model.
pub const MOST_FLOWS: usize = 8;
/// Stores of a location that are remembered.
const REMEMBERED: usize = 16;
const NEVER: u32 = u32::MAX;

/// What has happened, as somebody knows it: so many steps of each flow.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VectorClock([u32; MOST_FLOWS]);

impl VectorClock {
    /// Has everything that `other` knows happened before this?
    pub fn includes(&self, other: &VectorClock) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| *mine >= theirs)
    }

    fn join(&mut self, other: VectorClock) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = theirs.max(*mine);
        }
    }
}

/// One store of a location.
#[derive(Clone, Copy)]
struct Store {
    value: u64,
    /// What who loads it with acquire learns.
    message: VectorClock,
    /// The step of each flow in which it first met this store.
    met: [u32; MOST_FLOWS],
}

impl Store {
    /// One that happened before everything.
    fn ancient(value: u64) -> Self {
        Store { value, message: VectorClock::default(), met: [0; MOST_FLOWS] }
    }

    fn is_known(&self, clock: &VectorClock) -> bool {
        self.met.iter().zip(clock.0).any(|(met, known)| *met <= known)
    }
}

/// What one flow knows.
#[derive(Clone, Copy, Default)]
struct Flow {
    clock: VectorClock,
    /// What its relaxed loads have met, for its next acquire fence.
    met: VectorClock,
    /// What it knew at its last release fence, for its relaxed stores.
    fenced: VectorClock,
}

/// Where a word lies, and its bytes; or up to eight bytes of a copy.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

/// A location's stores, oldest first.
struct Location {
    len: usize,
    stores: VecDeque<Store>,
}

/// A part of an ordering, which a test can take away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// Of a load, an exchange or a fence.
    Acquire,
    /// Of a store, an exchange or a fence.
    Release,
    /// What makes a fence a full one.
    Full,
}

impl Part {
    /// The parts of an ordering.
    fn all(order: Ordering) -> &'static [Part] {
        match order {
            Ordering::Acquire => &[Part::Acquire],
            Ordering::Release => &[Part::Release],
            Ordering::AcqRel => &[Part::Acquire, Part::Release],
            Ordering::SeqCst => &[Part::Full],
            _ => &[],
        }
    }

    /// The ordering without this part.
    fn taken_from(self, order: Ordering) -> Ordering {
        match (self, order) {
            (Part::Full, Ordering::SeqCst) => Ordering::AcqRel,
            (Part::Acquire, Ordering::AcqRel) => Ordering::Release,
            (Part::Release, Ordering::AcqRel) => Ordering::Acquire,
            (Part::Acquire, Ordering::Acquire) | (Part::Release, Ordering::Release) => Ordering::Relaxed,
            _ => order,
        }
    }
}

/// A part of an ordering at a place in the sources, as in `crates/cache/src/file.rs:12:34 Release`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderingPart<'f> {
    file: &'f str,
    line: u32,
    column: u32,
    part: Part,
}

impl<'f> OrderingPart<'f> {
    /// Reads what its [`Display`](fmt::Display) writes; none if it is nothing of that kind.
    pub fn parse(text: &'f str) -> Option<Self> {
        let (place, part) = text.split_once(' ')?;
        let mut place = place.rsplitn(3, ':');
        let (column, line, file) = (place.next()?.parse().ok()?, place.next()?.parse().ok()?, place.next()?);
        let part =
            [Part::Acquire, Part::Release, Part::Full].into_iter().find(|one| format!("{one:?}") == part)?;
        Some(OrderingPart { file, line, column, part })
    }

    fn is_at(&self, source: &Source<'_>) -> bool {
        (self.line, self.column) == (source.line(), source.column()) && self.file == source.file()
    }
}

impl fmt::Display for OrderingPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{} {:?}", self.file, self.line, self.column, self.part)
    }
}

/// The model: one for the flows that share a thread. Given to [`set_thread_memory`].
pub struct WeakMemory {
    locations: HashMap<usize, Location>,
    flows: [Flow; MOST_FLOWS],
    flow: usize,
    /// What full fences share.
    full: VectorClock,
    /// What the kernel's locks hand on.
    kernel: VectorClock,
    random: u64,
    /// A load that may return an older store does so once in so many times.
    seldom: usize,
    /// The orderings that were met, by where they stand.
    orderings: BTreeMap<&'static Source<'static>, Ordering>,
    /// What is taken away.
    without: Option<OrderingPart<'static>>,
}

impl WeakMemory {
    /// One whose choices follow from a seed.
    pub fn new(seed: u64) -> Self {
        let mut memory = WeakMemory {
            locations: HashMap::new(),
            flows: [Flow::default(); MOST_FLOWS],
            flow: 0,
            full: VectorClock::default(),
            kernel: VectorClock::default(),
            random: seed,
            seldom: 1,
            orderings: BTreeMap::new(),
            without: None,
        };
        memory.seldom = 2 << memory.below(4);
        memory
    }

    /// The same without a part of one ordering: to see whether a test misses it.
    #[must_use]
    pub fn without(self, part: OrderingPart<'static>) -> Self {
        WeakMemory { without: Some(part), ..self }
    }

    /// The orderings that were met so far, part by part.
    pub fn orderings(&self) -> impl Iterator<Item = OrderingPart<'static>> {
        self.orderings.iter().flat_map(|(source, order)| {
            let (file, line, column) = (source.file(), source.line(), source.column());
            Part::all(*order).iter().map(move |part| OrderingPart { file, line, column, part: *part })
        })
    }

    /// The ordering that stands at a place of the sources, without what is taken away there.
    fn ordering(&mut self, source: &'static Source<'static>, order: Ordering) -> Ordering {
        if order == Ordering::Relaxed {
            return order;
        }
        self.orderings.insert(source, order);
        self.without
            .filter(|without| without.is_at(source))
            .map_or(order, |without| without.part.taken_from(order))
    }

    /// A number below the bound (splitmix64).
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ self.random >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % bound as u64).unwrap_or(0)
    }

    /// The flow takes a step.
    fn step(&mut self) -> &mut Flow {
        let flow = &mut self.flows[self.flow];
        flow.clock.0[self.flow] += 1;
        flow
    }

    /// The location's stores, which end with `latest`. One that is used in another size than before, or that was stored
    /// past the hooks, begins anew.
    fn stores(&mut self, place: Place, latest: u64) -> &mut VecDeque<Store> {
        let whole = place.at & !7;
        if place.len == 8 {
            self.locations.remove(&(whole + 4));
        } else if self.locations.get(&whole).is_some_and(|location| location.len == 8) {
            self.locations.remove(&whole);
        }
        let location = (self.locations.entry(place.at))
            .or_insert_with(|| Location { len: place.len, stores: VecDeque::new() });
        if location.len != place.len || location.stores.back().is_none_or(|newest| newest.value != latest) {
            location.len = place.len;
            location.stores.clear();
            location.stores.push_back(Store::ancient(latest));
        }
        &mut location.stores
    }

    /// One of the stores that the flow may meet, by its number.
    fn choose(&mut self, place: Place, latest: u64) -> usize {
        let clock = self.flows[self.flow].clock;
        let stores = self.stores(place, latest);
        let newest = stores.len() - 1;
        let oldest = stores.iter().rposition(|store| store.is_known(&clock)).unwrap_or(0);
        if oldest == newest {
            return newest;
        }
        if self.below(self.seldom) != 0 {
            return newest;
        }
        oldest + self.below(newest - oldest)
    }

    /// The flow meets a store.
    fn meet(&mut self, place: Place, latest: u64, number: usize, order: Ordering) -> u64 {
        let (flow, step) = (self.flow, self.flows[self.flow].clock.0[self.flow]);
        let store = &mut self.stores(place, latest)[number];
        store.met[flow] = store.met[flow].min(step);
        let Store { value, message, .. } = *store;
        match order {
            Ordering::Relaxed | Ordering::Release => self.flows[flow].met.join(message),
            _ => self.flows[flow].clock.join(message),
        }
        value
    }

    fn load(&mut self, place: Place, latest: u64, order: Ordering) -> u64 {
        self.step();
        let number = self.choose(place, latest);
        self.meet(place, latest, number, order)
    }

    /// The newest store of a location, by this flow; it hands on what `replaced` says.
    fn add(&mut self, place: Place, change: Change, order: Ordering, replaced: VectorClock) {
        let (number, Flow { clock, fenced, .. }) = (self.flow, *self.step());
        let mut message = match order {
            Ordering::Relaxed | Ordering::Acquire => fenced,
            _ => clock,
        };
        message.join(replaced);
        let mut met = [NEVER; MOST_FLOWS];
        met[number] = clock.0[number];
        let stores = self.stores(place, change.old);
        if stores.len() == REMEMBERED {
            stores.pop_front();
        }
        stores.push_back(Store { value: change.new, message, met });
    }

    fn store(&mut self, place: Place, change: Change, order: Ordering) {
        self.add(place, change, order, VectorClock::default());
    }

    /// Reads the newest store and replaces it, in one step.
    fn replace(&mut self, place: Place, change: Change, order: Ordering) {
        self.step();
        let newest = self.stores(place, change.old).len() - 1;
        let message = self.stores(place, change.old)[newest].message;
        self.meet(place, change.old, newest, order);
        self.add(place, change, order, message);
    }

    /// An exchange of `expected`: it meets what a load may meet, and fails if that is something else, which is told.
    fn exchange(&mut self, place: Place, expected: u64, change: Change, order: Ordering) -> Option<u64> {
        self.step();
        let failed = if matches!(order, Ordering::AcqRel) { Ordering::Acquire } else { order };
        let number = self.choose(place, change.old);
        let found = self.stores(place, change.old)[number].value;
        if found != expected {
            return Some(self.meet(place, change.old, number, failed));
        }
        if change.old == expected {
            self.replace(place, change, order);
            return None;
        }
        let newest = self.stores(place, change.old).len() - 1;
        Some(self.meet(place, change.old, newest, failed))
    }

    fn fence(&mut self, order: Ordering) {
        if order == Ordering::Relaxed {
            return;
        }
        let full = self.full;
        let flow = self.step();
        if order != Ordering::Release {
            flow.clock.join(flow.met);
        }
        if order == Ordering::SeqCst {
            flow.clock.join(full);
        }
        let clock = flow.clock;
        if order != Ordering::Acquire {
            flow.fenced = clock;
        }
        if order == Ordering::SeqCst {
            self.full = clock;
        }
    }

    /// The kernel takes, frees or asks for a lock, and in doing so orders what came before with what comes after.
    fn enter_kernel(&mut self) {
        let kernel = self.kernel;
        let flow = self.step();
        flow.clock.join(kernel);
        self.kernel = self.flows[self.flow].clock;
    }
}

/// What a location held, and what it will.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    pub(crate) old: u64,
    pub(crate) new: u64,
}

thread_local! {
    static MEMORY: RefCell<Option<WeakMemory>> = const { RefCell::new(None) };
}

/// Asks this thread's model, if it has one.
fn ask<T>(what: impl FnOnce(&mut WeakMemory) -> T) -> Option<T> {
    MEMORY.with_borrow_mut(|memory| memory.as_mut().map(what))
}

/// Sets the model that this thread's loads and stores go by, or takes it away: then they are the processor's. The one that was
/// set before is returned. The addresses of one map are the locations, so that all flows use one map.
///
/// ```
/// use samovar_mmap::{Access, SharedMap, hooks};
///
/// # let file = tempfile::tempfile()?;
/// # file.set_len(64)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// let word = map.view().word64(0)?;
/// hooks::set_thread_memory(Some(hooks::WeakMemory::new(1)));
/// word.store(7);
/// hooks::set_flow(1);
/// assert!([0, 7].contains(&word.load()), "nothing tells this flow of the store");
/// hooks::set_thread_memory(None);
/// assert_eq!(word.load(), 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn set_thread_memory(memory: Option<WeakMemory>) -> Option<WeakMemory> {
    MEMORY.replace(memory)
}

/// Says which flow of control goes on, by a number below [`MOST_FLOWS`].
///
/// # Panics
/// If the number is larger.
pub fn set_flow(number: usize) {
    assert!(number < MOST_FLOWS, "a model has at most {MOST_FLOWS} flows");
    let _ = ask(|memory| memory.flow = number);
}

/// What has happened as far as the flow that goes on knows; without a model nothing.
pub fn known() -> VectorClock {
    ask(|memory| memory.flows[memory.flow].clock).unwrap_or_default()
}

/// The flow that goes on is told of all this, as by a message from outside the map.
pub fn learn(clock: &VectorClock) {
    let _ = ask(|memory| memory.step().clock.join(*clock));
}

/// Is there a model?
#[inline]
pub(crate) fn is_modelled() -> bool {
    MEMORY.with_borrow(Option::is_some)
}

fn place<T>(at: *const T) -> Place {
    Place { at: at.addr(), len: size_of::<T>() }
}

/// What a load of the word returns, in which `latest` is.
#[inline]
#[track_caller]
pub(crate) fn loaded<T: Copy + Into<u64> + TryFrom<u64>>(at: *const T, latest: T, order: Ordering) -> T {
    let source = Source::caller();
    let seen = ask(|memory| {
        let order = memory.ordering(source, order);
        memory.load(place(at), latest.into(), order)
    });
    seen.and_then(|seen| T::try_from(seen).ok()).unwrap_or(latest)
}

/// The word is about to be stored.
#[inline]
#[track_caller]
pub(crate) fn stored<T: Into<u64>>(at: *const T, [old, new]: [T; 2], order: Ordering) {
    let change = Change { old: old.into(), new: new.into() };
    let source = Source::caller();
    let _ = ask(|memory| {
        let order = memory.ordering(source, order);
        memory.store(place(at), change, order);
    });
}

/// The word is about to be replaced by what follows from it.
#[inline]
#[track_caller]
pub(crate) fn replaced<T: Into<u64>>(at: *const T, [old, new]: [T; 2], order: Ordering) {
    let change = Change { old: old.into(), new: new.into() };
    let source = Source::caller();
    let _ = ask(|memory| {
        let order = memory.ordering(source, order);
        memory.replace(place(at), change, order);
    });
}

/// The word is about to be exchanged, if it is what is expected; what it is instead, if it is not.
#[inline]
#[track_caller]
pub(crate) fn exchanged<T: Into<u64> + TryFrom<u64>>(
    at: *const T,
    expected: T,
    [old, new]: [T; 2],
    order: Ordering,
) -> Option<T> {
    let change = Change { old: old.into(), new: new.into() };
    let source = Source::caller();
    let found = ask(|memory| {
        let order = memory.ordering(source, order);
        memory.exchange(place(at), expected.into(), change, order)
    });
    found.flatten().and_then(|found| T::try_from(found).ok())
}

/// Eight aligned bytes as a copy out of the map finds them, in which `latest` are.
pub(crate) fn copied_out(at: usize, latest: [u8; 8]) -> [u8; 8] {
    let place = Place { at, len: 8 };
    let seen = ask(|memory| memory.load(place, u64::from_le_bytes(latest), Ordering::Relaxed));
    seen.map_or(latest, u64::to_le_bytes)
}

/// A copy into the map has changed eight aligned bytes.
pub(crate) fn copied_in(at: usize, [old, new]: [[u8; 8]; 2]) {
    let change = Change { old: u64::from_le_bytes(old), new: u64::from_le_bytes(new) };
    let _ = ask(|memory| memory.store(Place { at, len: 8 }, change, Ordering::Relaxed));
}

/// A fence of this flow.
#[inline]
#[track_caller]
pub(crate) fn fenced(order: Ordering) {
    let source = Source::caller();
    let _ = ask(|memory| {
        let order = memory.ordering(source, order);
        memory.fence(order);
    });
}

/// The kernel does something with a lock for this flow.
#[inline]
pub(crate) fn entered_kernel() {
    let _ = ask(WeakMemory::enter_kernel);
}

#[cfg(test)]
mod tests;
