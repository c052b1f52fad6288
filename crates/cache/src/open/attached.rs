//! An attached file: mapped, and with this process a member of those who have it open.
//!
//! ```text
//!     (under the init byte) first opener?  no: join. A joiner resets nothing and decides nothing.
//!                                 yes: recover the file, see [`crate::open::recovery`]
//!     (under the init byte) last to leave? yes: leave everything on disk, and the file clean
//! ```
//!
//! The first opener is the one beside whom nobody has a process slot.

use crate::error::{Error, ErrorKind, Result};
use crate::event;
use crate::file::clean_word::CleanWord;
use crate::file::clock::{Clock, TimeBase};
use crate::file::identity::Identity;
use crate::file::open_checks::Asked;
use crate::file::process_slot::{self, Life};
use crate::format::owner::Owner;
use crate::open::durability;
use crate::open::init_lock;
use crate::open::mapped_file::MappedFile;
use crate::open::membership::Membership;
use crate::open::recovery::{self, OpenOutcome};
use crate::repair::salvage::Observer;
use samovar_mmap::{Access, PerProcess, TrustedMap, TrustedWriters};
use std::ops::Deref;
use std::path::Path;
use std::time::Duration;

/// An open file, and this process's membership.
pub(crate) struct Attached {
    file: MappedFile,
    membership: PerProcess<Membership>,
    /// What was found when it was opened.
    pub(crate) outcome: OpenOutcome,
    /// The process slot whose counter lines this handle uses; none if it only reads. A forked child goes on with those
    /// of its parent: counts are added atomically, so several processes may share them.
    pub(crate) counts_as: Option<u32>,
    time: TimeBase,
    /// Who is told of a salvage; none if a file that cannot be trusted is emptied instead.
    salvage: Option<Observer>,
}

impl Deref for Attached {
    type Target = MappedFile;

    #[inline(always)]
    fn deref(&self) -> &MappedFile {
        &self.file
    }
}

impl Attached {
    /// Becomes a member of those who have the file open; its first opener recovers it.
    pub(crate) fn attach(
        path: &Path,
        access: Access,
        asked: Asked,
        salvage: Option<Observer>,
    ) -> Result<Self> {
        let file = MappedFile::open(path, access, asked)?;
        if salvage.is_some() && !file.header.sealed {
            return Err(unsealed(path));
        }
        let mut attached = Attached {
            file,
            membership: PerProcess::new(),
            outcome: OpenOutcome::default(),
            counts_as: None,
            time: TimeBase::Wall,
            salvage,
        };
        let (membership, outcome) = attached.join()?;
        attached.time = TimeBase::present(attached.view())?;
        attached.outcome = outcome;
        attached.counts_as = membership.slot().map(|slot| slot.number);
        let _ = attached.membership.install(membership);
        Ok(attached)
    }

    /// This process's membership. A child that was forked since becomes a member of its own.
    #[inline]
    pub(crate) fn membership(&self) -> Result<&Membership> {
        match self.membership.get() {
            Some(membership) => Ok(membership),
            None => self.join_after_fork(),
        }
    }

    #[cold]
    fn join_after_fork(&self) -> Result<&Membership> {
        let (membership, _) = self.join()?;
        match self.membership.install(membership) {
            Ok(membership) => Ok(membership),
            Err(late) => {
                self.leave(late)?;
                self.membership.get().ok_or_else(init_lock::busy)
            }
        }
    }

    /// Takes the promise about who writes the file, for slices of it by one handle.
    pub(crate) fn trust(&self, promise: TrustedWriters) -> TrustedMap {
        self.file.map.trust(promise)
    }

