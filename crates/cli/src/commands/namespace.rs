//! `samovar ns` and `samovar clear`: namespaces, and emptying them or everything.

use crate::access;
use crate::access::with_file;
use crate::answer::failure::{Outcome, Status};
use crate::answer::output;
use crate::answer::units::{bytes, count, percent};
use crate::args::file::{ClearArguments, ReportArguments};
use crate::args::namespace::NamespaceCommand;
use samovar::{Cache, NamespaceStats};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::time::UNIX_EPOCH;

/// Does what was asked of the namespaces.
pub(crate) fn run(command: &NamespaceCommand) -> Outcome<Status> {
    match command {
        NamespaceCommand::List(arguments) => list(arguments),
        NamespaceCommand::Create(arguments) => {
            with_file(&arguments.file, |cache| {
                cache.create_namespace(&arguments.name, arguments.limit).map(drop)
            })?;
            Ok(Status::Done)
        }
        NamespaceCommand::Clear(arguments) => {
            with_file(&arguments.file, |cache| cache.namespace(&arguments.name)?.clear())?;
            Ok(Status::Done)
        }
        NamespaceCommand::Remove(arguments) => {
            with_file(&arguments.file, |cache| cache.remove_namespace(&arguments.name)).map(Status::of_answer)
        }
    }
}

/// Empties the cache, or one namespace.
pub(crate) fn clear(arguments: &ClearArguments) -> Outcome<Status> {
    with_file(&arguments.file, |cache| match &arguments.namespace {
        None => cache.clear(),
        Some(name) => cache.namespace(name)?.clear(),
    })?;
    Ok(Status::Done)
}

fn list(arguments: &ReportArguments) -> Outcome<Status> {
    let rows = rows(&access::open_read_only(&arguments.file)?);
    if arguments.json {
        output::put_json(&rows)?;
    } else {
        output::put_bytes(rows.iter().map(|row| format!("{row}\n")).collect::<String>().as_bytes())?;
    }
    Ok(Status::Done)
}

/// A namespace as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: String,
    limit: Option<u64>,
    created_ms: u64,
    entries: u64,
    bytes: u64,
    live_bytes: u64,
    hit_ratio: Option<f64>,
    hits: u64,
    misses: u64,
    sets: u64,
    removes: u64,
    evictions: u64,
}

/// All namespaces of a cache; none, if they cannot be read.
pub(crate) fn rows(cache: &Cache) -> Vec<Row> {
    cache.namespaces().unwrap_or_default().into_iter().map(Row::of).collect()
}

impl Row {
    fn of(stats: NamespaceStats) -> Self {
        let gets = stats.hits.saturating_add(stats.misses);
        let created = stats.created.duration_since(UNIX_EPOCH).unwrap_or_default();
        Row {
            name: stats.name,
            limit: stats.limit,
            created_ms: u64::try_from(created.as_millis()).unwrap_or(u64::MAX),
            entries: stats.entries,
            bytes: stats.bytes,
            live_bytes: stats.live_bytes,
            hit_ratio: (gets > 0).then(|| stats.hits as f64 / gets as f64),
            hits: stats.hits,
            misses: stats.misses,
            sets: stats.sets,
            removes: stats.removes,
            evictions: stats.evictions,
        }
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let limit = self.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("of {}", bytes(limit)));
        let ratio = self.hit_ratio.map_or_else(|| "-".to_owned(), percent);
        write!(
            f,
            "{:<20}{} entries, {} ({limit}), hit ratio {ratio}, {} evictions",
            self.name.escape_debug().to_string(),
            count(self.entries),
            bytes(self.bytes),
            count(self.evictions),
        )
    }
}
