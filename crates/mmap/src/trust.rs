//! A promise about everybody who can write certain files, made once, for slices of their bytes that are then had without an
//! `unsafe` at each of them.

use crate::view::View;

/// The promise that bytes stay as they are while somebody has a slice of them. It is made by whoever chooses a file, who knows which
/// programs write it, and handed to a library that knows which bytes of it are to stay; neither knows enough alone. It
/// is worth something only while both keep to it, and so it is `unsafe` to make.
///
/// ```
/// use samovar_mmap::{Access, SharedMap, TrustedWriters};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// // SAFETY: slices are asked only of this map, of bytes that nobody writes any more; the file has no name, and nobody cuts it.
/// let trust = unsafe { TrustedWriters::promise() };
///
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// map.view().write_from(0, b"value")?;
/// let value: &[u8] = map.view().window(0, 5)?.trusted_slice(trust);
/// assert_eq!(value, b"value");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TrustedWriters(());

impl TrustedWriters {
    /// Makes the promise.
    ///
    /// # Safety
    /// Whoever has this token, or a copy of it, may ask slices of maps with it. For as long as any such slice lives:
    /// 1. It is of bytes that, by the rules of whoever asked for it, are not written, and of which no word or line is in use.
    /// 2. Every program that has the file open, in whatever process, keeps to those rules: none writes the file past them, with
    ///    its own map or a system call.
    /// 3. The file is not cut short before the slice's end, and its device does not fail: the bytes would change, or the process end.
    ///
    /// Keep the token from code that does not say for which slices it uses it.
    pub const unsafe fn promise() -> Self {
        TrustedWriters(())
    }
}

impl<'a> View<'a> {
    /// The window's bytes as a slice, by a promise that was made before: see [`TrustedWriters`].
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap, TrustedWriters};
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// # let map = SharedMap::map(&file, Access::ReadOnly, 0, None)?;
    /// // SAFETY: nobody else has this file, and nothing writes it.
    /// let trust = unsafe { TrustedWriters::promise() };
    /// assert_eq!(map.view().trusted_slice(trust), [0; 64]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn trusted_slice(self, _: TrustedWriters) -> &'a [u8] {
        // SAFETY: whoever made the promise answers for 1. that nobody writes these bytes while the slice lives; 2. that
        // the file is there, whole.
        unsafe { self.as_slice() }
    }
}
