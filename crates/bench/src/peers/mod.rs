//! The peers, one file each. How each is set, and why, is in `roster.rs`.

#[cfg(feature = "dashmap")]
pub(crate) mod dashmap;
pub(crate) mod flat;
#[cfg(feature = "foyer")]
pub(crate) mod foyer;
#[cfg(feature = "lmdb")]
pub(crate) mod lmdb;
pub(crate) mod memcached;
#[cfg(feature = "moka")]
pub(crate) mod moka;
#[cfg(feature = "papaya")]
pub(crate) mod papaya;
#[cfg(feature = "quick_cache")]
pub(crate) mod quick_cache;
#[cfg(feature = "redb")]
pub(crate) mod redb;
pub(crate) mod redis;
pub(crate) mod samovar;
#[cfg(feature = "segcache")]
pub(crate) mod segcache;
pub(crate) mod server;
