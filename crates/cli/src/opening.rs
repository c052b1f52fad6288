//! How a cache that is there is opened.

use samovar::{Cache, Options};

/// With 1 the user trusts all owners of files.
const TRUST_OWNER: &str = "SAMOVAR_TRUST_OWNER";

/// The options for a cache that is there, and is not made if it is not.
pub(crate) fn existing() -> Options {
    Cache::options().create(false).trust_owner(std::env::var_os(TRUST_OWNER).is_some_and(|set| set == "1"))
}
