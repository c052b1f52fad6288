//! The progress bar: on standard error, where that is a terminal, and drawn a few times a second.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over so many `things`, led in by `prefix`.
pub(crate) fn bar(count: u64, prefix: &str, things: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(Some(count), target).with_prefix(prefix.to_owned());
    match ProgressStyle::with_template(&format!("{TEMPLATE} {things}")) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

const TEMPLATE: &str = "{prefix}[{bar:40}] {human_pos} of {human_len}";
const DRAWS_PER_SECOND: u8 = 10;
