//! `samovar resize`: the cache becomes larger or smaller while others use it.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::progress;
use crate::answer::units::{bytes, entries};
use crate::args::file::ResizeArguments;
use samovar::Resized;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// Resizes the cache, and tells what that cost.
pub(crate) fn run(arguments: &ResizeArguments, format: Format) -> Outcome<Status> {
    let path = &arguments.file;
    let cache = access::open(path)?;
    let bar = progress::bar(0, "", "parts of the cache");
    let resized = cache.resize_with(arguments.capacity, |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    let resized = resized.map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    format.line(&ResizeView::of(path, &resized))?;
    Ok(Status::Done)
}

/// The outcome, as it is shown.
#[derive(Debug, Serialize)]
struct ResizeView {
    file: String,
    from: u64,
    to: u64,
    evictions: u64,
    complete: bool,
}

impl ResizeView {
    fn of(path: &Path, resized: &Resized) -> ResizeView {
        let Resized { from, to, evictions, complete, .. } = *resized;
        ResizeView { file: path.display().to_string(), from, to, evictions, complete }
    }
}

impl Display for ResizeView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} became {}: ", bytes(self.from), bytes(self.to))?;
        match self.evictions {
            0 => write!(f, "nothing had to go")?,
            evictions => write!(f, "{} had to go", entries(evictions))?,
        }
        if self.complete {
            return Ok(());
        }
        write!(
            f,
            "; readers hold values in the part that it leaves: resize it again, to the same size, to give that back"
        )
    }
}
