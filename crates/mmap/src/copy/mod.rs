//! The racy copy: bytes that others may write meanwhile, moved by assembly, or where there is none by relaxed
//! atomics.
//!
//! Every function takes raw pointers and reports a fault instead of dying of it where a handler is there to
//! say so. Only `view` calls them, after its bounds checks. No function forms a reference to the bytes.

#[cfg(all(not(miri), target_arch = "aarch64", target_endian = "little"))]
#[path = "aarch64.rs"]
mod machine;
#[cfg(all(not(miri), target_arch = "x86_64"))]
#[path = "x86_64.rs"]
mod machine;
#[cfg(any(miri, not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))))]
#[path = "portable.rs"]
mod machine;
#[cfg(all(not(miri), any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
mod symbols;

#[allow(unused_imports)] // the exit is asked for by the handlers of some platforms alone
pub(crate) use machine::error_exit;
pub(crate) use machine::{choose, copy, equals, load, prefetch, store, zero};

/// Mapped memory could not be reached at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreachable(pub(crate) usize);

#[cfg(test)]
mod tests;
