//! What record files are for, measured in one run beside what they replace: `cargo bench -p samovar-records`,
//! or only the parts named: `-- get push open`.
//!
//! 6,000 files of 250 bars: open all and sum a column, from record files, from CSV, from plain bytes. Then random `get`
//! beside indexing a vector, and pushing. Every figure is the median of some rounds, with the least and the most.

use samovar_records::{Generation, Options, RecordFile, RecordSet, schema};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

const FILES: u32 = 6000;
const BARS: u32 = 250;
const ROUNDS: u32 = 7;

#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable, serde::Serialize, serde::Deserialize,
)]
#[repr(C)]
struct Bar {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    amount: f64,
}
schema!(Bar { time, open, high, low, close, volume, amount });

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Ohlc {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}
schema!(Ohlc { time, open, high, low, close });

fn bar(file: u32, day: u32) -> Bar {
    let price = 10.0 + f64::from(file % 977) / 100.0 + f64::from(day * 7919 % 353) / 1000.0;
    Bar {
        time: 1_700_000_000_000 + i64::from(day) * 86_400_000,
        open: price,
        high: price + 0.11,
        low: price - 0.07,
        close: price + 0.03,
        volume: f64::from(day * 31 + file) * 100.0,
        amount: f64::from(day * 31 + file) * 1234.5,
    }
}

fn ohlc(number: u32) -> Ohlc {
    let price = f64::from(number);
    Ohlc { time: i64::from(number), open: price, high: price, low: price, close: price }
}

/// The times of some rounds, sorted.
struct Times(Vec<Duration>);

impl Times {
    fn median(&self) -> f64 {
        self.0[self.0.len() / 2].as_secs_f64()
    }

    /// The median, and the least and the most, in this unit.
    fn told(&self, unit: f64) -> String {
        let [least, most] = [self.0[0], self.0[self.0.len() - 1]].map(|time| time.as_secs_f64() / unit);
        format!("{:9.2} ({least:.2} to {most:.2})", self.median() / unit)
    }
}

/// Runs it once for nothing, then so many times.
fn measure<R>(rounds: u32, mut run: impl FnMut() -> R) -> (Times, R) {
    let mut result = black_box(run());
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            result = black_box(run());
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    (Times(times), result)
}

fn key(file: u32) -> String {
    format!("daily/{:06}", 600_000 + file)
}

fn write_all(root: &Path) {
    let set = RecordSet::open_or_create(root.join("set")).unwrap();
    std::fs::create_dir(root.join("csv")).unwrap();
    std::fs::create_dir(root.join("plain")).unwrap();
    let (mut making, mut csv_bytes) = (Duration::ZERO, 0);
    std::fs::create_dir(root.join("single")).unwrap();
    let draft = set.draft("2026-01-05").unwrap();
    // Nobody waits for the disk 6,000 times.
    let quiet = Options::new().leave_unflushed();
    for file in 0..FILES {
        let bars: Vec<Bar> = (0..BARS).map(|day| bar(file, day)).collect();
        let begun = Instant::now();
        draft.create::<Bar>(&key(file), 250).unwrap().extend_from_slice(&bars).unwrap();
        making += begun.elapsed();
        let single = root.join(format!("single/{file}"));
        quiet.create::<Bar>(single, 250).unwrap().extend_from_slice(&bars).unwrap();
        std::fs::write(root.join(format!("plain/{file}")), bars.as_bytes()).unwrap();
        let mut writer = csv::Writer::from_writer(Vec::new());
        bars.iter().for_each(|bar| writer.serialize(bar).unwrap());
        let text = writer.into_inner().unwrap();
        csv_bytes += text.len();
        std::fs::write(root.join(format!("csv/{file}")), text).unwrap();
    }
    let begun = Instant::now();
    draft.publish().unwrap();
    println!(
        "made {FILES} record files of {BARS} bars in {making:.2?}, published (synced) in {:.2?}; {} MB of CSV",
        begun.elapsed(),
        csv_bytes / 1_000_000
    );
}

