//! The racy copy: bytes that others may write meanwhile, moved by assembly, or where there is none by relaxed
//! atomics.
//!
//! Every function takes raw pointers and reports a fault instead of dying of it where a handler is there to
//! say so. Only `view` calls them, after its bounds checks. No function forms a reference to the bytes.

#[cfg(any(miri, not(target_arch = "x86_64")))]
mod portable;
#[cfg(all(not(miri), target_arch = "x86_64"))]
mod x86_64;

#[cfg(any(miri, not(target_arch = "x86_64")))]
pub(crate) use portable::{choose, copy, equals, error_exit, load, prefetch, store, zero};
#[cfg(all(not(miri), target_arch = "x86_64"))]
pub(crate) use x86_64::{choose, copy, equals, error_exit, load, prefetch, store, zero};

/// Mapped memory could not be reached at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreachable(pub(crate) usize);

#[cfg(test)]
mod tests;
