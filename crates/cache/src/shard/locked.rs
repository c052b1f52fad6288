//! A shard whose writer lock is held: its holder may change that shard, and no other.

use crate::error::Result;
use crate::format::owner::Owner;
use crate::shard::lock::{Claim, Held, Waiting};
use crate::shard::view::Shard;

/// A shard, and the lock of that shard. Dropping it lets the next writer in.
pub(crate) struct LockedShard<'a> {
    shard: &'a Shard<'a>,
    lock: Held<'a>,
}

impl<'a> LockedShard<'a> {
    /// Waits for the lock, as [`Claim::acquire`] does.
    #[inline(always)]
    pub(crate) fn acquire(
        claim: Claim<'a>,
        waiting: &Waiting,
        is_dead: impl Fn(Owner) -> Result<bool>,
    ) -> Result<Self> {
        Ok(LockedShard { shard: claim.shard, lock: claim.acquire(waiting, is_dead)? })
    }

    #[inline(always)]
    pub(crate) fn shard(&self) -> &'a Shard<'a> {
        self.shard
    }

    /// Does another writer sleep for want of it?
    pub(crate) fn is_wanted(&self) -> bool {
        self.lock.is_wanted()
    }
}
