//! A look at the accounts of a shard without its lock.

use crate::error::Result;
use crate::file::namespace;
use crate::open::attached::Attached;
use crate::shard::metadata::{Metadata, Selector};
use crate::shard::view::Shard;

/// Tries at a look that no writer disturbs.
const LOOKS: u32 = 100;

/// The accounts of a shard, without its lock: of one moment, unless writers keep changing them.
///
/// Two looks in a row that tell the same are of one moment. Each value stored raises the version and a head; without one,
/// live entries only become fewer, and tails only move on. So a word that is the same in both looks was the same in between.
fn glance(shard: Shard<'_>) -> Metadata {
    let look = || Metadata::read(shard.head, Selector::load(shard.head).committed());
    let mut last = look();
    for _ in 0..LOOKS {
        // Acquire, so that no load of the second look comes before one of the first.
        samovar_mmap::fence_acquire();
        let again = look();
        // canary: glance
        if again == last {
            break;
        }
        last = again;
    }
    last
}

/// The accounts of a shard as its next writer will have them, once it has seen that namespaces were emptied.
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
