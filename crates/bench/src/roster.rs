//! Every peer, its exact version, how it is set, and why: the one file to read before believing a table.
//!
//! Rules for all: keys are byte strings of any length and values byte strings of any length, owned by the cache. A heap
//! cache hands out a value by counting a reference: `Arc<[u8]>`, as its authors advise for values that are dear to
//! clone. The value is then copied into the caller's buffer, as with the others. Capacity is twice what is stored, so
//! that nothing is evicted, but where evictions are what is measured. Hashers: the peer's own, or the one that its
//! documentation names for speed.

use crate::peer::Setup;
use crate::table::Table;

/// One peer as it is measured.
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// The crate, and the version in the lock file; none for Samovar itself.
    pub(crate) package: Option<(&'static str, &'static str)>,
    pub(crate) settings: &'static str,
}

/// Who can be measured, if built in.
pub(crate) const MEMBERS: &[Member] = &[
    Member {
        name: "samovar",
        package: None,
        settings: "file on a disk; capacity for twice the entries; expected_entry_size: what an entry takes in the log \
                   (12 + key + value, rounded up to 8); prefault, since a cache that has gone round has met all pages of its file; \
                   flushed after the population is stored",
    },
    Member { name: "samovar-tmpfs", package: None, settings: "as samovar, file on a tmpfs" },
    Member {
        name: "samovar-ro",
        package: None,
        settings: "as samovar, gets through a read-only attachment in the process that also holds a writing one",
    },
    Member {
        name: "samovar-sealed",
        package: None,
        settings: "as samovar-tmpfs, made and opened with verify(true): every entry bears a seal of eight bytes, and every get \
                   checks it",
    },
    Member { name: "samovar-sealed-disk", package: None, settings: "as samovar-sealed, file on a disk" },
    Member {
        name: "samovar-huge",
        package: None,
        settings: "as samovar-tmpfs, on a tmpfs mounted with huge=always: nothing is told to the cache itself",
    },
    Member {
        name: "flat",
        package: Some(("hashbrown", "0.17.1")),
        settings: "a yardstick, no cache: a HashTable of numbers with its default hasher (foldhash) and one array of entries of \
                   one length, in memory of the process; one thread, no lock, no eviction",
    },
    Member {
        name: "memcached",
        package: Some(("server", "as installed")),
        settings: "a server of its own for each cell on a unix socket, -m for twice the entries with 160 bytes above each, as many \
                   threads as processors, -U 0, else its defaults; asked in the binary protocol by a client that pipelines \
                   nothing but the filling; CPU time is the client's",
    },
    Member {
        name: "redis",
        package: Some(("server", "as installed")),
        settings: "redis-server or valkey-server, one of its own for each cell on a unix socket, nothing saved, maxmemory for twice \
                   the entries with 256 bytes above each, allkeys-lru as its guide to caching advises, no configuration file; \
                   a client that pipelines nothing but the filling; CPU time is the client's",
    },
    Member {
        name: "quick_cache",
        package: Some(("quick_cache", "0.7.0")),
        settings: "unit weights, weight capacity twice the entries, estimated items as many as the entries, or as there is room for; its default \
                   hasher (foldhash) and shards; Box<[u8]> to Arc<[u8]>",
    },
    Member {
        name: "moka",
        package: Some(("moka", "0.12.16")),
        settings: "sync cache, max_capacity twice the entries; ahash, which its guide names for speed; pending tasks run \
                   after the population is stored; Box<[u8]> to Arc<[u8]>",
    },
    Member {
        name: "lmdb",
        package: Some(("heed", "0.23.1")),
        settings: "file on a disk, NO_SYNC and WRITE_MAP (a cache needs no durability), one read transaction kept by each \
                   thread until it writes, one write transaction a set; map size ten times the data",
    },
    Member {
        name: "foyer",
        package: Some(("foyer-memory", "0.22.6")),
        settings: "its memory cache alone, S3-FIFO with its default shares (of its policies the one whose gets take the                    lightest lock), unit weights, capacity twice the entries; its default hasher and 8 shards; Box<[u8]> to                    Box<[u8]>, since an entry is handed out by counting a reference",
    },
    Member {
        name: "segcache",
        package: Some(("segcache", "0.4.4")),
        settings: "segments of 1 MiB, merge eviction as in its paper (of 4, at most 8, compacting 2), heap for twice the entries                    with 32 bytes above each, and at least 64 MiB; the next power of two of slots above twice the entries;                    without its metrics. What it evicts while others are overwritten is counted as misses, not \
                   refused. Not among the evicting: full, it refuses sets for want of slots (HashTableInsertEx)",
    },
    Member {
        name: "papaya",
        package: Some(("papaya", "0.2.5")),
        settings: "a map, never evicts; ahash instead of its default SipHash; room for the entries; pinned anew for each                    operation; Box<[u8]> to Box<[u8]>",
    },
    Member {
        name: "dashmap",
        package: Some(("dashmap", "6.2.1")),
        settings: "a map, never evicts; ahash instead of its default SipHash; room for the entries; its default shards;                    Box<[u8]> to Box<[u8]>",
    },
    Member {
        name: "redb",
        package: Some(("redb", "4.6.0")),
        settings: "file on a disk; its cache as large as twice the data, at least its default of 1 GiB; Durability::None, one read                    transaction kept by each thread until it writes, one write transaction a set",
    },
];

/// The members of these names as a table.
pub(crate) fn table(names: &[&str]) -> Table {
    let mut table = Table::new(["peer", "version", "settings"]);
    for member in MEMBERS.iter().filter(|member| names.contains(&member.name)) {
        let version = member.package.map_or_else(
            || env!("CARGO_PKG_VERSION").to_owned(),
            |(package, version)| format!("{package} {version}"),
        );
        table.row([member.name.to_owned(), version, member.settings.to_owned()]);
    }
    table
}

