//! A look at the accounts of a shard without its lock.

use crate::error::Result;
use crate::file::namespace;
use crate::open::attached::Attached;
use crate::shard::metadata::{Metadata, Selector};
use crate::shard::shard::Shard;

/// Tries at a look that no writer disturbs.
const LOOKS: u32 = 100;

/// The accounts of a shard, without its lock: of one moment, unless writers keep changing them.
fn glance(shard: Shard<'_>) -> Metadata {
    let mut metadata = Metadata::read(shard.head, Selector::load(shard.head).committed());
    for _ in 0..LOOKS {
        let selector = Selector::load(shard.head);
        metadata = Metadata::read(shard.head, selector.committed());
        samovar_mmap::fence_acquire();
        if Selector::load(shard.head) == selector {
            break;
        }
    }
    metadata
}

/// The accounts of a shard, as they will be when its next writer has taken note of which namespaces were emptied.
pub(crate) fn glance_noting(shard: Shard<'_>) -> Result<Metadata> {
    let mut metadata = glance(shard);
    if shard.table.turns()? != 0 {
        for namespace in namespace::NUMBERS {
            let account = shard.accounts().load(namespace)?;
            if account.epoch != shard.table.epoch(namespace)? {
                metadata.write_off(&account);
            }
        }
    }
    Ok(metadata)
}

/// Entries held.
pub(crate) fn entries(attached: &Attached) -> Result<u64> {
    let shards = 0..attached.header.geometry.shards();
    shards
        .map(|number| glance_noting(attached.shard(number)?))
        .try_fold(0u64, |sum, metadata| Ok(sum.saturating_add(metadata?.entries())))
}
