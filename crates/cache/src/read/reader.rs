//! A get of one key: it takes no lock, writes nothing but a frequency bit, and gives out a validated copy.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{Extras, Header, KeyValue, Mark, Preface};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::seal::Home;
use crate::format::slot::{FREQ_MAX, Slot};
use crate::read::validated::{LoadedSlot, NoValue, Validation};
use crate::shard::log::Log;
use crate::shard::view::Shard;
use samovar_mmap::Line;
use std::mem;

/// Tries before a get gives up on a key that is rewritten faster than it can be copied.
pub(crate) const RETRIES: u32 = 64;

/// Whether a get may leave a trace of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Count the read in the slot's frequency, while that is below its maximum.
    Frequency,
    /// Leave everything as it is, as on a read-only mapping.
    Nothing,
}

/// What one look at one slot told.
enum SlotLook {
    /// The value is in the buffer.
    Hit,
    /// The slot holds the key, and the entry has expired, or says that there is no value.
    Gone,
    /// The slot holds another key.
    Other,
    /// The slot changed under the reader, who must start again.
    Stale,
}

/// What a get takes of the entry that it found, before it knows whether that entry holds.
pub(crate) trait Sink {
    /// Whether entries that say that there is no value are wanted too.
    const TAKES_ABSENT: bool = false;

    /// Copies what it wants; lengths have been checked, but nothing that it reads can be trusted yet.
    fn take(&mut self, log: Log<'_>, offset: u64, header: Header) -> Result<()>;

    /// Forgets what it took: the entry did not hold.
    fn forget(&mut self);

    /// What was taken holds, and this is where it lay.
    #[inline]
    fn settle(&mut self, _: Home) {}
}

/// The value alone.
impl Sink for Vec<u8> {
    #[inline]
    fn take(&mut self, log: Log<'_>, offset: u64, header: Header) -> Result<()> {
        log.append_value(offset, header, self)
    }

    #[inline]
    fn forget(&mut self) {
        self.clear();
    }
}

/// Nothing: it is enough that the entry is there.
pub(crate) struct Presence;

impl Sink for Presence {
    fn take(&mut self, _: Log<'_>, _: u64, _: Header) -> Result<()> {
        Ok(())
    }

    fn forget(&mut self) {}
}

/// The value, and what stands before the key.
#[derive(Default)]
pub(crate) struct Whole {
    pub(crate) preface: Option<Preface>,
    pub(crate) value: Vec<u8>,
    header: Option<Header>,
    home: Option<Home>,
}

impl Whole {
    /// One whose value goes to this buffer, which is empty.
    pub(crate) fn with(value: Vec<u8>) -> Self {
        Whole { value, ..Whole::default() }
    }

    /// Does the entry bear its seal, in a file where entries do?
    pub(crate) fn is_whole(&self, shard: Shard<'_>, key: &[u8]) -> bool {
        let (Some(preface), Some(header), Some(home)) = (&self.preface, self.header, self.home) else {
            return false;
        };
        // canary: seal
        shard.is_whole(home, header, preface, KeyValue { key, value: &self.value })
    }
}

impl Sink for Whole {
    fn take(&mut self, log: Log<'_>, offset: u64, header: Header) -> Result<()> {
        self.preface = Some(log.preface(offset, header)?);
        self.header = Some(header);
        log.append_value(offset, header, &mut self.value)
    }

    fn settle(&mut self, home: Home) {
        self.home = Some(home);
    }

    fn forget(&mut self) {
        *self = Whole { value: mem::take(&mut self.value), ..Whole::default() };
        self.value.clear();
    }
}

/// One get of one key.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a, 'k> {
    pub(crate) shard: Shard<'a>,
    pub(crate) key: &'k [u8],
    pub(crate) hash: KeyHash,
    pub(crate) trace: Trace,
}

impl Reader<'_, '_> {
    /// Hands the key's entry to `out`, which is empty; false is a miss, and leaves it empty. The time is read only for
    /// entries that can expire.
    #[inline(always)]
    pub(crate) fn get<S: Sink>(self, now_ms: impl Fn() -> u64, out: &mut S) -> Result<bool> {
        let lines = self.shard.index.lines(self.hash)?;
        lines[1].prefetch();
        self.get_from(lines, now_ms, out)
    }

    /// The same for a key whose memory was [asked for](Shard::foresee) before.
    #[inline(always)]
    pub(crate) fn get_foreseen<S: Sink>(self, now_ms: impl Fn() -> u64, out: &mut S) -> Result<bool> {
        self.get_from(self.shard.index.lines(self.hash)?, now_ms, out)
    }

