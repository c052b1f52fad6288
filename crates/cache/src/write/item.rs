//! What a set stores.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{Extras, Header, KeyValue, Terms};
use crate::format::hash::KeyHash;

/// A key, its value, and the terms under which they live.
#[derive(Clone, Copy)]
pub(crate) struct Item<'v> {
    pub(crate) hash: KeyHash,
    pub(crate) key: &'v [u8],
    pub(crate) value: &'v [u8],
    pub(crate) terms: Terms,
    /// The version of the value that this one repeats; none for a new value.
    pub(crate) version: Option<u32>,
}

impl<'v> Item<'v> {
    /// The header of its entry, with these extras beside those that its terms ask for.
    #[inline(always)]
    pub(crate) fn header(&self, more: Extras) -> Result<Header> {
        let too_long = |_| Error::new(ErrorKind::KeyTooLong, "keys are at most 65,535 bytes long");
        let too_large =
            |_| Error::new(ErrorKind::ValueTooLarge, "values are at most 4,294,967,295 bytes long");
        let key_len = u16::try_from(self.key.len()).map_err(too_long)?;
        let value_len = u32::try_from(self.value.len()).map_err(too_large)?;
        Ok(Header::new(key_len, value_len, self.terms.extras().with(more)))
    }

    #[inline(always)]
    pub(crate) fn key_value(&self) -> KeyValue<'v> {
        KeyValue { key: self.key, value: self.value }
    }
}
