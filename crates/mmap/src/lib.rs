//! Map files into memory on every platform; faults are errors, not dead processes.
//!
//! A [`SharedMap`] is a window onto a file that other processes may write at any moment. Safe code never gets a
//! reference into it: a [`View`] gives bounds-checked copies, comparisons, and words that are used in place
//! ([`Word64`], [`Word32`]). A file shared by processes needs a few more things. [`reserve`] gives it space.
//! [`NewFile`] makes a file that appears whole or not at all. [`ByteLocks`] are locks that the kernel frees when their
//! owner dies. [`boot_id`], [`wall_ms`] and [`process_start`] tell one life of the machine or of a process from
//! another. [`install_fault_guard`] makes errors of the faults that files cut short and full devices cause.
//!
//! Trust is in the type. Memory that nobody else can change ([`Memory`], [`FrozenMemory`], [`SealedMap`]) is a slice. A
//! map of a file ([`SharedMap`], [`CowMap`], [`GrowingMap`]) gives a slice only by a visible `unsafe`
//! ([`View::as_slice`]), or by a promise about all its writers ([`TrustedWriters`]).
//!
//! ```
//! use samovar_mmap::{Access, NewFile, SharedMap, reserve};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let new = NewFile::create(&dir.path().join("words"))?;
//! reserve(new.file(), 4096)?;
//! let file = new.publish()?;
//!
//! let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
//! map.view().write_from(64, b"hello")?;
//! map.view().word64(0)?.store_release(5);
//!
//! let mut out = Vec::new();
//! let len = map.view().word64(0)?.load_acquire();
//! map.view().append_to(64, usize::try_from(len)?, &mut out)?;
//! assert_eq!(out, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Coming from a thin mapping package
//!
//! | there | here |
//! |---|---|
//! | `RDONLY`, `RDWR` | [`SharedMap`] with [`Access::ReadOnly`] or [`Access::ReadWrite`], which updates the file. Read-write on a read-only file is an error at map time |
//! | `COPY` | [`CowMap`]: it can be written, and the file stays as it is |
//! | `EXEC` | [`CodeMap`], from a file or [from memory](Memory::into_code); `unsafe` to make |
//! | `ANON` | [`Memory`]: private, and a slice. [`SharedMemory`]: shared with forked children |
//! | `FileMap(file, prot, flags)` | `SharedMap::map(&file, access, 0, None)`; there is no file to ignore in [`Memory::new`] |
//! | `MapRegion(file, length, prot, flags, offset)` | `SharedMap::map(&file, access, offset, length)`: any offset, and no length is to the end of the file |
//! | `Flush` | [`SharedMap::flush`], [`SharedMap::flush_range`]: on the device when they return, which [say how far](Durability) that is |
//! | `Lock`, `Unlock` | [`Pages::lock`], [`Pages::unlock`]; an error names the limit |
//! | `Unmap` | `close()` of each kind, with a result, or dropping it. What was written to a shared map is in the file, flushed or not |
//!
//! A map cannot be used or unmapped again after it was unmapped, since that does not compile:
//!
//! ```compile_fail
//! # let file = tempfile::tempfile().unwrap();
//! # file.set_len(64).unwrap();
//! # use samovar_mmap::{Access, SharedMap};
//! let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
//! map.close().unwrap();
//! map.close().unwrap();
//! ```
//!
//! nor can a view be kept, or a map be protected under it:
//!
//! ```compile_fail
//! # let file = tempfile::tempfile().unwrap();
//! # file.set_len(64).unwrap();
//! # use samovar_mmap::{Access, SharedMap};
//! let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
//! let view = map.view();
//! drop(map);
//! view.write_from(0, b"x").unwrap();
//! ```
//!
//! ```compile_fail
//! # let file = tempfile::tempfile().unwrap();
//! # file.set_len(64).unwrap();
//! # use samovar_mmap::{Access, SharedMap};
//! let mut map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
//! let view = map.view();
//! map.protect(Access::ReadOnly).unwrap();
//! view.write_from(0, b"x").unwrap();
//! ```
//!
//! # The memory model
//!
//! * Mapped bytes lie **outside every Rust allocation**. The compiler knows nothing about them, and no reference to
//!   them as bytes is ever formed, here or in a caller's safe code.
//! * Copies and comparisons are made by assembly (where there is none: by relaxed atomics of one byte each). They **act
//!   as bytewise relaxed atomic accesses**: in a race with a writer they may see any mix of old and new bytes, and
//!   nothing worse. A reader that copies while others write must validate its copy: load a sequence word
//!   ([`Word64::load_acquire`]), copy, [`fence_acquire`], load it again.
//! * Words are **little-endian in the file** on every target.
//! * A read-only map is read only by relaxed loads of at most eight bytes, and fences. Any other atomic load may be
//!   compiled to a store. Writing through one is an error, and for words, which return no error, a panic.
//! * A release store that follows a copy publishes it, whatever kind of copy it was. [`View::stream_from`] stores past the
//!   processor's caches, out of order with other stores, and ends with a store fence for that reason.
//!
//! # Words and bytes
//!
//! There is a contract of all processes that share a map, which the types do not check. **While others may use a place
//! as a word, nobody accesses it in another size.** [`Word64`], [`Word32`], [`Line`], [`Block`] and [`View::load_line`]
//! use a place as a word. The copies, comparisons and zeroing of [`View`] and [`Items`] use it as bytes. A `Word32` is
//! not half of a `Word64`. Accesses of several sizes that race have no meaning in Rust's memory model.
//!
//! A process that has a region alone, before it is published or under a lock, may access it in any size. Every function
//! that relies on the contract says so. After a breach, with the assembly copy, bytes of old and new words mix. Without
//! the assembly, Rust makes no promise.

mod access;
mod advice;
mod bounds;
mod bytes;
mod code;
mod copy;
mod cow;
mod durability;
mod error;
mod fault;
mod file;
mod flush;
mod fork;
mod growing;
mod guard;
#[cfg(feature = "inject")]
pub mod hooks;
#[cfg(not(feature = "inject"))]
mod hooks;
mod host;
mod identity;
mod items;
mod line;
mod locks;
mod machine;
mod map;
mod memory;
mod new_file;
mod owner;
mod pages;
mod placement;
mod region;
mod registry;
mod seal;
mod sealed;
mod sys;
mod trust;
mod view;
mod word;

pub use access::Access;
pub use advice::{Advice, Discard, LockMode, Residency};
pub use code::CodeMap;
pub use cow::CowMap;
pub use durability::Durability;
pub use error::{Error, ErrorKind, Result};
pub use fault::{Fault, FaultKind, GuardState};
pub use file::{
    AllocGuarantee, disk_bytes, file_id, is_remote, open_existing, open_with, punch, reserve, reserve_range,
    start_writeback,
};
pub use fork::{Origin, PerProcess};
pub use growing::GrowingMap;
pub use guard::{fault_guard_state, install_fault_guard, remove_fault_guard};
pub use host::{boot_id, boot_ms, pid_namespace, process_age_ms, process_start, process_start_of, wall_ms};
pub use identity::FileId;
pub use items::Items;
pub use line::{Block, Line, Matches};
pub use locks::ByteLocks;
pub use map::SharedMap;
pub use memory::{FrozenMemory, Memory, SharedMemory};
pub use new_file::NewFile;
pub use owner::open_owned;
pub use pages::Pages;
pub use registry::Health;
pub use seal::Seal;
pub use sealed::{SealedMap, memory_file, seal};
pub use trust::{TrustedMap, TrustedWriters};
pub use view::View;
pub use word::{Word32, Word64, fence_acquire, fence_full, fence_release};

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
