//! The peers, one file each. How each is set, and why, is in `roster.rs`.

#[cfg(feature = "lmdb")]
pub(crate) mod lmdb;
#[cfg(feature = "moka")]
pub(crate) mod moka;
#[cfg(feature = "quick_cache")]
pub(crate) mod quick_cache;
pub(crate) mod samovar;
