//! Tables as Arrow has them: record batches, copied, or in place where columns lie apart. With the feature `arrow`.
//!
//! A number is a primitive array, an array of `u8` one of `FixedSizeBinary`, another array one of `FixedSizeList`.

use crate::error::{Error, ErrorKind, Result};
use crate::file::RecordFile;
use crate::handle::Handle;
use crate::layout::at;
use crate::pack::Pack;
use crate::raw::RawFile;
use crate::reader::Found;
use crate::record::Record;
use crate::schema::{Field, Scalar, Schema};
use crate::slots::{Columns, Part};
use crate::table::Table;
use arrow_array::{Array, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{DataType, SchemaRef};
use samovar_mmap::{TrustedMap, TrustedWriters, View};
use std::ops::Range;
use std::sync::Arc;

/// Records of a batch that is copied.
const BATCH: u64 = 8192;

/// A table's records as record batches, which are copies: from [`RawFile::record_batches`].
pub struct RecordBatches<'a> {
    table: &'a Table,
    schema: SchemaRef,
    left: Range<u64>,
}

impl Schema {
    /// The schema that Arrow has for such records.
    ///
    /// ```
    /// let schema: samovar_records::Schema = "time:i64,bid:f64[5],name:u8[8]".parse()?;
    /// let types: Vec<String> = schema.to_arrow().fields().iter().map(|field| field.data_type().to_string()).collect();
    /// assert_eq!(types, ["Int64", "FixedSizeList(5 x non-null Float64)", "FixedSizeBinary(8)"]);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn to_arrow(&self) -> SchemaRef {
        let field = |field: &Field| arrow_schema::Field::new(field.name(), type_of(field), false);
        Arc::new(arrow_schema::Schema::new(self.fields().iter().map(field).collect::<Vec<_>>()))
    }
}

impl RawFile {
    /// The records that are there, as record batches of up to 8192: copies, each record whole.
    ///
    /// ```
    /// # use samovar_records::RawFile;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("bars");
    /// let file = RawFile::create(&path, "time:i64,close:f64".parse()?, 0)?;
    /// file.extend_from_bytes(&[0; 16 * 10_000])?;
    /// let rows: Vec<usize> = file.record_batches()?.map(|batch| batch.unwrap().num_rows()).collect();
    /// assert_eq!(rows, [8192, 1808]);
    ///
    /// let copy = RawFile::create(dir.path().join("copy"), file.schema().clone(), 0)?;
    /// for batch in file.record_batches()? {
    ///     copy.extend_from_batch(&batch?)?;
    /// }
    /// assert_eq!(copy.len()?, 10_000);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`len`](Self::len); those of reading come from the iterator. It ends early if records are dropped in front before
    /// their turn.
    pub fn record_batches(&self) -> Result<RecordBatches<'_>> {
        let table = &*self.0.table;
        Ok(RecordBatches { table, schema: self.schema().to_arrow(), left: table.look()?.ordinals() })
    }

    /// The records that are there, as record batches that copy nothing: their arrays are the columns in the file, one batch for
    /// each block of them. They keep the file open.
    ///
    /// By the promise, while a batch lives, no process replaces a record of it, or uses its slot again after dropping
    /// it in front. Nor is the file cut short. Records may be pushed.
    ///
    /// ```
    /// use samovar_records::{Options, RawFile, TrustedWriters};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("bars");
    /// let options = Options::new().columns_apart(8192)?;
    /// options.open_or_create_raw(&path, "time:i64,close:f64".parse()?)?.extend_from_bytes(&[0; 16 * 10_000])?;
    ///
    /// // SAFETY: this file is written no more, and nobody else has it.
    /// let promise = unsafe { TrustedWriters::promise() };
    /// let batches = RawFile::open(&path)?.record_batches_in_place(promise)?;
    /// assert_eq!(batches.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [8192, 1808]);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if the file's columns do not lie apart, or its records have checksums, which nobody would look at;
    /// `Fault` if the file was cut short.
    pub fn record_batches_in_place(&self, promise: TrustedWriters) -> Result<Vec<RecordBatch>> {
        InPlace::of(&self.0, promise)?.batches(&self.schema().to_arrow(), self.schema())
    }

    /// Appends the rows of a record batch; readers see all of them at once. It has the columns of the schema by their names, in any
    /// order; others are left out.
    ///
    /// # Errors
    /// `InvalidArgument` if a column is missing, has another type or has nulls; as [`extend_from_bytes`](Self::extend_from_bytes).
    pub fn extend_from_batch(&self, batch: &RecordBatch) -> Result<()> {
        let mut records = Vec::new();
        append_rows(self.schema(), batch, &mut records)?;
        self.extend_from_bytes(&records)
    }
}

