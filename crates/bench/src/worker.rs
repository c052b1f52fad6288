//! One thread of a measure: it works through its order until its time is over, and checks every value it is given.

use crate::cell::Work;
use crate::key::{ABSENT, Key, key};
use crate::latency;
use crate::payload::{self, Payload};
use crate::peer::{Peer, Session};
use crate::stopwatch::{Elapsed, Stopwatch};
use anyhow::{Result, ensure};
use hdrhistogram::Histogram;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// Operations between two looks at the clock.
const CHUNK: usize = 128;
/// Hits after which an entry's frequency is at its most: three in S3-FIFO and Clock-PRO alike.
const FULL: u32 = 3;

/// What a thread is told.
pub(crate) struct Task<'a> {
    pub(crate) work: Work,
    pub(crate) order: &'a [u32],
    pub(crate) entries: u32,
    /// Where in the order to begin.
    pub(crate) start: usize,
    /// Entries from here on were never there.
    pub(crate) fresh: u32,
    pub(crate) value_len: usize,
    pub(crate) warm_up: Duration,
    pub(crate) timed: Duration,
    /// Where to stop if the time is not over.
    pub(crate) operations: u64,
}

/// What a thread did while it was timed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) elapsed: Elapsed,
    pub(crate) operations: u64,
    pub(crate) gets: u64,
    pub(crate) hits: u64,
    pub(crate) latency: Option<Histogram<u64>>,
}

struct Hand<S> {
    session: S,
    out: Vec<u8>,
    payload: Payload,
    value_len: usize,
    version: u32,
    counts: Counts,
}

/// Waits for the others, then works.
pub(crate) fn run<P: Peer>(peer: &P, task: &Task<'_>, ready: &Barrier) -> Result<Counts> {
    let hand = peer.session().map(|session| Hand {
        session,
        out: Vec::with_capacity(task.value_len),
        payload: Payload::new(task.value_len),
        value_len: task.value_len,
        version: 0,
        counts: Counts::default(),
    });
    ready.wait();
    let mut hand = hand?;
    match task.work {
        Work::Hit => hand.repeat(task, |hand, number| hand.get(number)),
        Work::Saturated => {
            hand.saturate(task.entries)?;
            hand.repeat(task, |hand, number| hand.get(number))
        }
        Work::Batch { keys } => {
            let mut batch = Batch { keys: keys as usize, ..Batch::default() };
            hand.repeat(task, |hand, number| hand.get_with_others(&mut batch, number))
        }
        Work::Borrow => hand.repeat(task, Hand::borrow),
        Work::Miss => hand.repeat(task, |hand, number| hand.get(number | ABSENT)),
        Work::Overwrite => hand.repeat(task, Hand::set),
        Work::Insert => {
            let mut fresh = task.fresh;
            let mut before = Instant::now();
            hand.repeat(task, |hand, _| {
                fresh += 1;
                hand.set(fresh)?;
                let after = Instant::now();
                latency::record(&mut hand.counts.latency, after - before);
                before = after;
                Ok(())
            })
        }
        Work::Mixed { sets_percent } => {
            let mut share = 0;
            hand.repeat(task, |hand, number| {
                share += sets_percent;
                if share < 100 {
                    return hand.get(number);
                }
                share -= 100;
                hand.set(number)
            })
        }
    }?;
    Ok(hand.counts)
}

impl<S: Session> Hand<S> {
    /// Goes round the order: first untimed, then timed.
    fn repeat(&mut self, task: &Task<'_>, mut step: impl FnMut(&mut Self, u32) -> Result<()>) -> Result<()> {
        let mut chunks = Chunks { order: task.order, at: task.start % task.order.len() };
        let watch = Stopwatch::start();
        while watch.wall() < task.warm_up {
            chunks.next().iter().try_for_each(|number| step(self, *number))?;
        }
        self.counts = Counts::default();
        let watch = Stopwatch::start();
        while watch.wall() < task.timed && self.counts.operations < task.operations {
            let chunk = chunks.next();
            chunk.iter().try_for_each(|number| step(self, *number))?;
            self.counts.operations += chunk.len() as u64;
        }
        self.counts.elapsed = watch.elapsed();
        Ok(())
    }

    /// Hits every entry, untimed, as often as any peer here counts.
    fn saturate(&mut self, entries: u32) -> Result<()> {
        (0..FULL).flat_map(|_| 0..entries).try_for_each(|number| self.get(number))
    }

    #[inline]
    fn get(&mut self, number: u32) -> Result<()> {
        self.counts.gets += 1;
        if self.session.get(&key(number), &mut self.out)? {
            self.counts.hits += 1;
            let right = self.out.len() == self.value_len && payload::version(&self.out, number).is_some();
            ensure!(right, "a wrong value for entry {number}");
        }
        Ok(())
    }

    #[inline]
    fn borrow(&mut self, number: u32) -> Result<()> {
        self.counts.gets += 1;
        if let Some((first, len)) = self.session.borrow(&key(number))? {
            self.counts.hits += 1;
            let right = len == self.value_len && first.starts_with(&number.to_le_bytes());
            ensure!(right, "a wrong value for entry {number}");
        }
        Ok(())
    }

    /// Gets the whole batch once it is full.
    #[inline]
    fn get_with_others(&mut self, batch: &mut Batch, number: u32) -> Result<()> {
        batch.numbers.push(number);
        batch.made.push(key(number));
        if batch.made.len() < batch.keys {
            return Ok(());
        }
        let (mut hits, mut wrong) = (0, None);
        self.session.get_many(&batch.made, |at, value| {
            let Some(value) = value else { return };
            self.out.clear();
            self.out.extend_from_slice(value);
            hits += 1;
            if self.out.len() != self.value_len || payload::version(&self.out, batch.numbers[at]).is_none() {
                wrong = Some(batch.numbers[at]);
            }
        })?;
        ensure!(wrong.is_none(), "a wrong value for entry {wrong:?}");
        self.counts.gets += batch.made.len() as u64;
        self.counts.hits += hits;
        batch.numbers.clear();
        batch.made.clear();
        Ok(())
    }

    #[inline]
    fn set(&mut self, number: u32) -> Result<()> {
        self.version = self.version.wrapping_add(1);
        self.session.set(&key(number), self.payload.value(self.value_len, number, self.version))
    }
}

/// Keys that wait for others.
#[derive(Default)]
struct Batch {
    /// How many are asked for at once.
    keys: usize,
    numbers: Vec<u32>,
    made: Vec<Key>,
}

struct Chunks<'a> {
    order: &'a [u32],
    at: usize,
}

impl<'a> Chunks<'a> {
    fn next(&mut self) -> &'a [u32] {
        let end = (self.at + CHUNK).min(self.order.len());
        let chunk = &self.order[self.at..end];
        self.at = if end == self.order.len() { 0 } else { end };
        chunk
    }
}
