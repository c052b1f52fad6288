//! A feature store: a million rows, scanned by threads while new rows come in.
//!
//! ```text
//! cargo run --release --example features
//! ```
//!
//! Each thread has a part of a view, and walks through three columns of it at once. A view has the rows that were there when it
//! was made; those that are pushed meanwhile are in the next one.

use samovar_records::{RecordFile, View, schema};
use std::error::Error;
use std::time::Instant;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const ROWS: u32 = 1_000_000;
const THREADS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Row {
    user: u64,
    clicks: f32,
    spent: f32,
    age: f32,
    label: f32,
    embedding: [f32; 8],
}
schema!(Row { user, clicks, spent, age, label, embedding });

fn row(number: u32) -> Row {
    let label = f32::from(u8::from(number.is_multiple_of(4)));
    Row { user: number.into(), clicks: 1.0, spent: label * 2.0, age: 30.0, label, embedding: [label; 8] }
}

/// How many rows are labelled, and what those have spent.
fn scan(part: &View<'_, Row>) -> samovar_records::Result<(usize, f64)> {
    let (mut labelled, mut spent) = (0, 0.0);
    let columns = part.scan(|row| &row.label).and(|row| &row.spent).and(|row| &row.clicks);
    columns.for_each(|((labels, spents), clicks)| {
        for ((label, one), clicks) in labels.iter().zip(spents).zip(clicks) {
            labelled += usize::from(*label * *clicks > 0.5);
            spent += f64::from(*label * *one);
        }
    })?;
    Ok((labelled, spent))
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("features");
    let writer = RecordFile::<Row>::create_with_capacity(&path, ROWS as usize)?;
    for begin in (0..ROWS).step_by(1000) {
        writer.extend_from_slice(&(begin..begin + 1000).map(row).collect::<Vec<_>>())?;
    }
    let reader = RecordFile::<Row>::open(&path)?;
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let more = scope.spawn(|| (0..200_000).try_for_each(|number| writer.push(&row(number))));
        for _ in 0..3 {
            let begun = Instant::now();
            let view = reader.view()?;
            let threads: Vec<_> = view.parts(THREADS).map(|part| scope.spawn(move || scan(&part))).collect();
            let mut all = (0, 0.0);
            for thread in threads {
                let (labelled, spent) = thread.join().map_err(|_| "a thread failed")??;
                all = (all.0 + labelled, all.1 + spent);
            }
            assert_eq!(all.0, view.len().div_ceil(4), "a row was missed, or met twice");
            println!("{} rows, {} labelled, {:.0} spent: {:.1?}", view.len(), all.0, all.1, begun.elapsed());
        }
        more.join().map_err(|_| "the writer failed")??;
        Ok(())
    })?;
    println!("{} rows in the end", reader.len()?);
    Ok(())
}
