//! What a record file costs beside plain memory, in one run: `cargo bench -p samovar-records --bench figures`, or only the parts
//! named: `-- column get push open edges forms`.
//!
//! The peer is a slice of a sealed map of a file, used in place, as a thin mapping package with a cast of bytes gives
//! it. That is allowed only where nobody writes. Each figure is the least of many rounds, taken in turn, so that other
//! work on the machine meets both alike.

use samovar_mmap::{Access, GrowingMap, Seal, SealedMap, SharedMap, memory_file, seal};
use samovar_records::{Options, RecordFile, schema};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout};

const ROWS: u32 = 10_000_000;

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Bar {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}
schema!(Bar { time, open, high, low, close });

fn bar(number: u32) -> Bar {
    let price = f64::from(number);
    Bar { time: i64::from(number), open: price, high: price, low: price, close: price }
}

/// The least time of each of these, in turn, over so many rounds.
fn least<const N: usize>(rounds: u32, mut contenders: [(&'static str, &mut dyn FnMut()); N]) -> [f64; N] {
    let mut least = [f64::MAX; N];
    for _ in 0..rounds {
        for (least, (_, run)) in least.iter_mut().zip(&mut contenders) {
            let begun = Instant::now();
            run();
            *least = least.min(begun.elapsed().as_secs_f64());
        }
    }
    for ((name, _), time) in contenders.iter().zip(least) {
        println!("  {name:44} {:10.2} us, {:5.2} x", time * 1e6, time / least[0]);
    }
    least
}

/// Four sums side by side: one after another, additions take longer than the memory.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut sums = [0.0; 4];
    values.enumerate().for_each(|(index, value)| sums[index % 4] += value);
    sums.iter().sum()
}

fn sum_slice(values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let sums = fours.iter().fold([0.0; 4], |sums, four| std::array::from_fn(|i| sums[i] + four[i]));
    sums.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

fn sum_rows(rows: &[Bar]) -> f64 {
    let (fours, rest) = rows.as_chunks::<4>();
    let sums = fours.iter().fold([0.0; 4], |sums, four| std::array::from_fn(|i| sums[i] + four[i].close));
    sums.iter().sum::<f64>() + sum(rest.iter().map(|row| row.close))
}

/// Indices that no processor foresees.
fn indices(len: usize, count: u32) -> impl Iterator<Item = usize> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..count).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from((u128::from(state) * len as u128) >> 64).unwrap()
    })
}

/// Rows in a record file, and in a sealed map of memory.
fn rows(dir: &Path, count: u32) -> (RecordFile<Bar>, SealedMap) {
    let path = dir.join(format!("rows{count}"));
    let _ = std::fs::remove_file(&path);
    let writer = Options::new().leave_unflushed().create::<Bar>(&path, count as usize).unwrap();
    let mut memory = memory_file(0).unwrap();
    for begin in (0..count).step_by(10_000) {
        let some: Vec<Bar> = (begin..count.min(begin + 10_000)).map(bar).collect();
        writer.extend_from_slice(&some).unwrap();
        memory.write_all(some.as_bytes()).unwrap();
    }
    seal(&memory, Seal::Write).unwrap();
    (RecordFile::open(path).unwrap(), SealedMap::map(&memory, 0, None).unwrap())
}

fn slice(map: &SealedMap) -> &[Bar] {
    <[Bar]>::ref_from_bytes(map).unwrap()
}

fn column(dir: &Path) {
    println!("a column of {ROWS} rows of 40 bytes, summed:");
    let (file, map) = rows(dir, ROWS);
    let (peer, view) = (slice(&map), file.view().unwrap());
    least(
        15,
        [
            ("a slice of a map", &mut || {
                black_box(sum_rows(peer));
            }),
            ("for_each_column", &mut || {
                let mut sum = 0.0;
                view.for_each_column(|bar| &bar.close, |closes| sum += sum_slice(closes)).unwrap();
                black_box(sum);
            }),
            ("scan of two columns", &mut || {
                let mut sum = 0.0;
                let scan = view.scan(|bar| &bar.close).and(|bar| &bar.open);
                scan.for_each(|(closes, opens)| sum += sum_slice(closes) + sum_slice(opens)).unwrap();
                black_box(sum);
            }),
        ],
    );
}

