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

/// Reads a time to live: `30s`, `1h30m`, `250ms`. The shortest is a millisecond.
pub(crate) fn parse_ttl(text: &str) -> Result<Ttl, String> {
    let duration = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as 30s, 250ms or 1h30m"))?;
    match u64::try_from(duration.as_millis()) {
        Ok(0) => Err("it is shorter than a millisecond".to_owned()),
        Ok(milliseconds) => Ok(Ttl::millis(milliseconds)),
        Err(_) => Err("it is too long".to_owned()),
    }
}

/// Reads how long to wait: `1s`, `250ms`. The shortest is ten milliseconds, the longest a day.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a time such as 1s, 250ms or 1m"))?;
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
