//! The file of an open cache, mapped whole, and what every part of the cache asks of it.

use crate::error::{Error, ErrorKind, Result};
use crate::file::clean_word::CleanWord;
use crate::file::extents;
use crate::file::open_checks::{self, Asked};
use crate::file::prefault::PrefaultBitmap;
use crate::file::size_record::SizeRecord;
use crate::format::header::FileHeader;
use crate::format::layout;
use crate::format::ring::Span;
use crate::shard::view::Shard;
use samovar_mmap::{Access, Advice, FileId, Pages, SharedMap, View};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A cache file and its map.
pub(crate) struct MappedFile {
    pub(crate) map: SharedMap,
    pub(crate) header: FileHeader,
    pub(crate) access: Access,
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
    prefaulted: PrefaultBitmap,
}

impl MappedFile {
    /// Opens and maps an existing file that passes the checks for which no lock is needed.
    pub(crate) fn open(path: &Path, access: Access, asked: Asked) -> Result<Self> {
        let (file, header) = open_checks::open_checked(path, access, asked.owners)?;
        let path =
            std::path::absolute(path).map_err(|source| open_checks::io_error("finding", path, source))?;
        let id = samovar_mmap::file_id(&file)?;
        let map = SharedMap::map(&file, access, 0, Some(layout::at(header.geometry.file_bytes)))?;
        open_checks::check_size(asked, &header.geometry, &SizeRecord::load(map.view(), &header.geometry)?)?;
        let prefaulted = PrefaultBitmap::new(header.geometry.data_offset, header.geometry.file_bytes);
        Ok(MappedFile { map, header, access, path, id, prefaulted })
    }

    /// Whether this handle may write.
    #[inline]
    pub(crate) fn is_writer(&self) -> bool {
        self.access == Access::ReadWrite
    }

    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        self.map.view()
    }

    #[inline(always)]
    pub(crate) fn shard(&self, number: u64) -> Result<Shard<'_>> {
        Shard::new(self.view(), &self.header, number)
    }

    /// How large the cache is, or will be.
    pub(crate) fn size_record(&self) -> Result<SizeRecord> {
        SizeRecord::load(self.view(), &self.header.geometry)
    }

    /// An error if a part of the file vanished, since what was read there instead were zeroes. An answer is true only if this
    /// succeeds after it was found.
    #[inline]
    pub(crate) fn believe(&self) -> Result<()> {
        if self.map.is_poisoned() { Err(cut_short()) } else { Ok(()) }
    }

    /// Is this still the cache that its path names? Who deletes it says so in the clean word.
    #[inline(always)]
    pub(crate) fn expect_current(&self) -> Result<()> {
        if CleanWord::of(self.view())?.is_removed() { Err(removed()) } else { Ok(()) }
    }

    /// The file itself, opened anew.
    pub(crate) fn reopen(&self) -> Result<File> {
        let file = samovar_mmap::open_existing(&self.path, self.access)?;
        if samovar_mmap::file_id(&file)? == self.id { Ok(file) } else { Err(removed()) }
    }

    /// Has all pages of the cache made ready for this process, for writes or for reads. They are huge where the system
    /// has such pages for this file.
    pub(crate) fn prefault(&self, access: Access) -> Result<()> {
        let _ = self.map.advise(Advice::HugePage, 0, self.map.len());
        for part in extents::merged(&self.header.geometry, &self.size_record()?) {
            let bytes = layout::at(part.start)..layout::at(part.end);
            match self.map.populate(access, bytes.start, bytes.len()) {
                Err(error) if error.kind() == samovar_mmap::ErrorKind::Unsupported => return Ok(()),
                done => done?,
            }
            // Huge pages are no promise: what does not become one stays as it is.
            let _ = self.map.advise(Advice::Collapse, bytes.start, bytes.len());
            if access == Access::ReadWrite {
                self.prefaulted.mark_ready(bytes);
            }
        }
        Ok(())
    }

    /// Has a stretch of a shard's data area made ready to be written.
    #[inline(always)]
    pub(crate) fn prepare(&self, shard: u64, span: Span) {
        let start = layout::at(self.header.geometry.data_at(shard));
        let [from, to] = [span.start, span.end].map(|offset| start + layout::bytes_of(offset));
        let within =
            || start..start + self.shard(shard).map_or(0, |shard| layout::bytes_of(shard.bounds().end));
        self.prefaulted.populate(&self.map, from..to, within);
    }
}

#[cold]
fn removed() -> Error {
    Error::new(ErrorKind::Replaced, "the cache was deleted; close this handle, and open the path anew")
}

#[cold]
fn cut_short() -> Error {
    Error::new(
        ErrorKind::Fault,
        "the cache file was cut short, or its device failed, while it was in use; close this handle and open it anew",
    )
}