impl<T: Record> RecordFile<T> {
    /// The same table, as bytes: another handle, which writes if this one does.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { price: f64 }
    /// # schema!(Tick { price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let ticks = RecordFile::<Tick>::create(dir.path().join("ticks"))?;
    /// ticks.push(&Tick { price: 1.0 })?;
    /// assert_eq!(ticks.to_raw().record_batches()?.next().unwrap()?.num_rows(), 1);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn to_raw(&self) -> RawFile {
        RawFile(self.handle().another())
    }
}

impl Iterator for RecordBatches<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left.is_empty() {
            return None;
        }
        let count = BATCH.min(self.left.end - self.left.start);
        let batch = self.copy(self.left.start, at(count)).transpose()?;
        self.left.start = if batch.is_ok() { self.left.start + count } else { self.left.end };
        Some(batch)
    }
}

impl RecordBatches<'_> {
    /// A batch of so many records; none if some were dropped in front.
    fn copy(&self, first: u64, count: usize) -> Result<Option<RecordBatch>> {
        let schema = self.table.schema();
        let size = schema.record_size();
        let mut records = vec![0; count * size];
        if self.table.read_block(first, &mut records)? == Found::Dropped {
            return Ok(None);
        }
        let columns = schema.fields().iter().map(|field| {
            let values: Vec<u8> = records
                .chunks_exact(size)
                .flat_map(|record| &record[field.offset()..field.offset() + field.size()])
                .copied()
                .collect();
            (field, Buffer::from_vec(values))
        });
        batch_of(&self.schema, count, columns).map(Some)
    }
}

/// Columns of a file that may be used in place.
struct InPlace {
    table: Arc<Table>,
    pack: Option<Arc<Pack>>,
    /// One map of the file, and the promise about it.
    map: usize,
    trust: TrustedMap,
}

impl InPlace {
    fn of(handle: &Handle, promise: TrustedWriters) -> Result<InPlace> {
        let table = Arc::clone(&handle.table);
        if table.slots().columns().is_none()
            || table.slots().have_sums()
            || table.unrestored.is_some()
            || table.projected.is_some()
        {
            return Err(Error::invalid(
                "only columns that lie apart, of a file without checksums, can be used in place; copy the batches",
            ));
        }
        let end = table.look()?.shape().end_offset(table.store.slot_size());
        table.store.reach(end)?;
        let (map, newest) = table.store.mapping.newest_with_index();
        let trust = newest.trust(promise);
        Ok(InPlace { table, pack: handle.pack.clone(), map, trust })
    }

    /// A batch for each run of records in one block.
    fn batches(&self, arrow: &SchemaRef, schema: &Schema) -> Result<Vec<RecordBatch>> {
        let seen = self.table.look()?;
        let (shape, ordinals) = (seen.shape(), seen.ordinals());
        let Some(columns) = self.table.slots().columns() else { return Ok(Vec::new()) };
        let (mut next, mut batches) = (ordinals.start, Vec::new());
        while next < ordinals.end {
            let slot = shape.slot(next);
            let count = columns.together(slot, shape.straight(next, ordinals.end - next).max(1));
            let place = |field| self.column(columns, Run { origin: shape.origin, slot, count }, field);
            let buffers: Result<Vec<_>> =
                schema.fields().iter().map(|field| Ok((field, place(field)?))).collect();
            batches.push(batch_of(arrow, at(count), buffers?.into_iter())?);
            next += count;
        }
        Ok(batches)
    }

    fn column(&self, columns: &Columns, run: Run, field: &Field) -> Result<Buffer> {
        let part = Part { offset: field.offset(), size: field.size() };
        let begin = at(columns.offset(run.slot, part).saturating_add(run.origin));
        let bytes = begin..begin.saturating_add(at(run.count) * part.size);
        let owner = ColumnOwner {
            table: Arc::clone(&self.table),
            _pack: self.pack.clone(),
            map: self.map,
            trust: self.trust,
            bytes,
        };
        owner.slice()?;
        Ok(Buffer::from(bytes::Bytes::from_owner(owner)))
    }
}

/// Slots of one block.
#[derive(Clone, Copy)]
struct Run {
    origin: u64,
    slot: u64,
    count: u64,
}

/// Keeps a map while an array has a part of it.
struct ColumnOwner {
    table: Arc<Table>,
    _pack: Option<Arc<Pack>>,
    map: usize,
    trust: TrustedMap,
    bytes: Range<usize>,
}

impl ColumnOwner {
    fn slice(&self) -> Result<&[u8]> {
        let mapping = &self.table.store.mapping;
        let view: View<'_> = mapping.part(mapping.map_of(self.map), mapping.len());
        let window = view.window(self.bytes.start, self.bytes.len())?;
        Ok(window.trusted_slice(self.trust)?)
    }
}

