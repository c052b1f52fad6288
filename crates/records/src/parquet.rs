//! Tables out to Parquet and in from it. With the feature `parquet`.

use crate::arrow::append_rows;
use crate::error::{Error, ErrorKind, Result};
use crate::raw::RawFile;
use crate::schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::io::Write;

/// Records that are read at a time.
const BATCH: usize = 8192;

impl RawFile {
    /// Writes the records that are there as Parquet, compressed with Snappy. `progress` is called now and then with how many were
    /// written.
    ///
    /// ```
    /// # use samovar_records::{RawFile, parquet_rows};
    /// # let dir = tempfile::tempdir().unwrap();
    /// let file = RawFile::create(dir.path().join("bars"), "time:i64,close:f64".parse()?, 0)?;
    /// file.extend_from_bytes(&[0; 16 * 10_000])?;
    /// let table = dir.path().join("bars.parquet");
    /// file.write_parquet(std::fs::File::create(&table).unwrap(), |_| ())?;
    ///
    /// let copy = RawFile::create(dir.path().join("copy"), file.schema().clone(), 0)?;
    /// let rows = parquet_rows(std::fs::File::open(&table).unwrap(), copy.schema(), |_| ())?;
    /// copy.extend_from_bytes(&rows)?;
    /// assert_eq!(copy.len()?, 10_000);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of reading; `Io` if `out` takes no more.
    pub fn write_parquet(&self, out: impl Write + Send, mut progress: impl FnMut(usize)) -> Result<()> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut writer =
            ArrowWriter::try_new(out, self.schema().to_arrow(), Some(properties)).map_err(failed)?;
        let mut done = 0;
        for batch in self.record_batches()? {
            let batch = batch?;
            writer.write(&batch).map_err(failed)?;
            done += batch.num_rows();
            progress(done);
        }
        writer.close().map(drop).map_err(failed)
    }
}

/// The rows of a Parquet file as records of this schema, one behind the other, for [`RawFile::extend_from_bytes`]. The file has
/// the columns of the schema by their names; others are left out. `progress` is called now and then with how many rows were
/// read.
///
/// # Errors
/// `InvalidArgument` if it is no Parquet file, or a column is missing, has another type or has nulls; `Io`.
pub fn parquet_rows(from: File, schema: &Schema, mut progress: impl FnMut(usize)) -> Result<Vec<u8>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(from).map_err(failed)?;
    let reader = builder.with_batch_size(BATCH).build().map_err(failed)?;
    let mut records = Vec::new();
    for batch in reader {
        append_rows(schema, &batch.map_err(|error| failed(error.into()))?, &mut records)?;
        progress(records.len() / schema.record_size());
    }
    Ok(records)
}

#[cold]
fn failed(error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) if source.is::<std::io::Error>() => {
            Error::with_source(ErrorKind::Io, "the Parquet file could not be written or read", source)
        }
        error => {
            Error::with_source(ErrorKind::InvalidArgument, "that is no Parquet file of such records", error)
        }
    }
}
