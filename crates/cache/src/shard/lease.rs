//! Leases: which process is loading the value of a key, so that others wait for that value instead of loading it too.
//!
//! A shard has a table of leases in its annex. A word in its head says how much of the table may be in use. A write in
//! a shard without leases looks no further. Leases are granted and voided only under the shard's writer lock. So a
//! key's value and its lease are looked at in one critical section. A change of the value and the end of its lease are
//! one, too.
//!
//! ```text
//!   free (ticket 0) --granted, under the lock--> held (a new ticket)
//!   held --the key was written: voided, under the lock--> free
//!   held --its value was stored, under the lock--> free
//!   held --given up by its holder, without the lock--> free
//!   held by the dead, or past its deadline --granted to another, under the lock--> held (a new ticket)
//! ```
//!
//! No edge leads from one ticket to another without passing 0, and no ticket comes back with the same deadline. So a
//! holder that slept through the end of its lease finds out, even if another lease has its place. A full table grants
//! nothing: then the caller loads for itself, and stores nothing.

use crate::error::Result;
use crate::file::area::Area;
use crate::format::hash::KeyHash;
use crate::format::layout::{LEASE_LEN, LEASED, LEASES, LEASES_PER_SHARD};
use crate::format::owner::Owner;
use crate::shard::head::Head;
use crate::shard::view::Shard;
use samovar_mmap::{Word32, Word64};
use std::time::Duration;

/// Within a lease.
const HASH: usize = 0;
const DEADLINE: usize = 8;
const OWNER: usize = 16;
const TICKET: usize = 20;

/// The leases of one shard.
#[derive(Clone, Copy)]
pub(crate) struct Leases<'a> {
    head: Head<'a>,
    annex: Area<'a>,
}

/// One lease, told from all others that ever had its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    place: usize,
    number: u32,
    deadline_ms: u64,
}

/// Who asks for a lease, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) hash: KeyHash,
    pub(crate) owner: Owner,
    pub(crate) now_ms: u64,
    pub(crate) deadline_ms: u64,
}

/// What the table answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The key is the asker's to load.
    Yours(Ticket),
    /// Somebody who lives is loading it.
    Taken(Ticket),
    /// There is no room for another lease.
    Full,
}

/// A lease as it stands in the table.
#[derive(Clone, Copy)]
struct LeaseRecord {
    ticket: Ticket,
    hash: u64,
    owner: Owner,
}

/// The word in the shard's head: how many tickets were given out, and below which place of the table all leases are.
#[derive(Clone, Copy)]
struct Summary {
    tickets: u32,
    used: usize,
}

impl Summary {
    fn of_word(word: u64) -> Self {
        let [t0, t1, t2, t3, used, ..] = word.to_le_bytes();
        Summary {
            tickets: u32::from_le_bytes([t0, t1, t2, t3]),
            used: usize::from(used).min(LEASES_PER_SHARD),
        }
    }

    fn word(self) -> u64 {
        (self.used as u64) << 32 | u64::from(self.tickets)
    }
}

impl<'a> Leases<'a> {
    #[inline(always)]
    pub(crate) fn of(shard: Shard<'a>) -> Self {
        Leases { head: shard.head, annex: shard.annex }
    }