    #[inline(always)]
    fn get_from<S: Sink>(self, lines: [Line<'_>; 2], now_ms: impl Fn() -> u64, out: &mut S) -> Result<bool> {
        for _ in 0..RETRIES {
            if let Some(hit) = self.scan(lines, &now_ms, out)? {
                return Ok(hit);
            }
        }
        Err(too_fast())
    }

    /// One pass over the candidate buckets; none if it has to be repeated.
    #[inline(always)]
    fn scan<S: Sink>(
        self,
        [first, second]: [Line<'_>; 2],
        now_ms: &impl Fn() -> u64,
        out: &mut S,
    ) -> Result<Option<bool>> {
        let validation = Validation::begin(&self.shard);
        let mut seen = self.scan_bucket(validation, first, now_ms, out)?;
        if matches!(seen, SlotLook::Other) {
            seen = self.scan_bucket(validation, second, now_ms, out)?;
        }
        Ok(match seen {
            SlotLook::Hit => Some(true),
            SlotLook::Gone | SlotLook::Other => Some(false),
            SlotLook::Stale => None,
        })
    }

    #[inline(always)]
    fn scan_bucket<S: Sink>(
        self,
        validation: Validation<'_>,
        line: Line<'_>,
        now_ms: &impl Fn() -> u64,
        out: &mut S,
    ) -> Result<SlotLook> {
        for way in line.matches(Slot::TAG_AND_LIVE, Slot::live_tag(self.hash)) {
            let word = line.word(way);
            // Acquire, with the release of the slot's exchange: the entry's bytes are older than its slot.
            let slot = Slot::from_word(word.load_acquire());
            if !slot.may_hold(self.hash) {
                return Ok(SlotLook::Stale);
            }
            match self.look(validation, LoadedSlot { word, slot }, now_ms, out)? {
                SlotLook::Other => {}
                seen => return Ok(seen),
            }
        }
        Ok(SlotLook::Other)
    }

    #[inline(always)]
    fn look<S: Sink>(
        self,
        validation: Validation<'_>,
        loaded: LoadedSlot<'_>,
        now_ms: &impl Fn() -> u64,
        out: &mut S,
    ) -> Result<SlotLook> {
        let slot = loaded.slot;
        // Where the value lies is known only once the header is here: most of it is on its way by then.
        self.shard.log.prefetch_behind(slot.offset());
        let seen = self.copy(slot, now_ms, out)?;
        if matches!(seen, SlotLook::Hit)
            && let Some(frontier) = validation.end(loaded)
        {
            out.settle(Home { ring: slot.ring(), at: frontier.ahead(slot.low()) });
            self.count(loaded);
            return Ok(SlotLook::Hit);
        }
        out.forget();
        Ok(match (validation.no_value(loaded), seen) {
            (NoValue::Certain, seen @ (SlotLook::Gone | SlotLook::Other)) => seen,
            (NoValue::Reclaimed, _) => SlotLook::Other,
            _ => SlotLook::Stale,
        })
    }

    /// Compares and copies, trusting nothing; what it says holds only if the caller's checks pass.
    #[inline(always)]
    fn copy<S: Sink>(self, slot: Slot, now_ms: &impl Fn() -> u64, out: &mut S) -> Result<SlotLook> {
        let area = self.shard.geometry.area();
        let offset = slot.offset();
        if offset >= area.end {
            return Ok(SlotLook::Other);
        }
        let Mark::Entry(header) = self.shard.log.mark(offset)? else { return Ok(SlotLook::Other) };
        if header.units() > area.end - offset || !self.shard.log.has_key(offset, header, self.key)? {
            return Ok(SlotLook::Other);
        }
        let namespace = self.hash.namespace();
        if header.extras().has(Extras::NAMESPACE) == namespace.is_default() {
            return Ok(SlotLook::Other);
        }
        if !header.extras().is_none() {
            match state(self.shard.log, offset, header, namespace)? {
                State::Foreign => return Ok(SlotLook::Other),
                State::Orphan => return Ok(SlotLook::Gone),
                State::Absent(_) if !S::TAKES_ABSENT => return Ok(SlotLook::Gone),
                State::Absent(expiry_ms) | State::Present(expiry_ms) => {
                    if expiry_ms != u64::MAX && expiry_ms <= now_ms() {
                        return Ok(SlotLook::Gone);
                    }
                }
            }
        }
        out.take(self.shard.log, offset, header)?;
        Ok(SlotLook::Hit)
    }

    /// One compare-exchange of the whole word; a failure is ignored. So a bump never lands on a slot that has changed.
    /// A hot key, at its maximum, is not written at all.
    #[inline(always)]
    fn count(self, LoadedSlot { word, slot }: LoadedSlot<'_>) {
        if self.trace == Trace::Frequency && slot.freq() < FREQ_MAX {
            let _ = word.compare_exchange(slot.word(), slot.bumped().word());
        }
    }
}

/// What the extras of an entry say about it, for a key of one namespace.
enum State {
    /// It is of another namespace.
    Foreign,
    /// Its namespace was emptied since.
    Orphan,
    /// It says that there is no value.
    Absent(u64),
    /// It has a value until then.
    Present(u64),
}

/// Reads an entry's extras. Most entries have none, so that it is out of the way of those.
#[inline(never)]
fn state(log: Log<'_>, offset: u64, header: Header, own: NamespaceWord) -> Result<State> {
    let namespace = log.namespace(offset, header)?;
    if namespace.number() != own.number() {
        return Ok(State::Foreign);
    }
    if namespace != own {
        return Ok(State::Orphan);
    }
    let expiry_ms = log.expiry_ms(offset, header)?;
    Ok(if header.extras().has(Extras::ABSENT) { State::Absent(expiry_ms) } else { State::Present(expiry_ms) })
}

#[cold]
fn too_fast() -> Error {
    Error::new(ErrorKind::Busy, "the key was rewritten faster than it could be read; try again")
}
