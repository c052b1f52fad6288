//! Decoding a file for a person. It trusts nothing, changes nothing and locks nothing.

use crate::error::{Error, ErrorKind, Result};
use crate::file::namespace::{Record, Table};
use crate::file::open_checks;
use crate::file::size_record::SizeRecord;
use crate::format::entry::{Header, Mark};
use crate::format::header::FileHeader;
use crate::format::layout::{self, CLEAN, DEVICE, ERA, INODE, LOCK, WATERMARK};
use crate::format::ring::{RINGS, Ring};
use crate::shard::head::Head;
use crate::shard::metadata::{Metadata, Selector};
use crate::shard::view::Shard;
use samovar_mmap::{Access, SharedMap, View};
use std::io::Write;
use std::path::Path;

/// Bytes of a key that are shown.
const SHOWN: usize = 64;

/// How much [`dump`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The header, the control page and the heads of the shards.
    Heads,
    /// Every entry and mark in the log as well.
    Entries,
}

/// Writes what the bytes of the cache file at `path` say to `out`, in lines for people. It decodes any bytes, and says
/// which make no sense. A file in use may change during the dump, since it keeps nobody out.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("c.samovar");
/// let cache = samovar::Cache::options().capacity(1 << 20).open(&path)?;
/// cache.set(b"tea", b"black")?;
/// let mut told = Vec::new();
/// samovar::dump(&path, samovar::Depth::Entries, &mut told)?;
/// assert!(String::from_utf8_lossy(&told).contains("tea"));
/// # Ok::<(), samovar::Error>(())
/// ```
///
/// # Errors
/// `NotFound`, `PermissionDenied`, `NotRegularFile`, `RemoteFilesystem` if the file cannot be read at all. The kinds of
/// a header that cannot be decoded, since nothing is found without one. `Io` if `out` fails.
pub fn dump(path: impl AsRef<Path>, depth: Depth, out: &mut dyn Write) -> Result<()> {
    let (file, header, len) = open_checks::open_any_length(path.as_ref())?;
    let there = len.min(header.geometry.file_bytes);
    let map = SharedMap::map(&file, Access::ReadOnly, 0, Some(layout::at(there)))?;
    let mut dump = Dump { view: map.view(), header: &header, out };
    dump.line(format_args!("file       {len} bytes of {}", header.geometry.file_bytes))?;
    dump.line(format_args!("created    {} ms", header.created_ms))?;
    dump.line(format_args!("geometry   {:?}", header.geometry))?;
    dump.control()?;
    dump.size_record()?;
    dump.namespaces()?;
    for number in 0..header.geometry.shards() {
        if let Err(error) = dump.shard(number, depth) {
            if error.kind() == ErrorKind::Io {
                return Err(error);
            }
            dump.line(format_args!("  {error}"))?;
        }
    }
    Ok(())
}

struct Dump<'a, 'o> {
    view: View<'a>,
    header: &'a FileHeader,
    out: &'o mut dyn Write,
}

impl Dump<'_, '_> {
    fn line(&mut self, what: std::fmt::Arguments<'_>) -> Result<()> {
        writeln!(self.out, "{what}").map_err(|source| Error::system("writing what was decoded", source))
    }

    fn control(&mut self) -> Result<()> {
        for (name, at) in
            [("clean", CLEAN), ("era", ERA), ("device", DEVICE), ("inode", INODE), ("watermark", WATERMARK)]
        {
            match self.view.word64(at) {
                Ok(word) => self.line(format_args!("{name:<10} {}", word.load()))?,
                Err(_) => self.line(format_args!("{name:<10} cut off"))?,
            }
        }
        Ok(())
    }

    fn size_record(&mut self) -> Result<()> {
        match SizeRecord::load(self.view, &self.header.geometry) {
            Ok(size_record) => self.line(format_args!("{size_record:?}")),
            Err(error) => self.line(format_args!("{error}")),
        }
    }

    fn namespaces(&mut self) -> Result<()> {
        for record in Table::new(self.view).records().unwrap_or_default() {
            let (number, Record { name, epoch, limit, .. }) = (record.namespace.number, &record);
            self.line(format_args!("namespace {number} {name:?}, epoch {epoch}, limit {limit}"))?;
        }
        Ok(())
    }

    fn shard(&mut self, number: u64, depth: Depth) -> Result<()> {
        let shard = Shard::new(self.view, self.header, number)?;
        self.line(format_args!("shard {number}"))?;
        self.head(shard.head)?;
        let (frontiers, bounds) = (shard.load_frontiers(), shard.bounds());
        self.line(format_args!("  frontiers {frontiers:?}"))?;
        self.line(format_args!("  {bounds:?}"))?;
        let metadata = Metadata::read(shard.head, Selector::load(shard.head).committed());
        if depth == Depth::Entries {
            for ring in RINGS {
                self.ring(shard, ring, &metadata)?;
            }
        }
        Ok(())
    }

    fn head(&mut self, head: Head<'_>) -> Result<()> {
        let lock = head.word32(LOCK).load();
        let selector = Selector::load(head);
        self.line(format_args!("  lock {lock:#010x}, {selector:?}"))?;
        for copy in 0..2 {
            let metadata = Metadata::read(head, copy);
            self.line(format_args!("  {copy}: {metadata:?}"))?;
        }
        Ok(())
    }

    /// Walks from tail to head, as far as the bytes make sense, and never more steps than there are units.
    fn ring(&mut self, shard: Shard<'_>, ring: Ring, metadata: &Metadata) -> Result<()> {
        let (area, state) = (shard.geometry.area(), metadata.ring(ring));
        let (mut at, mut steps) = (state.tail, 0);
        self.line(format_args!("  {ring:?} ring"))?;
        while at != state.head && steps <= area.units() {
            steps += 1;
            let mark = shard.log.mark(at.offset())?;
            let units = match mark {
                Mark::Entry(header) => header.units(),
                Mark::Dead(units) | Mark::Filler(units) => units,
                Mark::Wrap(_) => 0,
                Mark::Damaged => return self.line(format_args!("    {at:?}: no entry is here")),
            };
            if units > area.end.saturating_sub(at.offset()) {
                return self.line(format_args!("    {at:?}: {mark:?} leaves the ring"));
            }
            match mark {
                Mark::Entry(header) => self.entry(shard, ring, at, header)?,
                other => self.line(format_args!("    {at:?}: {other:?}"))?,
            }
            at = if let Mark::Wrap(start) = mark { at.wrap(start) } else { at.advance(units) };
        }
        Ok(())
    }

    fn entry(
        &mut self,
        shard: Shard<'_>,
        ring: Ring,
        at: crate::format::position::Position,
        header: Header,
    ) -> Result<()> {
        let mut key = Vec::new();
        shard.log.append_key(at.offset(), header, &mut key)?;
        let slot = shard.index.find_entry(shard.hash_at(at.offset(), header)?, ring, at)?;
        let known = slot
            .map_or_else(|| "no slot".to_owned(), |found| format!("slot {} {:?}", found.number, found.slot));
        let (shown, more) = (key.get(..SHOWN).unwrap_or(&key), if key.len() > SHOWN { ".." } else { "" });
        let preface = shard.log.preface(at.offset(), header)?;
        self.line(format_args!(
            "    {at:?}: key {:?}{more}, value of {} bytes, {preface}, {known}",
            shown.escape_ascii().to_string(),
            header.value_len(),
        ))
    }
}
