//! Keys and values as JSON: as text where they are text, else in hexadecimal, under another name; and what became of a key.

use super::failure::{Outcome, Status};
use super::output::Format;
use serde::Serialize;

/// A key.
#[derive(Debug, Serialize)]
pub(crate) struct KeyText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hex: Option<String>,
}

impl<'a> KeyText<'a> {
    /// The key, of any bytes.
    pub(crate) fn of(key: &'a [u8]) -> Self {
        KeyText { key: std::str::from_utf8(key).ok(), key_hex: hex(key) }
    }
}

/// A value.
#[derive(Debug, Serialize)]
pub(crate) struct ValueText<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

impl<'a> ValueText<'a> {
    /// The value, of any bytes.
    pub(crate) fn of(value: &'a [u8]) -> Self {
        ValueText { value: std::str::from_utf8(value).ok(), value_hex: hex(value) }
    }
}

/// The bytes in hexadecimal, unless they are text.
fn hex(bytes: &[u8]) -> Option<String> {
    let digits = || bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    std::str::from_utf8(bytes).is_err().then(digits)
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effect {
    /// A value was stored under it.
    Stored,
    /// Its value lives for another time.
    Touched,
    /// It is gone, as was asked.
    Removed,
    /// Nothing was done: it is there already.
    Exists,
    /// Nothing was done: its value is of another version.
    Changed,
    /// Nothing was done: it is not there.
    Missing,
}

impl Effect {
    /// The status that says whether it was done.
    pub(crate) fn status(self) -> Status {
        Status::from(matches!(self, Effect::Stored | Effect::Touched | Effect::Removed))
    }
}

/// A key, and what became of it.
#[derive(Debug, Serialize)]
struct KeyEffect<'a> {
    #[serde(flatten)]
    key: KeyText<'a>,
    outcome: Effect,
}

/// Says what became of a key, and what the status is then.
pub(crate) fn put_effect(key: &[u8], outcome: Effect, format: Format) -> Outcome<Status> {
    format.answer(&KeyEffect { key: KeyText::of(key), outcome })?;
    Ok(outcome.status())
}
