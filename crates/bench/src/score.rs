//! The goals of the project, checked against the results that are kept: each with its figure, and whether it is met.

use crate::cell::Measure;
use crate::eviction;
use crate::floor::kind_of;
use crate::goals::{self, BATCH_16, BATCH_64, HIT, HIT_TWO, HIT_ZIPF, LARGE, LONG, MISS, MIXED, MIXED_TWO};
use crate::goals::{BORROW, OVERWRITE, PAGED, SMALL};
use crate::open;
use crate::overhead::{self, Sealing};
use crate::pair;
use crate::size::Size;
use crate::speeds::Speeds;
use crate::summary::Summary;
use crate::table::{Table, digits};
use serde::Deserialize;

/// Samovar on a tmpfs, and on a disk: the columns.
const OURS: [&str; 2] = ["samovar-tmpfs", "samovar"];
const SEALED: [&str; 2] = ["samovar-sealed", "samovar-sealed-disk"];
/// What two threads or processes keep of the speed of one, at least.
const KEPT: f64 = 0.95;
/// What may be called the same time, within the noise of memory that is spread over more pages of tables.
const SAME: f64 = 1.25;

/// Work whose peers' times are to be so many times ours.
struct Race {
    size: Size,
    measure: Measure,
    peers: &'static [(&'static str, f64)],
}

const RACES: &[Race] = &[
    Race {
        size: LARGE,
        measure: HIT,
        peers: &[("segcache", 1.1), ("papaya", 1.15), ("quick_cache", 2.0), ("moka", 2.0), ("lmdb", 2.2)],
    },
    Race { size: LARGE, measure: HIT_ZIPF, peers: &[("papaya", 1.1), ("quick_cache", 2.2)] },
    Race { size: SMALL, measure: HIT, peers: &[("flat", 1.0 / 1.4), ("quick_cache", 1.2), ("papaya", 1.0)] },
    Race { size: LARGE, measure: MISS, peers: &[("quick_cache", 1.3)] },
    Race {
        size: LARGE,
        measure: OVERWRITE,
        peers: &[("segcache", 1.2), ("quick_cache", 2.2), ("moka", 5.0), ("lmdb", 12.0)],
    },
    Race { size: SMALL, measure: OVERWRITE, peers: &[("quick_cache", 1.0), ("segcache", 3.0)] },
    Race {
        size: LARGE,
        measure: MIXED_TWO,
        peers: &[("segcache", 1.1), ("papaya", 1.1), ("quick_cache", 1.6)],
    },
    Race { size: LARGE, measure: HIT, peers: &[("memcached", 30.0), ("redis", 30.0)] },
    Race { size: SMALL, measure: HIT, peers: &[("memcached", 300.0), ("redis", 300.0)] },
];

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// A figure without a goal.
    None,
}

/// A figure on a tmpfs, and on a disk; one that is neither is in the first place.
type OnMedia = [Option<Summary>; 2];

/// One goal.
#[derive(Debug)]
struct Line {
    goal: String,
    bound: Bound,
    found: OnMedia,
}

/// What `scripts/miss-ratios` says of its goals.
#[derive(Debug, Deserialize)]
pub(crate) struct Misses {
    goals: Vec<Told>,
}

#[derive(Debug, Deserialize)]
struct Told {
    goal: String,
    bound: String,
    found: String,
    met: bool,
}

/// All results that goals are checked against, as far as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) goals: Option<goals::Found>,
    pub(crate) eviction: Option<eviction::Found>,
    pub(crate) pair: Option<pair::Found>,
    pub(crate) open: Option<open::Found>,
    pub(crate) overhead: Option<overhead::Found>,
    pub(crate) misses: Option<Misses>,
}

impl Bound {
    fn is_met(self, figure: f64) -> bool {
        match self {
            Bound::AtLeast(least) => figure >= least,
            Bound::AtMost(most) => figure <= most,
            Bound::None => true,
        }
    }

    fn name(self) -> String {
        match self {
            Bound::AtLeast(least) => format!(">= {}", digits(least)),
            Bound::AtMost(most) => format!("<= {}", digits(most)),
            Bound::None => String::new(),
        }
    }
}

