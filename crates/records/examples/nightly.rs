//! A set of 6,000 securities, rebuilt night after night while readers read.
//!
//! ```text
//! cargo run --release --example nightly
//! ```
//!
//! Each night makes a generation of its own: all tables appear at once, and a reader never sees some of the old and some of the
//! new. A reader that holds a generation keeps it, also after it was removed.

use samovar_records::{RecordSet, schema};
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const SECURITIES: u32 = 6000;
const DAYS: u32 = 60;
const NIGHTS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Bar {
    day: i64,
    close: f64,
    volume: f64,
}
schema!(Bar { day, close, volume });

fn key(security: u32) -> String {
    format!("daily/{:06}", 600_000 + security)
}

/// The bars of a security, as this night knows them: every close tells the night.
fn bars(night: u32) -> Vec<Bar> {
    (0..DAYS + night).map(|day| Bar { day: day.into(), close: night.into(), volume: 1.0 }).collect()
}

fn rebuild(set: &RecordSet, night: u32) -> samovar_records::Result<Duration> {
    let begun = Instant::now();
    let draft = set.draft(&format!("night-{night}"))?;
    let bars = bars(night);
    for security in 0..SECURITIES {
        draft.create::<Bar>(&key(security), bars.len())?.extend_from_slice(&bars)?;
    }
    draft.publish()?;
    Ok(begun.elapsed())
}

/// Sums the closes of all securities; they all have to be of one night.
fn read(set: &RecordSet) -> samovar_records::Result<f64> {
    let generation = set.current()?;
    let mut night = None;
    for security in (0..SECURITIES).step_by(97) {
        let table = generation.open::<Bar>(&key(security))?;
        table.view()?.for_each_column(
            |bar| &bar.close,
            |closes| {
                for close in closes {
                    assert_eq!(*night.get_or_insert(*close), *close, "two nights in one generation");
                }
            },
        )?;
    }
    Ok(night.unwrap_or(0.0))
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let set = RecordSet::open_or_create(dir.path().join("set"))?;
    println!("the first night: {:.2?}", rebuild(&set, 1)?);
    let (done, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        for _ in 0..2 {
            scope.spawn(|| {
                let set = RecordSet::open(dir.path().join("set")).expect("the set");
                let mut newest = 0.0;
                while !done.load(Ordering::Relaxed) {
                    let night = read(&set).expect("a whole generation");
                    assert!(night >= newest, "night {night} after {newest}");
                    newest = night;
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for night in 2..=NIGHTS {
            println!("night {night}: {:.2?}, beside readers", rebuild(&set, night)?);
            set.remove(&format!("night-{}", night - 1))?;
        }
        done.store(true, Ordering::Relaxed);
        Ok(())
    })?;
    println!("{} times all securities were read: none torn, none of two nights", reads.into_inner());
    Ok(())
}
