//! One handle and several in one process: what the methods do, and what they refuse.

use crate::common::{Bar, bar, number};
use samovar_records::{ErrorKind, RawFile, Record, RecordFile, plain, schema};
use std::path::PathBuf;
use tempfile::TempDir;
use zerocopy::{FromBytes, Immutable, IntoBytes};

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("600600");
    (dir, path)
}

fn numbers(file: &RecordFile<Bar>) -> Vec<u32> {
    file.to_vec().unwrap().iter().map(number).collect()
}

#[test]
fn what_is_written_is_read_by_another_handle_at_once() {
    let (_dir, path) = place();
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    assert!(reader.is_empty().unwrap());
    assert_eq!(reader.last().unwrap(), None);
    writer.push(&bar(1)).unwrap();
    writer.extend_from_slice(&[bar(2), bar(3)]).unwrap();
    writer.extend_from_slice(&[]).unwrap();
    writer.set(0, &bar(7)).unwrap();
    writer.update_last(&bar(9)).unwrap();
    assert_eq!(numbers(&reader), [7, 2, 9]);
    assert_eq!(reader.get(1).unwrap(), Some(bar(2)));
    assert_eq!(reader.get(3).unwrap(), None);
    assert_eq!(reader.get(usize::MAX).unwrap(), None);
    assert_eq!(reader.last().unwrap(), Some(bar(9)));
    drop(writer);
    assert_eq!(numbers(&RecordFile::<Bar>::open_writer(&path).unwrap()), [7, 2, 9]);
}

#[test]
fn opening_never_shortens_or_clears() {
    let (_dir, path) = place();
    RecordFile::<Bar>::open_or_create(&path).unwrap().push(&bar(4)).unwrap();
    let len = std::fs::metadata(&path).unwrap().len();
    for _ in 0..3 {
        assert_eq!(numbers(&RecordFile::<Bar>::open_or_create(&path).unwrap()), [4]);
    }
    let again = RecordFile::<Bar>::create_with_capacity(&path, 1).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
}

