//! The header page: written once at creation, and parsed, never merely checked: an [`Unchecked`] page cannot be used
//! until [`Unchecked::verify`] has turned it into a [`Header`].

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, HEADER_LEN, Kind, MAGIC, VERSION, header as field};
use crate::schema::Schema;
use crate::slots::{Features, Slots};
use std::sync::{Arc, Mutex, PoisonError};

/// How records lie in memory here.
const ENDIANNESS: u64 = if cfg!(target_endian = "little") { 1 } else { 2 };

/// What a file is and always will be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) schema: Arc<Schema>,
    pub(crate) slots: Slots,
    pub(crate) kind: Kind,
    pub(crate) created_ms: u64,
}

/// What the records of a new file are, and how they lie in it.
#[derive(Clone, Debug)]
pub(crate) struct TableType {
    pub(crate) schema: Schema,
    pub(crate) features: Features,
}

/// The page that was verified last, and what its records are.
static LAST: Mutex<Option<(Unchecked, Arc<Schema>)>> = Mutex::new(None);

/// A page that claims to be a header.
pub(crate) struct Unchecked(Box<[u8; HEADER_LEN]>);

impl TableType {
    /// Rows without checksums.
    pub(crate) fn plain(schema: Schema) -> TableType {
        TableType { schema, features: Features::default() }
    }
}

impl Header {
    pub(crate) fn new(of: TableType, kind: Kind) -> Self {
        let slots = Slots::of(&of.schema, of.features);
        Header { schema: Arc::new(of.schema), slots, kind, created_ms: samovar_mmap::wall_ms() }
    }

    fn record_size(&self) -> u64 {
        self.schema.record_size() as u64
    }

    pub(crate) fn shadow_stride(&self) -> u64 {
        layout::shadow_stride(self.slots.size())
    }

    pub(crate) fn records_offset(&self) -> u64 {
        layout::records_offset(self.slots.size())
    }

    /// How many records a file of this length has room for.
    pub(crate) fn slots_in(&self, file_len: u64) -> u64 {
        self.slots.fit(file_len.saturating_sub(self.records_offset()))
    }

    /// How long a file with room for so many records is, in whole pages.
    pub(crate) fn file_len(&self, slots: u64) -> Option<u64> {
        self.slots
            .bytes_of(slots)?
            .checked_add(self.records_offset())?
            .checked_next_multiple_of(layout::PAGE)
            .filter(|len| *len < layout::ORDINAL_MAX)
    }

    pub(crate) fn encode(&self) -> Box<[u8; HEADER_LEN]> {
        let mut page = Box::new([0u8; HEADER_LEN]);
        let text = self.schema.to_string();
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(field::MAGIC, &MAGIC);
        put(field::SCHEMA, text.as_bytes());
        for (at, word) in [
            (field::VERSION, VERSION),
            (field::ENDIANNESS, ENDIANNESS),
            (field::INCOMPATIBLE, self.slots.features().0),
            (field::FINGERPRINT, self.schema.fingerprint()),
            (field::RECORD_SIZE, self.record_size()),
            (field::ALIGNMENT, self.schema.alignment() as u64),
            (field::SHADOW_STRIDE, self.shadow_stride()),
            (field::RECORDS_OFFSET, self.records_offset()),
            (field::CREATED_MS, self.created_ms),
            (field::SCHEMA_LEN, text.len() as u64),
            (field::KIND, self.kind as u64),
        ] {
            put(at, &word.to_le_bytes());
        }
        let sum = layout::checksum(&page[..field::CHECKSUM]);
        page[field::CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
        page
    }

    /// The checks of a type: its records have the size, and then the fields, of those in the file.
    pub(crate) fn admit(&self, asked: &Schema) -> Result<()> {
        let found = &self.schema;
        if asked.record_size() != found.record_size() {
            return Err(Error::new(
                ErrorKind::WrongSize,
                format!(
                    "the file's records have {} bytes ({found}), the type asked for has {} ({asked}); use the type it was made with",
                    found.record_size(),
                    asked.record_size()
                ),
            ));
        }
        if asked.fingerprint() != found.fingerprint() {
            return Err(Error::new(
                ErrorKind::WrongType,
                format!(
                    "the file's records are {found}, the type asked for is {asked}; use the type it was made with"
                ),
            ));
        }
        Ok(())
    }
}

impl Unchecked {
    pub(crate) fn new(page: Box<[u8; HEADER_LEN]>) -> Self {
        Unchecked(page)
    }

