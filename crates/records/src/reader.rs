//! Reading without a lock and without a trace: look at the control words, copy, look again.
//!
//! A copy that passes the second look is whole. For updates `motion` tells why, for growth `shape`. For pushes: a slot
//! is used again only after `first` has passed its record. So a record that is still live at the second look was not
//! overwritten.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::shape::Shape;
use crate::slots::Placed;
use crate::table::{NONE, Table, Unrestored, poisoned};
use samovar_mmap::fence_acquire;
use std::ops::Range;

/// How often a record is tried that changes while it is read.
pub(crate) const TRIES: u32 = 1000;
/// How often a block is tried before its records are read one by one.
const BLOCK_TRIES: u32 = 2;

/// What the control words said at one look.
pub(crate) struct Seen {
    update: u64,
    target: u64,
    deep: u64,
    shape: Shape,
    first: u64,
    end: u64,
}

impl Seen {
    /// The records that were there.
    #[inline(always)]
    pub(crate) fn ordinals(&self) -> Range<u64> {
        self.first..self.end
    }

    /// How many records there were.
    pub(crate) fn len(&self) -> u64 {
        self.end - self.first
    }

    #[inline(always)]
    fn fits(&self) -> bool {
        let len = self.end.wrapping_sub(self.first);
        self.first <= self.end && len <= self.shape.capacity && self.end < ORDINAL_MAX
    }

    /// Where they lay.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// How many records had been replaced, and how many of them were not the newest one.
    pub(crate) fn changes(&self) -> Changes {
        Changes { updates: self.update, deep: self.deep }
    }
}

/// How many records had been replaced, and how many of them were not the newest one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Changes {
    pub(crate) updates: u64,
    pub(crate) deep: u64,
}

/// What became of a record that was asked for by its ordinal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    Whole,
    /// It was cut off in front.
    Dropped,
}

impl Table {
    /// One look at the control words. It holds at most as many records as there are slots, so that no walk over them
    /// is longer than the file.
    #[inline(always)]
    pub(crate) fn look(&self) -> Result<Seen> {
        let seen = self.glance()?;
        if seen.fits() { Ok(seen) } else { self.look_longer(seen) }
    }

    /// More records than slots: the words changed between two loads, or they make no sense.
    #[cold]
    #[inline(never)]
    fn look_longer(&self, mut seen: Seen) -> Result<Seen> {
        for attempt in 0..TRIES {
            fence_acquire();
            let line = self.control().readers()?;
            if line.epoch().load() == seen.shape.epoch && line.first().load() == seen.first {
                return Err(senseless());
            }
            pause(attempt);
            seen = self.glance()?;
            if seen.fits() {
                return Ok(seen);
            }
        }
        Err(busy())
    }

    /// Loads the words, `first` before `end`, so that it is not beyond it.
    #[inline(always)]
    fn glance(&self) -> Result<Seen> {
        if let Some(seen) = self.unrestored.as_deref().and_then(|old| self.glance_at_certain(old)) {
            return Ok(seen);
        }
        let control = self.control();
        let line = control.readers()?;
        // Before motion, after which it is counted.
        let deep = line.deep().load_acquire();
        let update = Motion(line.motion().load_acquire()).update();
        let target = line.target(update).load_acquire();
        let epoch = line.epoch().load_acquire();
        let first = line.first().load_acquire();
        let end = line.end().load_acquire();
        Ok(Seen { update, target, deep, shape: control.shape(epoch)?, first, end })
    }

    /// The records of the last flush, as long as no writer has opened the file since the power was lost.
    #[cold]
    fn glance_at_certain(&self, old: &Unrestored) -> Option<Seen> {
        let Unrestored { first, end, shape, .. } = *old;
        self.is_still(old).then_some(Seen { update: 0, target: NONE, deep: 0, shape, first, end })
    }

    fn is_still(&self, old: &Unrestored) -> bool {
        self.store.words().boot().is_ok_and(|boot| boot.load_acquire() == old.boot)
    }

