//! How one record changes in place, so that nobody ever sees half of it.
//!
//! The records are contiguous and carry no sequences of their own: one word, *motion*, counts the updates of the file.
//! Update n (from 1) uses shadow n mod 2:
//!
//! ```text
//!   Retired(n - 1)     motion = 2n - 2   the record at home holds
//!     | write target and shadow n mod 2; release store of motion = the commit point
//!   Moving(n)          motion = 2n - 1   the shadow holds; home is being written
//!     | copy shadow to home; release store of motion
//!   Retired(n)         motion = 2n       both hold
//! ```
//!
//! When growth moves records to other slots, motion goes from `Retired(n - 1)` to `Retired(n)` at once, with a target that no
//! record is. So one word tells those who remember where a record lies to look again.
//!
//! * No edge leads from `Moving` to another `Moving`: one update at a time, under the writer's lock.
//! * No edge leads back: a writer that dies in `Moving(n)` has committed; the next one copies home and retires.
//! * A reader never waits: in `Moving(n)` it takes the shadow of update n, and home for every other record.
//! * Shadow n mod 2 is written again only for update n + 2, after `Retired(n + 1)`. So what a reader took from it is
//!   whole if motion is still below `2n + 2`, a full update later.
//! * What a reader took from home is whole if no update of this record began meanwhile: none at all, or one, whose
//!   target is another record. After two or more it tries again.
//!
//! Fences: the writer's release fence after a store of motion (before the bytes that follow) pairs with the reader's
//! acquire fence between its copy and its second look at motion.

use crate::control::Control;
use crate::error::Result;
use crate::layout;
use crate::slots::Home;
use samovar_mmap::fence_release;

/// A value of the motion word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Motion(pub(crate) u64);

impl Motion {
    /// The latest update that was committed.
    #[inline]
    pub(crate) fn update(self) -> u64 {
        self.0.div_ceil(2)
    }

    #[inline]
    pub(crate) fn is_moving(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether the shadow and the target of `update` cannot have been written anew by now. Asked with the motion that
    /// was seen after they were read.
    #[inline]
    pub(crate) fn keeps_shadow_of(self, update: u64) -> bool {
        self.0 < update.saturating_mul(2).saturating_add(2)
    }

    fn moving(update: u64) -> Motion {
        Motion(update.wrapping_mul(2).wrapping_sub(1))
    }

    fn retired(update: u64) -> Motion {
        Motion(update.wrapping_mul(2))
    }
}

/// Takes a record, whose slot becomes `bytes`, through all states, from `Retired` to `Retired`. Returns the last one.
#[inline]
pub(crate) fn update(control: Control<'_>, before: Motion, home: Home<'_>, bytes: &[u8]) -> Result<Motion> {
    let number = before.update() + 1;
    let shadow = control.shadow(number, layout::shadow_stride(bytes.len() as u64));
    let readers = control.readers()?;
    // Pairs with the acquire fence of readers: who sees a byte of this shadow sees that update n - 1 is retired.
    fence_release();
    readers.target(number).store(home.ordinal);
    control.view.write_from(shadow, bytes)?;
    readers.motion().store_release(Motion::moving(number).0);
    retire(control, number, home)
}

/// From `Moving` to `Retired`: also what the next writer does after a death.
#[inline]
pub(crate) fn retire(control: Control<'_>, number: u64, home: Home<'_>) -> Result<Motion> {
    let shadow = control.shadow(number, layout::shadow_stride(home.len as u64));
    // Pairs with the acquire fence of readers: who sees a byte of this at home sees that update n moves.
    fence_release();
    home.copy_from(control.view, shadow)?;
    settle(control, number)
}

/// To `Retired`, with nothing to copy: the record is gone, or damage made the move up.
pub(crate) fn settle(control: Control<'_>, number: u64) -> Result<Motion> {
    let retired = Motion::retired(number);
    control.readers()?.motion().store_release(retired.0);
    Ok(retired)
}

/// From `Retired` to the next `Retired`: records have moved to other slots.
pub(crate) fn tell_of_a_move(control: Control<'_>, before: Motion) -> Result<Motion> {
    let number = before.update() + 1;
    control.moves()?.store(control.moves()?.load().wrapping_add(1));
    // As in `update`: the target is not written before update n - 1 is retired.
    fence_release();
    control.readers()?.target(number).store(u64::MAX);
    settle(control, number)
}
