//! Whether a file is a cache, found without opening it as one.

use crate::opening::existing;
use samovar::ErrorKind;
use std::path::Path;

/// Whether the file is a cache, or was one. Nothing in it changes.
pub(crate) fn is_cache(path: &Path) -> bool {
    let options = existing().read_only(true);
    path.is_file() && options.open(path).map_or_else(|error| was_a_cache(error.kind()), |_| true)
}

/// Whether a file that cannot be opened is still known to have been a cache, or to be nothing at all.
pub(crate) fn was_a_cache(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Cold
            | ErrorKind::Corrupt
            | ErrorKind::EmptyFile
            | ErrorKind::Truncated
            | ErrorKind::UnsupportedVersion
    )
}