impl Line {
    fn met(&self) -> &'static str {
        if matches!(self.bound, Bound::None) {
            return "";
        }
        let met = self.found.map(|figure| figure.map(|figure| self.bound.is_met(figure.median)));
        match met {
            [None, None] => "not measured",
            [Some(true), None | Some(true)] | [None, Some(true)] => "yes",
            [Some(true), Some(false)] => "tmpfs only",
            [Some(false), Some(true)] => "disk only",
            _ => "NO",
        }
    }

    fn row(&self) -> Vec<String> {
        let text = |figure: Option<Summary>| {
            let text =
                |all: Summary| format!("{} ({} to {})", digits(all.median), digits(all.min), digits(all.max));
            figure.map_or_else(String::new, text)
        };
        let [tmpfs, disk] = self.found.map(text);
        vec![self.goal.clone(), self.bound.name(), tmpfs, disk, self.met().to_owned()]
    }
}

impl Score {
    /// The table of goals.
    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new(["goal", "bound", "tmpfs", "disk", "met"]);
        self.lines().iter().for_each(|line| table.row(line.row()));
        for told in self.misses.iter().flat_map(|misses| &misses.goals) {
            let met = if told.met { "yes" } else { "NO" };
            table.row([&told.goal, &told.bound, &told.found, "", met].map(str::to_owned));
        }
        table
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        if let Some(found) = &self.goals {
            lines.extend(RACES.iter().flat_map(|race| race.lines(found)));
            lines.extend(limits(found).into_iter().chain(batches(found)));
            lines.extend(threads(found).into_iter().chain(long_values(found)));
            lines.extend(borrows(found).into_iter().chain(seals(found)));
        }
        lines.extend(self.eviction.iter().flat_map(evictions));
        if let Some(pair) = &self.pair {
            let line = |size: Size| Line {
                goal: format!(
                    "two processes on one file, {}, zipf hits: of what the floor keeps",
                    size.name()
                ),
                bound: Bound::AtLeast(KEPT),
                found: [pair.over_the_floor(size), None],
            };
            lines.extend(pair.sizes.iter().map(|size| line(*size)));
        }
        if let Some(open) = &self.open {
            let goal = "reopen after kill -9: ms to the first hit, of whatever size".to_owned();
            lines.push(Line { goal, bound: Bound::AtMost(open::BOUND_MS), found: open.after_kill() });
        }
        lines.extend(self.overhead.iter().flat_map(overheads));
        lines
    }
}

impl goals::Found {
    fn suite(&self, size: Size) -> Option<&Speeds> {
        self.suites.iter().find(|suite| suite.sizes.contains(&size))
    }

    /// How many times the one's time is the other's.
    fn times(&self, size: Size, over: (&str, Measure), under: (&str, Measure)) -> Option<Summary> {
        self.suite(size)?.times(size, over, under)
    }
}

impl Race {
    fn lines(&self, found: &goals::Found) -> Vec<Line> {
        let line = |(peer, least): &(&str, f64)| Line {
            goal: format!("{}, {}: times as fast as {peer}", self.size.name(), self.measure.name()),
            bound: Bound::AtLeast(*least),
            found: OURS.map(|ours| found.times(self.size, (peer, self.measure), (ours, self.measure))),
        };
        self.peers.iter().map(line).collect()
    }
}

/// A get, over one dependent random access in the index and one in the log.
fn limits(found: &goals::Found) -> Option<Line> {
    let suite = found.suite(LARGE)?;
    let of = |ours: &str| {
        let accesses = suite.floor.as_ref()?.hit_ns(kind_of(ours), LARGE, 1)?;
        Some(suite.wall(ours, LARGE, HIT)?.scaled(1.0 / accesses))
    };
    let goal = format!("{}, {}: over two dependent accesses", LARGE.name(), HIT.name());
    Some(Line { goal, bound: Bound::AtMost(1.15), found: OURS.map(of) })
}

fn batches(found: &goals::Found) -> Vec<Line> {
    let line = |measure: Measure, least, ours: [&str; 2], pages: &str| Line {
        goal: format!("{}, {}: times our own single get{pages}", LARGE.name(), measure.name()),
        bound: least,
        found: ours.map(|ours| found.times(LARGE, (ours, HIT), (ours, measure))),
    };
    vec![
        line(BATCH_16, Bound::None, OURS, ""),
        line(BATCH_64, Bound::AtLeast(3.0), OURS, ""),
        line(BATCH_64, Bound::AtLeast(4.0), ["samovar-huge", ""], ", both in huge pages"),
    ]
}

