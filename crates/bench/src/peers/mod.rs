//! The peers, one file each. How each is set, and why, is in `roster.rs`.

#[cfg(feature = "dashmap")]
pub(crate) mod dashmap;
#[cfg(feature = "foyer")]
pub(crate) mod foyer;
#[cfg(feature = "lmdb")]
pub(crate) mod lmdb;
#[cfg(feature = "moka")]
pub(crate) mod moka;
#[cfg(feature = "papaya")]
pub(crate) mod papaya;
#[cfg(feature = "quick_cache")]
pub(crate) mod quick_cache;
#[cfg(feature = "redb")]
pub(crate) mod redb;
pub(crate) mod samovar;
#[cfg(feature = "segcache")]
pub(crate) mod segcache;
