//! How an access to mapped memory ends.

/// Mapped memory could not be reached at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreachable(pub(crate) usize);