    /// What time it is in the file.
    #[inline]
    pub(crate) fn clock(&self) -> Clock<'_> {
        Clock::new(self.view(), self.time)
    }

    /// The owner that other processes see in locks of this process.
    pub(crate) fn owner(&self) -> Result<Owner> {
        let slot = self.membership()?.slot().ok_or_else(|| {
            Error::new(
                ErrorKind::ReadOnly,
                "this handle is read-only; open the cache without read_only to write",
            )
        })?;
        Ok(slot.owner)
    }

    /// Has the owner of a writer lock died?
    pub(crate) fn is_dead(&self, owner: Owner) -> Result<bool> {
        self.membership()?.is_dead(self.view(), owner)
    }

    /// May this process write, which has just locked a shard? Else [`clear_clean`](Self::clear_clean) comes first.
    #[inline]
    pub(crate) fn may_write(&self) -> Result<bool> {
        if CleanWord::of(self.view())?.is_dirty() { Ok(true) } else { durability::may_write(self) }
    }

    /// Makes durable, before the first write after a flush, that the file is no longer clean; once for all processes. Waits for the
    /// disk, and for so long for others who do. The caller holds no lock.
    #[cold]
    pub(crate) fn clear_clean(&self, timeout: Duration) -> Result<()> {
        self.membership()?.dirtying(timeout, || durability::clear_clean(self))
    }

    /// See [`durability::keep_horizon`].
    #[inline]
    pub(crate) fn keep_horizon(&self, shard: u64) -> Result<()> {
        durability::keep_horizon(self, shard)
    }

    /// Does something while nobody opens or closes, if the path still names this file.
    pub(crate) fn alone<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let membership = Membership::open(&self.path, self.id)?;
        let _alone = membership.lock_init(self.view())?;
        // Asked again under the lock: the file may have changed before.
        Membership::open(&self.path, self.id)?;
        act()
    }

    /// Lets nobody write any more. The caller holds every shard's lock and the init byte.
    pub(crate) fn mark_removed(&self) -> Result<()> {
        CleanWord::of(self.view())?.remove();
        Ok(())
    }

    /// Becomes a member; what was found, and done about it.
    fn join(&self) -> Result<(Membership, OpenOutcome)> {
        let mut membership = Membership::open(&self.path, self.id)?;
        let outcome = match self.access {
            Access::ReadWrite => self.join_writers(&mut membership)?,
            Access::ReadOnly => self.join_readers(&membership)?,
        };
        Ok((membership, outcome))
    }

    fn join_writers(&self, membership: &mut Membership) -> Result<OpenOutcome> {
        // What the system has to be asked is asked while nobody waits.
        let (process, present) = (Life::present(), Identity::present(self.id));
        let lock = membership.lock_init(self.view())?;
        let mut outcome = OpenOutcome::default();
        // canary: joiner
        if membership.is_alone()? && !self.is_in_use(present)? {
            outcome = recovery::recover(self, self.salvage.as_ref())?;
        }
        self.expect_present(present)?;
        self.expect_current()?;
        let slot = membership.take_slot(self.view(), process)?;
        drop(lock);
        membership.keep_slot(slot);
        Ok(outcome)
    }

    fn join_readers(&self, membership: &Membership) -> Result<OpenOutcome> {
        let present = Identity::present(self.id);
        let _lock = membership.share_init(self.view())?;
        if !membership.is_alone()? {
            self.expect_present(present)?;
        } else if let Some(reason) = recovery::distrust(self)? {
            return Err(Error::new(
                ErrorKind::Cold,
                format!("the cache cannot be trusted, because {}; open it for writing once", reason.told()),
            ));
        }
        self.expect_current()?;
        Ok(OpenOutcome::default())
    }

    /// Those who have the file open opened this file, in this boot: a joiner believes them, and decides nothing.
    fn expect_present(&self, present: Identity) -> Result<()> {
        // canary: joiner present
        if Identity::load(self.view())? == present { Ok(()) } else { Err(overwritten()) }
    }

    /// Does any process that opened this file still run, though nobody holds its locks?
    fn is_in_use(&self, present: Identity) -> Result<bool> {
        let is_this = Identity::load(self.view())?.is_same_file(present);
        Ok(is_this && process_slot::anyone_runs(self.view())?)
    }

    /// Gives up this process's membership. The last one out leaves the file clean.
    pub(crate) fn detach(&mut self) -> Result<()> {
        match self.membership.take() {
            Some(membership) => self.leave(membership),
            None => Ok(()),
        }
    }

    /// The last one out syncs the file twice: while others may come, which takes as long as the disk needs, and then alone, what is
    /// left by then.
    fn leave(&self, mut membership: Membership) -> Result<()> {
        let Some(slot) = membership.lose_slot() else { return Ok(()) };
        let mut synced = None;
        let _lock = loop {
            let lock = membership.lock_init(self.view())?;
            let is_left = synced.is_none() && membership.is_alone()? && !self.is_clean()?;
            // canary: synced alone
            if !is_left {
                break lock;
            }
            drop(lock);
            synced = Some(durability::sync(self));
        };
        membership.leave_slot(self.view(), slot)?;
        synced.transpose()?;
        let last = membership.is_alone()? && !self.is_in_use(Identity::present(self.id))?;
        // canary: last
        if last {
            self.leave_clean()?;
        }
        event::detached(last);
        Ok(())
    }

    /// Is everything on the disk, or nothing of it wanted?
    fn is_clean(&self) -> Result<bool> {
        let clean = CleanWord::of(self.view())?;
        Ok(clean.is_clean() || clean.is_removed())
    }

    /// Leaves everything on disk, with the time, so that expired entries stay expired after a restart.
    fn leave_clean(&self) -> Result<()> {
        let clean = CleanWord::of(self.view())?;
        if clean.is_removed() {
            return Ok(());
        }
        let is_clean = clean.is_clean();
        if !is_clean {
            durability::sync(self)?;
        }
        if is_clean && !self.clock().matters()? {
            return Ok(());
        }
        durability::mark_clean(self, &self.clock())
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // What fails here is not lost: the kernel frees the locks, and the next opener finds the file unclean.
        let _ = self.detach();
    }
}

#[cold]
fn overwritten() -> Error {
    Error::new(
        ErrorKind::Cold,
        "the cache is in use, but it says that it is another file, or of another boot: it was written over while it was in use, or those who use \
         it see another boot id than this process; close all handles, and open it anew",
    )
}

#[cold]
fn unsealed(path: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "{} was made without seals, by which a salvage knows what is whole; open it without salvage, or make another with Options::seals",
            path.display()
        ),
    )
}
