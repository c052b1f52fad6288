//! Bytes to walk over, in memory or in a mapped file, cut into lines of 64 bytes.

use crate::drive::Places;
use crate::random::Random;
use anyhow::Result;
use samovar_mmap::{Access, SharedMap};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;

pub(crate) const LINE: usize = 64;
const WORDS: usize = LINE / 8;

/// Where the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Memory of the process.
    Anonymous,
    /// A mapped file on a disk, in the page cache.
    Disk,
    /// A mapped file on a tmpfs.
    Tmpfs,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Anonymous, Kind::Disk, Kind::Tmpfs];

/// Lines, each naming another one. Following them comes to every line once before any comes again.
pub(crate) enum Terrain {
    Heap(Vec<u64>),
    Map(SharedMap),
}

impl Terrain {
    /// So many bytes, walkable in a random cycle.
    pub(crate) fn new(kind: Kind, bytes: usize, places: &Places, seed: u64) -> Result<Self> {
        let lines = (bytes / LINE).max(2);
        let next = cycle(lines, seed);
        if kind == Kind::Anonymous {
            let mut words = vec![0; lines * WORDS];
            next.iter().zip(words.chunks_mut(WORDS)).for_each(|(next, line)| line[0] = u64::from(*next));
            return Ok(Terrain::Heap(words));
        }
        let directory = if kind == Kind::Disk { &places.disk } else { &places.tmpfs };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(directory.join("terrain"))?;
        samovar_mmap::reserve(&file, (lines * LINE) as u64)?;
        let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
        for (line, next) in next.iter().enumerate() {
            map.view().word64(line * LINE)?.store(u64::from(*next));
        }
        map.flush()?;
        Ok(Terrain::Map(map))
    }

    pub(crate) fn lines(&self) -> usize {
        match self {
            Terrain::Heap(words) => words.len() / WORDS,
            Terrain::Map(map) => map.len() / LINE,
        }
    }

    /// A function that loads the first word of a line.
    pub(crate) fn word(&self, line: usize) -> Result<u64> {
        Ok(match self {
            Terrain::Heap(words) => words[line * WORDS],
            Terrain::Map(map) => map.view().word64(line * LINE)?.load(),
        })
    }

    /// Copies a line out.
    pub(crate) fn copy(&self, line: usize, out: &mut [u8; LINE]) -> Result<()> {
        match self {
            Terrain::Heap(words) => {
                let words = &words[line * WORDS..][..WORDS];
                out.chunks_mut(8).zip(words).for_each(|(out, word)| out.copy_from_slice(&word.to_le_bytes()));
            }
            Terrain::Map(map) => map.view().read_into(line * LINE, out)?,
        }
        Ok(())
    }
}

/// For each of so many lines the next one, all of them in one random cycle (Sattolo's).
fn cycle(lines: usize, seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut next: Vec<u32> = (0..).take(lines).collect();
    for last in (1..lines).rev() {
        let bound = u32::try_from(last).unwrap_or(u32::MAX);
        next.swap(last, random.below(bound) as usize);
    }
    next
}

#[cfg(test)]
mod tests;
