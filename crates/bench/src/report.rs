//! `docs/COMPARE.md`, written from the results that are kept in `crates/bench/results`. It depends on nothing else: not on
//! the machine that writes it, not on the peers that are built in.

use crate::results::Results;
use crate::roster;
use crate::score::Score;
use crate::speeds::Speeds;
use crate::verdict::Verdict;
use crate::{churn, eviction, floor, goals, open, overhead, pair};
use anyhow::{Context, Result};
use clap::Args;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::{Display, Write};
use std::fs;
use std::path::{Path, PathBuf};

const RESULTS: &str = "crates/bench/results";
const PAGE: &str = "docs/COMPARE.md";

const INTRO: &str = "\
# Samovar beside its peers

Written by `samovar-bench report` from the results in `crates/bench/results`, which `scripts/compare` makes; change neither
by hand. How it is measured, and what each word means: [crates/bench/README.md](../crates/bench/README.md). Absolute times move
with the machine and with what else it does; the ratios within one run are what to read, and of those none below 1.4 is
established by one run. Every table says on what it was measured, and how busy that machine was.
";

const GOALS: &str = "\
What the project is to reach, and what it reaches in the runs below. Ratios are of median times within one run; in brackets
the least and the most of single rounds. A goal is met if both Samovar's file on a tmpfs and its file on a disk meet it; what is
of neither kind stands in the first of their columns. Lines without a bound are figures without a goal.
";

/// Where the project is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Report {
    /// The root of the project.
    #[arg(long, value_name = "DIRECTORY", default_value = ".")]
    root: PathBuf,
}

impl Report {
    /// Writes the page.
    pub(crate) fn write(&self) -> Result<Verdict> {
        let path = self.root.join(PAGE);
        let page = Page::new(&self.root).render()?;
        fs::write(&path, page).with_context(|| format!("{} could not be written", path.display()))?;
        eprintln!("wrote {}", path.display());
        Ok(Verdict::Held)
    }
}

/// The page as far as it is written.
struct Page<'a> {
    root: &'a Path,
    text: String,
    /// Who is in a table of speeds.
    peers: BTreeSet<String>,
}

impl<'a> Page<'a> {
    fn new(root: &'a Path) -> Self {
        Page { root, text: INTRO.to_owned(), peers: BTreeSet::new() }
    }

    fn render(mut self) -> Result<String> {
        self.score()?;
        if let Some(found) = self.section::<goals::Found>("goals", "Speeds")? {
            self.peers.extend(found.suites.into_iter().flat_map(|suite| suite.peers));
        }
        self.speeds("full", "Speeds, more loads and more peers")?;
        self.speeds_of_sets()?;
        self.section::<open::Found>("open", "Opening a file")?;
        self.section::<overhead::Found>("overhead", "Overhead")?;
        self.section::<churn::Found>("churn", "Churn")?;
        self.section::<floor::Found>("floor", "Floor")?;
        self.include("docs/miss-ratios.md", "Miss ratios")?;
        self.include("docs/COMPARE-mmap.md", "Mapping layer")?;
        self.roster()?;
        Ok(self.text)
    }

    /// Every goal, and what became of it.
    fn score(&mut self) -> Result<()> {
        let misses = self.root.join(RESULTS).join("misses.json");
        let score = Score {
            goals: self.kept("goals")?.map(|kept| kept.found),
            eviction: self.kept("eviction")?.map(|kept| kept.found),
            pair: self.kept("pair")?.map(|kept| kept.found),
            open: self.kept("open")?.map(|kept| kept.found),
            overhead: self.kept("overhead")?.map(|kept| kept.found),
            misses: misses
                .exists()
                .then(|| fs::read_to_string(&misses))
                .transpose()?
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
        };
        Ok(write!(self.text, "\n## Goals\n\n{GOALS}\n{}", score.table())?)
    }

    fn speeds(&mut self, command: &str, title: &str) -> Result<()> {
        if let Some(speeds) = self.section::<Speeds>(command, title)? {
            self.peers.extend(speeds.peers);
        }
        Ok(())
    }

    fn speeds_of_sets(&mut self) -> Result<()> {
        if let Some(eviction) = self.section::<eviction::Found>("eviction", "Eviction")? {
            self.peers.extend(eviction.peers);
        }
        self.section::<pair::Found>("pair", "Two processes on one file")?;
        Ok(())
    }

    fn kept<T: DeserializeOwned>(&self, command: &str) -> Result<Option<Results<T>>> {
        Results::kept(&self.root.join(RESULTS).join(format!("{command}.json")))
    }

    /// A section of what a command found, if that is kept.
    fn section<T: DeserializeOwned + Display>(&mut self, command: &str, title: &str) -> Result<Option<T>> {
        let Some(Results { machine, found, .. }) = self.kept::<T>(command)? else { return Ok(None) };
        let found_text = found.to_string();
        writeln!(
            self.text,
            "\n## {title}\n\n{}\n\n`samovar-bench {command}` on {machine}.",
            found_text.trim_end()
        )?;
        Ok(Some(found))
    }

    /// Another page, word for word, if there is one.
    fn include(&mut self, path: &str, title: &str) -> Result<()> {
        let path = self.root.join(path);
        if path.exists() {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            write!(self.text, "\n## {title}\n\n{text}")?;
        }
        Ok(())
    }

    fn roster(&mut self) -> Result<()> {
        let names: Vec<&str> = self.peers.iter().map(String::as_str).collect();
        if !names.is_empty() {
            write!(self.text, "\n## Versions and settings\n\n{}", roster::table(&names))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
