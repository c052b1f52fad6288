//! The header page, written once at creation. It is parsed, never merely checked: an [`Unchecked`] page is of no use
//! until [`Unchecked::verify`] has turned it into a [`FileHeader`].

use crate::error::{Error, ErrorKind, Result};
use crate::format::geometry::{Geometry, Policy, Size};
use crate::format::hash::checksum;
use crate::format::layout::{self, HEADER_CHECKSUM, HEADER_LEN, MAGIC, VERSION};
use crate::format::seal::SealKey;

/// Features that an older reader may ignore, and those that it must refuse.
const COMPATIBLE: u64 = 0;
const INCOMPATIBLE: u64 = SEALED;
/// Every entry bears a seal.
const SEALED: u64 = 1;

/// Byte offsets of the header's fields.
mod field {
    pub(super) const MAGIC: usize = 0;
    pub(super) const VERSION: usize = 8;
    pub(super) const COMPATIBLE: usize = 16;
    pub(super) const INCOMPATIBLE: usize = 24;
    pub(super) const FINGERPRINT: usize = 32;
    pub(super) const UUID: usize = 40;
    pub(super) const HASH_SEED: usize = 56;
    pub(super) const SEAL_KEY: usize = 64;
    pub(super) const CREATED_MS: usize = 80;
    pub(super) const FILE_BYTES: usize = 88;
    pub(super) const CAPACITY: usize = 96;
    pub(super) const ENTRIES: usize = 104;
    pub(super) const ENTRY_BYTES: usize = 112;
    pub(super) const MAX_VALUE_SIZE: usize = 120;
    pub(super) const SHARD_BITS: usize = 128;
    pub(super) const PAGES: usize = 136;
    pub(super) const INDEX_OFFSET: usize = 144;
    pub(super) const DATA_OFFSET: usize = 152;
    pub(super) const DATA_STRIDE: usize = 160;
    pub(super) const SMALL_UNITS: usize = 168;
    pub(super) const MAIN_UNITS: usize = 176;
    pub(super) const POLICY: usize = 184;
    pub(super) const MAX_CAPACITY: usize = 192;
}

/// What a file is and always will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) uuid: [u8; 16],
    pub(crate) hash_seed: u64,
    pub(crate) seal_key: SealKey,
    /// Every entry bears a seal.
    pub(crate) sealed: bool,
    pub(crate) created_ms: u64,
    pub(crate) geometry: Geometry,
}

/// A page that claims to be a header.
pub(crate) struct Unchecked(Box<[u8; HEADER_LEN]>);

impl FileHeader {
    pub(crate) fn encode(&self) -> Box<[u8; HEADER_LEN]> {
        let mut page = Box::new([0u8; HEADER_LEN]);
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        let geometry = &self.geometry;
        let (capacity, entries, entry_bytes) = match geometry.size {
            Size::Capacity(capacity) => (capacity, 0, 0),
            Size::Entries { entries, entry_bytes } => (0, entries, entry_bytes),
        };
        put(field::MAGIC, &MAGIC);
        put(field::UUID, &self.uuid);
        put(field::SEAL_KEY, &self.seal_key.secret());
        for (at, word) in [
            (field::VERSION, u64::from(VERSION)),
            (field::COMPATIBLE, COMPATIBLE),
            (field::INCOMPATIBLE, if self.sealed { SEALED } else { 0 }),
            (field::FINGERPRINT, layout::fingerprint()),
            (field::HASH_SEED, self.hash_seed),
            (field::CREATED_MS, self.created_ms),
            (field::FILE_BYTES, geometry.file_bytes),
            (field::CAPACITY, capacity),
            (field::ENTRIES, entries),
            (field::ENTRY_BYTES, entry_bytes),
            (field::MAX_VALUE_SIZE, geometry.max_value_size),
            (field::SHARD_BITS, u64::from(geometry.shard_bits)),
            (field::PAGES, geometry.pages),
            (field::INDEX_OFFSET, geometry.index_offset),
            (field::DATA_OFFSET, geometry.data_offset),
            (field::DATA_STRIDE, geometry.data_stride),
            (field::SMALL_UNITS, geometry.small_units),
            (field::MAIN_UNITS, geometry.main_units),
            (field::POLICY, geometry.policy as u64),
            (field::MAX_CAPACITY, geometry.max_capacity),
        ] {
            put(at, &word.to_le_bytes());
        }
        let sum = checksum(&page[..HEADER_CHECKSUM]);
        page[HEADER_CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
        page
    }
}

impl Unchecked {
    pub(crate) fn new(page: Box<[u8; HEADER_LEN]>) -> Self {
        Unchecked(page)
    }

    fn word(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.0[at..at + N]);
        bytes
    }

    /// The checks that the header alone decides: magic, version, features, fingerprint, checksum, structure.
    pub(crate) fn verify(self) -> Result<FileHeader> {
        self.verify_identity()?;
        if self.word(HEADER_CHECKSUM) != checksum(&self.0[..HEADER_CHECKSUM]) {
            return Err(Error::corrupt("the cache's header fails its checksum; make a new file"));
        }
        let size = match self.word(field::CAPACITY) {
            0 => Size::Entries {
                entries: self.word(field::ENTRIES),
                entry_bytes: self.word(field::ENTRY_BYTES),
            },
            capacity => Size::Capacity(capacity),
        };
        let geometry = Geometry {
            size,
            file_bytes: self.word(field::FILE_BYTES),
            max_value_size: self.word(field::MAX_VALUE_SIZE),
            shard_bits: u32::try_from(self.word(field::SHARD_BITS)).unwrap_or(u32::MAX),
            pages: self.word(field::PAGES),
            index_offset: self.word(field::INDEX_OFFSET),
            data_offset: self.word(field::DATA_OFFSET),
            data_stride: self.word(field::DATA_STRIDE),
            small_units: self.word(field::SMALL_UNITS),
            main_units: self.word(field::MAIN_UNITS),
            policy: self.policy()?,
            max_capacity: self.word(field::MAX_CAPACITY),
        };
        geometry.verify()?;
        Ok(FileHeader {
            uuid: self.array(field::UUID),
            hash_seed: self.word(field::HASH_SEED),
            seal_key: SealKey::new(self.array(field::SEAL_KEY)),
            sealed: self.word(field::INCOMPATIBLE) & SEALED != 0,
            created_ms: self.word(field::CREATED_MS),
            geometry,
        })
    }

    fn policy(&self) -> Result<Policy> {
        [Policy::S3Fifo, Policy::Fifo]
            .into_iter()
            .find(|policy| *policy as u64 == self.word(field::POLICY))
            .ok_or_else(|| Error::corrupt("the cache's policy is none that there is; make a new file"))
    }

    fn verify_identity(&self) -> Result<()> {
        if self.array(field::MAGIC) != MAGIC {
            return Err(Error::new(
                ErrorKind::NotACache,
                "the file is not a Samovar cache; name another path, or move the file away",
            ));
        }
        let version = self.word(field::VERSION);
        if version != u64::from(VERSION) {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!(
                    "the cache has format version {version}, this program knows {VERSION}; use a matching program"
                ),
            ));
        }
        if self.word(field::INCOMPATIBLE) & !INCOMPATIBLE != 0 {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                "the cache uses a feature that this program does not know; use a newer program",
            ));
        }
        if self.word(field::FINGERPRINT) != layout::fingerprint() {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                "the cache was made with another layout; make a new file",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
