//! What tells one file from another.

/// What tells a file from all others on this machine, whatever its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FileId {
    /// The device that holds it.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}
