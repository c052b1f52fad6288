//! `samovar top`: a cache in use, watched. The file is only read: other processes do not see this one.
//!
//! A sample is one look at the cache. A frame is what two samples tell, as lines of text or as JSON. The screen shows
//! lines and hears keys. Where standard output is no terminal, one frame is all there is.

mod frame;
mod sample;
mod screen;

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::file::TopArguments;
use frame::Frame;
use samovar::Cache;
use sample::Sample;
use screen::{Key, Screen};
use std::io::{self, IsTerminal};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Watches until told to stop, or looks once.
pub(crate) fn run(arguments: &TopArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open_read_only(path)?;
    if !arguments.once && format == Format::Text && io::stdout().is_terminal() {
        Watch { cache: &cache, path }.run(arguments.interval.unwrap_or(DEFAULT_INTERVAL))?;
        return Ok(Status::Done);
    }
    let watch = Watch { cache: &cache, path };
    let mut samples = vec![watch.sample()?];
    if let Some(interval) = arguments.interval {
        sleep(interval);
        samples.push(watch.sample()?);
    }
    let (before, now) = match &samples[..] {
        [before, now] => (Some(before), now),
        rest => (None, &rest[0]),
    };
    let frame = watch.frame(before, now);
    match format {
        Format::Json => output::put_json_report(&frame.report())?,
        Format::Text => output::put(&frame.lines().join("\n"))?,
    }
    Ok(Status::Done)
}

/// The cache that is watched.
#[derive(Clone, Copy)]
struct Watch<'a> {
    cache: &'a Cache,
    path: &'a Path,
}

impl<'a> Watch<'a> {
    fn sample(self) -> Outcome<Sample> {
        Sample::take(self.cache).map_err(|error| Failure::of_cache(self.path, &error))
    }

    fn frame(self, before: Option<&'a Sample>, now: &'a Sample) -> Frame<'a> {
        Frame { cache: self.cache, path: self.path, before, now }
    }

    /// Draws a frame at once and after each interval, until a key or a signal says stop.
    fn run(self, interval: Duration) -> Outcome<()> {
        let of_terminal = |error: io::Error| Failure::new(Status::Other, "the terminal", error);
        let mut screen = Screen::enter().map_err(of_terminal)?;
        let (mut before, mut now) = (None, self.sample()?);
        let mut first_line = 0;
        loop {
            let lines = self.frame(before.as_ref(), &now).lines();
            let next_at = now.at + interval;
            while Instant::now() < next_at {
                first_line = screen.draw(&lines, first_line).map_err(of_terminal)?;
                match screen.key_until(next_at).map_err(of_terminal)? {
                    Some(Key::Quit) => return Ok(()),
                    Some(Key::Scroll(by)) => first_line = first_line.saturating_add_signed(by),
                    Some(Key::Home) => first_line = 0,
                    Some(Key::Redraw) | None => {}
                }
            }
            before = Some(std::mem::replace(&mut now, self.sample()?));
        }
    }
}