#[test]
fn a_second_writer_is_told_who_is_first() {
    let (_dir, path) = place();
    let first = RecordFile::<Bar>::create(&path).unwrap();
    let error = RecordFile::<Bar>::open_writer(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    first.close().unwrap();
    RecordFile::<Bar>::open_writer(&path).unwrap();
}

#[test]
fn a_reader_cannot_write() {
    let (_dir, path) = place();
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(1)).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let refused = [
        reader.push(&bar(2)),
        reader.set(0, &bar(2)),
        reader.update_last(&bar(2)),
        reader.truncate_front(0),
        reader.reserve(1),
        reader.flush(),
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    reader.close().unwrap();
}

#[test]
fn indices_beyond_the_end_are_refused() {
    let (_dir, path) = place();
    let file = RecordFile::<Bar>::create(&path).unwrap();
    let len = std::fs::metadata(&path).unwrap().len();
    assert_eq!(file.update_last(&bar(1)).unwrap_err().kind(), ErrorKind::OutOfRange);
    file.push(&bar(1)).unwrap();
    assert_eq!(file.set(1, &bar(1)).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(file.set(usize::MAX, &bar(1)).unwrap_err().kind(), ErrorKind::OutOfRange);
    assert_eq!(file.reserve(usize::MAX).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(file.reserve(1 << 55).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
    assert_eq!(numbers(&file), [1]);
}

#[test]
fn views_live_through_growth() {
    let (_dir, path) = place();
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    writer.extend_from_slice(&(0..10).map(bar).collect::<Vec<_>>()).unwrap();
    let (mut mine, mut theirs) = (writer.iter().unwrap(), reader.iter().unwrap());
    assert_eq!(number(&mine.next().unwrap().unwrap()), 0);
    assert_eq!(number(&theirs.next().unwrap().unwrap()), 0);
    let before = writer.capacity().unwrap();
    for i in 10..20_000 {
        writer.push(&bar(i)).unwrap();
    }
    assert!(writer.capacity().unwrap() > before);
    assert_eq!(mine.map(|bar| number(&bar.unwrap())).collect::<Vec<_>>(), (1..10).collect::<Vec<_>>());
    assert_eq!(theirs.map(|bar| number(&bar.unwrap())).collect::<Vec<_>>(), (1..10).collect::<Vec<_>>());
    assert_eq!(numbers(&reader), (0..20_000).collect::<Vec<_>>());
    assert_eq!(reader.get(19_999).unwrap(), Some(bar(19_999)));
}

#[test]
fn readers_read_while_the_file_grows_and_turns() {
    let (_dir, path) = place();
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    writer.push(&bar(0)).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    std::thread::scope(|scope| {
        for file in [&writer, &reader] {
            scope.spawn(move || {
                let mut newest = 0;
                while newest < 60_000 {
                    let all = numbers(file);
                    assert!(all.is_sorted(), "{all:?}");
                    let last = number(&file.last().unwrap().unwrap());
                    assert!(last >= newest);
                    newest = last;
                    if let Some(found) = file.get(3).unwrap() {
                        number(&found);
                    }
                }
            });
        }
        for i in 1..=60_000 {
            writer.push(&bar(i)).unwrap();
            if i % 1000 > 300 {
                writer.truncate_front(100).unwrap();
            }
        }
    });
}

#[test]
fn the_last_n_stay_in_a_ring_that_does_not_grow() {
    let (_dir, path) = place();
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let len = std::fs::metadata(&path).unwrap().len();
    for i in 0..2000 {
        writer.push(&bar(i)).unwrap();
        writer.truncate_front(50).unwrap();
        assert_eq!(number(&reader.get(0).unwrap().unwrap()), i.saturating_sub(49));
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
    assert_eq!(numbers(&reader), (1950..2000).collect::<Vec<_>>());
    writer.set(3, &bar(7)).unwrap();
    assert_eq!(number(&reader.get(3).unwrap().unwrap()), 7);
    // Growth while the ring has come round: the order stays.
    writer.set(3, &bar(1953)).unwrap();
    writer.extend_from_slice(&(2000..9000).map(bar).collect::<Vec<_>>()).unwrap();
    assert_eq!(numbers(&reader), (1950..9000).collect::<Vec<_>>());
    writer.truncate_front(0).unwrap();
    assert!(reader.is_empty().unwrap());
    writer.push(&bar(5)).unwrap();
    assert_eq!(numbers(&reader), [5]);
}

#[test]
fn ranges_and_searches_are_those_of_a_slice() {
    let (_dir, path) = place();
    let file = RecordFile::<Bar>::create(&path).unwrap();
    let bars: Vec<Bar> = (0..500).map(|i| bar(i * 2)).collect();
    file.extend_from_slice(&bars).unwrap();
    let part =
        |range: std::ops::Range<usize>| file.range(range).unwrap().map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(part(3..7), bars[3..7]);
    assert_eq!(part(490..900), bars[490..]);
    assert_eq!(part(600..900), []);
    assert_eq!(file.range(..=2).unwrap().count(), 3);
    for time in [-1, 0, 1, 500, 998, 999, 2000] {
        let expected = bars.binary_search_by_key(&time, |bar| bar.time);
        assert_eq!(file.binary_search_by_key(&time, |bar| bar.time).unwrap(), expected, "{time}");
    }
}

#[test]
fn a_snapshot_follows_when_asked() {
    let (_dir, path) = place();
    let file = RecordFile::<Bar>::create(&path).unwrap();
    file.push(&bar(1)).unwrap();
    let mut snapshot = file.snapshot().unwrap();
    file.push(&bar(2)).unwrap();
    assert_eq!(snapshot.as_slice(), [bar(1)]);
    snapshot.refresh().unwrap();
    assert_eq!(snapshot.as_slice(), [bar(1), bar(2)]);
    file.set(0, &bar(3)).unwrap();
    snapshot.refresh().unwrap();
    assert_eq!(snapshot.as_slice(), [bar(3), bar(2)]);
    file.truncate_front(1).unwrap();
    snapshot.refresh().unwrap();
    assert_eq!(snapshot.into_vec(), [bar(2)]);
}

#[test]
fn a_file_of_unknown_type_is_bytes_with_a_schema() {
    let (_dir, path) = place();
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(1)).unwrap();
    let raw = RawFile::open(&path).unwrap();
    assert_eq!(raw.schema().to_string(), "time:i64,open:f64,high:f64,low:f64,close:f64");
    let info = raw.info().unwrap();
    assert_eq!((info.len, info.pushed, info.updates, info.writers), (1, 1, 0, 1));
    let mut record = vec![0; 40];
    assert!(raw.get_bytes(0, &mut record).unwrap());
    assert_eq!(raw.get_bytes(0, &mut [0; 39]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let twin = "time:i64,open:f64,high:f64,low:f64,close:f64".parse().unwrap();
    drop(raw);
    let writer = RawFile::open_or_create(&path, twin, 0).unwrap();
    assert_eq!(writer.extend_from_bytes(&[0; 41]).unwrap_err().kind(), ErrorKind::InvalidArgument);
    writer.extend_from_bytes(&record).unwrap();
    assert_eq!(numbers(&RecordFile::<Bar>::open(&path).unwrap()), [1, 1]);
}

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(transparent)]
struct Side([u8; 3]);
plain!(Side: [u8; 3]);

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C, packed)]
struct Order<P> {
    side: Side,
    price: P,
    time: i64,
}
schema!(Order<f32> { side, price, time });

#[test]
fn packed_types_are_records_of_their_own_schema() {
    let (_dir, path) = place();
    let order = |time: i64| Order { side: Side(*b"buy"), price: 1.5f32, time };
    let file = RecordFile::<Order<f32>>::create(&path).unwrap();
    (0..1000).for_each(|time| file.push(&order(time)).unwrap());
    file.set(7, &order(-7)).unwrap();
    let schema = Order::<f32>::schema().unwrap();
    assert_eq!(schema.to_string(), "packed(1) side:u8[3],price:f32,time:i64");
    assert_eq!(schema.to_string().parse::<samovar_records::Schema>().unwrap(), schema);
    let raw = RawFile::open(&path).unwrap();
    assert_eq!((raw.schema(), raw.schema().record_size()), (&schema, 15));
    let mut record = vec![0; 15];
    assert!(raw.get_bytes(7, &mut record).unwrap());
    let row: Vec<String> = schema.columns().iter().map(|column| column.text(&record)).collect();
    assert_eq!(row, ["buy", "1.5", "-7"]);
    assert_eq!(RecordFile::<Order<f32>>::open(&path).unwrap().get(999).unwrap(), Some(order(999)));
    for text in ["packed(3) a:i64", "packed(x) a:i64", "a:u8,b:i64", "packed(4) a:u16,b:i64"] {
        assert!(text.parse::<samovar_records::Schema>().is_err(), "{text}");
    }
}

#[test]
fn only_records_that_are_replaced_count_as_updates() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let file = RecordFile::<Bar>::create(&path).unwrap();
    let room = u32::try_from(file.capacity().unwrap()).unwrap();
    for number in 0..room + 1 {
        file.push(&bar(number)).unwrap();
    }
    assert!(file.capacity().unwrap() > room as usize, "it has grown");
    file.update_last(&bar(7)).unwrap();
    file.set(3, &bar(8)).unwrap();
    drop(file);
    for _ in 0..3 {
        drop(RecordFile::<Bar>::open_writer(&path).unwrap());
    }
    assert_eq!(RecordFile::<Bar>::open(&path).unwrap().info().unwrap().updates, 2);
}
