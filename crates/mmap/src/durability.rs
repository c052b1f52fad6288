//! What a flush did.

/// How far a flush brought the bytes, as far as the system says. What only begins to write them
/// ([`start_writeback`](crate::start_writeback)) is no flush, and says nothing.
///
/// | system | what is called | what it did |
/// |---|---|---|
/// | Linux, Android: ext2 to ext4, XFS, Btrfs, F2FS, bcachefs, ZFS, FAT, exFAT | `msync`, which is `fdatasync` of the range | `Full`: they tell the device to write its cache (ext4 if barriers are on, as they are unless it was mounted with `nobarrier`) |
/// | Linux, Android: tmpfs, ramfs, hugetlbfs, memory files | `msync` | `Memory` |
/// | Linux, Android: all others, such as NFS, FUSE, and layers over other file systems | `msync` | `Data`: what lies below does as it likes |
/// | Linux, Android: mapped with [`Access::ReadOnly`](crate::Access::ReadOnly) | `msync`, of what others wrote | `Data`, whatever the file system is: that question would cost each reader's map, and readers seldom flush |
/// | macOS | `msync`, `F_FULLFSYNC` | `Full`, or `Data` by `fsync` where the file system knows no `F_FULLFSYNC` |
/// | BSDs | `msync` | `Data` |
/// | Windows | `FlushViewOfFile`, `FlushFileBuffers` | `Full`; `Data` on another machine |
/// | Windows: mapped with `Access::ReadOnly` | none, since a reader may not | `Nothing` |
///
/// ```
/// use samovar_mmap::{Access, Durability, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(64)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// map.view().write_from(0, b"kept")?;
/// match map.flush()? {
///     Durability::Full => println!("it outlives a loss of power"),
///     Durability::Data => println!("it does if the device's cache does"),
///     Durability::Memory => println!("it lives as long as the machine runs"),
///     _ => println!("there was nothing to flush"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Durability {
    /// The bytes are where the file system keeps them: a device, another machine, a program. A cache there may still hold
    /// them, and lose them with its power; whether it was told to write is not known.
    Data,
    /// The device has the bytes and was told to write its cache too: they outlive a loss of power, if it obeys.
    Full,
    /// The file is in memory alone: there is no device, and it lives as long as the machine runs.
    Memory,
    /// Nothing was to be written: the range is empty, or the system lets those who only read flush nothing.
    Nothing,
}
