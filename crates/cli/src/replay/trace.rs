//! A trace: which keys were asked for, in order. The format is described in docs/TRACES.md.
//!
//! The whole trace is decoded and checked before the first record is used. So a bad record is found before a cache is
//! touched, and the times of a replay do not include decoding.

use crate::answer::failure::{Failure, Outcome, Status};
use std::io::Read;
use std::path::Path;

/// What a record asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Look the key up.
    Get,
    /// Store the key.
    Set,
    /// Remove the key.
    Delete,
}

/// One access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The key, a number.
    pub(crate) key: u64,
    /// The length of the value, 0 where it is not known.
    pub(crate) size_bytes: u32,
    /// What was asked.
    pub(crate) operation: Operation,
}

/// Records whose every field has been checked.
#[derive(Debug)]
pub(crate) struct Trace {
    records: Vec<[u8; RECORD_BYTES]>,
}

impl Trace {
    /// Reads the trace at `path`, compressed or not.
    pub(crate) fn open(path: &Path) -> Outcome<Trace> {
        let file = std::fs::read(path).map_err(|error| {
            Failure::of_file(path, &error).with_remedy("`samovar demo --write-trace FILE` writes a trace")
        })?;
        Trace::decode(&file).map_err(|why| {
            Failure::new(Status::Usage, path.display(), why)
                .with_remedy("the format is described in docs/TRACES.md of the project")
        })
    }

    /// Reads a trace from the bytes of its file.
    pub(crate) fn decode(file: &[u8]) -> Result<Trace, String> {
        if file.starts_with(&ZSTD_MAGIC) { Trace::parse(&decompress(file)?) } else { Trace::parse(file) }
    }

    fn parse(bytes: &[u8]) -> Result<Trace, String> {
        let (records, rest) = bytes.as_chunks::<RECORD_BYTES>();
        if !rest.is_empty() {
            let (bytes, record, rest) = (bytes.len(), records.len(), rest.len());
            return Err(format!(
                "{bytes} bytes are not a whole number of {RECORD_BYTES}-byte records: \
                 record {record} has only {rest} bytes"
            ));
        }
        if let Some((number, operation)) = first_bad_operation(records) {
            return Err(format!(
                "record {number} has the op {operation}, but 0 get, 1 set and 2 delete is all there is"
            ));
        }
        Ok(Trace { records: records.to_vec() })
    }

    /// The number of records.
    pub(crate) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// The records, in order.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        self.records.iter().filter_map(Record::read)
    }
}

impl Record {
    fn read(bytes: &[u8; RECORD_BYTES]) -> Option<Record> {
        let (key, rest) = bytes.split_first_chunk()?;
        let (size, rest) = rest.split_first_chunk()?;
        let operation = Operation::from_byte(*rest.first()?)?;
        Some(Record { key: u64::from_le_bytes(*key), size_bytes: u32::from_le_bytes(*size), operation })
    }
}

impl Operation {
    fn from_byte(byte: u8) -> Option<Operation> {
        [Operation::Get, Operation::Set, Operation::Delete].get(usize::from(byte)).copied()
    }
}

fn first_bad_operation(records: &[[u8; RECORD_BYTES]]) -> Option<(usize, u8)> {
    let operations = records.iter().map(|record| record[RECORD_BYTES - 1]);
    operations.enumerate().find(|(_, byte)| Operation::from_byte(*byte).is_none())
}

/// A trace may need a window as large as itself, so the decoder's usual bound on it is lifted.
fn decompress(file: &[u8]) -> Result<Vec<u8>, String> {
    let explain = |error| format!("it begins as a zstd file but does not decode: {error}");
    let mut decoder = zstd::Decoder::with_buffer(file).map_err(explain)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(explain)?;
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).map_err(explain)?;
    Ok(bytes)
}

/// Key, size, op.
const RECORD_BYTES: usize = 8 + 4 + 1;
/// How every zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The largest that the decoder knows: a window of 2 GiB, or of 1 GiB where addresses are 32 bits.
const WINDOW_LOG_MAX: u32 = if usize::BITS == 64 { 31 } else { 30 };

#[cfg(test)]
mod tests;