/// Bytes that a server is allowed, given what it needs beside the key and value of each entry.
fn server_bytes(setup: &Setup, above: u64) -> u64 {
    (setup.capacity_bytes() + u64::from(setup.capacity) * above).max(SMALLEST_SERVER)
}

const SMALLEST_SERVER: u64 = 64 << 20;

pub(crate) mod memcached {
    //! memcached's options.

    use crate::peer::Setup;
    use anyhow::Result;
    use std::path::Path;
    use std::process::Command;

    const ABOVE: u64 = 160;

    pub(crate) fn command(setup: &Setup, socket: &Path) -> Result<Command> {
        let mib = super::server_bytes(setup, ABOVE).div_ceil(1 << 20);
        let threads = std::thread::available_parallelism()?;
        let mut command = Command::new("memcached");
        // A process of root has to name a user; others ignore it.
        command.args(["-u", "root", "-U", "0", "-a", "0700", "-s"]).arg(socket);
        command.args(["-m".to_owned(), mib.to_string(), "-t".to_owned(), threads.to_string()]);
        Ok(command)
    }
}

pub(crate) mod redis {
    //! Redis's options, and valkey's.

    use crate::peer::Setup;
    use crate::peers::server::is_installed;
    use std::path::Path;
    use std::process::Command;

    const ABOVE: u64 = 256;

    /// Whichever is installed.
    pub(crate) fn program() -> Option<&'static str> {
        ["redis-server", "valkey-server"].into_iter().find(|program| is_installed(program))
    }

    pub(crate) fn command(program: &str, setup: &Setup, socket: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no"]);
        command.arg("--unixsocket").arg(socket).arg("--dir").arg(&setup.tmpfs);
        command.args(["--maxmemory-policy", "allkeys-lru", "--maxmemory"]);
        command.arg(super::server_bytes(setup, ABOVE).to_string());
        command
    }
}

#[cfg(feature = "quick_cache")]
pub(crate) mod quick_cache {
    //! quick_cache's options.

    use crate::peer::Setup;
    use anyhow::Result;
    use quick_cache::{Options, OptionsBuilder};

    pub(crate) fn options(setup: &Setup) -> Result<Options> {
        let mut builder = OptionsBuilder::new();
        builder.estimated_items_capacity(setup.entries.min(setup.capacity) as usize);
        builder.weight_capacity(u64::from(setup.capacity));
        Ok(builder.build()?)
    }
}

#[cfg(feature = "moka")]
pub(crate) mod moka {
    //! moka's options.

    use crate::peer::Setup;
    use moka::sync::{Cache, CacheBuilder};
    use std::sync::Arc;

    type Builder = CacheBuilder<Box<[u8]>, Arc<[u8]>, Cache<Box<[u8]>, Arc<[u8]>>>;

    pub(crate) fn builder(setup: &Setup) -> Builder {
        Cache::builder().max_capacity(u64::from(setup.capacity))
    }
}

#[cfg(feature = "lmdb")]
pub(crate) mod lmdb {
    //! LMDB's options.

    use crate::peer::Setup;
    use anyhow::Result;
    use heed::EnvFlags;

    pub(crate) const FLAGS: EnvFlags = EnvFlags::NO_SYNC.union(EnvFlags::WRITE_MAP);
    const SMALLEST: u64 = 256 << 20;

    pub(crate) fn map_size(setup: &Setup) -> Result<usize> {
        Ok(usize::try_from((10 * setup.capacity_bytes()).max(SMALLEST).next_multiple_of(1 << 20))?)
    }
}

#[cfg(feature = "foyer")]
pub(crate) mod foyer {
    //! foyer's options.

    use crate::peer::Setup;
    use foyer_memory::{CacheBuilder, S3FifoConfig};

    type Builder = CacheBuilder<Box<[u8]>, Box<[u8]>, foyer_common::code::DefaultHasher>;

    pub(crate) fn builder(setup: &Setup) -> Builder {
        CacheBuilder::new(setup.capacity as usize).with_eviction_config(S3FifoConfig::default())
    }
}

#[cfg(feature = "segcache")]
pub(crate) mod segcache {
    //! Segcache's options.

    use crate::peer::Setup;
    use anyhow::Result;
    use segcache::{Builder, Policy, Segcache};

    const SMALLEST: u64 = 64 << 20;
    const SEGMENT: i32 = 1 << 20;
    /// Bytes of an entry beside its key and value, rounding included.
    const ABOVE: u64 = 32;
    const POLICY: Policy = Policy::Merge { max: 8, merge: 4, compact: 2 };

    pub(crate) fn builder(setup: &Setup) -> Result<Builder> {
        let heap = setup.capacity_bytes() + u64::from(setup.capacity) * ABOVE;
        let heap = usize::try_from(heap.max(SMALLEST).next_multiple_of(1 << 20))?;
        let slots = u8::try_from(u64::from(setup.capacity).next_power_of_two().ilog2() + 1)?;
        let builder = Segcache::builder().heap_size(heap).segment_size(SEGMENT);
        Ok(builder.hash_power(slots).eviction(POLICY))
    }
}

#[cfg(feature = "redb")]
pub(crate) mod redb {
    //! redb's options.

    use crate::peer::Setup;
    use anyhow::Result;
    use redb::{Builder, Database};

    const SMALLEST: u64 = 1 << 30;

    pub(crate) fn builder(setup: &Setup) -> Result<Builder> {
        let mut builder = Database::builder();
        builder.set_cache_size(usize::try_from(setup.capacity_bytes().max(SMALLEST))?);
        Ok(builder)
    }
}

#[cfg(test)]
mod tests;
