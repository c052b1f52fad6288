//! Finds a peer by its name. Only those that are built in are there.

use crate::cell::{Cell, Outcome};
use crate::drive::{self, Places};
use crate::peers;
use anyhow::{Context, Result, ensure};

type Run = fn(&Cell, Places) -> Result<Outcome>;

/// Peers that make no room for new entries; Segcache does, but once full it refuses sets for want of slots in its table.
const HOARDERS: [&str; 6] = ["samovar-ro", "lmdb", "papaya", "dashmap", "redb", "segcache"];

const PEERS: &[(&str, Run)] = &[
    ("samovar", drive::run::<peers::samovar::OnDisk>),
    ("samovar-tmpfs", drive::run::<peers::samovar::OnTmpfs>),
    ("samovar-ro", drive::run::<peers::samovar::ReadOnly>),
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

/// Names of those built in that make room when they are full, Samovar on a tmpfs first.
pub(crate) fn evicting() -> Vec<String> {
    let mut names: Vec<String> =
        everyone().into_iter().filter(|name| !HOARDERS.contains(&name.as_str())).collect();
    names.sort_by_key(|name| name != "samovar-tmpfs");
    names
}

/// Names of all that are built in, Samovar on a tmpfs first.
pub(crate) fn everyone() -> Vec<String> {
    let mut names: Vec<String> = names().into_iter().map(str::to_owned).collect();
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
mod tests {
    use crate::roster::MEMBERS;

    #[test]
    fn every_peer_is_in_the_roster() {
        for name in super::names() {
            assert!(MEMBERS.iter().any(|member| member.name == name), "{name} has no settings in the roster");
        }
    }
}
