//! Sizes, times and policies, as people write them.

use parse_size::Config;
use samovar::{Policy, Ttl};
use std::time::Duration;

/// Reads a size: `4096`, `64MiB`, `1.5G`. Every unit is a power of 1024, with or without the `i` and the `B`.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    Config::new()
        .with_binary()
        .parse_size(text)
        .map_err(|error| format!("{error}; write a number of bytes, or a size such as 64MiB or 1G"))
}

/// How long a value lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// For so many milliseconds.
    Millis(u64),
    /// Until its room is needed.
    ForEver,
}

impl Life {
    /// As the engine takes it.
    pub(crate) fn ttl(self) -> Ttl {
        match self {
            Life::Millis(milliseconds) => Ttl::millis(milliseconds),
            Life::ForEver => Ttl::NEVER,
        }
    }

    /// The same for a value that is stale before; none if it would be forgotten first.
    pub(crate) fn stale_after(self, soft: Duration) -> Option<Ttl> {
        match self {
            Life::Millis(milliseconds) if soft >= Duration::from_millis(milliseconds) => None,
            _ => Some(self.ttl().stale_after(soft)),
        }
    }
}

/// Reads how long a value lives: `never` is when it is forgotten, or after a time of at least a millisecond.
pub(crate) fn parse_life(text: &str) -> Result<Life, String> {
    if text == "never" {
        return Ok(Life::ForEver);
    }
    let milliseconds = u64::try_from(parse_time(text)?.as_millis());
    milliseconds.map(Life::Millis).map_err(|_| "it is too long".to_owned())
}

/// Reads a time of at least a millisecond: `5`, which is five seconds, `250ms`, `1h30m`.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().map(Duration::from_secs).ok();
    let time = match seconds() {
        Some(time) => time,
        None => humantime::parse_duration(text).map_err(|error| {
            format!("{error}; write a number of seconds, or a time such as 250ms or 1h30m")
        })?,
    };
    if time < Duration::from_millis(1) {
        return Err("it is shorter than a millisecond".to_owned());
    }
    Ok(time)
}

/// Reads how long to wait between two looks: at least ten milliseconds, at most a day.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_time(text)?;
    if (Duration::from_millis(10)..=Duration::from_secs(86_400)).contains(&interval) {
        Ok(interval)
    } else {
        Err("it is not between 10ms and 1day".to_owned())
    }
}

/// `s3-fifo` or `fifo`.
pub(crate) fn parse_policy(text: &str) -> Result<Policy, String> {
    match text {
        "s3-fifo" => Ok(Policy::S3Fifo),
        "fifo" => Ok(Policy::Fifo),
        _ => Err("a policy is s3-fifo or fifo".to_owned()),
    }
}

#[cfg(test)]
mod tests;