    fn summary(self) -> Word64<'a> {
        self.head.word64(LEASED)
    }

    #[inline]
    fn used(self) -> usize {
        Summary::of_word(self.summary().load()).used
    }

    /// May there be a lease?
    #[inline]
    pub(crate) fn any(self) -> bool {
        self.used() != 0
    }

    fn word(self, place: usize, field: usize) -> Result<Word64<'a>> {
        self.annex.word64(LEASES + place * LEASE_LEN + field)
    }

    fn ticket(self, place: usize) -> Result<Word32<'a>> {
        self.annex.word32(LEASES + place * LEASE_LEN + TICKET)
    }

    /// What a place holds; none if it is free, or changes at this moment.
    fn load(self, place: usize) -> Result<Option<LeaseRecord>> {
        // Acquire, with the release in `grant`: the rest of the lease is as old as its ticket, or younger.
        let number = self.ticket(place)?.load_acquire();
        let deadline_ms = self.word(place, DEADLINE)?.load();
        let hash = self.word(place, HASH)?.load();
        let owner = Owner::from_word(self.annex.word32(LEASES + place * LEASE_LEN + OWNER)?.load());
        // Acquire fence, with the release fence in `fill`: words of a later lease show that this one has ended.
        samovar_mmap::fence_acquire();
        let whole = number != 0 && self.ticket(place)?.load() == number;
        Ok(whole.then_some(LeaseRecord { ticket: Ticket { place, number, deadline_ms }, hash, owner }))
    }

    /// Ends a lease, and wakes its waiters; false if it had ended.
    fn end(self, ticket: Ticket) -> Result<bool> {
        let word = self.ticket(ticket.place)?;
        let ended = word.compare_exchange(ticket.number, 0).is_ok();
        if ended {
            word.wake_all();
        }
        Ok(ended)
    }

    /// Ends the leases that `of` names, because their keys are about to be written. The caller holds the writer lock.
    #[inline]
    pub(crate) fn void(self, hash: KeyHash) -> Result<()> {
        if !self.any() { Ok(()) } else { self.void_where(|held| held.hash == hash.word()) }
    }

    /// Ends all leases, because all keys are about to be forgotten. The caller holds the writer lock.
    pub(crate) fn void_all(self) -> Result<()> {
        self.void_where(|_| true)
    }

    #[cold]
    fn void_where(self, of: impl Fn(LeaseRecord) -> bool) -> Result<()> {
        let mut used = 0;
        for place in 0..self.used() {
            match self.load(place)? {
                Some(held) if of(held) => drop(self.end(held.ticket)?),
                Some(_) => used = place + 1,
                None => {}
            }
        }
        self.set_used(used);
        Ok(())
    }

    fn set_used(self, used: usize) {
        let word = self.summary();
        let summary = Summary::of_word(word.load());
        if summary.used != used {
            word.store(Summary { used, ..summary }.word());
        }
    }

    /// Grants the key's lease, unless it is held by somebody who lives and whose time is not over. The caller holds the
    /// writer lock, and has seen that the key wants loading.
    pub(crate) fn grant(self, request: Request, is_dead: impl Fn(Owner) -> Result<bool>) -> Result<Grant> {
        let used = self.used();
        let mut free = None;
        for place in 0..used {
            match self.load(place)? {
                None => free = free.or(Some(place)),
                Some(held) if held.hash == request.hash.word() => {
                    if held.ticket.deadline_ms > request.now_ms && !is_dead(held.owner)? {
                        return Ok(Grant::Taken(held.ticket));
                    }
                    self.end(held.ticket)?;
                    free = Some(place);
                }
                Some(_) => {}
            }
        }
        let place = match free {
            Some(place) => Some(place),
            None => {
                self.reclaim(used, request.now_ms, is_dead)?.or((used < LEASES_PER_SHARD).then_some(used))
            }
        };
        place.map_or(Ok(Grant::Full), |place| self.fill(place, request))
    }

    /// The place of a lease whose owner has died; where the table is full, of one past its deadline. While there is
    /// room, a late holder may still store its value.
    fn reclaim(
        self,
        used: usize,
        now_ms: u64,
        is_dead: impl Fn(Owner) -> Result<bool>,
    ) -> Result<Option<usize>> {
        for place in 0..used {
            if let Some(held) = self.load(place)?
                && (is_dead(held.owner)? || used == LEASES_PER_SHARD && held.ticket.deadline_ms <= now_ms)
            {
                self.end(held.ticket)?;
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    fn fill(self, place: usize, request: Request) -> Result<Grant> {
        let summary = Summary::of_word(self.summary().load());
        let number = summary.tickets.wrapping_add(1).max(1);
        // First how far the table is used: a lease beyond that is never voided.
        let used = summary.used.max(place + 1);
        self.summary().store(Summary { tickets: number, used }.word());
        // Release fence, with the acquire fence in `load`: who sees a word of this lease sees that the one before has ended. If
        // this process dies, a lease is within what is used.
        samovar_mmap::fence_release();
        self.word(place, HASH)?.store(request.hash.word());
        self.word(place, DEADLINE)?.store(request.deadline_ms);
        self.annex.word32(LEASES + place * LEASE_LEN + OWNER)?.store(request.owner.word());
        // Release, with the acquire in `load`.
        self.ticket(place)?.store_release(number);
        Ok(Grant::Yours(Ticket { place, number, deadline_ms: request.deadline_ms }))
    }

    /// Who is loading the key just now, without the lock: an answer that may be old when it arrives.
    pub(crate) fn holder(
        self,
        hash: KeyHash,
        now_ms: u64,
        is_dead: impl Fn(Owner) -> Result<bool>,
    ) -> Result<Option<Ticket>> {
        for place in 0..self.used() {
            if let Some(held) = self.load(place)?.filter(|held| held.hash == hash.word())
                && held.ticket.deadline_ms > now_ms
                && !is_dead(held.owner)?
            {
                return Ok(Some(held.ticket));
            }
        }
        Ok(None)
    }

    /// Ends the lease because its value is about to be stored; false if it was voided before. The caller holds the writer
    /// lock.
    pub(crate) fn redeem(self, ticket: Ticket) -> Result<bool> {
        let held = self.load(ticket.place)?.is_some_and(|held| held.ticket == ticket);
        // canary: redeemed
        Ok(held && self.end(ticket)?)
    }

    /// Gives the lease up. It needs no lock, so a guard can always do it.
    pub(crate) fn release(self, ticket: Ticket) -> Result<()> {
        let held = self.load(ticket.place)?.is_some_and(|held| held.ticket == ticket);
        if held {
            self.end(ticket)?;
        }
        Ok(())
    }

    /// How many there are, without the lock.
    pub(crate) fn count(self) -> Result<u64> {
        let mut count = 0;
        for place in 0..self.used() {
            count += u64::from(self.load(place)?.is_some());
        }
        Ok(count)
    }

    /// Sleeps until the lease ends, or for this long.
    pub(crate) fn wait(self, ticket: Ticket, at_most: Duration) -> Result<()> {
        self.ticket(ticket.place)?.wait(ticket.number, at_most);
        Ok(())
    }
}

/// Forgets all leases: for the first opener, when nobody else can have one.
pub(crate) fn forget_all(shard: Shard<'_>) -> Result<()> {
    Leases::of(shard).void_all()
}

const _: () = assert!(TICKET + 4 <= LEASE_LEN);

#[cfg(all(test, feature = "inject"))]
mod tests;
