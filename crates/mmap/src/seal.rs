//! What can be forbidden of a file in memory.

/// What a seal forbids, to everybody and for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Seal {
    /// Making the file shorter: no map of it can fault.
    Shrink,
    /// Making it shorter or longer.
    Resize,
    /// Writing and resizing. Refused while a map for writing lives.
    Write,
    /// Writing and resizing, but through maps that are there already: one writer, many readers.
    FutureWrite,
}