/// Four sums side by side: one after another, additions take longer than the memory.
fn sum_values(values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let sums = fours.iter().fold([0.0; 4], |sums, four| std::array::from_fn(|i| sums[i] + four[i]));
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

fn sum_of(bars: &[Bar]) -> f64 {
    bars.iter().map(|bar| bar.close).sum()
}

fn sum_records(files: impl Iterator<Item = RecordFile<Bar>>) -> f64 {
    let mut sum = 0.0;
    files.for_each(|file| file.iter().unwrap().for_each_slice(|bars| sum += sum_of(bars)).unwrap());
    sum
}

fn sum_csv(root: &Path) -> f64 {
    let mut sum = 0.0;
    for file in 0..FILES {
        let mut reader = csv::Reader::from_path(root.join(format!("csv/{file}"))).unwrap();
        let bars: Vec<Bar> = reader.deserialize().map(Result::unwrap).collect();
        sum += sum_of(&bars);
    }
    sum
}

fn sum_plain(root: &Path) -> f64 {
    let mut sum = 0.0;
    for file in 0..FILES {
        let bytes = std::fs::read(root.join(format!("plain/{file}"))).unwrap();
        let mut bars = Bar::new_vec_zeroed(bytes.len() / size_of::<Bar>()).unwrap();
        bars.as_mut_slice().as_mut_bytes().copy_from_slice(&bytes);
        sum += sum_of(&bars);
    }
    sum
}

/// Opens the set, then each table of it, and sums a column.
fn sum_set(root: &Path, keys: &[String]) -> f64 {
    let set = RecordSet::open(root.join("set")).unwrap();
    sum_generation(&set.current().unwrap(), keys)
}

fn sum_generation(generation: &Generation, keys: &[String]) -> f64 {
    let mut sum = 0.0;
    for key in keys {
        let bars = generation.open::<Bar>(key).unwrap();
        bars.view().unwrap().for_each_column(|bar| &bar.close, |closes| sum += sum_values(closes)).unwrap();
    }
    sum
}

fn columns(root: &Path) {
    write_all(root);
    let set = RecordSet::open(root.join("set")).unwrap();
    let paths: Vec<_> = (0..FILES).map(|file| root.join(format!("single/{file}"))).collect();
    let keys: Vec<_> = (0..FILES).map(key).collect();
    let (from_csv, csv_sum) = measure(3, || sum_csv(root));
    let (from_plain, plain_sum) = measure(ROUNDS, || sum_plain(root));
    let (opened, sum) =
        measure(ROUNDS, || sum_records(paths.iter().map(|path| RecordFile::open(path).unwrap())));
    let (from_set, set_sum) = measure(ROUNDS, || sum_set(root, &keys));
    // Sums of parts are rounded otherwise than sums of wholes.
    assert!([csv_sum, plain_sum, set_sum].iter().all(|other| (sum - other).abs() < 1e-3));
    let held = set.current().unwrap();
    let (again, _) = measure(ROUNDS, || sum_generation(&held, &keys));
    println!("open {FILES} tables and sum a column:");
    let csv = from_csv.median();
    for (name, time) in [
        ("CSV, csv + serde", from_csv),
        ("plain bytes, std::fs::read", from_plain),
        ("record files, opened and closed", opened),
        ("a set, opened and closed", from_set),
        ("a set that is open", again),
    ] {
        let ratio = csv / time.median();
        println!("  {name:35} {} ms, {ratio:.1} x CSV", time.told(1e-3));
    }
}

/// A cheap sequence of indices that no processor foresees.
fn indices(len: usize, count: u32) -> impl Iterator<Item = usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from((u128::from(state) * len as u128) >> 64).unwrap()
    })
}

/// A copy of all of the record, and a field of it.
fn read(record: &Ohlc) -> f64 {
    let copy = *record;
    black_box(&copy);
    copy.close
}

fn random_gets(dir: &Path) {
    println!("random get of a 40-byte record, beside a copy from a vector by index:");
    for len in [250, 10_000, 1_000_000, 10_000_000u32] {
        let path = dir.join(format!("get{len}"));
        let all: Vec<Ohlc> = (0..len).map(ohlc).collect();
        let writer = RecordFile::<Ohlc>::create_with_capacity(&path, len as usize).unwrap();
        writer.extend_from_slice(&all).unwrap();
        let file = RecordFile::<Ohlc>::open(&path).unwrap();
        let count = 2_000_000;
        let (vector, expected) =
            measure(ROUNDS, || indices(all.len(), count).map(|index| read(&all[index])).sum::<f64>());
        let (got, found) = measure(ROUNDS, || {
            indices(all.len(), count).map(|index| read(&file.get(index).unwrap().unwrap())).sum::<f64>()
        });
        let view = file.view().unwrap();
        let (viewed, _) = measure(ROUNDS, || {
            indices(all.len(), count).map(|index| read(&view.get(index).unwrap().unwrap())).sum::<f64>()
        });
        assert_eq!(found, expected);
        println!("  {len} records:");
        for (name, time) in [("vector", &vector), ("get", &got), ("view", &viewed)] {
            let ratio = time.median() / vector.median();
            println!("    {name:8} {} ns, {ratio:.2} x", time.told(1e-9 * f64::from(count)));
        }
        std::fs::remove_file(&path).unwrap();
    }
}

fn pushes(dir: &Path) {
    println!("push of 40-byte records:");
    let total = 4_000_000u32;
    for batch in [1, 10, 100, 1000, 10_000] {
        let bars: Vec<Ohlc> = (0..batch).map(ohlc).collect();
        let path = dir.join(format!("push{batch}"));
        let file = RecordFile::<Ohlc>::create_with_capacity(&path, total as usize).unwrap();
        let (time, ()) = measure(ROUNDS, || {
            file.truncate_front(0).unwrap();
            (0..total / batch).for_each(|_| file.extend_from_slice(&bars).unwrap());
        });
        let rate = |time: Duration| f64::from(total) / time.as_secs_f64() / 1e6;
        let [least, most] = [time.0[time.0.len() - 1], time.0[0]].map(rate);
        let median = f64::from(total) / time.median() / 1e6;
        println!("  batches of {batch:6}: {median:7.1} ({least:.1} to {most:.1}) M records/s");
        std::fs::remove_file(&path).unwrap();
    }
    let file = RecordFile::<Ohlc>::create(dir.join("update")).unwrap();
    file.push(&ohlc(0)).unwrap();
    let count = 1_000_000;
    let (time, ()) = measure(ROUNDS, || (0..count).for_each(|i| file.update_last(&ohlc(i)).unwrap()));
    println!("  update_last: {} ns", time.told(1e-9 * f64::from(count)));
}

type Part = fn(&Path);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, Part); 3] = [("get", random_gets), ("push", pushes), ("open", columns)];
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part(dir.path());
        }
    }
}
