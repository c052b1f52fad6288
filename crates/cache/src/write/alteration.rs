//! A change that depends on the stored value. It is read, decided on and written under one hold of the shard's writer
//! lock, so no other process comes between. This module decides; it takes no lock and moves no byte.
//!
//! At the edges each operation answers as memcached does (its `protocol.txt`). Numbers are decimal, at most 2^64 - 1. A
//! sum wraps around, a difference stops at zero. A key that is not there is not made.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{Preface, Terms};

/// What is stored for a key, and may be given out.
pub(crate) struct Current {
    pub(crate) preface: Preface,
    pub(crate) value: Vec<u8>,
}

/// What is stored instead.
pub(crate) struct Successor {
    pub(crate) value: Vec<u8>,
    pub(crate) terms: Terms,
    /// The version of the value that this one repeats; none for a new value.
    pub(crate) version: Option<u32>,
}

/// What an alteration does, and what it tells its caller.
pub(crate) type Decision<T> = (Option<Successor>, T);

/// Which number an entry counts to.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    Up(u64),
    Down(u64),
}

/// On which end of a value to put more.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Front,
    Back,
}

impl Successor {
    /// A new value.
    pub(crate) fn new(value: &[u8], terms: Terms) -> Self {
        Successor { value: value.to_vec(), terms, version: None }
    }
}

impl Current {
    /// Another value under the same terms.
    fn changed(&self, value: Vec<u8>) -> Successor {
        Successor { value, terms: self.preface.terms, version: None }
    }

    /// The same value, of the same version, under other terms.
    pub(crate) fn under(self, terms: Terms) -> Successor {
        let terms = Terms { namespace: self.preface.terms.namespace, ..terms };
        Successor { value: self.value, terms, version: Some(self.preface.version) }
    }
}

/// More bytes at one end; false where there is nothing to put them to.
pub(crate) fn extend(current: Option<Current>, more: &[u8], end: End) -> Decision<bool> {
    let Some(current) = current else { return (None, false) };
    let parts = match end {
        End::Front => [more, &current.value],
        End::Back => [&current.value, more],
    };
    (Some(current.changed(parts.concat())), true)
}

/// One step up or down; none where there is no number.
pub(crate) fn step(current: Option<Current>, step: Step) -> Result<Decision<Option<u64>>> {
    let Some(current) = current else { return Ok((None, None)) };
    let number = parse(&current.value)?;
    let next = match step {
        Step::Up(delta) => number.wrapping_add(delta),
        Step::Down(delta) => number.saturating_sub(delta),
    };
    Ok((Some(current.changed(next.to_string().into_bytes())), Some(next)))
}

/// Decimal digits and nothing else.
fn parse(value: &[u8]) -> Result<u64> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        Error::new(
            ErrorKind::NotANumber,
            "the value is not a decimal number from 0 to 18446744073709551615; set it to one first",
        )
    })
}

#[cfg(test)]
mod tests;