    fn features(&self) -> Features {
        Features(self.word(field::INCOMPATIBLE))
    }

    fn word(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(bytes)
    }

    /// The checks that need the header alone: magic, version, features, byte order, checksum, structure.
    pub(crate) fn verify(self) -> Result<Header> {
        self.verify_identity()?;
        if self.word(field::CHECKSUM) != layout::checksum(&self.0[..field::CHECKSUM]) {
            return Err(Error::corrupt("the record file's header fails its checksum; import the data anew"));
        }
        let (created_ms, features) = (self.word(field::CREATED_MS), self.features());
        let kind = [Kind::File, Kind::Pack].into_iter().find(|kind| *kind as u64 == self.word(field::KIND));
        let Some(kind) = kind else {
            return Err(Error::corrupt("the record file is of no kind that there is; import the data anew"));
        };
        let schema = match self.schema_of_the_last() {
            Some(schema) => schema,
            None => self.new_schema()?,
        };
        let slots = Slots::of(&schema, features);
        Ok(Header { schema, slots, kind, created_ms })
    }

    /// The page without what differs between files of one type.
    fn of_type(&self) -> [&[u8]; 2] {
        [&self.0[..field::CREATED_MS], &self.0[field::SCHEMA_LEN..field::CHECKSUM]]
    }

    /// Programs open many files of one type, one after another: only the first has to be parsed.
    fn schema_of_the_last(&self) -> Option<Arc<Schema>> {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let (page, schema) = last.as_ref()?;
        (page.of_type() == self.of_type()).then(|| Arc::clone(schema))
    }

    fn new_schema(self) -> Result<Arc<Schema>> {
        let schema = self.schema()?;
        let header = Header::new(TableType { schema, features: self.features() }, Kind::File);
        for (at, expected) in [
            (field::FINGERPRINT, header.schema.fingerprint()),
            (field::RECORD_SIZE, header.record_size()),
            (field::SHADOW_STRIDE, header.shadow_stride()),
            (field::RECORDS_OFFSET, header.records_offset()),
        ] {
            if self.word(at) != expected {
                return Err(Error::corrupt(format!(
                    "the record file's header contradicts its schema at byte {at}; import the data anew"
                )));
            }
        }
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((self, Arc::clone(&header.schema)));
        Ok(header.schema)
    }

    fn verify_identity(&self) -> Result<()> {
        if !self.0.starts_with(&MAGIC) {
            return Err(Error::new(
                ErrorKind::NotRecords,
                "the file is not a Samovar record file; name another path",
            ));
        }
        let version = self.word(field::VERSION);
        if version != VERSION {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                format!(
                    "the record file has format version {version}, this program knows {VERSION}; use a matching program"
                ),
            ));
        }
        if !self.features().are_known() {
            return Err(Error::new(
                ErrorKind::UnsupportedVersion,
                "the record file uses a feature that this program does not know; use a newer program",
            ));
        }
        if self.word(field::ENDIANNESS) != ENDIANNESS {
            return Err(Error::new(
                ErrorKind::WrongEndianness,
                "the records were written in another byte order; export them to CSV there and import them here",
            ));
        }
        Ok(())
    }

    fn schema(&self) -> Result<Schema> {
        let len = layout::at(self.word(field::SCHEMA_LEN));
        let text = self
            .0
            .get(field::SCHEMA..field::CHECKSUM)
            .and_then(|room| room.get(..len))
            .and_then(|bytes| std::str::from_utf8(bytes).ok());
        let parsed: Option<Schema> = text.and_then(|text| text.parse().ok());
        let alignment = layout::at(self.word(field::ALIGNMENT));
        parsed
            .and_then(|schema| Schema::new(schema.fields().to_vec(), alignment).ok())
            .ok_or_else(|| Error::corrupt("the record file's schema makes no sense; import the data anew"))
    }
}

#[cfg(test)]
mod tests;
