//! Pins: entries whose bytes readers hold in place, so that they can be read without a copy.
//!
//! A pin names a stretch of a shard's data area, in any lap. It protects only the bytes of the entry's value. The entry
//! may be replaced, removed or evicted meanwhile, so its slot and header may change. The head of a ring goes around the
//! stretch while it is pinned, so a pin costs the cache no more than its entry.
//!
//! ```text
//!   free (owner 0) --claimed: an exchange of the owner, from 0 or from exactly a dead owner--> claimed
//!   claimed --the stretch stored, full fence, the slot names the same stretch still--> pinned
//!   claimed, pinned --by its owner: the stretch cleared, then the owner--> free
//!   claimed, pinned --its owner is dead, and it is in the way of a writer, or of a pin--> free
//! ```
//!
//! No edge takes a pin from the living. Why a pinned byte is never overwritten: a reader stores the stretch, then (full
//! fence) looks at the slot and the frontier. A writer stores the frontier, then (full fence) looks at the pins. So one
//! of the two sees the other. Either the reader finds that the frontier no longer protects the entry, and lets go; or
//! the writer finds the pin, and goes around it.
//!
//! A word in the shard's head says whether there may be any pin, so a shard without pins costs a writer one load. A
//! reader stores `SOME` after its pin and before its look at the slot. A writer that finds no pin turns the word to
//! `DOUBTED`, looks again (full fence), and only then turns it to `NONE`. So a death in between hides no pin.

use crate::error::{Error, ErrorKind, Result};
use crate::file::area::Area;
use crate::format::layout::{PIN_LEN, PINNED, PINS, PINS_PER_SHARD};
use crate::format::owner::Owner;
use crate::format::position::OFFSET_BITS;
use crate::format::ring::Span;
use crate::shard::head::Head;
use crate::shard::view::Shard;
use samovar_mmap::{Word32, Word64};

/// Within a pin.
const OWNER: usize = 0;
const SPAN: usize = 8;

/// States of the word in the shard's head, in its low bits; above them it counts refusals.
const NONE: u64 = 0;
const SOME: u64 = 1;
const DOUBTED: u64 = 2;
const STATE: u64 = 3;
const REFUSAL: u64 = 4;

/// A pinned span as `units << 34 | offset` in one word, so that it is never half written.
fn to_word(span: Span) -> u64 {
    span.units() << OFFSET_BITS | span.start
}

/// The span of a word; none if it has no units.
fn from_word(word: u64) -> Option<Span> {
    let span = Span::of(word & ((1 << OFFSET_BITS) - 1), word >> OFFSET_BITS);
    (span.units() > 0).then_some(span)
}

/// Asks whether an owner has died.
pub(crate) type IsDead<'f> = &'f dyn Fn(Owner) -> Result<bool>;

/// The pins of one shard.
#[derive(Clone, Copy)]
pub(crate) struct Pins<'a> {
    head: Head<'a>,
    annex: Area<'a>,
}

/// A claimed pin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    place: usize,
    owner: Owner,
}

impl<'a> Pins<'a> {
    #[inline(always)]
    pub(crate) fn of(shard: Shard<'a>) -> Self {
        Pins { head: shard.head, annex: shard.annex }
    }

