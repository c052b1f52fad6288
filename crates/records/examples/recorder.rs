//! A tick recorder: one process records into a ring that keeps the newest ticks, two others follow it.
//!
//! ```text
//! cargo run --release --example recorder                     # does all three, in a directory that vanishes
//! cargo run --release --example recorder -- record ticks &   # or each by itself
//! cargo run --release --example recorder -- follow ticks
//! ```
//!
//! A follower gets each tick once, in order. If it falls behind so far that the ring has dropped ticks before their turn, it is
//! told how many: gaps are never silent.

use samovar_records::{RecordFile, schema};
use std::error::Error;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use zerocopy::{FromBytes, Immutable, IntoBytes};

const TICKS: i64 = 200_000;
const KEPT: usize = 50_000;
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Tick {
    number: i64,
    price: f64,
    volume: f64,
}
schema!(Tick { number, price, volume });

fn record(path: &Path) -> Result<(), Box<dyn Error>> {
    let ticks = RecordFile::<Tick>::open_or_create(path)?;
    let begun = Instant::now();
    for number in 0..TICKS {
        let step = f64::from(u32::try_from(number % 1000)?);
        ticks.push(&Tick { number, price: 100.0 + (step / 50.0).sin(), volume: 1.0 })?;
        if number % 1000 == 0 {
            ticks.truncate_front(KEPT)?;
            // As a feed would: a burst, and then nothing for a while.
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    println!("recorded {TICKS} ticks in {:.0?}, {} are kept", begun.elapsed(), ticks.len()?);
    ticks.close()?;
    Ok(())
}

fn follow(path: &Path) -> Result<(), Box<dyn Error>> {
    let ticks = RecordFile::<Tick>::open(path)?;
    let mut follower = ticks.follow_from(0);
    let (mut batch, mut seen, mut lost, mut turnover) = (Vec::new(), 0, 0, 0.0);
    while follower.wait(TIMEOUT)? {
        batch.clear();
        let taken = follower.take(&mut batch)?;
        lost += taken.lost;
        seen += taken.count;
        // An ordinal counts all ticks that were ever pushed, as their numbers do here.
        assert!(batch.iter().zip(taken.first..).all(|(tick, ordinal)| tick.number.unsigned_abs() == ordinal));
        turnover += batch.iter().map(|tick| tick.price * tick.volume).sum::<f64>();
    }
    println!(
        "followed {seen} ticks of {turnover:.0} in all, {lost} were lost, next comes {}",
        follower.position()
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["record", path] => record(path.as_ref()),
        ["follow", path] => follow(path.as_ref()),
        [] => {
            let dir = tempfile::tempdir()?;
            let path = dir.path().join("ticks");
            RecordFile::<Tick>::create_with_capacity(&path, KEPT + 2000)?.close()?;
            let start = || Command::new(std::env::current_exe()?).arg("follow").arg(&path).spawn();
            let followers: Vec<Child> = vec![start()?, start()?];
            record(&path)?;
            for mut follower in followers {
                assert!(follower.wait()?.success(), "a follower failed");
            }
            Ok(())
        }
        _ => Err("recorder [record FILE | follow FILE]".into()),
    }
}
