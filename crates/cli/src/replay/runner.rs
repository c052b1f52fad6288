//! The loop of a replay: every record a get, on a miss a set, every hit checked.

use crate::answer::failure::{Failure, Outcome};
use crate::replay::counts::ReplayCounts;
use crate::replay::payload::{self, Author};
use crate::replay::trace::{Operation, Record, Trace};
use samovar::{Cache, Error, ErrorKind};
use std::path::Path;
use std::time::Instant;

/// What the op of a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operations {
    /// It is ignored: every record is a look-up, and a miss is filled.
    AllGets,
    /// It is done: sets and deletes are carried out, and are no requests.
    AsRecorded,
}

/// How long the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueSizes {
    /// All of one length.
    Fixed(u32),
    /// As recorded, and of this length where nothing is recorded.
    Recorded(u32),
}

/// How often the number of entries is looked at, for its maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// After every set: the maximum is exact as far as this process goes.
    EverySet,
    /// Now and then, and at the end.
    Seldom,
}

impl ValueSizes {
    /// The length of the value that belongs to `record`.
    pub(crate) fn of(self, record: Record) -> u32 {
        match self {
            ValueSizes::Recorded(_) if record.size_bytes != 0 => record.size_bytes,
            ValueSizes::Fixed(size) | ValueSizes::Recorded(size) => size,
        }
    }
}

/// A replay into one cache.
pub(crate) struct Runner<'a> {
    cache: &'a Cache,
    path: &'a Path,
    operations: Operations,
    sizes: ValueSizes,
    sampling: Sampling,
    /// A value longer than the whole file is refused without being made.
    longest_bytes: u64,
    author: Author,
    found: Vec<u8>,
    counts: ReplayCounts,
}

impl<'a> Runner<'a> {
    /// A replay into `cache`, whose file is at `path`.
    pub(crate) fn new(cache: &'a Cache, path: &'a Path, sizes: ValueSizes) -> Outcome<Self> {
        Ok(Runner {
            cache,
            path,
            operations: Operations::AllGets,
            sizes,
            sampling: Sampling::Seldom,
            longest_bytes: cache.stats().map_err(|error| Failure::of_cache(path, &error))?.file_bytes,
            author: Author::new(),
            found: Vec::new(),
            counts: ReplayCounts::new()?,
        })
    }

    /// Says what the op of a record means; without it, nothing.
    pub(crate) fn operations(mut self, operations: Operations) -> Self {
        self.operations = operations;
        self
    }

    /// Says how often the number of entries is looked at; without it, seldom.
    pub(crate) fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Replays the trace. `watch` is told now and then how many records are done.
    pub(crate) fn run(mut self, trace: &Trace, watch: &mut dyn FnMut(u64)) -> Outcome<ReplayCounts> {
        let (start, path) = (Instant::now(), self.path);
        let failed = |error| Failure::of_cache(path, &error);
        for (done, record) in (0_u64..).zip(trace.records()) {
            if done % WATCH_EVERY == 0 {
                self.see_entries().map_err(failed)?;
                watch(done);
            }
            self.replay(record).map_err(failed)?;
        }
        self.counts.duration = start.elapsed();
        self.see_entries().map_err(failed)?;
        watch(trace.len());
        Ok(self.counts)
    }

    fn replay(&mut self, record: Record) -> Result<(), Error> {
        match (self.operations, record.operation) {
            (Operations::AllGets, _) | (_, Operation::Get) => self.look_up(record),
            (_, Operation::Set) => self.store(record),
            (_, Operation::Delete) => self.delete(record),
        }
    }

    fn look_up(&mut self, record: Record) -> Result<(), Error> {
        let start = Instant::now();
        let answer = self.cache.get_into(&record.key.to_le_bytes(), &mut self.found);
        self.counts.get_times.record(start.elapsed());
        self.counts.requests += 1;
        if self.unless_refused(answer)? == Some(true) {
            self.counts.hits += 1;
            if !payload::is_genuine(record.key, &self.found) {
                self.counts.see_wrong_value(record.key);
            }
            return Ok(());
        }
        self.counts.misses += 1;
        self.store(record)
    }

    fn store(&mut self, record: Record) -> Result<(), Error> {
        let size = self.sizes.of(record);
        let (key, Ok(length)) = (record.key.to_le_bytes(), usize::try_from(size)) else {
            return self.give_up(record);
        };
        if u64::from(size) > self.longest_bytes {
            return self.give_up(record);
        }
        let value = self.author.compose(record.key, length);
        let start = Instant::now();
        let answer = self.cache.set(&key, value);
        self.counts.set_times.record(start.elapsed());
        if self.unless_refused(answer)?.is_some() {
            self.counts.sets += 1;
        }
        if self.sampling == Sampling::EverySet {
            self.see_entries()?;
        }
        Ok(())
    }

    /// A set whose value no file can hold: the old value is removed, since it is out of date, and the new one is
    /// refused.
    fn give_up(&mut self, record: Record) -> Result<(), Error> {
        self.counts.refusals += 1;
        let answer = self.cache.remove(&record.key.to_le_bytes());
        self.unless_refused(answer).map(drop)
    }

    fn delete(&mut self, record: Record) -> Result<(), Error> {
        let answer = self.cache.remove(&record.key.to_le_bytes());
        if self.unless_refused(answer)?.is_some() {
            self.counts.deletes += 1;
        }
        Ok(())
    }

    /// A refusal is counted and the replay goes on; any other error ends it.
    fn unless_refused<T>(&mut self, answer: Result<T, Error>) -> Result<Option<T>, Error> {
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is_refusal(error.kind()) => {
                self.counts.refusals += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn see_entries(&mut self) -> Result<(), Error> {
        self.counts.see_entries(self.cache.stats()?.entries);
        Ok(())
    }
}

fn is_refusal(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ValueTooLarge | ErrorKind::Busy | ErrorKind::OwnerStopped)
}

/// How many records lie between two looks at the progress.
const WATCH_EVERY: u64 = 1024;
