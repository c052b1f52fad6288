//! Bars from a CSV file, updated live by one process and plotted by another.
//!
//! ```text
//! cargo run --example bars -- import bars.csv 600600   # time,open,high,low,close
//! cargo run --example bars -- live 600600 &            # rewrites the last bar, now and then begins a new one
//! cargo run --example bars -- plot 600600              # draws what it sees, five times
//! ```
//!
//! Without arguments it does all three by itself, in a directory that vanishes.

use samovar_records::{RecordFile, schema};
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const WIDTH: f64 = 60.0;
const SHOWN: usize = 12;

#[derive(
    Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable, serde::Deserialize, serde::Serialize,
)]
#[repr(C)]
struct Bar {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
}
schema!(Bar { time, open, high, low, close });

fn import(csv: &Path, path: &Path) -> Result<usize, Box<dyn Error>> {
    let bars = csv::Reader::from_path(csv)?.into_deserialize().collect::<Result<Vec<Bar>, _>>()?;
    let file = RecordFile::<Bar>::open_or_create(path)?;
    file.extend_from_slice(&bars)?;
    file.close()?;
    Ok(bars.len())
}

/// Trades come in: the last bar changes with each, and is followed by a new one after every twentieth.
fn live(path: &Path, trades: u32) -> Result<(), Box<dyn Error>> {
    let file = RecordFile::<Bar>::open_writer(path)?;
    let mut bar = file.last()?.ok_or("import some bars first")?;
    for trade in 1..=trades {
        let price = bar.close * (1.0 + (f64::from(trade) * 0.7).sin() / 500.0);
        if trade % 20 == 0 {
            bar = Bar { time: bar.time + 60, open: price, high: price, low: price, close: price };
            file.push(&bar)?;
        } else {
            bar = Bar { high: bar.high.max(price), low: bar.low.min(price), close: price, ..bar };
            file.update_last(&bar)?;
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn plot(path: &Path) -> Result<(), Box<dyn Error>> {
    let file = RecordFile::<Bar>::open(path)?;
    let len = file.len()?;
    let bars = file.range(len.saturating_sub(SHOWN)..)?.collect::<Result<Vec<Bar>, _>>()?;
    let low = bars.iter().map(|bar| bar.low).fold(f64::INFINITY, f64::min);
    let high = bars.iter().map(|bar| bar.high).fold(f64::NEG_INFINITY, f64::max);
    println!("{len} bars, {low:.2} to {high:.2}");
    for bar in bars {
        println!("{:>8} {} {:.2}", bar.time, candle(&bar, low, (high - low).max(0.01)), bar.close);
    }
    Ok(())
}

/// A line from low to high, with the body from open to close: `o` where it rose, `x` where it fell.
fn candle(bar: &Bar, low: f64, span: f64) -> String {
    let column = |price: f64| ((price - low) / span * WIDTH).round();
    let body = if bar.close >= bar.open { 'o' } else { 'x' };
    let mark = |at: f64| {
        if at >= column(bar.open.min(bar.close)) && at <= column(bar.open.max(bar.close)) {
            body
        } else if at >= column(bar.low) && at <= column(bar.high) {
            '-'
        } else {
            ' '
        }
    };
    (0..=60).map(|at| mark(f64::from(at))).collect()
}

/// All three, the live one as a process of its own.
fn demonstrate() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (csv, path) = (dir.path().join("bars.csv"), dir.path().join("600600"));
    let mut writer = csv::Writer::from_path(&csv)?;
    for minute in 0..10 {
        let open = 7.0 + f64::from(minute % 4) / 20.0;
        let time = i64::from(minute) * 60;
        writer.serialize(Bar { time, open, high: open + 0.1, low: open - 0.05, close: open + 0.04 })?;
    }
    writer.flush()?;
    println!("imported {} bars", import(&csv, &path)?);
    let mut live = Command::new(std::env::current_exe()?).arg("live").arg(&path).spawn()?;
    for _ in 0..3 {
        sleep(Duration::from_millis(150));
        plot(&path)?;
    }
    live.kill()?; // whatever it was doing: the file is whole
    live.wait()?;
    plot(&path)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demonstrate(),
        ["import", csv, path] => {
            println!("imported {} bars", import(csv.as_ref(), path.as_ref())?);
            Ok(())
        }
        ["live", path] => live(path.as_ref(), 2000),
        ["plot", path] => (0..5).try_for_each(|_| {
            plot(path.as_ref())?;
            sleep(Duration::from_millis(500));
            Ok(())
        }),
        _ => Err("use: bars [import CSV FILE | live FILE | plot FILE]".into()),
    }
}
