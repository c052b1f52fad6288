//! One shard of the mapped file: its head, its annex, its index and its log, each seen through bounds-checked accesses.

use crate::error::{Error, Result};
use crate::file::area::Area;
use crate::file::namespace::{Accounts, Table};
use crate::file::size_record::SizeRecord;
use crate::format::entry::{Extras, Header, KeyValue, Mark, Preface};
use crate::format::geometry::Geometry;
use crate::format::hash::KeyHash;
use crate::format::header;
use crate::format::layout::{
    self, ANNEX_LEN, ERA, FRONTIERS, LAPS_BEGUN, NAMESPACE_TURNS_SEEN, SHARD_HEAD_LEN, SHARD_HEADS, STORED,
    at,
};
use crate::format::position::Position;
use crate::format::ring::Ring;
use crate::format::seal::{Home, Sealer};
use crate::format::slot::Slot;
use crate::shard::bounds::Bounds;
use crate::shard::head::Head;
use crate::shard::index::{Index, Numbered};
use crate::shard::log::Log;
use samovar_mmap::{Line, View, Word64};

/// The windows on one shard. Copies of it are free; nothing in it is a copy of the file.
#[derive(Clone, Copy)]
pub(crate) struct Shard<'a> {
    /// Which of the cache's shards it is.
    pub(crate) number: u64,
    pub(crate) head: Head<'a>,
    pub(crate) annex: Area<'a>,
    /// The namespaces of the whole cache.
    pub(crate) table: Table<'a>,
    pub(crate) index: Index<'a>,
    pub(crate) log: Log<'a>,
    pub(crate) geometry: &'a Geometry,
    pub(crate) hash_seed: u64,
    /// In a file whose entries are sealed, by the seals of its present era.
    pub(crate) seal_key: Option<Sealer<'a>>,
}

impl<'a> Shard<'a> {
    #[inline(always)]
    pub(crate) fn new(file: View<'a>, header: &'a header::FileHeader, number: u64) -> Result<Self> {
        let geometry = &header.geometry;
        let index_at = geometry.index_offset + number * geometry.index_bytes_per_shard();
        let annex_at = layout::annexes(geometry.shards()) + number * ANNEX_LEN;
        Ok(Shard {
            number,
            head: Head::new(Area::new(file, SHARD_HEADS + at(number) * SHARD_HEAD_LEN))?,
            annex: Area::new(file, at(annex_at)),
            table: Table::new(file),
            index: Index::new(Area::new(file, at(index_at)), geometry.pages),
            log: Log::new(Area::new(file, at(geometry.data_at(number)))),
            geometry,
            hash_seed: header.hash_seed,
            seal_key: match header.sealed {
                true => Some(header.seal_key.in_era(file.word64(ERA)?.load())),
                false => None,
            },
        })
    }

