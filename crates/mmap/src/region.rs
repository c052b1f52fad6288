//! The pages under every kind of map: what is mapped, where the caller's bytes begin in it, and what can be done with
//! its pages.
//!
//! Invariant: `base .. base + len` stays mapped at one address while the region lives; its range is registered for
//! the fault guard no longer than that.

use crate::access::Access;
use crate::advice::{Advice, Discard, LockMode, Residency};
use crate::copy;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::placement::Placement;
use crate::registry::{Health, RangeToken, Registration};
use crate::sys::{self, MapRequest, PageRange, Protection, Sharing};
use crate::view::View;
use std::fs::File;
use std::io;

/// Mapped pages, and the caller's bytes among them.
pub struct Region {
    /// None if there are no bytes, or they are not to be replaced. Dropped first: a range is registered no longer than it is
    /// mapped.
    registration: Option<Registration>,
    /// None if there are no bytes.
    mapping: Option<sys::Mapping>,
    base: *mut u8,
    len: usize,
    access: Access,
    exposure: Exposure,
}

/// How the bytes of a region are given away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exposure {
    /// By views, which tell of a fault: a page that cannot be reached may become one of zeroes.
    Views,
    /// As a slice, or as code. Nothing may change them behind their user, so that a fault is the process's, as it is without
    /// the guard.
    Direct,
}

/// What a region is made for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) sharing: Sharing,
    pub(crate) protection: Protection,
    pub(crate) exposure: Exposure,
}