    /// One copy of the slot of a record of the last flush; `false` if a writer came meanwhile.
    #[cold]
    #[inline(never)]
    fn try_copy_certain(&self, old: &Unrestored, ordinal: u64, slot: &mut [u8]) -> Result<bool> {
        match old.kept.iter().find(|kept| kept.ordinal == ordinal) {
            Some(kept) => {
                let place = self.control().kept(kept.index, self.store.slot_size());
                place.view.read_into(place.bytes(), slot)?;
            }
            None => self.home(old.shape, ordinal)?.read(slot)?,
        }
        // Pairs with the release fence of a writer before it changes any of this.
        fence_acquire();
        Ok(self.is_still(old))
    }

    /// Copies the record with this index, counted from the oldest; `false` if there is none. `out` has the size of a
    /// record. What is rare is in cold functions that take numbers, so that what was seen stays in registers.
    #[inline(always)]
    pub(crate) fn read_index(&self, index: u64, out: &mut [u8]) -> Result<bool> {
        let seen = self.glance()?;
        if seen.fits() {
            if index >= seen.end - seen.first {
                return Ok(false);
            }
            if self.try_read(&seen, seen.first + index, out)? {
                return self.believed(true);
            }
        }
        self.read_index_again(index, out)
    }

    #[cold]
    #[inline(never)]
    fn read_index_again(&self, index: u64, out: &mut [u8]) -> Result<bool> {
        for attempt in 1..TRIES {
            pause(attempt);
            let seen = self.look()?;
            let ordinals = seen.ordinals();
            if index >= ordinals.end - ordinals.start {
                return Ok(false);
            }
            if self.try_read(&seen, ordinals.start + index, out)? {
                return self.believed(true);
            }
        }
        Err(busy())
    }

    /// Copies the newest record; `false` if there is none.
    #[inline(always)]
    pub(crate) fn read_last(&self, out: &mut [u8]) -> Result<bool> {
        for attempt in 0..TRIES {
            let seen = self.look()?;
            let ordinals = seen.ordinals();
            if ordinals.is_empty() {
                return Ok(false);
            }
            if self.try_read(&seen, ordinals.end - 1, out)? {
                return self.believed(true);
            }
            pause(attempt);
        }
        Err(busy())
    }

    /// Copies the record with this ordinal.
    pub(crate) fn read_ordinal(&self, ordinal: u64, out: &mut [u8]) -> Result<Found> {
        for attempt in 0..TRIES {
            let seen = self.look()?;
            if !seen.ordinals().contains(&ordinal) {
                return Ok(Found::Dropped);
            }
            if self.try_read(&seen, ordinal, out)? {
                return self.believed(Found::Whole);
            }
            pause(attempt);
        }
        Err(busy())
    }

    /// One copy and the second look; `false` if it cannot be believed.
    #[inline(always)]
    fn try_read(&self, seen: &Seen, ordinal: u64, out: &mut [u8]) -> Result<bool> {
        if !self.is_direct {
            return self.try_read_slot(seen, ordinal, out);
        }
        let in_shadow = seen.update > 0 && seen.target == ordinal;
        let view = self.store.mapping.view();
        let offset = if in_shadow {
            self.control().shadow(seen.update, self.store.header.shadow_stride())
        } else {
            at(seen.shape.offset(ordinal, out.len() as u64))
        };
        if view.len().checked_sub(out.len()).is_none_or(|last| offset > last) {
            return self.map_more(seen.shape, view.len());
        }
        view.read_short(offset, out)?;
        fence_acquire();
        self.is_whole_at(seen, ordinal, in_shadow)
    }

    /// The second look at one record: whether what was copied, before an acquire fence, is whole.
    #[inline(always)]
    fn is_whole_at(&self, seen: &Seen, ordinal: u64, in_shadow: bool) -> Result<bool> {
        let Some(after) = self.look_again(seen, ordinal)? else { return Ok(false) };
        if in_shadow || after.update() == seen.update {
            return Ok(true);
        }
        Ok(self.began_since(seen.update)?.is_some_and(|target| target != ordinal))
    }