    fn summary(self) -> Word64<'a> {
        self.head.word64(PINNED)
    }

    fn owner(self, place: usize) -> Result<Word32<'a>> {
        self.annex.word32(PINS + place * PIN_LEN + OWNER)
    }

    fn word(self, place: usize) -> Result<Word64<'a>> {
        self.annex.word64(PINS + place * PIN_LEN + SPAN)
    }

    /// Turns the state from any of these to that one; false if it is another.
    fn turn(self, from: &[u64], to: u64) -> bool {
        let word = self.summary();
        let mut seen = word.load();
        while from.contains(&(seen & STATE)) {
            match word.compare_exchange(seen, seen & !STATE | to) {
                Ok(_) => return true,
                Err(found) => seen = found,
            }
        }
        false
    }

    /// Takes a free pin, or one of the dead; none if all are taken.
    pub(crate) fn claim(self, owner: Owner, is_dead: IsDead<'_>) -> Result<Option<Pin>> {
        for place in 0..PINS_PER_SHARD {
            if self.owner(place)?.load() == 0 && self.owner(place)?.compare_exchange(0, owner.word()).is_ok()
            {
                return Ok(Some(Pin { place, owner }));
            }
        }
        for place in 0..PINS_PER_SHARD {
            let found = self.owner(place)?.load();
            // canary: dead pinner
            if (found == 0 || is_dead(Owner::from_word(found))?)
                && self.owner(place)?.compare_exchange(found, owner.word()).is_ok()
            {
                return Ok(Some(Pin { place, owner }));
            }
        }
        Ok(None)
    }

    /// Lets the pin hold this stretch. Only a look at the slot after this tells whether it came in time.
    pub(crate) fn hold(self, pin: Pin, span: Span) -> Result<()> {
        self.word(pin.place)?.store(to_word(span));
        // With the fence in `look_twice`, and the one after a frontier's store.
        samovar_mmap::fence_full();
        if self.summary().load() & STATE != SOME {
            self.turn(&[NONE, DOUBTED], SOME);
            samovar_mmap::fence_full();
        }
        Ok(())
    }

    /// Lets go.
    pub(crate) fn release(self, pin: Pin) -> Result<()> {
        if self.owner(pin.place)?.load() == pin.owner.word() {
            // Release, with the acquires in `load`.
            self.word(pin.place)?.store_release(0);
            let _ = self.owner(pin.place)?.compare_exchange(pin.owner.word(), 0);
        }
        Ok(())
    }

    /// What pin `place` holds, and who; none if it is free, or holds nothing yet.
    fn load(self, place: usize) -> Result<Option<(Owner, Span)>> {
        // Acquire, with the releases in `release`: what its reader loaded was loaded before the bytes are overwritten.
        let owner = self.owner(place)?.load_acquire();
        let span = from_word(self.word(place)?.load_acquire());
        Ok(span.filter(|_| owner != 0).map(|span| (Owner::from_word(owner), span)))
    }

    /// Units that are pinned, those of the dead included.
    pub(crate) fn units(self) -> Result<u64> {
        let mut units = 0;
        for place in 0..PINS_PER_SHARD {
            units += self.load(place)?.map_or(0, |(_, span)| span.units());
        }
        Ok(units)
    }

    /// Frees the pins of the dead.
    #[cold]
    pub(crate) fn free_dead(self, is_dead: IsDead<'_>) -> Result<()> {
        for place in 0..PINS_PER_SHARD {
            let owner = self.owner(place)?.load();
            if owner != 0 && is_dead(Owner::from_word(owner))? {
                let _ = self.owner(place)?.compare_exchange(owner, 0);
            }
        }
        Ok(())
    }

    /// How many pins the living hold.
    pub(crate) fn held(self, is_dead: IsDead<'_>) -> Result<u64> {
        let mut held = 0;
        if self.summary().load() & STATE != NONE {
            for place in 0..PINS_PER_SHARD {
                let owner = self.owner(place)?.load();
                held += u64::from(owner != 0 && !is_dead(Owner::from_word(owner))?);
            }
        }
        Ok(held)
    }

    /// May there be a pin? The caller holds the writer lock, and has published the frontier that it relies on.
    #[inline]
    pub(crate) fn any(self) -> bool {
        self.summary().load() & STATE != NONE
    }

    /// The first pinned stretch that has a unit in common with this one. Pins of the dead that are in the way are freed. The
    /// caller holds the writer lock.
    #[cold]
    pub(crate) fn obstacle(self, wanted: Span, is_dead: IsDead<'_>) -> Result<Option<Span>> {
        let (mut first, mut claimed): (Option<Span>, bool) = (None, false);
        for place in 0..PINS_PER_SHARD {
            claimed |= self.owner(place)?.load() != 0;
            let Some((owner, span)) = self.load(place)?.filter(|(_, span)| span.overlaps(wanted)) else {
                continue;
            };
            if is_dead(owner)? {
                let _ = self.owner(place)?.compare_exchange(owner.word(), 0);
            } else if first.is_none_or(|first| span.start < first.start) {
                first = Some(span);
            }
        }
        if !claimed {
            self.look_twice()?;
        }
        Ok(first)
    }

    /// No pin was seen. If none is there after the word says `DOUBTED`, writers need not look any more.
    fn look_twice(self) -> Result<()> {
        self.turn(&[SOME], DOUBTED);
        // With the fence in `hold`.
        samovar_mmap::fence_full();
        for place in 0..PINS_PER_SHARD {
            // canary: pin doubted
            if self.owner(place)?.load() != 0 {
                return Ok(());
            }
        }
        self.turn(&[DOUBTED], NONE);
        Ok(())
    }

    /// Does the longest stretch of the span without a pin have this many units? The caller holds the writer lock.
    #[cold]
    pub(crate) fn leaves_room(self, span: Span, units: u64, is_dead: IsDead<'_>) -> Result<bool> {
        let mut from = span.start;
        while from < span.end {
            let rest = Span { start: from, end: span.end };
            let Some(next) = self.obstacle(rest, is_dead)? else { break };
            if next.start.saturating_sub(from) >= units {
                return Ok(true);
            }
            from = next.end;
        }
        Ok(span.end.saturating_sub(from) >= units)
    }

    /// Counts a refusal.
    pub(crate) fn refused(self) {
        self.summary().fetch_add(REFUSAL);
    }

    /// Refusals so far.
    pub(crate) fn refusals(self) -> u64 {
        self.summary().load() / REFUSAL
    }
}

/// Forgets all pins: for the first opener, when nobody else can have one.
pub(crate) fn forget_all(shard: Shard<'_>) -> Result<()> {
    let pins = Pins::of(shard);
    if pins.any() {
        for place in 0..PINS_PER_SHARD {
            pins.word(place)?.store(0);
            pins.owner(place)?.store(0);
        }
        pins.turn(&[SOME, DOUBTED, STATE], NONE);
    }
    Ok(())
}

/// A write, or a pin, that is refused because of pins.
#[cold]
pub(crate) fn refusal() -> Error {
    Error::new(
        ErrorKind::Pinned,
        "readers hold too much of the key's part of the cache in place (16 values, or a quarter of it); let go of some",
    )
}

const _: () = assert!(SPAN + 8 <= PIN_LEN);

#[cfg(test)]
mod tests;
