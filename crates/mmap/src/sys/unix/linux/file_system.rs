//! Which file system a file lies on, and what follows from that.

use crate::access::Access;
use crate::durability::Durability;
use crate::sys::unix::call::retry;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

/// How far `msync` brings a map of a file. There is nothing more to do than that.
pub(in crate::sys::unix) struct Backing(Durability);

impl Backing {
    pub(in crate::sys::unix) fn none() -> Backing {
        Backing(Durability::Nothing)
    }

    /// The question costs a tenth of mapping a small file, so it is not asked for read-only maps.
    #[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
    pub(in crate::sys::unix) fn of(file: &File, access: Access) -> io::Result<Backing> {
        if access == Access::ReadOnly {
            return Ok(Backing(Durability::Data));
        }
        Ok(Backing(match file_system(file) {
            Ok(kind) if WRITE_THE_CACHE.contains(&kind) => Durability::Full,
            Ok(kind) if IN_MEMORY.contains(&kind) => Durability::Memory,
            _ => Durability::Data,
        }))
    }

    #[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
    pub(in crate::sys::unix) fn flush(&self) -> io::Result<Durability> {
        Ok(self.0)
    }
}

/// File systems of this machine's devices whose `fdatasync` ends with the device told to write its cache.
const WRITE_THE_CACHE: [u32; 8] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683E, // Btrfs
    0xF2F5_2010, // F2FS
    0xCA45_1A4E, // bcachefs
    0x2FC1_2FC1, // ZFS
    0x4D44,      // FAT
    0x2011_BAB0, // exFAT
];

/// File systems without a device.
const IN_MEMORY: [u32; 3] = [
    0x0102_1994, // tmpfs, and memory files
    0x8584_58F6, // ramfs
    0x9584_58F6, // hugetlbfs
];

/// File systems that write in place what was reserved. Of all others nothing is known or promised.
const IN_PLACE: [u32; 5] = [
    0xEF53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x0102_1994, // tmpfs
    0x3153_464A, // JFS
    0x2011_BAB0, // exFAT
];

/// File systems on another machine, or behind a program.
const REMOTE: [u32; 19] = [
    0x6969,      // NFS
    0x517B,      // SMB
    0xFF53_4D42, // CIFS
    0xFE53_4D42, // SMB2
    0x0102_1997, // 9p
    0x6573_5546, // FUSE and virtiofs
    0x00C3_6400, // Ceph
    0x5346_414F, // AFS
    0x6B41_4653, // AFS of the kernel
    0x7375_7245, // Coda
    0x564C,      // NCP
    0x7461_636F, // OCFS2
    0x0116_1970, // GFS2
    0x0BD0_0BD0, // Lustre
    0x4750_4653, // GPFS
    0x786F_4256, // VirtualBox
    0x1983_0326, // BeeGFS
    0x2003_0528, // OrangeFS
    0xAAD7_AAEA, // PanFS
];

fn file_system(file: &File) -> io::Result<u32> {
    let mut buffer = std::mem::MaybeUninit::<libc::statfs>::uninit();
    let fd = file.as_raw_fd();
    // SAFETY: the descriptor is open, and the buffer has the size of what is written to it.
    retry(|| unsafe { libc::fstatfs(fd, buffer.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, and so it filled the buffer.
    let found = unsafe { buffer.assume_init() };
    #[allow(clippy::unnecessary_cast, clippy::cast_possible_truncation)]
    // its type differs; all have 32 bits in use
    Ok(found.f_type as u32)
}

pub(crate) fn is_remote(file: &File) -> io::Result<bool> {
    Ok(REMOTE.contains(&file_system(file)?))
}

pub(crate) fn keeps_reserved_space(file: &File, len: u64) -> io::Result<bool> {
    let has_blocks = file.metadata()?.blocks().saturating_mul(512) >= len;
    Ok(has_blocks && IN_PLACE.contains(&file_system(file)?))
}
