//! Waiting for news of a table: the one place where a reader writes to a file, to say that it waits.
//!
//! ```text
//!   follower: load NEWS --> store FOLLOWED = 1 --fence--> nothing new? sleep while NEWS is what it was --> look again
//!   writer:   publish   --fence--> FOLLOWED? store 0, add 1 to NEWS, wake all
//! ```
//!
//! The two fences pair: either the follower sees what was published, or the writer sees that it waits. A follower that dies
//! leaves FOLLOWED set, which costs the next writer one call. Who may not write the file looks again every so often.

use crate::control::Control;
use crate::error::Result;
use crate::layout::{PAGE, at};
use crate::table::Table;
use samovar_mmap::{Access, SharedMap, fence_full};
use std::time::{Duration, Instant};

/// How often who may not write the file looks.
const LOOKS: Duration = Duration::from_micros(500);

/// What rings when a table was written.
pub(crate) struct Bell {
    /// The page of the block, if it may be written.
    page: Option<SharedMap>,
    block: usize,
}

impl Bell {
    pub(crate) fn of(table: &Table) -> Bell {
        let page_begin = table.block - table.block % PAGE;
        let map = || -> Result<SharedMap> {
            let file = samovar_mmap::open_existing(&table.store.path, Access::ReadWrite)?;
            if samovar_mmap::file_id(&file)? != table.store.id {
                return Err(crate::Error::corrupt("the path is that of another file"));
            }
            Ok(SharedMap::map(&file, Access::ReadWrite, page_begin, Some(at(PAGE)))?)
        };
        Bell { page: map().ok(), block: at(table.block - page_begin) }
    }

    /// Waits until `is_there` says yes, at most so long; returns what it said last.
    pub(crate) fn wait(&self, timeout: Duration, is_there: impl Fn() -> Result<bool>) -> Result<bool> {
        let begun = Instant::now();
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            let Some(page) = &self.page else {
                if is_there()? || left.is_zero() {
                    return is_there();
                }
                std::thread::sleep(LOOKS.min(left));
                continue;
            };
            let words = Control { view: page.view(), block: self.block }.news()?;
            let news = words.news.load_acquire();
            words.followed.store(1);
            // Pairs with the full fence of a writer between what it publishes and its look at FOLLOWED.
            fence_full();
            if is_there()? {
                return Ok(true);
            }
            if left.is_zero() || !words.news.wait(news, left) {
                return is_there();
            }
        }
    }
}
