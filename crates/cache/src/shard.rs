//! One shard of the mapped file, seen through bounds-checked windows: its head, its index and its data area.

use crate::entry::{Header, Mark};
use crate::error::{Error, Result};
use crate::geometry::Geometry;
use crate::hash::KeyHash;
use crate::header;
use crate::index::{Index, Numbered};
use crate::layout::{FRONTIERS, SHARD_HEAD_LEN, SHARD_HEADS, at, bytes_of};
use crate::position::Position;
use crate::ring::{Queue, Span};
use crate::slot::Slot;
use samovar_mmap::{View, Word64};

/// The windows on one shard. Copies of it are free; nothing in it is a copy of the file.
#[derive(Clone, Copy)]
pub(crate) struct Shard<'a> {
    pub(crate) head: View<'a>,
    pub(crate) index: Index<'a>,
    pub(crate) data: View<'a>,
    pub(crate) geometry: &'a Geometry,
    pub(crate) hash_seed: u64,
}

impl<'a> Shard<'a> {
    #[inline]
    pub(crate) fn new(file: View<'a>, header: &'a header::Header, number: u64) -> Result<Self> {
        let geometry = &header.geometry;
        let index_len = geometry.index_bytes_per_shard();
        let head_at = SHARD_HEADS + at(number) * SHARD_HEAD_LEN;
        let index_at = geometry.index_offset + number * index_len;
        let data_at = geometry.data_offset + number * geometry.data_stride;
        let index = file.window(at(index_at), at(index_len))?;
        Ok(Shard {
            head: file.window(head_at, SHARD_HEAD_LEN)?,
            index: Index::new(index, geometry.pages),
            data: file.window(at(data_at), at(geometry.data_stride))?,
            geometry,
            hash_seed: header.hash_seed,
        })
    }

    /// The word below which a ring's bytes may be overwritten.
    #[inline]
    pub(crate) fn frontier(self, queue: Queue) -> Result<Word64<'a>> {
        Ok(self.head.word64(FRONTIERS + queue as usize * 8)?)
    }

    pub(crate) fn span(self, queue: Queue) -> Span {
        self.geometry.span(queue)
    }

    /// Eight bytes of the log. A byte copy, not an atomic: log bytes are only ever accessed as bytes.
    #[inline]
    fn log_word(self, at: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        self.data.read_into(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    #[inline]
    pub(crate) fn mark(self, offset: u64) -> Result<Mark> {
        Ok(Mark::parse(self.log_word(bytes_of(offset))?))
    }

    pub(crate) fn put_mark(self, offset: u64, word: u64) -> Result<()> {
        Ok(self.data.write_from(bytes_of(offset), &word.to_le_bytes())?)
    }

    /// When the entry dies, in wall milliseconds; never, if it has no expiry.
    pub(crate) fn expiry_ms(self, offset: u64, header: Header) -> Result<u64> {
        if header.has_expiry { self.log_word(bytes_of(offset) + 8) } else { Ok(u64::MAX) }
    }

    /// Does the entry at this offset have this key? The header was read from there and its lengths are not yet trusted.
    #[inline]
    pub(crate) fn has_key(self, offset: u64, header: Header, key: &[u8]) -> Result<bool> {
        if usize::from(header.key_len) != key.len() {
            return Ok(false);
        }
        Ok(self.data.equals(bytes_of(offset) + header.key_at(), key)?)
    }

    /// The hash of the key of an entry.
    pub(crate) fn hash_at(self, offset: u64, header: Header) -> Result<KeyHash> {
        let mut small = [0u8; 256];
        let key_at = bytes_of(offset) + header.key_at();
        let len = usize::from(header.key_len);
        if len <= small.len() {
            self.data.read_into(key_at, &mut small[..len])?;
            return Ok(KeyHash::of(&small[..len], self.hash_seed));
        }
        let mut key = Vec::with_capacity(len);
        self.data.append_to(key_at, len, &mut key)?;
        Ok(KeyHash::of(&key, self.hash_seed))
    }

    /// The entry that a live slot names, for a writer, which may trust that nobody recycles it meanwhile.
    pub(crate) fn header_of(self, slot: Slot) -> Result<Header> {
        let span = self.span(slot.queue());
        let offset = slot.offset();
        match self.mark(offset)? {
            Mark::Entry(header) if offset >= span.start && offset + header.units() <= span.end => Ok(header),
            _ => {
                Err(Error::corrupt("a slot of the cache names bytes that are no entry; run `samovar check`"))
            }
        }
    }

    /// The slot of a key, for a writer.
    pub(crate) fn find(self, hash: KeyHash, key: &[u8]) -> Result<Option<(Numbered, Header)>> {
        let mut found_header = None;
        let found = self.index.find(hash, |slot| {
            let header = self.header_of(slot)?;
            let same = self.has_key(slot.offset(), header, key)?;
            found_header = Some(header);
            Ok(same)
        })?;
        Ok(found.zip(found_header))
    }

    /// Both frontiers as they stand.
    pub(crate) fn load_frontiers(self) -> Result<[Position; 2]> {
        let load = |queue| -> Result<Position> { Ok(Position::from_word(self.frontier(queue)?.load())) };
        Ok([load(Queue::Small)?, load(Queue::Main)?])
    }
}