    /// One copy of a record that is no plain row, and the second look; `false` if it cannot be believed.
    #[inline(never)]
    fn try_read_slot(&self, seen: &Seen, ordinal: u64, out: &mut [u8]) -> Result<bool> {
        self.slots().with_room_for(1, |slot| {
            if let Some(old) = self.unrestored.as_deref().filter(|old| self.is_still(old)) {
                return Ok(self.try_copy_certain(old, ordinal, slot)? && self.decode(ordinal, slot, out)?);
            }
            let in_shadow = seen.update > 0 && seen.target == ordinal;
            let view = self.store.mapping.view();
            if in_shadow {
                view.read_into(self.control().shadow(seen.update, self.store.header.shadow_stride()), slot)?;
            } else if !(Placed { view, slots: self.slots(), shape: seen.shape }).read(ordinal, slot)? {
                return self.map_more(seen.shape, view.len());
            }
            fence_acquire();
            Ok(self.is_whole_at(seen, ordinal, in_shadow)? && self.decode(ordinal, slot, out)?)
        })
    }

    /// Takes records out of slots that are whole, as far as the words of the file go. Always true, or damage.
    fn decode(&self, ordinal: u64, slots: &[u8], out: &mut [u8]) -> Result<bool> {
        match self.take_records(ordinal, slots, out) {
            Some(failed) => Err(self.damaged(failed)),
            None => Ok(true),
        }
    }

    /// Takes records out of slots, as the type has them that was asked for; says which is the first whose checksum fails.
    fn take_records(&self, ordinal: u64, slots: &[u8], out: &mut [u8]) -> Option<u64> {
        let mut out = out.chunks_exact_mut(self.record_size());
        self.slots().decode(slots, ordinal, |record| match (out.next(), &self.projected) {
            (Some(out), Some(projected)) => projected.project(record, out),
            (Some(out), None) => out.copy_from_slice(record),
            (None, _) => {}
        })
    }

    /// A record whose checksum fails, or a fault that was met while it was read.
    #[cold]
    fn damaged(&self, ordinal: u64) -> Error {
        if self.store.mapping.is_poisoned() {
            return poisoned();
        }
        Error::corrupt(format!(
            "{}: record {ordinal}, counted from the first ever pushed, fails its checksum; take it from a backup",
            self.store.path.display()
        ))
    }

    /// Whether what was copied when nothing was in motion, and motion was this, before an acquire fence, is whole.
    pub(crate) fn is_whole_since(&self, motion: u64, ordinal: u64) -> Result<bool> {
        fence_acquire();
        let line = self.control().readers()?;
        let (then, now) = (Motion(motion), Motion(line.motion().load_acquire()));
        if line.first().load() > ordinal || !now.keeps_shadow_of(then.update()) {
            return Ok(false);
        }
        if now.update() == then.update() {
            return Ok(true);
        }
        // No record is all ones: then records moved, and where they were may be used again.
        Ok(self.began_since(then.update())?.is_some_and(|target| target != ordinal && target != NONE))
    }

    /// The second look: none if what was copied from `ordinal` on cannot be believed, else the motion now, in which at
    /// most one update began since.
    #[inline(always)]
    fn look_again(&self, seen: &Seen, ordinal: u64) -> Result<Option<Motion>> {
        let line = self.control().readers()?;
        let after = Motion(line.motion().load_acquire());
        let same_shape = line.epoch().load() == seen.shape.epoch;
        let still_live = line.first().load() <= ordinal;
        Ok((same_shape && still_live && after.keeps_shadow_of(seen.update)).then_some(after))
    }

    /// The target of the one update that began since this one; none if it is not known.
    #[cold]
    fn began_since(&self, update: u64) -> Result<Option<u64>> {
        let line = self.control().readers()?;
        let target = line.target(update + 1).load_acquire();
        let now = Motion(line.motion().load_acquire());
        Ok(now.keeps_shadow_of(update + 1).then_some(target))
    }

    /// Copies records that lie one behind the other in time, from `ordinal` on, as many as fill `out`.
    pub(crate) fn read_block(&self, ordinal: u64, out: &mut [u8]) -> Result<Found> {
        let one_by_one = self.unrestored.is_some();
        for _ in 0..if one_by_one { 0 } else { BLOCK_TRIES } {
            let seen = self.look()?;
            if seen.first > ordinal {
                return Ok(Found::Dropped);
            }
            if let Some(changed) = self.try_read_records(&seen, ordinal, out)? {
                return self.mend_block(changed, ordinal, out);
            }
        }
        let size = self.record_size();
        for (record, ordinal) in out.chunks_exact_mut(size).zip(ordinal..) {
            if self.read_ordinal(ordinal, record)? == Found::Dropped {
                return Ok(Found::Dropped);
            }
        }
        Ok(Found::Whole)
    }