impl AsRef<[u8]> for ColumnOwner {
    fn as_ref(&self) -> &[u8] {
        // It was asked for before; maps stay until the table goes.
        self.slice().unwrap_or_default()
    }
}

fn batch_of<'f>(
    schema: &SchemaRef,
    count: usize,
    columns: impl Iterator<Item = (&'f Field, Buffer)>,
) -> Result<RecordBatch> {
    let arrays = columns.map(|(field, values)| Ok(make_array(array_of(field, count, values)?)));
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect::<Result<_>>()?, &options)
        .map_err(unexpected)
}

/// The array of a column whose values are these bytes.
fn array_of(field: &Field, count: usize, values: Buffer) -> Result<ArrayData> {
    let data = match type_of(field) {
        DataType::FixedSizeList(item, len) => {
            let items = count * usize::try_from(len).unwrap_or(0);
            let child = ArrayData::builder(item.data_type().clone()).len(items).add_buffer(values).build();
            let child = child.map_err(unexpected)?;
            ArrayData::builder(DataType::FixedSizeList(item, len)).len(count).add_child_data(child)
        }
        other => ArrayData::builder(other).len(count).add_buffer(values),
    };
    data.build().map_err(unexpected)
}

fn type_of(field: &Field) -> DataType {
    // A record has at most a million bytes.
    let count = field.count().map(|count| i32::try_from(count).unwrap_or(i32::MAX));
    match (field.scalar(), count) {
        (Scalar::U8, Some(count)) => DataType::FixedSizeBinary(count),
        (scalar, Some(count)) => {
            let item = arrow_schema::Field::new_list_field(number_type(scalar), false);
            DataType::FixedSizeList(Arc::new(item), count)
        }
        (scalar, None) => number_type(scalar),
    }
}

fn number_type(scalar: Scalar) -> DataType {
    match scalar {
        Scalar::I8 => DataType::Int8,
        Scalar::I16 => DataType::Int16,
        Scalar::I32 => DataType::Int32,
        Scalar::I64 => DataType::Int64,
        Scalar::U8 => DataType::UInt8,
        Scalar::U16 => DataType::UInt16,
        Scalar::U32 => DataType::UInt32,
        Scalar::U64 => DataType::UInt64,
        Scalar::F32 => DataType::Float32,
        Scalar::F64 => DataType::Float64,
    }
}

/// Appends the rows of a batch to `records`, as records of this schema.
pub(crate) fn append_rows(schema: &Schema, batch: &RecordBatch, records: &mut Vec<u8>) -> Result<()> {
    let size = schema.record_size();
    let begin = records.len();
    records.resize(begin + batch.num_rows() * size, 0);
    for field in schema.fields().iter().filter(|field| field.size() > 0) {
        let Some(column) = batch.column_by_name(field.name()) else {
            return Err(Error::invalid(format!(
                "the batch has no column {}; the records are {schema}",
                field.name()
            )));
        };
        let data = column.to_data();
        let values = values_of(field, &data)?;
        for (record, value) in records[begin..].chunks_exact_mut(size).zip(values.chunks_exact(field.size()))
        {
            record[field.offset()..field.offset() + field.size()].copy_from_slice(value);
        }
    }
    Ok(())
}

/// The bytes of a column's values, one behind the other.
fn values_of<'d>(field: &Field, data: &'d ArrayData) -> Result<&'d [u8]> {
    let wrong =
        |what: &str| Error::invalid(format!("the column {} {what}; the records have {field}", field.name()));
    if data.null_count() > 0 {
        return Err(wrong("has nulls"));
    }
    let (items, per_row) = match (data.data_type(), type_of(field)) {
        (DataType::FixedSizeList(found, len), DataType::FixedSizeList(asked, count))
            if found.data_type() == asked.data_type() && *len == count =>
        {
            (&data.child_data()[0], field.count().unwrap_or(1))
        }
        (found, asked) if *found == asked => (data, 1),
        (found, _) => return Err(wrong(&format!("is of {found}"))),
    };
    if items.null_count() > 0 {
        return Err(wrong("has nulls"));
    }
    let is_list = matches!(data.data_type(), DataType::FixedSizeList(..));
    let begin = if is_list { items.offset() + data.offset() * per_row } else { data.offset() };
    let begin = begin * (field.size() / per_row);
    let values = items.buffers().first().map(Buffer::as_slice).and_then(|values| values.get(begin..));
    values
        .and_then(|values| values.get(..data.len() * field.size()))
        .ok_or_else(|| wrong("ends before its rows"))
}

#[cold]
fn unexpected(error: arrow_schema::ArrowError) -> Error {
    Error::with_source(ErrorKind::InvalidArgument, "Arrow takes these records for none of its own", error)
}

impl std::fmt::Debug for RecordBatches<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordBatches").field("left", &self.left).finish_non_exhaustive()
    }
}
