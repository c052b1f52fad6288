//! `samovar resize`: the cache becomes larger or smaller while others use it.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::answer::progress;
use crate::answer::units;
use crate::args::file::ResizeArguments;
use samovar::Resized;
use serde::Serialize;

/// Resizes the cache, and tells what that cost.
pub(crate) fn run(arguments: &ResizeArguments) -> Outcome<Status> {
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
    if arguments.json {
        output::put_json(&View::of(&resized))?
    } else {
        output::put(&tell(&resized))?
    }
    Ok(Status::Done)
}

fn tell(resized: &Resized) -> String {
    let (from, to) = (units::bytes(resized.from), units::bytes(resized.to));
    let evictions = match resized.evictions {
        0 => "nothing had to go".to_owned(),
        evictions => format!("{} had to go", units::entries(evictions)),
    };
    let held = if resized.complete {
        ""
    } else {
        "; readers hold values in what it leaves: resize it again, to the same size, to give that back"
    };
    format!("{from} became {to}: {evictions}{held}")
}

/// The outcome as JSON.
#[derive(Debug, Serialize)]
struct View {
    from: u64,
    to: u64,
    evictions: u64,
    complete: bool,
}

impl View {
    fn of(resized: &Resized) -> View {
        let Resized { from, to, evictions, complete, .. } = *resized;
        View { from, to, evictions, complete }
    }
}
