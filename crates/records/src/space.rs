//! Space in a pack: which parts of the file nobody needs.
//!
//! ```text
//!   free --give--> a table's extent --the table moves, or is removed--> left --a flush that no longer needs it--> free
//! ```
//!
//! What a table leaves is what the last flush made certain, until the next one: a loss of power before brings the table back
//! there. So nothing leads from *left* to *free* but a flush of that table. Readers of an extent that is given out again
//! find by the table's epoch that what they copied is no record.

use crate::layout::ORDINAL_MAX;

/// Extents begin at a cache line.
pub(crate) const EXTENT_ALIGN: u64 = 64;

/// What is known of the space of a pack.
#[derive(Debug, Default)]
pub(crate) struct Space {
    free: Vec<Extent>,
    left: Vec<Left>,
    /// What no table needs any more, once the pack was flushed.
    unneeded: Vec<Extent>,
    /// Whether what those before have left was looked for.
    pub(crate) searched: bool,
}

/// A part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) begin: u64,
    pub(crate) len: u64,
}

impl Extent {
    pub(crate) fn end(self) -> u64 {
        self.begin.saturating_add(self.len)
    }
}

/// What a table has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    pub(crate) block: u64,
    /// The epoch that it lay there in.
    pub(crate) epoch: u64,
    pub(crate) extent: Extent,
}

impl Space {
    /// Gives out a free part, if one is large enough.
    pub(crate) fn give(&mut self, len: u64, align: u64) -> Option<u64> {
        let fits = |extent: &Extent| {
            let begin = extent.begin.checked_next_multiple_of(align)?;
            (begin.checked_add(len)? <= extent.end()).then_some(begin)
        };
        // The smallest that fits: what is left over is then of no use to a larger table.
        let (index, begin) = self
            .free
            .iter()
            .enumerate()
            .filter_map(|(index, extent)| Some((index, fits(extent)?)))
            .min_by_key(|(index, _)| self.free[*index].len)?;
        let extent = self.free.swap_remove(index);
        self.take_back(Extent { begin: extent.begin, len: begin - extent.begin });
        self.take_back(Extent { begin: begin + len, len: extent.end() - begin - len });
        Some(begin)
    }

    /// Nobody needs it any more.
    pub(crate) fn take_back(&mut self, extent: Extent) {
        if extent.len >= EXTENT_ALIGN {
            self.free.push(extent);
        }
    }

    /// Nobody needs it once the table was flushed.
    pub(crate) fn leave(&mut self, left: Left) {
        self.left.push(left);
    }

    /// A flush has made a table certain in this epoch.
    pub(crate) fn flushed(&mut self, block: u64, epoch: u64) {
        let mut left = std::mem::take(&mut self.left);
        left.retain(|one| {
            let needed = one.block != block || one.epoch == epoch;
            if !needed {
                self.take_back(one.extent);
            }
            needed
        });
        self.left = left;
    }

    /// No table needs it once the pack was flushed.
    pub(crate) fn is_unneeded(&mut self, extent: Extent) {
        self.unneeded.push(extent);
    }

    /// A flush of the pack begins: what will be free when it is over.
    pub(crate) fn begin_flush(&mut self) -> Vec<Extent> {
        std::mem::take(&mut self.unneeded)
    }
}

/// What lies between these parts, which are all that is needed of the first `end` bytes.
pub(crate) fn gaps(mut needed: Vec<Extent>, end: u64) -> Vec<Extent> {
    needed.sort_unstable_by_key(|extent| extent.begin);
    needed.push(Extent { begin: end.min(ORDINAL_MAX), len: 0 });
    let (mut begin, mut found) = (0, Vec::new());
    for extent in needed {
        if extent.begin > begin {
            found.push(Extent { begin, len: extent.begin - begin });
        }
        begin = begin.max(extent.end());
    }
    found
}

#[cfg(test)]
mod tests;
