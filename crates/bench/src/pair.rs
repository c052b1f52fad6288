//! Two processes that hit one file, beside two that share nothing. Beside them stands what the machine itself loses
//! when two processes work instead of one.

use crate::child;
use crate::floor_probe::{FloorProbe, Pace, Step};
use crate::ground::{Ground, Plot};
use crate::key::key;
use crate::pair_probe::PairProbe;
use crate::payload::Payload;
use crate::peer::Setup;
use crate::peers::samovar::{FILE, create, entry_size};
use crate::size::Size;
use crate::summary::Summary;
use crate::table::{Table, digits};
use crate::terrain::Kind;
use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Pair {
    /// Times that everything is run. What two processes keep is a ratio of ratios, and three rounds told little of it.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Milliseconds that each is timed.
    #[arg(long, default_value_t = 500)]
    millis: u64,
    /// Populations, as ENTRIESxBYTES of a value.
    #[arg(long, value_delimiter = ',', default_values_t = SIZES)]
    sizes: Vec<Size>,
}

const SIZES: [Size; 2] = [Size { entries: 2 << 10, value_len: 64 }, Size { entries: 4 << 20, value_len: 64 }];

/// Nanoseconds of one operation in one round.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Round {
    size: Size,
    alone_ns: f64,
    /// Two processes, a file each.
    apart_ns: f64,
    /// Two processes, one file.
    together_ns: f64,
    /// One process, dependent random accesses over a map as large as the log.
    floor_alone_ns: f64,
    /// Two such processes, a map each.
    floor_apart_ns: f64,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) sizes: Vec<Size>,
    rounds: Vec<Round>,
}

impl Pair {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut rounds = Vec::new();
        for size in &self.sizes {
            let plots = [ground.plot()?, ground.plot()?];
            let files = [fill(&plots[0], *size)?, fill(&plots[1], *size)?];
            for round in 0..self.rounds {
                let round = self.round(*size, [&files[0], &files[1]], [&plots[0], &plots[1]], round)?;
                eprintln!("{}: {round:.0?}", size.name());
                rounds.push(round);
            }
        }
        Ok(Found { sizes: self.sizes.clone(), rounds })
    }

    fn round(&self, size: Size, files: [&PathBuf; 2], plots: [&Plot; 2], round: u32) -> Result<Round> {
        let hits = |files: &[&PathBuf]| -> Result<f64> {
            let probe = |(seed, path): (u64, &&PathBuf)| {
                let seed = u64::from(round) << 1 | seed;
                PairProbe { path: (*path).clone(), size, millis: self.millis, seed }.arguments()
            };
            let racers = (0..).zip(files).map(probe).collect::<Result<Vec<_>>>()?;
            Ok(mean(&child::race::<f64>(&racers)?))
        };
        let floor = |plots: &[&Plot]| -> Result<f64> {
            let racers = plots.iter().map(|plot| self.floor(size, round)?.arguments(plot));
            let paces = child::race::<Vec<Pace>>(&racers.collect::<Result<Vec<_>>>()?)?;
            Ok(mean(&paces.iter().flatten().map(|pace| pace.ns).collect::<Vec<_>>()))
        };
        Ok(Round {
            size,
            alone_ns: hits(&files[..1])?,
            together_ns: hits(&[files[0], files[0]])?,
            apart_ns: hits(&files)?,
            floor_alone_ns: floor(&plots[..1])?,
            floor_apart_ns: floor(&plots)?,
        })
    }

    fn floor(&self, size: Size, round: u32) -> Result<FloorProbe> {
        Ok(FloorProbe {
            kind: Kind::Anonymous,
            bytes: usize::try_from(u64::from(size.entries) * entry_size(size.value_len))?,
            steps: vec![Step::Dependent],
            threads: vec![1],
            millis: self.millis,
            seed: u64::from(round),
            race: true,
        })
    }
}

/// A file on the tmpfs with the population, and room for as much again.
fn fill(plot: &Plot, size: Size) -> Result<PathBuf> {
    let directory = plot.tmpfs.path();
    let setup = Setup {
        capacity: 2 * size.entries,
        entries: size.entries,
        value_len: size.value_len,
        disk: plot.disk.path().into(),
        tmpfs: directory.into(),
        huge: None,
    };
    let cache = create(&setup, directory)?;
    let mut payload = Payload::new(size.value_len);
    for number in 0..size.entries {
        cache.set(&key(number), payload.value(size.value_len, number, 0))?;
    }
    cache.close()?;
    Ok(directory.join(FILE))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl Found {
    fn median(&self, size: Size, part: fn(&Round) -> f64) -> Option<f64> {
        let mine = self.rounds.iter().filter(|round| round.size == size);
        Summary::of(mine.map(part)).map(|all| all.median)
    }

    /// What each of two processes on one file keeps of the speed of one alone, divided by what the floor keeps. Of
    /// medians, and the least and the most of the rounds.
    pub(crate) fn over_the_floor(&self, size: Size) -> Option<Summary> {
        let kept = |round: &Round| round.alone_ns / round.together_ns;
        let floor = |round: &Round| round.floor_alone_ns / round.floor_apart_ns;
        let mine = self.rounds.iter().filter(|round| round.size == size);
        let spread = Summary::of(mine.map(|round| kept(round) / floor(round)))?;
        let median = |part| self.median(size, part);
        let (alone, together) = (median(|round| round.alone_ns)?, median(|round| round.together_ns)?);
        let floor = median(|round| round.floor_alone_ns)? / median(|round| round.floor_apart_ns)?;
        Some(Summary { median: alone / together / floor, ..spread })
    }

    fn row(&self, size: Size) -> Option<Vec<String>> {
        let median = |part| self.median(size, part);
        let (alone, apart) = (median(|round| round.alone_ns)?, median(|round| round.apart_ns)?);
        let together = median(|round| round.together_ns)?;
        let floor = median(|round| round.floor_alone_ns)? / median(|round| round.floor_apart_ns)?;
        Some(vec![
            size.name(),
            digits(alone),
            digits(apart),
            digits(together),
            format!("{:.2}", alone / together),
            format!("{:.2}", apart / together),
            format!("{floor:.2}"),
            format!("{:.2}", alone / together / floor),
        ])
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Hits by Zipf's law, file on a tmpfs, ns of a hit as its process sees it, medians of the rounds. Each of two\n\
             processes keeps so much of the speed of one alone (of apart: of two with a file each); floor: what two processes\n\
             that share nothing keep when they do nothing but dependent random accesses over maps as large as the log:\n"
        )?;
        let head =
            ["population", "alone", "apart", "one file", "of alone", "of apart", "floor", "over the floor"];
        let mut table = Table::new(head);
        self.sizes.iter().filter_map(|size| self.row(*size)).for_each(|row| table.row(row));
        write!(f, "{table}")
    }
}
