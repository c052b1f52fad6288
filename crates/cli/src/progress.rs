//! The progress bar: on standard error, where that is a terminal, and drawn a few times a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over `records` records, led in by `prefix`.
pub(crate) fn bar(records: u64, prefix: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(Some(records), target).with_prefix(prefix.to_owned());
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

const TEMPLATE: &str = "{prefix}[{bar:40}] {human_pos} of {human_len} requests";
const DRAWS_PER_SECOND: u8 = 10;
