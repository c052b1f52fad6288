//! How a replay is set up: the room that the cache is given, and the lengths of the values.

use crate::access;
use crate::answer::failure::{Failure, Outcome};
use crate::args::trace::ReplayArguments;
use crate::replay::report::Start;
use crate::replay::runner::{Operations, Runner, Sampling, ValueSizes};
use crate::replay::trace::Trace;
use samovar::{Cache, Options};

/// The set-up of one replay.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    arguments: &'a ReplayArguments,
    trace: &'a Trace,
    sizes: ValueSizes,
    room: Room,
    is_new: bool,
}

/// The room that the cache is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    /// The room of the file that is there.
    AsFound,
    /// A file of this size.
    Bytes(u64),
    /// A file with the room of so many entries.
    Entries(u64),
}

impl<'a> Plan<'a> {
    /// What the arguments ask for, given what is at the path of the cache just now.
    pub(crate) fn new(arguments: &'a ReplayArguments, trace: &'a Trace) -> Self {
        let is_new = arguments.cache.symlink_metadata().is_err();
        let room = match (arguments.capacity_entries, arguments.capacity) {
            (Some(entries), _) => Room::Entries(entries),
            (None, Some(bytes)) => Room::Bytes(bytes),
            (None, None) if is_new => Room::Bytes(DEFAULT_CAPACITY_BYTES),
            (None, None) => Room::AsFound,
        };
        let sizes = match (arguments.value_size, room) {
            (Some(size), _) => ValueSizes::Fixed(size),
            (None, Room::Entries(_)) => ValueSizes::Fixed(DEFAULT_VALUE_BYTES),
            (None, _) => ValueSizes::Recorded(DEFAULT_VALUE_BYTES),
        };
        Plan { arguments, trace, sizes, room, is_new }
    }

    /// Opens the cache, or makes it.
    pub(crate) fn open(&self) -> Outcome<Cache> {
        let path = &self.arguments.cache;
        self.options().open(path).map_err(|error| Failure::of_cache(path, &error))
    }

    /// The replay, ready to run.
    pub(crate) fn runner(&self, cache: &'a Cache) -> Outcome<Runner<'a>> {
        let operations = if self.arguments.honour_ops { Operations::AsRecorded } else { Operations::AllGets };
        // If the capacity is a number of entries, their largest number must be exact.
        let sampling =
            if matches!(self.room, Room::Entries(_)) { Sampling::EverySet } else { Sampling::Seldom };
        let runner = Runner::new(cache, &self.arguments.cache, self.sizes)?;
        Ok(runner.operations(operations).sampling(sampling))
    }

    /// What can be told before the first record.
    pub(crate) fn start(&self, cache: &Cache) -> Outcome<Start> {
        let attachment = cache.attachment();
        let stats = cache.stats().map_err(|error| Failure::of_cache(&self.arguments.cache, &error))?;
        Ok(Start {
            trace: self.arguments.trace.display().to_string(),
            records: self.trace.len(),
            cache: self.arguments.cache.display().to_string(),
            file_bytes: stats.file_bytes,
            warm: attachment.warm && !attachment.created,
            entries_at_start: attachment.entries,
            state: access::describe(cache),
            largest_value_bytes: self.largest_value_bytes(),
            max_value_size: self.max_value_size(),
        })
    }

    fn options(&self) -> Options {
        let options = Cache::options();
        let options = match (self.room, self.sizes) {
            (Room::AsFound, _) => options.create(false),
            (Room::Bytes(bytes), _) => options.capacity(bytes),
            (Room::Entries(entries), ValueSizes::Fixed(size) | ValueSizes::Recorded(size)) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                options.capacity_entries(entries, KEY_BYTES, size)
            }
        };
        match self.max_value_size() {
            Some(limit) => options.max_value_size(limit).expected_entry_size(self.mean_entry_bytes()),
            None => options,
        }
    }

    /// The limit on values of a new file of a given size: what the trace needs, as far as there is room for it. It is
    /// never below a limit that costs nothing, for the traces that follow.
    fn max_value_size(&self) -> Option<u64> {
        match self.room {
            Room::Bytes(bytes) if self.is_new => {
                let free = ALWAYS_ACCEPTED_BYTES.min(bytes / 512).max(1);
                Some(self.largest_value_bytes().min(bytes / 16).max(free))
            }
            _ => None,
        }
    }

    fn largest_value_bytes(&self) -> u64 {
        self.value_sizes().max().unwrap_or_default()
    }

    fn mean_entry_bytes(&self) -> u64 {
        KEY_BYTES as u64 + self.value_sizes().sum::<u64>() / self.trace.len().max(1)
    }

    fn value_sizes(&self) -> impl Iterator<Item = u64> {
        self.trace.records().map(|record| u64::from(self.sizes.of(record)))
    }
}

/// The size of a new file where none is asked for.
const DEFAULT_CAPACITY_BYTES: u64 = 64 << 20;
/// The length of a value where none is recorded or asked for.
const DEFAULT_VALUE_BYTES: u32 = 100;
/// Values up to this length are accepted by new files that have room for many of them.
const ALWAYS_ACCEPTED_BYTES: u64 = 64 << 10;
/// A key is the number of the record, little-endian.
const KEY_BYTES: usize = 8;
