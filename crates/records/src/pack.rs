//! Many tables in one file, by key: opened by one call of the system, however many they are.
//!
//! ```text
//! control page:  who writes | DIRECTORY | USED | TABLES
//! from RECORDS_OFFSET to USED, one behind the other:  directories | blocks | extents of records
//! ```
//!
//! A table that grows moves to a larger extent. One process at a time writes a pack.

use crate::boot;
use crate::control::FileWords;
use crate::directory::{self, directory_len};
use crate::error::{Error, ErrorKind, Result};
use crate::flush;
use crate::header::Header;
use crate::layout::{self, Kind, at};
use crate::restore;
use crate::safe;
use crate::store::{self, Admit, Gates, Store};
use crate::table::Table;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Buckets of a new pack.
const FIRST_BUCKETS: u64 = 1024;
/// A new file that takes the place of a pack.
const FRESH: &str = "new";
/// Bytes written at once.
const PIECE: usize = 4 << 20;

/// An open pack.
pub(crate) struct Pack {
    pub(crate) store: Arc<Store>,
    /// The tables that are open for writing, by their blocks.
    open: Mutex<HashMap<u64, Weak<Table>>>,
    /// Taken to flush, before the writers of all tables.
    flushing: Mutex<()>,
}

impl Pack {
    fn of(store: Store) -> Arc<Pack> {
        Arc::new(Pack { store: Arc::new(store), open: Mutex::default(), flushing: Mutex::default() })
    }

    /// Makes a pack whose folder nobody knows yet, without the care that it appear whole, and opens it for writing.
    pub(crate) fn create_in_private(path: &Path, header: &Header) -> Result<Arc<Pack>> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| Error::io("creating", path, source))?;
        let directory = header.records_offset();
        let used = directory + directory_len(FIRST_BUCKETS);
        let map = store::format(&file, path, header, used.next_multiple_of(layout::PAGE))?;
        map.view().word64(at(directory))?.store(FIRST_BUCKETS);
        let words = FileWords(map.view());
        words.used()?.store(used);
        words.directory()?.store_release(directory);
        map.close()?;
        Pack::open_writer(path, &|_| Ok(()))
    }

    /// Opens a pack for reading.
    pub(crate) fn open(path: &Path, admit: Admit<'_>) -> Result<Arc<Pack>> {
        let store = Store::open(path, Gates { kind: Kind::Pack, admit })?;
        if boot::lost_power(store.words())? {
            restore::wait_until_restored(&store, || Pack::open_writer(path, admit).map(drop))?;
        }
        Ok(Pack::of(store))
    }

    /// Opens a pack for writing.
    pub(crate) fn open_writer(path: &Path, admit: Admit<'_>) -> Result<Arc<Pack>> {
        let pack = Pack::of(Store::open_writer(path, Gates { kind: Kind::Pack, admit })?);
        if boot::lost_power(pack.store.words())? {
            restore::restore_pack(&pack.store)?;
        }
        safe::begin(&pack.store)?;
        Ok(pack)
    }

    /// The table whose block begins here, for reading.
    pub(crate) fn table(&self, block: u64) -> Arc<Table> {
        Arc::new(Table::for_reading(Arc::clone(&self.store), block))
    }

    /// The table whose block begins here, for writing: all who ask in this process share it.
    pub(crate) fn table_for_writing(&self, block: u64) -> Result<Arc<Table>> {
        self.store.rights()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = open.get(&block).and_then(Weak::upgrade) {
            return Ok(table);
        }
        if open.len() == open.capacity() {
            // Before it takes more memory: those that nobody has open any more.
            open.retain(|_, table| table.strong_count() > 0);
        }
        let table = Arc::new(Table::for_reading(Arc::clone(&self.store), block).for_writing()?);
        open.insert(block, Arc::downgrade(&table));
        Ok(table)
    }

    fn open_tables(&self) -> Vec<Arc<Table>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().filter_map(Weak::upgrade).collect()
    }

    /// Makes all tables certain, while those who write them wait.
    pub(crate) fn flush(&self) -> Result<()> {
        self.store.rights()?;
        let _flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = self.open_tables();
        let held = tables.iter().map(|table| table.writer()).collect::<Result<Vec<_>>>()?;
        let done = flush::flush_pack(&self.store);
        drop(held);
        done
    }

    /// Writes a pack that nobody else has open to a new file, durable and closed, and returns its path. What is written
    /// in large pieces is cached in large pieces too, and mapped several times as fast as what came page by page. None if
    /// the disk has no room for it twice.
    pub(crate) fn write_anew(&self) -> Result<Option<PathBuf>> {
        flush::mark_pack(&self.store)?;
        let boot = self.store.words().boot()?;
        boot.store_release(0);
        let fresh = self.store.path.with_extension(FRESH);
        let written = self.write_to(&fresh).map_err(|source| Error::io("writing", &fresh, source));
        // It goes on being written if it is not replaced after all.
        boot.store_release(boot::current());
        match written {
            Ok(()) => Ok(Some(fresh)),
            Err(error) => {
                let _ = std::fs::remove_file(&fresh);
                if error.kind() == ErrorKind::NoSpace { Ok(None) } else { Err(error) }
            }
        }
    }

    fn write_to(&self, fresh: &Path) -> std::io::Result<()> {
        let mut file = File::create(fresh)?;
        let view = self.store.mapping.view();
        let used = self.store.words().used().map_err(std::io::Error::other)?.load();
        let len = at(used.next_multiple_of(layout::PAGE)).min(view.len());
        let mut piece = vec![0; PIECE.min(len)];
        for begin in (0..len).step_by(PIECE) {
            let piece = &mut piece[..PIECE.min(len - begin)];
            view.read_into(begin, piece).map_err(std::io::Error::other)?;
            file.write_all(piece)?;
        }
        file.sync_all()
    }

    /// The block of this key's table.
    pub(crate) fn find(&self, key: &str) -> Result<Option<u64>> {
        directory::find(&self.store, key)
    }

    /// The keys of all tables.
    pub(crate) fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for block in directory::blocks(&self.store)? {
            keys.extend(directory::key_of(&self.store, block)?.and_then(|key| String::from_utf8(key).ok()));
        }
        Ok(keys)
    }
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}