fn get(dir: &Path) {
    for count in [10_000, ROWS] {
        let (file, map) = rows(dir, count);
        let (peer, view) = (slice(&map), file.view().unwrap());
        let gets = 150_000;
        println!("{gets} random gets of {count} rows:");
        least(
            60,
            [
                ("a slice of a map", &mut || {
                    for index in indices(peer.len(), gets) {
                        black_box(peer[index]);
                    }
                }),
                ("view.get, a field of it", &mut || {
                    for index in indices(peer.len(), gets) {
                        if let Ok(Some(bar)) = view.get(index) {
                            black_box(bar.close);
                        }
                    }
                }),
                ("view.read, all of it", &mut || {
                    let mut bar = Bar::new_zeroed();
                    for index in indices(peer.len(), gets) {
                        assert!(view.read(index, &mut bar).unwrap());
                        black_box(&bar);
                    }
                }),
            ],
        );
    }
}

fn push(dir: &Path) {
    let count = 1_000_000;
    println!("{count} times:");
    let file = Options::new().leave_unflushed().create::<Bar>(dir.join("push"), count as usize).unwrap();
    let mut vector = Vec::with_capacity(count as usize);
    least(
        15,
        [
            ("push to a vector that has room", &mut || {
                vector.clear();
                (0..count).for_each(|number| vector.push(black_box(bar(number))));
                black_box(&vector);
            }),
            ("push, one by one", &mut || {
                file.truncate_front(0).unwrap();
                (0..count).for_each(|number| file.push(&bar(number)).unwrap());
            }),
            ("update_last", &mut || (0..count).for_each(|number| file.update_last(&bar(number)).unwrap())),
        ],
    );
}

fn open(dir: &Path) {
    let path = dir.join("open");
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(1)).unwrap();
    let each = |run: &dyn Fn()| (0..1000).for_each(|_| run());
    println!("1000 times opened and closed:");
    least(
        15,
        [
            ("File::open and a map of it", &mut || {
                each(&|| {
                    let file = File::open(&path).unwrap();
                    let map = SharedMap::map(&file, Access::ReadOnly, 0, None).unwrap();
                    black_box(map.view().word64(4096 + 104).unwrap().load());
                });
            }),
            ("a map that reaches 16 times as far", &mut || {
                each(&|| {
                    let file = File::open(&path).unwrap();
                    let map = SharedMap::map_beyond_end(&file, Access::ReadOnly, 0, 16 * 12_288).unwrap();
                    black_box(map.view().word64(4096 + 104).unwrap().load());
                });
            }),
            ("a map that grows in place, to 16 times as much", &mut || {
                each(&|| {
                    let file = File::open(&path).unwrap();
                    let map = GrowingMap::map(&file, Access::ReadOnly, 16 * 12_288).unwrap();
                    black_box(map.view().word64(4096 + 104).unwrap().load());
                });
            }),
            ("RecordFile::open and last", &mut || {
                each(&|| {
                    black_box(RecordFile::<Bar>::open(&path).unwrap().last().unwrap());
                });
            }),
        ],
    );
}

