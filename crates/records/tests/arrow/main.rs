//! Tables as Arrow and Parquet have them: what goes out comes back, and what is in place is not copied.

#[path = "../records/common.rs"]
mod common;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch};
use common::{Bar, Form, bar};
use samovar_records::{ErrorKind, Options, RawFile, RecordFile, Schema, TrustedWriters, parquet_rows};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const EVERY_TYPE: &str = "a:i64,b:u64,c:f64,bid:f64[3],d:i32,e:u32,f:f32,g:i16,h:u16,name:u8[6],i:i8,j:u8";

/// A file of that many records, whose bytes all differ from their neighbours.
fn file(form: Form, path: &Path, schema: &str, count: usize) -> RawFile {
    let file = form.options().open_or_create_raw(path, schema.parse().unwrap()).unwrap();
    let bytes = (0..count * file.schema().record_size()).map(|byte| u8::try_from(byte * 31 % 251).unwrap());
    file.extend_from_bytes(&bytes.collect::<Vec<_>>()).unwrap();
    file
}

fn bytes_of(file: &RawFile) -> Vec<u8> {
    let mut all = vec![0; file.len().unwrap() * file.schema().record_size()];
    let records = all.chunks_exact_mut(file.schema().record_size());
    records.enumerate().for_each(|(index, record)| assert!(file.get_bytes(index, record).unwrap()));
    all
}

fn empty(path: &Path, schema: &Schema) -> RawFile {
    RawFile::create(path, schema.clone(), 0).unwrap()
}

#[test]
fn every_type_goes_out_and_comes_back() {
    for form in Form::ALL {
        let dir = tempfile::tempdir().unwrap();
        let file = file(form, &dir.path().join("bars"), EVERY_TYPE, 1000);
        let copy = empty(&dir.path().join("copy"), file.schema());
        for batch in file.record_batches().unwrap() {
            let batch = batch.unwrap();
            // A part of a batch begins amid its buffers.
            for (from, len) in [(0, 7), (7, batch.num_rows() - 7)] {
                copy.extend_from_batch(&batch.slice(from, len)).unwrap();
            }
        }
        assert!(bytes_of(&copy) == bytes_of(&file), "{form:?}");
    }
}

#[test]
fn parquet_goes_out_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = file(Form::Rows, &dir.path().join("bars"), EVERY_TYPE, 20_000);
    let path = dir.path().join("bars.parquet");
    let mut told = Vec::new();
    file.write_parquet(File::create(&path).unwrap(), |done| told.push(done)).unwrap();
    assert_eq!(told, [8192, 16_384, 20_000]);
    let rows = parquet_rows(File::open(&path).unwrap(), file.schema(), |_| ()).unwrap();
    // Numbers that are none differ in their bits, and are the same.
    assert!(rows == bytes_of(&file));
    let other: Schema = "a:i64,bid:f64[3]".parse().unwrap();
    let some = parquet_rows(File::open(&path).unwrap(), &other, |_| ()).unwrap();
    assert_eq!((some.len(), &some[..8]), (20_000 * 32, &rows[..8]), "other columns are left out");
    for (schema, said) in [("z:i64", "z"), ("a:f64", "Int64"), ("bid:f64[2]", "bid")] {
        let error = parquet_rows(File::open(&path).unwrap(), &schema.parse().unwrap(), |_| ()).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArgument && error.to_string().contains(said), "{error}");
    }
    let error =
        parquet_rows(File::open(dir.path().join("bars")).unwrap(), file.schema(), |_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

fn promise() -> TrustedWriters {
    // SAFETY: while a batch lives, these tests push, and change and drop nothing.
    unsafe { TrustedWriters::promise() }
}

/// Where the values of a column begin.
fn place(array: &ArrayRef) -> usize {
    array.to_data().buffers()[0].as_ptr().addr()
}

#[test]
fn columns_in_place_are_those_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = Options::new().columns_apart(128).unwrap().create::<Bar>(&path, 0).unwrap();
    writer.extend_from_slice(&(0..300).map(bar).collect::<Vec<_>>()).unwrap();
    writer.truncate_front(290).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let batches = reader.to_raw().record_batches_in_place(promise()).unwrap();
    drop(reader);
    std::fs::remove_file(&path).unwrap();
    writer.extend_from_slice(&(300..5000).map(bar).collect::<Vec<_>>()).unwrap();

    let rows: Vec<usize> = batches.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [118, 128, 44], "the first ten were dropped, and blocks have 128");
    let times =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert!(times.eq(10..300));
    let closes: f64 =
        batches.iter().flat_map(|b| b.column(4).as_primitive::<Float64Type>().values().to_vec()).sum();
    assert_eq!(closes, (10..300).map(f64::from).sum());

    let second = &batches[1];
    let begins: Vec<usize> =
        second.columns().iter().map(|column| place(column) - place(second.column(0))).collect();
    assert_eq!(begins, [0, 1024, 2048, 3072, 4096], "they lie as in the file");
    assert_eq!(place(batches[2].column(0)) - place(second.column(0)), 128 * 40);
}

#[test]
fn what_cannot_be_used_in_place_is_refused() {
    for form in [Form::Rows, Form::Checksums, Form::ColumnsWithChecksums] {
        let dir = tempfile::tempdir().unwrap();
        let file = file(form, &dir.path().join("bars"), "time:i64", 3);
        let error = file.record_batches_in_place(promise()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{form:?}");
    }
}

#[test]
fn a_batch_of_other_columns_is_refused_and_nothing_is_appended() {
    let dir = tempfile::tempdir().unwrap();
    let file = empty(&dir.path().join("bars"), &"time:i64,close:f64".parse().unwrap());
    let times = || Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef;
    let closes = |values: Vec<Option<f64>>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let whole = closes(vec![Some(1.5), Some(2.5)]);
    for (columns, said) in [
        (vec![("time", times())], "no column close"),
        (vec![("time", times()), ("close", times())], "Int64"),
        (vec![("time", times()), ("close", closes(vec![Some(1.0), None]))], "nulls"),
    ] {
        let error = file.extend_from_batch(&RecordBatch::try_from_iter(columns).unwrap()).unwrap_err();
        assert!(error.kind() == ErrorKind::InvalidArgument && error.to_string().contains(said), "{error}");
    }
    assert_eq!(file.len().unwrap(), 0);
    let turned =
        RecordBatch::try_from_iter([("more", times()), ("close", whole), ("time", times())]).unwrap();
    file.extend_from_batch(&turned).unwrap();
    let batch = file.record_batches().unwrap().next().unwrap().unwrap();
    assert_eq!(batch.column(1).as_primitive::<Float64Type>().values().to_vec(), [1.5, 2.5]);
}