// SAFETY: the pages are the process's, not a thread's; what is shared of them is accessed by views alone, which are
// atomic or act so. Kinds that give slices say for themselves.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Maps a part of a file.
    pub(crate) fn of_file(file: &File, placement: &Placement, kind: Kind) -> Result<Region> {
        Region::new(Some(file), placement, kind)
    }

    /// Maps `len` zeroes of no file.
    pub(crate) fn of_memory(len: usize, kind: Kind) -> Result<Region> {
        Region::new(None, &Placement::of(0, len)?, kind)
    }

    fn new(file: Option<&File>, placement: &Placement, kind: Kind) -> Result<Region> {
        let Kind { sharing, protection, exposure } = kind;
        let access = protection.access();
        let len = placement.total - placement.lead;
        if len == 0 {
            let base = std::ptr::without_provenance_mut(64);
            return Ok(Region { registration: None, mapping: None, base, len, access, exposure });
        }
        copy::choose();
        let request =
            MapRequest { file, sharing, protection, offset: placement.offset, len: placement.total };
        let mapping = sys::Mapping::new(&request)
            .map_err(|source| Error::os(format_args!("mapping {len} bytes ({protection:?})"), source))?;
        let registration = (exposure == Exposure::Views).then(|| {
            let registered = placement.total.next_multiple_of(sys::page_size());
            Registration::new(mapping.base(), registered, access)
        });
        let base = mapping.base().wrapping_add(placement.lead);
        Ok(Region { registration, mapping: Some(mapping), base, len, access, exposure })
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        View::new(self.base, self.len, self.access)
    }

    #[inline]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.registration.as_ref().is_some_and(Registration::is_poisoned)
    }

    pub(crate) fn range_token(&self) -> Option<RangeToken> {
        self.registration.as_ref().map(Registration::token)
    }

    pub(crate) fn health(&self) -> Health<'_> {
        Health::of(self.registration.as_ref())
    }

    pub(crate) fn fault(&self) -> Option<Fault> {
        let found = self.registration.as_ref()?.fault()?;
        let lead = self.base.addr() - self.mapping.as_ref()?.base().addr();
        Some(Fault { offset: found.offset.saturating_sub(lead), ..found })
    }

    /// The mapping, and where in it the range lies; none if the range has no bytes.
    fn range(&self, offset: usize, len: usize) -> Result<Option<(&sys::Mapping, PageRange)>> {
        self.view().window(offset, len)?;
        let Some(mapping) = self.mapping.as_ref().filter(|_| len != 0) else { return Ok(None) };
        let lead = self.base.addr() - mapping.base().addr();
        Ok(Some((mapping, PageRange { offset: lead + offset, len })))
    }

    pub(crate) fn flush(&self, offset: usize, len: usize) -> Result<Durability> {
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(Durability::Nothing) };
        let outcome = mapping.flush(range);
        outcome.map_err(|source| Error::os(format_args!("flushing {len} bytes at {offset}"), source))
    }

    pub(crate) fn advise(&self, advice: Advice, offset: usize, len: usize) -> Result<()> {
        if advice == Advice::Collapse {
            // Linux (6.18) does not clear a huge page of a tmpfs that was reserved and never touched: it shows the
            // bytes of its last owner. Touched, it is cleared first.
            self.populate(Access::ReadOnly, offset, len)?;
        }
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(()) };
        let outcome = mapping.advise(range.outwards(sys::page_size()), advice);
        outcome.map_err(|source| Error::os(format_args!("advising {advice:?}"), source))
    }

    pub(crate) fn discard(&self, discard: Discard, offset: usize, len: usize) -> Result<usize> {
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(0) };
        let Some(range) = range.inwards(sys::page_size()) else { return Ok(0) };
        let outcome = mapping.discard(range, discard);
        outcome.map_err(|source| Error::os(format_args!("discarding ({discard:?})"), source))?;
        Ok(range.len)
    }

    pub(crate) fn lock(&self, mode: LockMode, offset: usize, len: usize) -> Result<()> {
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(()) };
        mapping.lock(range.outwards(sys::page_size()), mode).map_err(|source| {
            let limit = sys::lock_limit().map_or(String::from("the system's limit"), |limit| {
                format!("the limit of {limit} bytes that this process may lock (RLIMIT_MEMLOCK)")
            });
            let told = format!("{limit} may be the reason; raise it, or lock less");
            Error::os_told(format_args!("locking {len} bytes in memory"), source, &told)
        })
    }

    pub(crate) fn unlock(&self, offset: usize, len: usize) -> Result<()> {
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(()) };
        let outcome = mapping.unlock(range.outwards(sys::page_size()));
        outcome.map_err(|source| Error::os(format_args!("unlocking {len} bytes"), source))
    }

    pub(crate) fn populate(&self, access: Access, offset: usize, len: usize) -> Result<()> {
        if access == Access::ReadWrite && self.access == Access::ReadOnly {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "the map is read-only, so its pages can only be brought in for reading; ask for that",
            ));
        }
        let Some((mapping, range)) = self.range(offset, len)? else { return Ok(()) };
        match mapping.populate(range.outwards(sys::page_size()), access) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => self.touch(access, offset, len),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Error::new(
                ErrorKind::Fault,
                "a page is not there: the file was cut short, or its device failed or is full",
            )),
            other => {
                other.map_err(|source| Error::os(format_args!("bringing in {len} bytes at {offset}"), source))
            }
        }
    }

    /// One access a page. A slice is only read: writing it, even what is there, is its owner's business.
    fn touch(&self, access: Access, offset: usize, len: usize) -> Result<()> {
        let view = self.view();
        for at in (offset..offset + len).step_by(sys::page_size()).chain([offset + len - 1]) {
            match access {
                Access::ReadWrite if self.exposure == Exposure::Views => {
                    drop(view.word32(at & !3).map(|word| word.fetch_add(0)))
                }
                _ => view.read_into(at, &mut [0])?,
            }
        }
        Ok(())
    }

    pub(crate) fn residency(&self, offset: usize, len: usize) -> Result<Residency> {
        let page = sys::page_size();
        let Some((mapping, range)) = self.range(offset, len)? else {
            return Ok(Residency { pages: Vec::new(), page_bytes: page });
        };
        let outcome = mapping.residency(range.outwards(sys::page_size()));
        let pages = outcome.map_err(|source| Error::os("asking which pages are in memory", source))?;
        Ok(Residency { pages, page_bytes: page })
    }

    pub(crate) fn huge_bytes(&self) -> Result<usize> {
        let Some(mapping) = &self.mapping else { return Ok(0) };
        mapping.huge_bytes().map_err(|source| Error::os("asking for the size of the pages", source))
    }

    /// Nobody has a view, since the caller has the region alone.
    pub(crate) fn protect(&mut self, protection: Protection) -> Result<()> {
        let access = protection.access();
        if let Some(mapping) = &self.mapping {
            let outcome = mapping.protect(protection);
            outcome
                .map_err(|source| Error::os(format_args!("changing the map to {protection:?}"), source))?;
        }
        if let Some(registration) = &self.registration {
            registration.set_access(access);
        }
        self.access = access;
        Ok(())
    }

    pub(crate) fn close(mut self) -> Result<()> {
        drop(self.registration.take());
        let Some(mapping) = self.mapping.take() else { return Ok(()) };
        mapping.unmap().map_err(|source| Error::os(format_args!("unmapping {} bytes", self.len), source))
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Region").field("len", &self.len).field("access", &self.access).finish()
    }
}
