//! Finds a peer by its name. Only those that are built in are there.

use crate::cell::{Cell, Outcome};
use crate::drive::{self, Places};
use crate::peers::samovar::{self, Samovar};
use crate::peers::{self, server};
use crate::roster;
use anyhow::{Context, Result, ensure};

type RunPeer = fn(&Cell, Places) -> Result<Outcome>;

/// The peer that needs a place in huge pages.
pub(crate) const HUGE: &str = "samovar-huge";

const PEERS: &[(&str, RunPeer)] = &[
    ("samovar", drive::run::<Samovar<samovar::OnDisk>>),
    ("samovar-tmpfs", drive::run::<Samovar<samovar::OnTmpfs>>),
    ("samovar-sealed", drive::run::<Samovar<samovar::Sealed>>),
    ("samovar-sealed-disk", drive::run::<Samovar<samovar::SealedOnDisk>>),
    (HUGE, drive::run::<Samovar<samovar::InHugePages>>),
    ("samovar-ro", drive::run::<samovar::ReadOnly>),
    ("flat", drive::run::<peers::flat::Flat>),
    ("memcached", drive::run::<peers::memcached::Memcached>),
    ("redis", drive::run::<peers::redis::Redis>),
    #[cfg(feature = "quick_cache")]
    ("quick_cache", drive::run::<peers::quick_cache::QuickCache>),
    #[cfg(feature = "moka")]
    ("moka", drive::run::<peers::moka::Moka>),
    #[cfg(feature = "lmdb")]
    ("lmdb", drive::run::<peers::lmdb::Lmdb>),
    #[cfg(feature = "foyer")]
    ("foyer", drive::run::<peers::foyer::Foyer>),
    #[cfg(feature = "segcache")]
    ("segcache", drive::run::<peers::segcache::Segcache>),
    #[cfg(feature = "papaya")]
    ("papaya", drive::run::<peers::papaya::Papaya>),
    #[cfg(feature = "dashmap")]
    ("dashmap", drive::run::<peers::dashmap::DashMap>),
    #[cfg(feature = "redb")]
    ("redb", drive::run::<peers::redb::Redb>),
];

/// Names of the peers that are built in.
pub(crate) fn names() -> Vec<&'static str> {
    PEERS.iter().map(|(name, _)| *name).collect()
}

/// Programs that can be measured here, each with what it says of its version.
pub(crate) fn servers() -> Vec<String> {
    let programs = [server::is_installed("memcached").then_some("memcached"), roster::redis::program()];
    let told = programs.into_iter().flatten().filter_map(|program| server::version(program).ok());
    told.collect()
}

/// Can it be measured here: is its program installed, if it is one?
fn is_here(name: &str) -> bool {
    match name {
        "memcached" => server::is_installed(name),
        "redis" => roster::redis::program().is_some(),
        _ => name != HUGE,
    }
}

/// Those of the names that can be measured here, wherever that is.
pub(crate) fn of_these(wanted: &[&str]) -> Vec<String> {
    let known = names();
    let wanted = wanted.iter().filter(|name| known.contains(name) && is_here(name));
    wanted.map(|name| (*name).to_owned()).collect()
}

/// Names of all that are built in and can be measured here, Samovar on a tmpfs first.
pub(crate) fn everyone() -> Vec<String> {
    let mut names: Vec<String> = of_these(&names());
    names.sort_by_key(|name| name != "samovar-tmpfs");
    names
}

/// Fails unless every one of them is built in.
pub(crate) fn know(peers: &[String]) -> Result<()> {
    let known = names();
    for peer in peers {
        ensure!(known.contains(&peer.as_str()), "no peer is called {peer}; built in: {}", known.join(", "));
    }
    Ok(())
}

/// Runs a cell in this process.
pub(crate) fn run(cell: &Cell, places: Places) -> Result<Outcome> {
    let (_, run) = PEERS
        .iter()
        .find(|(name, _)| *name == cell.peer)
        .with_context(|| format!("no peer is called {}; built in: {}", cell.peer, names().join(", ")))?;
    run(cell, places)
}

#[cfg(test)]
mod tests;
