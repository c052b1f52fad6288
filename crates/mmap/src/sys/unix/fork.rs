//! Forks: how many there were, and files that a forked child must not keep open.
//!
//! A lock on an open file description is held by all who inherited the description. So the child closes it at once, in
//! the handler that runs before `fork` returns. A child that never touches the file again must not keep its parent's
//! locks.
//!
//! Invariant: while `BUSY` is held no fork is made, so that every open `OwnFile` has its descriptor in the list.

use super::at_fork::AtFork;
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};

static FORKS: AtomicUsize = AtomicUsize::new(0);
static HOOK: AtFork = AtFork::absent();
static BUSY: AtomicBool = AtomicBool::new(false);
static LIST: AtomicPtr<DescriptorNode> = AtomicPtr::new(ptr::null_mut());

const NONE: i32 = -1;

/// A descriptor to close, or none. Nodes are used again and never freed.
struct DescriptorNode {
    descriptor: AtomicI32,
    next: *const DescriptorNode,
}

/// In an origin: it is a process's number, since the system would not tell of forks. Else it is a count of forks.
const BY_NUMBER: usize = 1 << (usize::BITS - 1);

/// How many forks lie between the first process and this one.
#[inline]
fn generation() -> usize {
    FORKS.load(Ordering::Relaxed)
}

#[cold]
fn by_number() -> usize {
    BY_NUMBER | std::process::id() as usize
}

/// What tells this process from its forked children.
#[inline]
pub(crate) fn here() -> usize {
    if HOOK.is_there() { generation() } else { first_here() }
}

#[cold]
fn first_here() -> usize {
    if install().is_ok() { generation() } else { by_number() }
}

/// Is it this process that the origin was made in?
#[inline]
pub(crate) fn is_here(origin: usize) -> bool {
    if origin & BY_NUMBER == 0 { origin == generation() } else { origin == by_number() }
}

/// A file of this process alone: a forked child finds it closed.
pub(crate) struct OwnFile {
    file: ManuallyDrop<File>,
    node: &'static DescriptorNode,
    generation: usize,
}

// SAFETY: nodes are shared by atomics alone, but for `next`, which never changes once it can be seen.
unsafe impl Sync for DescriptorNode {}

impl OwnFile {
    pub(crate) fn open(open: impl FnOnce() -> io::Result<File>) -> io::Result<OwnFile> {
        install()?;
        let _busy = Busy::enter();
        let file = ManuallyDrop::new(open()?);
        let node = vacant();
        node.descriptor.store(file.as_raw_fd(), Ordering::Relaxed);
        Ok(OwnFile { file, node, generation: generation() })
    }

    /// The file; none in a forked child.
    pub(crate) fn get(&self) -> Option<&File> {
        (self.generation == generation()).then_some(&*self.file)
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.get().is_some() {
            let _busy = Busy::enter();
            self.node.descriptor.store(NONE, Ordering::Relaxed);
            // SAFETY: dropped once, here, and not used after.
            unsafe { ManuallyDrop::drop(&mut self.file) };
        }
    }
}

/// Held by a thread that opens, closes or forks.
struct Busy;

impl Busy {
    fn enter() -> Busy {
        enter();
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::Release);
    }
}

fn enter() {
    while BUSY.compare_exchange_weak(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        std::thread::yield_now();
    }
}

/// A node without a descriptor, made if there is none. The caller is `Busy`.
fn vacant() -> &'static DescriptorNode {
    let mut next = LIST.load(Ordering::Acquire).cast_const();
    // SAFETY: null, or a node that was leaked below.
    while let Some(node) = unsafe { next.as_ref() } {
        if node.descriptor.load(Ordering::Relaxed) == NONE {
            return node;
        }
        next = node.next;
    }
    let next = LIST.load(Ordering::Acquire).cast_const();
    let node = Box::leak(Box::new(DescriptorNode { descriptor: AtomicI32::new(NONE), next }));
    LIST.store(ptr::from_mut(node), Ordering::Release);
    node
}

fn install() -> io::Result<()> {
    // SAFETY: three functions that may be called around a fork: they touch atomics, and close descriptors.
    HOOK.install(|| unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) })
}

extern "C" fn before() {
    enter();
}

extern "C" fn in_parent() {
    BUSY.store(false, Ordering::Release);
}

extern "C" fn in_child() {
    HOOK.inherited();
    FORKS.fetch_add(1, Ordering::Relaxed);
    let mut next = LIST.load(Ordering::Relaxed).cast_const();
    // SAFETY: null, or a node that was leaked.
    while let Some(node) = unsafe { next.as_ref() } {
        let descriptor = node.descriptor.swap(NONE, Ordering::Relaxed);
        if descriptor != NONE {
            // SAFETY: an `OwnFile` of the parent's, which will not be used in this process: its generation is past.
            unsafe { libc::close(descriptor) };
        }
        next = node.next;
    }
    BUSY.store(false, Ordering::Release);
}

#[cfg(test)]
mod tests;
