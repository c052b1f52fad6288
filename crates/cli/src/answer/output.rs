//! Standard output. A reader that has gone away (`samovar stat f | head -1`) ends the text quietly, it is no error.

use crate::answer::failure::{Failure, Outcome, Status};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// Writes raw bytes.
pub(crate) fn put_bytes(bytes: &[u8]) -> Outcome<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Other, "standard output", error))
        }
        _ => Ok(()),
    }
}

/// Writes a text and ends its last line.
pub(crate) fn put(text: &str) -> Outcome<()> {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    put_bytes(format!("{text}{end}").as_bytes())
}

/// Writes a report as JSON, for scripts.
pub(crate) fn put_json(report: &impl Serialize) -> Outcome<()> {
    let text = serde_json::to_string_pretty(report)
        .map_err(|error| Failure::new(Status::Other, "the report as JSON", error))?;
    put(&text)
}
