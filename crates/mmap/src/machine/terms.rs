//! What is said to the processor, and what it says.

/// Mapped memory could not be reached at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unreachable(pub(crate) usize);

/// Words in a line.
pub(crate) const LINE_WORDS: usize = 8;

/// What a word has to be under a mask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) mask: u64,
    pub(crate) value: u64,
}
