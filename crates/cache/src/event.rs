//! Events of the `tracing` crate, for what happens seldom and matters to an operator. Without the feature of that name they
//! are nothing, and cost nothing. Gets, and sets that meet no other process, send none.
//!
//! Every event has the target `samovar` and a fixed message, by which it can be filtered; the rest is in its fields.
//! Some are told while a shard's lock is held: a subscriber must not use the cache.

use crate::error::Error;
use std::path::Path;

/// How a repair ended.
#[derive(Clone, Copy)]
pub(crate) enum Repair {
    /// The dead writer's change had happened.
    Finished,
    /// It had not, and what it was writing is skipped.
    Undone,
}

/// What opening a file found.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "nobody listens"))]
pub(crate) struct Opening<'a> {
    pub(crate) path: &'a Path,
    pub(crate) created: bool,
    pub(crate) warm: bool,
    pub(crate) entries: u64,
}

#[cfg(feature = "tracing")]
mod told {
    use super::{Error, Opening, Path, Repair};
    use tracing::{debug, info, warn};

    #[cold]
    pub(crate) fn attached(opening: Opening<'_>) {
        let Opening { path, created, warm, entries } = opening;
        info!(target: "samovar", path = %path.display(), created, warm, entries, "attached");
    }

    #[cold]
    pub(crate) fn turned_away(path: &Path, error: &Error) {
        info!(target: "samovar", path = %path.display(), kind = ?error.kind(), %error, "refused to open");
    }

    #[cold]
    pub(crate) fn found_at_open(cold_because: Option<&str>) {
        match cold_because {
            None => debug!(target: "samovar", "found warm"),
            Some(because) => warn!(target: "samovar", because, "found cold"),
        }
    }

    #[cold]
    pub(crate) fn salvaged(kept: u64, dropped: u64) {
        warn!(target: "samovar", kept, dropped, "salvaged");
    }

    #[cold]
    pub(crate) fn taken_over(shard: u64, process: Option<u32>) {
        warn!(target: "samovar", shard, process, "took a shard over from a dead process");
    }

    #[cold]
    pub(crate) fn owner_stopped(shard: u64, process: Option<u32>) {
        warn!(target: "samovar", shard, process, "a living process holds a shard and does not get on");
    }

    #[cold]
    pub(crate) fn repaired(how: Repair, index_slot: u64) {
        let how = match how {
            Repair::Finished => "finished",
            Repair::Undone => "undone",
        };
        warn!(target: "samovar", how, index_slot, "repaired a change that was left half done");
    }

    #[cold]
    pub(crate) fn reset(entries: u64, resets: u64) {
        warn!(target: "samovar", entries, resets, "emptied a shard");
    }

    #[cold]
    pub(crate) fn flushed() {
        debug!(target: "samovar", "flushed");
    }

    #[cold]
    pub(crate) fn resize_begun(from: u64, to: u64) {
        info!(target: "samovar", from, to, "resizing");
    }

    #[cold]
    pub(crate) fn resize_ended(to: u64, evictions: u64, complete: bool) {
        info!(target: "samovar", to, evictions, complete, "resized");
    }

    #[cold]
    pub(crate) fn detached(last: bool) {
        debug!(target: "samovar", last, "detached");
    }
}

#[cfg(not(feature = "tracing"))]
mod told {
    use super::{Error, Opening, Path, Repair};

    #[inline(always)]
    pub(crate) fn attached(_: Opening<'_>) {}
    #[inline(always)]
    pub(crate) fn turned_away(_: &Path, _: &Error) {}
    #[inline(always)]
    pub(crate) fn found_at_open(_: Option<&str>) {}
    #[inline(always)]
    pub(crate) fn salvaged(_: u64, _: u64) {}
    #[inline(always)]
    pub(crate) fn taken_over(_: u64, _: Option<u32>) {}
    #[inline(always)]
    pub(crate) fn owner_stopped(_: u64, _: Option<u32>) {}
    #[inline(always)]
    pub(crate) fn repaired(_: Repair, _: u64) {}
    #[inline(always)]
    pub(crate) fn reset(_: u64, _: u64) {}
    #[inline(always)]
    pub(crate) fn flushed() {}
    #[inline(always)]
    pub(crate) fn resize_begun(_: u64, _: u64) {}
    #[inline(always)]
    pub(crate) fn resize_ended(_: u64, _: u64, _: bool) {}
    #[inline(always)]
    pub(crate) fn detached(_: bool) {}
}

pub(crate) use told::{
    attached, detached, flushed, found_at_open, owner_stopped, repaired, reset, resize_begun, resize_ended,
    salvaged, taken_over, turned_away,
};
