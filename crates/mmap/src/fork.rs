//! What a forked child must not share with its parent: a value that each process makes for itself.
//!
//! A fork copies memory, but a place in a table, a held lock or a registration belongs to one process. The copy of such
//! a value is left alone in the child, neither used nor dropped, and the child makes its own.

use crate::sys;
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A value of this process alone, which is gone in a forked child until the child makes its own.
///
/// Forks are noticed where they are made by `fork`, not by a bare system call. The check costs two loads.
///
/// ```
/// use samovar_mmap::PerProcess;
///
/// let name = PerProcess::new();
/// assert_eq!(name.get(), None);
/// assert_eq!(name.install("parent"), Ok(&"parent"));
/// assert_eq!(name.get(), Some(&"parent"));
/// assert_eq!(name.install("late"), Err("late"), "somebody was first");
/// // In a forked child `name.get()` would be `None` now.
/// ```
#[derive(Debug)]
pub struct PerProcess<T> {
    newest: AtomicPtr<Node<T>>,
    owns: PhantomData<Box<T>>,
}

/// Which process something was made in. A guard that was copied by a fork can tell that it is a copy, and then releases
/// nothing: its original will.
///
/// Forks are noticed where they are made by `fork`, not by a bare system call.
///
/// ```
/// let made = samovar_mmap::Origin::here();
/// assert!(made.is_here());
/// // In a forked child `made.is_here()` would be false.
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin(usize);

impl Origin {
    /// This process. The first call has the system tell of forks. If the system refuses that for want of memory, the process's
    /// number stands for it, and the next call asks again.
    #[inline]
    pub fn here() -> Self {
        Origin(sys::fork::here())
    }

    /// Is it this process?
    #[inline]
    pub fn is_here(self) -> bool {
        sys::fork::is_here(self.0)
    }
}

#[derive(Debug)]
struct Node<T> {
    made: Origin,
    value: T,
}

impl<T> Node<T> {
    fn is_ours(&self) -> bool {
        self.made.is_here()
    }
}

impl<T: Send + Sync> PerProcess<T> {
    /// Nothing yet.
    pub fn new() -> Self {
        PerProcess { newest: AtomicPtr::new(ptr::null_mut()), owns: PhantomData }
    }

    /// This process's value, if it has made one.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        let newest = self.newest.load(Ordering::Acquire);
        // SAFETY: null, or a node that `install` leaked; it is freed only by who owns `self`.
        let node = unsafe { newest.as_ref() }?;
        node.is_ours().then_some(&node.value)
    }

    /// Makes `value` this process's, for as long as `self` lives.
    ///
    /// # Errors
    /// The value, if another thread of this process was first.
    pub fn install(&self, value: T) -> Result<&T, T> {
        let made = Box::into_raw(Box::new(Node { made: Origin::here(), value }));
        let mut found = self.newest.load(Ordering::Acquire);
        loop {
            // SAFETY: as in `get`.
            if unsafe { found.as_ref() }.is_some_and(Node::is_ours) {
                // SAFETY: made above, and nobody else has seen it.
                let made = unsafe { Box::from_raw(made) };
                return Err(made.value);
            }
            // What the parent made stays where it is: it may be borrowed, and it must not be dropped.
            match self.newest.compare_exchange(found, made, Ordering::AcqRel, Ordering::Acquire) {
                Err(now) => found = now,
                Ok(_) => {
                    // SAFETY: made above; from now on freed only by who owns `self`.
                    return Ok(unsafe { &(*made).value });
                }
            }
        }
    }

    /// Takes this process's value out.
    pub fn take(&mut self) -> Option<T> {
        let newest = *self.newest.get_mut();
        // SAFETY: as in `get`.
        unsafe { newest.as_ref() }.filter(|node| node.is_ours())?;
        *self.newest.get_mut() = ptr::null_mut();
        // SAFETY: `install` leaked it, and nobody borrows it, since `self` is borrowed for this alone.
        let node = unsafe { Box::from_raw(newest) };
        Some(node.value)
    }
}

impl<T: Send + Sync> Default for PerProcess<T> {
    fn default() -> Self {
        PerProcess::new()
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let newest = *self.newest.get_mut();
        // SAFETY: as in `get`.
        if unsafe { newest.as_ref() }.is_some_and(Node::is_ours) {
            // SAFETY: `install` leaked it, and nobody borrows it.
            drop(unsafe { Box::from_raw(newest) });
        }
    }
}
