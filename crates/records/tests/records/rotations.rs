//! Files of one period each, as one table: read, handed over, and removed while they are read.

use crate::common::{Bar, Form, bar, number};
use samovar_records::{ErrorKind, Options, Projection, Rotation, RotationFollower, RotationWriter, schema};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const TIMEOUT: Duration = Duration::from_secs(20);

fn writer(folder: &Path, period: &str) -> RotationWriter<Bar> {
    Options::new().open_rotation(folder, period).unwrap()
}

fn rotation(folder: &Path) -> Rotation<Bar> {
    Rotation::open(folder).unwrap()
}

fn numbers(folder: &Path) -> Vec<u32> {
    rotation(folder).all().unwrap().iter().map(|bar| number(&bar.unwrap())).collect()
}

/// Three files of 100, 0 and 50 bars.
fn three(folder: &Path) -> RotationWriter<Bar> {
    let mut writer = writer(folder, "2026-01-05");
    writer.file().extend_from_slice(&(0..100).map(bar).collect::<Vec<_>>()).unwrap();
    assert!(writer.roll_to("2026-01-06").unwrap() && writer.roll_to("2026-01-07").unwrap());
    assert!(!writer.roll_to("2026-01-07").unwrap(), "it is that already");
    writer.file().extend_from_slice(&(100..150).map(bar).collect::<Vec<_>>()).unwrap();
    writer
}

#[test]
fn all_files_are_one_table() {
    let dir = tempfile::tempdir().unwrap();
    let writer = three(dir.path());
    let all = rotation(dir.path()).all().unwrap();
    writer.file().push(&bar(999)).unwrap();
    assert_eq!(all.len(), 150, "as many as there were");
    assert!(all.iter().map(|bar| number(&bar.unwrap())).eq(0..150));
    for index in 0..150 {
        assert_eq!(all.get(usize::try_from(index).unwrap()).unwrap(), Some(bar(index)));
    }
    assert_eq!(all.get(150).unwrap(), None);
    let periods: Vec<(&str, usize)> = all.periods().collect();
    assert_eq!(periods, [("2026-01-05", 100), ("2026-01-06", 0), ("2026-01-07", 50)]);
    let mut times = Vec::new();
    all.for_each_column(|bar| &bar.time, |some| times.extend_from_slice(some)).unwrap();
    assert!(times.into_iter().eq(0..150));
    for time in [0, 1, 99, 100, 149, 150, 1000] {
        let found = all.partition_point(|bar| bar.time < time).unwrap();
        assert_eq!(found, usize::try_from(time.min(150)).unwrap());
    }
    assert_eq!(all.file("2026-01-07").unwrap().len().unwrap(), 51);
}

#[test]
fn one_writes_and_the_next_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = three(dir.path());
    let refused = Options::new().open_rotation::<Bar>(dir.path(), "2026-01-08").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    drop(first);
    let second = writer(dir.path(), "2026-01-07");
    second.file().push(&bar(150)).unwrap();
    drop(second);
    let third = writer(dir.path(), "2026-01-08");
    third.file().push(&bar(151)).unwrap();
    assert!(numbers(dir.path()).into_iter().eq(0..152));
    assert_eq!(rotation(dir.path()).periods().unwrap().len(), 4);
    let error = Options::new().open_rotation::<Bar>(dir.path().join("x"), "no/name").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(Rotation::<Bar>::open(dir.path().join("missing")).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn what_is_removed_is_read_by_those_who_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = three(dir.path());
    let held = rotation(dir.path()).all().unwrap();
    let mut follower = rotation(dir.path()).follow();
    let mut taken = Vec::new();
    assert_eq!(follower.take(&mut taken).unwrap().count, 100);
    assert_eq!(writer.keep_last(1).unwrap(), ["2026-01-05", "2026-01-06"]);
    assert!(numbers(dir.path()).into_iter().eq(100..150));
    assert!(held.iter().map(|bar| number(&bar.unwrap())).eq(0..150));

    writer.roll_to("2026-01-08").unwrap();
    writer.file().push(&bar(150)).unwrap();
    assert_eq!(writer.keep_last(0).unwrap(), ["2026-01-07"], "the newest stays");
    let told = follower.take(&mut taken).unwrap();
    assert_eq!((told.count, told.lost, told.lost_files), (1, 0, 2), "two files went before their turn");
    assert_eq!(follower.position(), Some(("2026-01-08", 1)));
}

