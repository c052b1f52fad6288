//! `samovar ns` and `samovar clear`: namespaces, and emptying them or everything.

use crate::access;
use crate::access::with_file;
use crate::answer::failure::{Outcome, Status};
use crate::answer::output::Format;
use crate::answer::units::{bytes, count, percent};
use crate::args::file::{ClearArguments, FileArguments};
use crate::args::namespace::{NamespaceArguments, NamespaceCommand, NamespaceCreateArguments};
use samovar::{Cache, NamespaceStats};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::time::UNIX_EPOCH;

/// Does what was asked of the namespaces.
pub(crate) fn run(command: &NamespaceCommand, format: Format) -> Outcome<Status> {
    match command {
        NamespaceCommand::List(arguments) => list(arguments, format),
        NamespaceCommand::Create(arguments) => create(arguments, format),
        NamespaceCommand::Clear(arguments) => {
            with_file(&arguments.file, |cache| cache.namespace(&arguments.name)?.clear())?;
            put(&arguments.name, "cleared", format)
        }
        NamespaceCommand::Remove(arguments) => remove(arguments, format),
    }
}

/// Empties the cache, or one namespace.
pub(crate) fn clear(arguments: &ClearArguments, format: Format) -> Outcome<Status> {
    with_file(&arguments.file, |cache| match &arguments.namespace {
        None => cache.clear(),
        Some(name) => cache.namespace(name)?.clear(),
    })?;
    format.answer(&NamespaceAnswer { namespace: arguments.namespace.as_deref(), outcome: "cleared" })?;
    Ok(Status::Done)
}

fn create(arguments: &NamespaceCreateArguments, format: Format) -> Outcome<Status> {
    with_file(&arguments.file, |cache| cache.create_namespace(&arguments.name, arguments.limit).map(drop))?;
    put(&arguments.name, "created", format)
}

fn remove(arguments: &NamespaceArguments, format: Format) -> Outcome<Status> {
    let removed = with_file(&arguments.file, |cache| cache.remove_namespace(&arguments.name))?;
    put(&arguments.name, if removed { "removed" } else { "missing" }, format)?;
    Ok(Status::from(removed))
}

/// What became of a namespace, or, if none is named, of the whole cache.
#[derive(Debug, Serialize)]
struct NamespaceAnswer<'a> {
    namespace: Option<&'a str>,
    outcome: &'static str,
}

fn put(name: &str, outcome: &'static str, format: Format) -> Outcome<Status> {
    format.answer(&NamespaceAnswer { namespace: Some(name), outcome })?;
    Ok(Status::Done)
}

fn list(arguments: &FileArguments, format: Format) -> Outcome<Status> {
    format.report(&Rows(rows(&access::open_read_only(&arguments.file)?)))?;
    Ok(Status::Done)
}

/// All namespaces, a line each.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct Rows(Vec<Row>);

impl Display for Rows {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
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
