//! Flushing whole files: from then on what was written outlives a loss of power.

use crate::directory;
use crate::error::Result;
use crate::safe;
use crate::store::Store;
use crate::table::Table;
use std::sync::Arc;

/// Makes all tables of a pack certain, while nobody writes one.
pub(crate) fn flush_pack(store: &Arc<Store>) -> Result<()> {
    store.mapping.flush()?;
    mark_pack(store)?;
    store.mapping.flush()
}

/// Says of all tables of a pack that they are on the device as they are.
pub(crate) fn mark_pack(store: &Arc<Store>) -> Result<()> {
    for block in directory::blocks(store)? {
        safe::mark_as_it_is(&Table::for_reading(Arc::clone(store), block))?;
    }
    Ok(())
}
