//! What opening a cache found, as its user sees it.

use crate::error::Result;
use crate::file::untrusted::{Emptied, Untrusted};
use crate::open::attached::Attached;
use crate::repair::salvage::Salvaged;

/// What opening a cache found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// This call made the file.
    pub created: bool,
    /// The file was there, and what it held could be trusted.
    pub warm: bool,
    /// Entries held when it was opened.
    pub entries: u64,
    /// Why the file was emptied, or salvaged, if it was.
    pub cold_reason: Option<String>,
    /// What was kept of a file that could not be trusted, if it was [salvaged](crate::Options::salvage).
    pub salvaged: Option<Salvaged>,
    /// When and why it was last emptied or salvaged, by any process; none if it never was.
    pub last_emptied: Option<Emptied>,
}

impl Attachment {
    /// Of a file that was just attached to, with so many entries.
    pub(crate) fn of(attached: &Attached, created: bool, entries: u64) -> Result<Self> {
        let reason = attached.outcome.reason;
        Ok(Attachment {
            created,
            warm: reason.is_none() && !created,
            entries,
            cold_reason: reason.map(Untrusted::told).map(str::to_owned),
            salvaged: attached.outcome.salvaged,
            last_emptied: Emptied::load(attached.view())?,
        })
    }
}