    /// The word below which a ring's bytes may be overwritten.
    #[inline]
    pub(crate) fn frontier(&self, ring: Ring) -> Word64<'a> {
        self.head.word64(FRONTIERS + ring as usize * 8)
    }

    /// The line that both of them are on, and how many laps they have begun together.
    #[inline(always)]
    pub(crate) fn frontiers(&self) -> Line<'a> {
        self.head.line(FRONTIERS)
    }

    /// Moves a ring's frontier, below which no slot names anything any more. Laps that begin with it are counted before. The
    /// caller holds the writer lock, and has a full fence follow before a byte below is overwritten.
    pub(crate) fn move_frontier(&self, ring: Ring, to: Position) {
        let (word, laps) = (self.frontier(ring), self.head.word64(LAPS_BEGUN));
        let begun = to.laps_ahead_of(Position::from_word(word.load()));
        if begun != 0 {
            // canary: laps counted
            // Release, with the acquire in `Validation::begin`: slots have let go of what lies below the frontier.
            laps.store_release(laps.load().wrapping_add(begun));
        }
        // Release, with the acquires in `Validation`: the same, and the laps are counted.
        word.store_release(to.word());
    }

    /// Where the rings meet and end, as it stands.
    #[inline(always)]
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::load(self.head, self.geometry)
    }

    /// How large the cache is, or will be.
    pub(crate) fn size_record(self) -> Result<SizeRecord> {
        SizeRecord::load(self.table.file(), self.geometry)
    }

    /// The hash of an entry's key.
    pub(crate) fn hash_at(&self, offset: u64, header: Header) -> Result<KeyHash> {
        self.log.hash(offset, header, self.hash_seed)
    }

    /// The same, sooner; it may be wrong, see [`Log::likely_hash`].
    #[inline(always)]
    pub(crate) fn likely_hash_at(&self, offset: u64, header: Header) -> Result<KeyHash> {
        self.log.likely_hash(offset, header, self.hash_seed)
    }

    /// The entry that a live slot names, for a writer, which may trust that nobody recycles it meanwhile.
    #[inline(always)]
    pub(crate) fn header_of(&self, slot: Slot) -> Result<Header> {
        let area = self.geometry.area();
        let offset = slot.offset();
        if offset >= area.end {
            return Err(no_entry());
        }
        match self.log.mark(offset)? {
            Mark::Entry(header) if offset + header.units() <= area.end => Ok(header),
            _ => Err(no_entry()),
        }
    }

    /// What namespaces hold here.
    #[inline]
    pub(crate) fn accounts(&self) -> Accounts<'a> {
        Accounts::new(self.annex)
    }

    /// The number of turns of the namespaces that the accounts go by.
    pub(crate) fn turns_seen(&self) -> Word64<'a> {
        self.head.word64(NAMESPACE_TURNS_SEEN)
    }

    /// Counts a value that was stored. The caller holds the writer lock.
    #[inline(always)]
    pub(crate) fn count_stored(&self) {
        let word = self.head.word64(STORED);
        word.store(word.load().wrapping_add(1));
    }

    /// Values stored since creation.
    pub(crate) fn stored(&self) -> u64 {
        self.head.word64(STORED).load()
    }

    /// What an entry is to have beside what its terms ask for.
    pub(crate) fn extras(&self) -> Extras {
        if self.seal_key.is_some() { Extras::SEAL } else { Extras::NONE }
    }

    /// Is the entry as it was written? In a file without seals nothing can tell, and it counts as whole.
    pub(crate) fn is_whole(
        &self,
        home: Home,
        header: Header,
        preface: &Preface,
        content: KeyValue<'_>,
    ) -> bool {
        self.seal_key
            .is_none_or(|seal_key| seal_key.is_whole(home, header, preface, seal_key.content(content)))
    }

    /// A slot that seems to hold the key. Its entry is prefetched.
    #[inline]
    pub(crate) fn foresee(&self, hash: KeyHash) -> Result<Option<Slot>> {
        let candidate = self.index.candidate(hash)?;
        if let Some(slot) = candidate {
            self.log.prefetch(slot.offset());
        }
        Ok(candidate)
    }

    /// The same, in the key's first bucket alone. If it does not seem to be there, false, and the second bucket is
    /// prefetched.
    #[inline]
    pub(crate) fn foresee_first(&self, hash: KeyHash) -> Result<bool> {
        let [first, second] = self.index.buckets(hash);
        match self.index.candidate_in(first, hash)? {
            Some(slot) => self.log.prefetch(slot.offset()),
            None => {
                self.index.prefetch(second);
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The slot of a key, for a writer.
    #[inline(always)]
    pub(crate) fn find(&self, hash: KeyHash, key: &[u8]) -> Result<Option<(Numbered, Header)>> {
        let mut found_header = None;
        let found = self.index.find(hash, |slot| {
            let header = self.header_of(slot)?;
            let same = self.log.has_key(slot.offset(), header, key)?
                && self.log.namespace(slot.offset(), header)?.number() == hash.namespace().number();
            found_header = Some(header);
            Ok(same)
        })?;
        Ok(found.zip(found_header))
    }

    /// Both frontiers as they stand.
    #[inline(always)]
    pub(crate) fn load_frontiers(&self) -> [Position; 2] {
        [Ring::Small, Ring::Main].map(|ring| Position::from_word(self.frontier(ring).load()))
    }
}

#[cold]
fn no_entry() -> Error {
    Error::damaged("a slot of the cache names bytes that are no entry; run `samovar check`")
}