    /// One copy of records and the second look. Some: all can be believed, but for those that changed.
    fn try_read_records(&self, seen: &Seen, ordinal: u64, out: &mut [u8]) -> Result<Option<Changed>> {
        if !self.decodes() {
            return self.try_read_block(seen, ordinal, out);
        }
        let count = out.len() / self.record_size();
        self.slots().with_room_for(count, |slots| {
            let changed = self.try_read_block(seen, ordinal, slots)?;
            if let Some(changed) = changed
                && self.take_records(ordinal, slots, out).is_some()
            {
                self.decode_all_but(changed, ordinal, slots, out)?;
            }
            Ok(changed)
        })
    }

    /// Takes records out of slots. Of those that changed there may be half a copy: they are read again.
    #[cold]
    fn decode_all_but(&self, changed: Changed, ordinal: u64, slots: &[u8], out: &mut [u8]) -> Result<()> {
        let slot_size = at(self.store.slot_size());
        let records = out.chunks_exact_mut(self.record_size());
        for ((slot, record), ordinal) in slots.chunks_exact(slot_size).zip(records).zip(ordinal..) {
            if ![changed.before, changed.since].contains(&ordinal) {
                self.decode(ordinal, slot, record)?;
            }
        }
        Ok(())
    }

    /// One copy of slots and the second look. Some: all can be believed, but for those that changed.
    fn try_read_block(&self, seen: &Seen, ordinal: u64, out: &mut [u8]) -> Result<Option<Changed>> {
        let view = self.store.mapping.view();
        let placed = Placed { view, slots: self.slots(), shape: seen.shape };
        if !placed.read(ordinal, out)? {
            self.map_more(seen.shape, view.len())?;
            return Ok(None);
        }
        fence_acquire();
        let Some(after) = self.look_again(seen, ordinal)? else { return Ok(None) };
        if after.update() == seen.update {
            return Ok(Some(Changed { before: seen.target, since: seen.target }));
        }
        Ok(self.began_since(seen.update)?.map(|since| Changed { before: seen.target, since }))
    }

    /// Reads those records of a block again that were in motion.
    fn mend_block(&self, changed: Changed, ordinal: u64, out: &mut [u8]) -> Result<Found> {
        let size = self.record_size();
        for target in [changed.before, changed.since] {
            let index = at(target.wrapping_sub(ordinal));
            let record = index.checked_mul(size).and_then(|start| out.get_mut(start..)?.get_mut(..size));
            if let Some(record) = record
                && self.read_ordinal(target, record)? == Found::Dropped
            {
                return Ok(Found::Dropped);
            }
        }
        self.believed(Found::Whole)
    }

    /// A slot lies beyond the `mapped` bytes that were looked at: the file grew since, or its words make no sense. Always
    /// `false`: look anew. Another thread may have mapped more meanwhile; that is no damage, so what is mapped now decides
    /// nothing.
    #[cold]
    #[inline(never)]
    fn map_more(&self, shape: Shape, mapped: usize) -> Result<bool> {
        fence_acquire();
        if self.control().readers()?.epoch().load() != shape.epoch {
            return Ok(false);
        }
        let needed = shape.end_offset(self.store.slot_size());
        if needed <= mapped as u64 || needed > ORDINAL_MAX {
            return Err(senseless());
        }
        self.store.reach(needed)?;
        Ok(false)
    }
}

/// The ordinals of the records that may have been in motion while a block was copied.
#[derive(Clone, Copy)]
struct Changed {
    before: u64,
    since: u64,
}

pub(crate) fn pause(attempt: u32) {
    if attempt % 16 == 15 { std::thread::yield_now() } else { std::hint::spin_loop() }
}

#[cold]
fn senseless() -> Error {
    Error::corrupt("the record file's control words make no sense; import the data anew")
}

#[cold]
pub(crate) fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        format!("the record changed {TRIES} times while it was read; try again, or write it less often"),
    )
}
