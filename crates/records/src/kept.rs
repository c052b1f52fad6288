//! Records that are kept as they were at the last flush, because they changed in place since.
//!
//! ```text
//! a block has places:  newest of an even flush | newest of an odd flush | others ...
//! a place holds:       the record's ordinal | a checksum of its bytes, its ordinal, and the flush | its bytes
//! ```
//!
//! A flush copies the newest record into the place of its own parity before it is certain, so that the newest one can change
//! as soon as it is. Any other record is copied, and the copy is on the device, before its first change. The checksum names
//! the flush: the next flush makes all these copies void by its number alone.

use crate::control::Control;
use crate::error::Result;
use crate::layout::{self, KEPT_NEWEST, at};
use crate::slots::Home;
use crate::table::{Kept, KeptAt, State, Table};
use samovar_mmap::fence_release;

fn sum(bytes: &[u8], ordinal: u64, flush: u64) -> u64 {
    layout::checksum(bytes)
        ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        ^ flush.wrapping_mul(0xd6e8_feb8_6659_fd93).rotate_left(32)
}

/// The place of the newest record of this flush.
fn newest_place(flush: u64) -> usize {
    at(flush % KEPT_NEWEST)
}

/// The copies that are good for this flush.
pub(crate) fn of_flush(control: Control<'_>, slot_size: u64, flush: u64) -> Result<Vec<KeptAt>> {
    let mut found = Vec::new();
    let mut bytes = vec![0; at(slot_size)];
    for index in 0..at(layout::kept_count(slot_size)) {
        let place = control.kept(index, slot_size);
        let ordinal = place.ordinal()?.load_acquire();
        control.view.read_into(place.bytes(), &mut bytes)?;
        if place.sum()?.load() == sum(&bytes, ordinal, flush) {
            found.push(KeptAt { index, ordinal });
        }
    }
    Ok(found)
}

/// What a writer finds kept that takes over.
pub(crate) fn found(table: &Table, flush: u64) -> Result<Kept> {
    let mut kept = Kept::NOTHING;
    for KeptAt { index, ordinal } in of_flush(table.control(), table.store.slot_size(), flush)? {
        kept.0[index] = ordinal;
    }
    Ok(kept)
}

/// Keeps the newest record for the next flush, which is not certain yet.
pub(crate) fn keep_newest(table: &Table, state: &State) -> Result<()> {
    let Some(ordinal) = state.end.checked_sub(1).filter(|ordinal| *ordinal >= state.first) else {
        return Ok(());
    };
    let flush = state.flush.wrapping_add(1);
    let home = table.home(state.shape, ordinal)?;
    write(table, newest_place(flush), Copy { home, flush }).map(drop)
}

/// What is kept after this flush: the newest record alone.
pub(crate) fn newest_alone(flush: u64, end: u64) -> Kept {
    let mut kept = Kept::NOTHING;
    // A flush of no records keeps no copy, and no record has this ordinal.
    kept.0[newest_place(flush)] = end.wrapping_sub(1);
    kept
}

/// Keeps a record, and waits until the device has the copy. False if there is no room.
pub(crate) fn keep(table: &Table, state: &mut State, home: Home<'_>) -> Result<bool> {
    let count = layout::kept_count(table.store.slot_size());
    let Some(index) = state.kept.free_place(count) else { return Ok(false) };
    let begin = write(table, index, Copy { home, flush: state.flush })?;
    let len = layout::kept_stride(table.store.slot_size());
    table.store.mapping.flush_range(begin, at(len))?;
    state.kept.0[index] = home.ordinal;
    Ok(true)
}

/// A record that is kept for a flush.
#[derive(Clone, Copy)]
struct Copy<'a> {
    home: Home<'a>,
    flush: u64,
}

/// Copies a record into a place, and returns where that begins.
fn write(table: &Table, index: usize, copy: Copy<'_>) -> Result<usize> {
    let Copy { home, flush } = copy;
    let place = table.control().kept(index, table.store.slot_size());
    let mut bytes = vec![0; home.len];
    home.read(&mut bytes)?;
    // Pairs with the acquire fence of those who read a file that was not restored yet: who sees a byte of this sees that
    // a writer has opened it since.
    fence_release();
    place.view.write_from(place.bytes(), &bytes)?;
    place.ordinal()?.store(home.ordinal);
    place.sum()?.store_release(sum(&bytes, home.ordinal, flush));
    Ok(place.begin)
}
