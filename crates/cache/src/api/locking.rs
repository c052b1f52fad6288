//! Doing something under a shard's writer lock. Each call here may wait for at most the handle's lock timeout.

use crate::api::handle::{Cache, read_only};
use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::format::hash::KeyHash;
use crate::repair::recover;
use crate::shard::lock::Claim;
use crate::shard::locked::LockedShard;
use crate::shard::view::Shard;
use crate::write::writer::{ProcessContext, Writer};

/// How often the file may become clean again while a writer waits for the disk.
const CLEARINGS: u32 = 100;

impl Cache {
    /// Waits for a shard's writer lock.
    #[inline(always)]
    pub(crate) fn lock<'a>(&'a self, shard: &'a Shard<'a>) -> Result<LockedShard<'a>> {
        let attached = &self.inner.attached;
        let slot = attached.membership()?.slot().ok_or_else(read_only)?;
        let claim = Claim { shard, owner: slot.owner };
        LockedShard::acquire(claim, &self.inner.waiting, |holder| attached.is_dead(holder))
    }

    /// Waits for a shard's writer lock to write there. While the disk is waited for, nobody has the lock.
    #[inline(always)]
    pub(crate) fn lock_to_write<'a>(&'a self, shard: &'a Shard<'a>) -> Result<LockedShard<'a>> {
        let locked = self.lock(shard)?;
        if self.inner.attached.may_write()? { Ok(locked) } else { self.clear_and_lock(locked, shard) }
    }

    /// The file was clean: lets the shard go until the disk knows that it is no longer. Flushes may make it clean again.
    #[cold]
    fn clear_and_lock<'a>(
        &'a self,
        mut locked: LockedShard<'a>,
        shard: &'a Shard<'a>,
    ) -> Result<LockedShard<'a>> {
        let (attached, timeout) = (&self.inner.attached, self.inner.waiting.lock_timeout());
        for _ in 0..CLEARINGS {
            // canary: cleared unlocked
            drop(locked);
            attached.clear_clean(timeout)?;
            locked = self.lock(shard)?;
            if attached.may_write()? {
                return Ok(locked);
            }
        }
        Err(flushed_all_the_time())
    }

    /// All shards.
    pub(crate) fn all_shards(&self) -> Result<Vec<Shard<'_>>> {
        let attached = &self.inner.attached;
        (0..attached.header.geometry.shards()).map(|number| attached.shard(number)).collect()
    }

    /// Keeps all writers out.
    pub(crate) fn lock_all<'a>(&'a self, shards: &'a [Shard<'a>]) -> Result<Vec<LockedShard<'a>>> {
        shards.iter().map(|shard| self.lock(shard)).collect()
    }

    /// Does something under the key's writer lock.
    pub(crate) fn write<T>(
        &self,
        hash: KeyHash,
        clock: &Clock<'_>,
        act: impl Fn(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        let shard = self.shard_of(hash)?;
        let locked = self.lock_to_write(&shard)?;
        self.write_locked(&locked, clock, act)
    }

    /// Does something in a shard that is locked to be written. A shard whose bytes say what no writer ever stored is emptied, and
    /// then it is done again.
    #[inline]
    pub(crate) fn write_locked<T>(
        &self,
        locked: &LockedShard<'_>,
        clock: &Clock<'_>,
        act: impl Fn(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        let (attached, number) = (&self.inner.attached, locked.shard().number);
        attached.keep_horizon(number)?;
        let is_dead = |owner| attached.is_dead(owner);
        let prefault = |span| attached.prepare(number, span);
        let once = || {
            let process = ProcessContext { is_dead: &is_dead, prefault: &prefault };
            let mut writer = Writer::begin(locked, clock, process)?;
            writer.enter(self.namespace)?;
            act(&mut writer)
        };
        let done = match once() {
            Err(error) if error.is_damage() => {
                recover::reset(*locked.shard())?;
                once()
            }
            done => done,
        };
        attached.believe()?;
        done
    }
}

#[cold]
fn flushed_all_the_time() -> Error {
    Error::new(ErrorKind::Busy, "the cache is flushed as fast as it can be written; flush it less often")
}
