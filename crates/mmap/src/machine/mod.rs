//! The processor: copy, compare and zero in its own instructions, or where there is no assembly for it by relaxed atomics.
//!
//! Each processor has the same functions. They know nothing of maps: `copy` asks what a fault did to one.

#[cfg(all(not(miri), any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
mod assembly;
#[cfg(all(not(miri), target_arch = "aarch64", target_endian = "little"))]
#[path = "aarch64.rs"]
mod processor;
#[cfg(all(not(miri), target_arch = "x86_64"))]
#[path = "x86_64.rs"]
mod processor;
#[cfg(any(miri, not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))))]
#[path = "portable.rs"]
mod processor;

#[cfg(any(miri, not(target_arch = "x86_64")))]
mod line;
mod terms;
mod word;

#[cfg(any(miri, not(target_arch = "x86_64")))]
pub(crate) use line::{copy_line, matches_in_line};
#[cfg(all(test, not(miri), target_arch = "x86_64"))]
pub(crate) use processor::choose_the_oldest;
#[allow(unused_imports)] // the exit is asked for by the handlers of some platforms alone
pub(crate) use processor::error_exit;
pub(crate) use processor::{
    HAS_EXITS, choose, copy_across, copy_in, copy_out, equals, load, prefetch, store, stream, zero,
};
#[cfg(all(not(miri), target_arch = "x86_64"))]
pub(crate) use processor::{copy_line, copy_short, matches_in_line, store_short};
pub(crate) use terms::{LINE_WORDS, Unreachable, Wanted};
pub(crate) use word::{LOADS_EIGHT_BYTES, load_u32, load_u64};