fn follow_all(follower: &mut RotationFollower<Bar>, count: u32) {
    let mut next = 0;
    while next < count {
        assert!(follower.wait(TIMEOUT).unwrap(), "at {next}");
        let mut bars = Vec::new();
        let taken = follower.take(&mut bars).unwrap();
        assert_eq!((taken.lost, taken.lost_files), (0, 0), "at {next}");
        for bar in &bars {
            assert_eq!(number(bar), next);
            next += 1;
        }
    }
}

#[test]
fn readers_go_on_over_every_midnight() {
    const DAYS: u32 = 60;
    const BARS: u32 = 700;
    for form in [Form::Rows, Form::ColumnsWithChecksums] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = form.options().leave_unflushed().open_rotation::<Bar>(dir.path(), "0").unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let mut follower = rotation(dir.path()).follow();
            let following = scope.spawn(move || follow_all(&mut follower, DAYS * BARS));
            let reading = scope.spawn(|| {
                let (rotation, mut longest) = (rotation(dir.path()), 0);
                while !done.load(Ordering::Relaxed) {
                    let all = rotation.all().unwrap();
                    assert!(
                        all.iter().map(|bar| number(&bar.unwrap())).eq(0..u32::try_from(all.len()).unwrap())
                    );
                    assert!(all.len() >= longest, "it went back");
                    longest = all.len();
                }
            });
            for next in 0..DAYS * BARS {
                if next % BARS == 0 && next > 0 {
                    writer.roll_to(&(next / BARS).to_string()).unwrap();
                }
                writer.file().push(&bar(next)).unwrap();
            }
            following.join().unwrap();
            done.store(true, Ordering::Relaxed);
            reading.join().unwrap();
        });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Old {
    time: i64,
    px: f64,
}
schema!(Old { time, px });

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct New {
    price: f64,
    time: i64,
    volume: f64,
}
schema!(New { price, time, volume });

#[test]
fn the_schema_grows_from_one_file_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let old = Options::new().open_rotation::<Old>(dir.path(), "2026-01-05").unwrap();
    old.file().push(&Old { time: 1, px: 7.5 }).unwrap();
    // It dies with its file open.
    std::mem::forget(old);
    let locked = Options::new().open_rotation::<New>(dir.path(), "2026-01-06").unwrap_err();
    assert_eq!(locked.kind(), ErrorKind::Locked);

    let dir = tempfile::tempdir().unwrap();
    let old = Options::new().leave_unflushed().open_rotation::<Old>(dir.path(), "2026-01-05").unwrap();
    old.file().push(&Old { time: 1, px: 7.5 }).unwrap();
    drop(old);
    let new = Options::new().open_rotation::<New>(dir.path(), "2026-01-06").unwrap();
    new.file().push(&New { price: 7.6, time: 2, volume: 100.0 }).unwrap();
    let projection = Projection::new().renamed("px", "price").added("volume");
    let all = Rotation::<New>::open_as(dir.path(), projection).unwrap().all().unwrap();
    let expected = [New { price: 7.5, time: 1, volume: 0.0 }, New { price: 7.6, time: 2, volume: 100.0 }];
    assert_eq!(all.iter().collect::<Result<Vec<_>, _>>().unwrap(), expected);
    let first = all.file("2026-01-05").unwrap().info().unwrap();
    assert_eq!(first.durable, 1, "the next writer has closed it");
}
