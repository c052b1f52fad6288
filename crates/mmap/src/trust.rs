//! A promise about all writers of a file, made once for one map of it. It gives slices without an `unsafe` at each of
//! them.

use crate::error::{Error, ErrorKind, Result};
use crate::map::SharedMap;
use crate::registry::RangeToken;
use crate::view::View;

/// The promise that bytes stay as they are while somebody has a slice of them. The user who chooses a file makes it,
/// and hands it to a library. The user knows which programs write the file; the library knows which bytes must stay.
/// Neither knows enough alone. It is worth something only while both keep to it, and so it is `unsafe` to make.
///
/// A promise is for one map: [`SharedMap::trust`] takes it, and gives what opens that map and no other. There is no copy of it.
///
/// ```
/// use samovar_mmap::{Access, SharedMap, TrustedWriters};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// // SAFETY: slices are asked only of bytes that nobody writes any more; the file has no name, and nobody cuts it.
/// let trust = map.trust(unsafe { TrustedWriters::promise() });
///
/// map.view().write_from(0, b"value")?;
/// let value: &[u8] = map.view().window(0, 5)?.trusted_slice(trust)?;
/// assert_eq!(value, b"value");
///
/// let other = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// assert!(other.view().trusted_slice(trust).is_err(), "nobody promised anything about it");
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// # use samovar_mmap::{Access, SharedMap, TrustedWriters};
/// # let file = tempfile::tempfile().unwrap();
/// # file.set_len(64).unwrap();
/// # let maps = [0; 2].map(|_| SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap());
/// // SAFETY: it is not compiled.
/// let promise = unsafe { TrustedWriters::promise() };
/// let trusts = [maps[0].trust(promise), maps[1].trust(promise)];
/// ```
#[derive(Debug)]
pub struct TrustedWriters(());

impl TrustedWriters {
    /// Makes the promise.
    ///
    /// # Safety
    /// Slices are asked only of the map that the promise is given to. For as long as any such slice lives:
    /// 1. By the rules of the library that asked for it, its bytes are not written, and no word or line among them is in
    ///    use.
    /// 2. Every program that has the file open keeps to those rules: none writes the file in another way, by a map or a
    ///    system call.
    /// 3. The file is not cut short before the slice's end, and its device does not fail: the bytes would change, or the process end.
    ///
    /// Give the promise only to code that says for which slices it uses it.
    pub const unsafe fn promise() -> Self {
        TrustedWriters(())
    }
}

/// What [`View::trusted_slice`] asks for: the promise that was made about one map. It may be copied, and is worth nothing for any
/// other map, nor for a later one at the same place.
#[derive(Clone, Copy, Debug)]
pub struct TrustedMap {
    /// None of a map without bytes.
    range: Option<RangeToken>,
}

impl SharedMap {
    /// Takes the promise, for slices of this map. See [`TrustedWriters`].
    pub fn trust(&self, promise: TrustedWriters) -> TrustedMap {
        let TrustedWriters(()) = promise;
        TrustedMap { range: self.range_token() }
    }
}

impl<'a> View<'a> {
    /// The window's bytes as a slice, by the promise that was made about its map: see [`TrustedWriters`]. A few loads.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap, TrustedWriters};
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// # let map = SharedMap::map(&file, Access::ReadOnly, 0, None)?;
    /// // SAFETY: nobody else has this file, and nothing writes it.
    /// let trust = map.trust(unsafe { TrustedWriters::promise() });
    /// assert_eq!(map.view().trusted_slice(trust)?, [0; 64]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if the promise was made about another map.
    #[inline]
    pub fn trusted_slice(self, trust: TrustedMap) -> Result<&'a [u8]> {
        let is_promised = trust.range.is_some_and(|range| range.is_of(self.bounds().base));
        if !is_promised && !self.is_empty() {
            return Err(another_map());
        }
        // SAFETY: the promise was made about this map, which lives, since the view borrows it. 1. Nobody writes these
        // bytes while the slice lives. 2. The file is there, whole.
        Ok(unsafe { self.as_slice() })
    }
}

#[cold]
fn another_map() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the promise was made about another map; make one about this map")
}