fn edges(dir: &Path) {
    println!("at the edges:");
    let told = |name: &str, time: Duration| println!("  {name:52} {:10.2} us", time.as_secs_f64() * 1e6);
    let timed = |run: &mut dyn FnMut()| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    let count = 5_000_000;
    let path = dir.join("edges");
    let writer = Options::new().leave_unflushed().create::<Bar>(&path, count as usize).unwrap();
    writer.extend_from_slice(&(0..count).map(bar).collect::<Vec<_>>()).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let mut snapshot = reader.snapshot().unwrap();
    writer.update_last(&bar(7)).unwrap();
    told("refresh of 5 million bars after an update_last", timed(&mut || snapshot.refresh().unwrap()));
    writer.flush().unwrap();
    writer.update_last(&bar(8)).unwrap();
    writer.flush().unwrap();
    told("the first update_last after a flush", timed(&mut || writer.update_last(&bar(9)).unwrap()));
    told("the first change of another record after a flush", timed(&mut || writer.set(5, &bar(9)).unwrap()));

    let view = reader.view().unwrap();
    let before = timed(&mut || indices(1000, 100_000).for_each(|index| drop(black_box(view.get(index)))));
    writer.extend_from_slice(&[bar(1); 1000]).unwrap();
    let after = timed(&mut || indices(1000, 100_000).for_each(|index| drop(black_box(view.get(index)))));
    told("100,000 gets by a view", before);
    told("100,000 gets by the same view, the file has grown", after);

    let mut longest = Duration::ZERO;
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| timed(&mut || writer.flush().unwrap()));
        while !flush.is_finished() {
            longest = longest.max(timed(&mut || writer.push(&bar(1)).unwrap()));
        }
        told("a flush of 200 MB", flush.join().unwrap());
    });
    told("the longest push meanwhile", longest);
}

/// Files whose columns lie apart, or whose records have checksums.
fn forms(dir: &Path) {
    let plain = Options::new().leave_unflushed();
    let columns = plain.clone().columns_apart(8192).unwrap();
    let made = |name: &str, options: &Options| {
        let file = options.create::<Bar>(dir.join(name), ROWS as usize).unwrap();
        for begin in (0..ROWS).step_by(10_000) {
            file.extend_from_slice(&(begin..begin + 10_000).map(bar).collect::<Vec<_>>()).unwrap();
        }
        file
    };
    let (rows, summed, apart) =
        (made("rows", &plain), made("sums", &plain.checksums()), made("apart", &columns));
    let mut memory = memory_file(0).unwrap();
    for begin in (0..ROWS).step_by(10_000) {
        let closes: Vec<f64> = (begin..begin + 10_000).map(f64::from).collect();
        memory.write_all(closes.as_bytes()).unwrap();
    }
    seal(&memory, Seal::Write).unwrap();
    let map = SealedMap::map(&memory, 0, None).unwrap();
    let closes = <[f64]>::ref_from_bytes(&map).unwrap();
    println!("a column of {ROWS} rows, summed:");
    let walk = |file: &RecordFile<Bar>| {
        let mut sum = 0.0;
        let view = file.view().unwrap();
        view.for_each_column(|bar| &bar.close, |closes| sum += sum_slice(closes)).unwrap();
        black_box(sum);
    };
    least(
        9,
        [
            ("a slice of the column, as an Arrow array is", &mut || {
                black_box(sum_slice(closes));
            }),
            ("columns apart", &mut || walk(&apart)),
            ("rows", &mut || walk(&rows)),
            ("rows with checksums", &mut || walk(&summed)),
        ],
    );
    let count = 100_000;
    println!("{count} pushes, after as many dropped in front, and {count} random gets by a view:");
    let push = |file: &RecordFile<Bar>| {
        file.truncate_front(1000).unwrap();
        (0..count).for_each(|number| file.push(&bar(number)).unwrap());
    };
    let get = |file: &RecordFile<Bar>| {
        let view = file.view().unwrap();
        for index in indices(view.len(), count) {
            black_box(view.get(index).unwrap());
        }
    };
    least(
        5,
        [
            ("get: rows", &mut || get(&rows)),
            ("columns apart", &mut || get(&apart)),
            ("checksums", &mut || get(&summed)),
        ],
    );
    least(
        5,
        [
            ("push: rows", &mut || push(&rows)),
            ("columns apart", &mut || push(&apart)),
            ("checksums", &mut || push(&summed)),
        ],
    );
}

type Part = fn(&Path);

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, Part); 6] = [
        ("column", column),
        ("get", get),
        ("push", push),
        ("open", open),
        ("edges", edges),
        ("forms", forms),
    ];
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            part(dir.path());
        }
    }
}