/// One thread's time over that of each of two.
fn threads(found: &goals::Found) -> Vec<Line> {
    let kept = |size, one, two| move |ours: &str| found.times(size, (ours, one), (ours, two));
    let floor = |ours: &str| found.suite(LARGE)?.floor.as_ref()?.kept_by_two(kind_of(ours), LARGE);
    let mixed = |ours: &str| Some(kept(LARGE, MIXED, MIXED_TWO)(ours)?.scaled(1.0 / floor(ours)?));
    vec![
        Line {
            goal: format!("{}, {}: speed of each of what one has alone", SMALL.name(), HIT_TWO.name()),
            bound: Bound::AtLeast(KEPT),
            found: OURS.map(kept(SMALL, HIT, HIT_TWO)),
        },
        Line {
            goal: format!("{}, {}: the same, of what the floor keeps", LARGE.name(), MIXED_TWO.name()),
            bound: Bound::AtLeast(KEPT),
            found: OURS.map(mixed),
        },
    ]
}

/// Over the fastest peer, with seals and without.
fn long_values(found: &goals::Found) -> Vec<Line> {
    let Some(suite) = found.suite(LONG) else { return Vec::new() };
    let best = |measure: Measure| {
        let peers = suite.peers.iter().filter(|peer| !peer.starts_with("samovar"));
        let timed = peers.filter_map(|peer| Some((peer, suite.wall(peer, LONG, measure)?.median)));
        timed.min_by(|one, other| one.1.total_cmp(&other.1)).map(|(peer, _)| peer)
    };
    let line = |measure: Measure, ours: [&str; 2], seals: &str| {
        let peer = best(measure)?;
        Some(Line {
            goal: format!(
                "{}, {}{seals}: times as fast as the best peer, {peer}",
                LONG.name(),
                measure.name()
            ),
            bound: Bound::AtLeast(1.0),
            found: ours.map(|ours| suite.times(LONG, (peer, measure), (ours, measure))),
        })
    };
    let each = [HIT, OVERWRITE].map(|measure| [line(measure, OURS, ""), line(measure, SEALED, ", sealed")]);
    each.into_iter().flatten().flatten().collect()
}

/// A get without a copy: of long values over those of a page, and over a get with one.
fn borrows(found: &goals::Found) -> Vec<Line> {
    let ns = |ours: &str, size| found.suite(size)?.wall(ours, size, BORROW);
    let of = |ours: &str| Some(ns(ours, LONG)?.scaled(1.0 / ns(ours, PAGED)?.median));
    vec![
        Line {
            goal: format!("{}, {}: time over that of {}", LONG.name(), BORROW.name(), PAGED.name()),
            bound: Bound::AtMost(SAME),
            found: OURS.map(of),
        },
        Line {
            goal: format!("{}, {}: times as fast as a get with a copy", LONG.name(), BORROW.name()),
            bound: Bound::None,
            found: OURS.map(|ours| found.times(LONG, (ours, HIT), (ours, BORROW))),
        },
    ]
}

/// What checking every get costs.
fn seals(found: &goals::Found) -> Vec<Line> {
    let line = |size: Size, measure: Measure| Line {
        goal: format!("{}, {}: time with every get checked, over without", size.name(), measure.name()),
        bound: Bound::None,
        found: [0, 1].map(|place| found.times(size, (SEALED[place], measure), (OURS[place], measure))),
    };
    [LARGE, SMALL, LONG].iter().flat_map(|size| [line(*size, HIT), line(*size, OVERWRITE)]).collect()
}

fn evictions(found: &eviction::Found) -> Vec<Line> {
    let mut lines = Vec::new();
    for size in &found.sizes {
        for (peer, least) in [("quick_cache", 1.5), ("moka", 1.5)] {
            lines.push(Line {
                goal: format!("{}, insert with eviction: times as fast as {peer}", size.name()),
                bound: Bound::AtLeast(least),
                found: OURS.map(|ours| found.times(*size, peer, ours)),
            });
        }
        lines.push(Line {
            goal: format!("{}, insert with eviction: p99.9 in medians", size.name()),
            bound: Bound::AtMost(eviction::BOUND),
            found: OURS.map(|ours| found.tail(ours, *size)),
        });
    }
    lines
}

fn overheads(found: &overhead::Found) -> Vec<Line> {
    let line = |sealing, seals: &str, bound| Line {
        goal: format!("overhead, five capacities written, {seals}: bytes an entry"),
        bound,
        found: [Summary::of(found.worst(sealing)), None],
    };
    vec![
        line(Sealing::Off, "no seals", Bound::AtMost(overhead::BOUND)),
        line(Sealing::On, "seals of 8 bytes", Bound::None),
    ]
}

#[cfg(test)]
mod tests;
