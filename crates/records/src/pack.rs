//! Many tables in one file, by key: opened by one call of the system, however many they are.
//!
//! ```text
//! control page:  who writes | DIRECTORY | USED | TABLES
//! from RECORDS_OFFSET to USED, one behind the other:  directories | blocks | extents of records
//! ```
//!
//! A table that grows moves to a larger extent. One process at a time writes a pack.

use crate::boot::{self, Since};
use crate::control::FileWords;
use crate::directory::{self, directory_len};
use crate::error::{Error, ErrorKind, Result};
use crate::flush;
use crate::flusher::Flusher;
use crate::habits::Habits;
use crate::header::Header;
use crate::layout::{self, Kind, at};
use crate::restore;
use crate::safe;
use crate::store::{self, Admit, Found, OpenChecks, Store};
use crate::table::Table;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// Buckets of a new pack.
const FIRST_BUCKETS: u64 = 1024;
/// A new file that takes the place of a pack.
const FRESH: &str = "new";
/// Bytes written at once.
const PIECE: usize = 4 << 20;

/// An open pack.
pub(crate) struct Pack {
    pub(crate) store: Arc<Store>,
    /// The tables that were opened for writing, by their blocks.
    open: Mutex<HashMap<u64, Arc<Table>>>,
    /// Whether a writer before may have left tables that were not flushed.
    left_unflushed: AtomicBool,
    flusher: OnceLock<Flusher>,
}

impl Pack {
    fn of(store: Store) -> Pack {
        Pack {
            store: Arc::new(store),
            open: Mutex::default(),
            left_unflushed: AtomicBool::new(false),
            flusher: OnceLock::new(),
        }
    }

    /// Makes a pack whose folder nobody knows yet, without the care that it appear whole, and opens it for writing.
    pub(crate) fn create_in_private(path: &Path, header: &Header, habits: &Habits) -> Result<Arc<Pack>> {
        let file = samovar_mmap::open_with(File::options().read(true).write(true).create_new(true), path)
            .map_err(|source| Error::io("creating", path, source))?;
        let directory = header.records_offset();
        let used = directory + directory_len(FIRST_BUCKETS);
        let map = store::format(&file, path, header, used.next_multiple_of(layout::PAGE))?;
        map.view().word64(at(directory))?.store(FIRST_BUCKETS);
        let words = FileWords(map.view());
        words.used()?.store(used);
        words.directory()?.store_release(directory);
        map.close()?;
        let pack = Pack::open_writer(path, &|_| Ok(()), habits)?;
        pack.store.rights()?.set_private();
        Ok(pack)
    }

    /// Opens a pack for reading.
    pub(crate) fn open(path: &Path, admit: Admit<'_>) -> Result<Arc<Pack>> {
        Ok(Arc::new(Pack::of(Store::open(path, OpenChecks { kind: Kind::Pack, admit })?)))
    }

    /// Opens a pack for writing.
    pub(crate) fn open_writer(path: &Path, admit: Admit<'_>, habits: &Habits) -> Result<Arc<Pack>> {
        let pack = Pack::of(Store::open_writer(path, OpenChecks { kind: Kind::Pack, admit }, habits)?);
        let since = boot::since(pack.store.words())?;
        if since == Since::PowerLost {
            let losses = restore::restore_pack(&pack.store)?;
            restore::warn(habits, &pack.store.path, &losses);
        }
        let left = pack.store.rights()?.found == Found::Left && since != Since::PowerLost;
        pack.left_unflushed.store(left, Ordering::Relaxed);
        boot::warn(habits, &pack.store.path);
        safe::begin(&pack.store)?;
        if left {
            // Until that is certain, the space that the dead have left cannot be used.
            directory::search_space(&pack.store)?;
            pack.flush_unasked();
        }
        let pack = Arc::new(pack);
        if let Some(interval) = habits.flush_every {
            let _ = pack.flusher.set(Pack::flush_every(&pack, interval)?);
        }
        Ok(pack)
    }

    fn flush_every(pack: &Arc<Pack>, interval: Duration) -> Result<Flusher> {
        let (weak, path) = (Arc::downgrade(pack), pack.store.path.clone());
        let flush = move || {
            let Some(pack) = weak.upgrade() else { return false };
            pack.flush_unasked();
            true
        };
        Flusher::start(interval, flush).map_err(|source| Error::io("starting a thread for", &path, source))
    }

    /// The table whose block begins here, for reading.
    pub(crate) fn table(&self, block: u64) -> Result<Arc<Table>> {
        Ok(Arc::new(restore::for_reading(Arc::clone(&self.store), block)?))
    }

    /// The table whose block begins here, for writing: all who ask in this process share it.
    pub(crate) fn table_for_writing(&self, block: u64) -> Result<Arc<Table>> {
        self.store.rights()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = open.get(&block) {
            return Ok(Arc::clone(table));
        }
        let table = Arc::new(Table::for_reading(Arc::clone(&self.store), block).for_writing()?);
        open.insert(block, Arc::clone(&table));
        Ok(table)
    }

    /// Forgets a table. False if there is none of this key. Who has it open for reading sees it empty, who has it open for
    /// writing is told.
    pub(crate) fn remove(&self, key: &str) -> Result<bool> {
        let Some(block) = self.find(key)? else { return Ok(false) };
        let shape = self.table_for_writing(block)?.retire()?;
        directory::remove(&self.store, key, shape)?;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&block);
        Ok(true)
    }

    /// Makes all tables certain as they are now.
    pub(crate) fn flush(&self) -> Result<()> {
        if self.left_unflushed.load(Ordering::Relaxed) {
            for block in directory::blocks(&self.store)? {
                self.table_for_writing(block)?;
            }
        }
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let tables: Vec<_> = open.values().cloned().collect();
        drop(open);
        flush::flush_tables(&self.store, &tables)?;
        self.left_unflushed.store(false, Ordering::Relaxed);
        Ok(())
    }

    fn flush_unasked(&self) {
        let Ok(rights) = self.store.rights() else { return };
        if let Err(error) = self.flush() {
            rights.habits.warn_of_flush(&self.store.path, &error);
        }
    }

    /// Flushes what was written, and says in the file that nobody writes it any more.
    pub(crate) fn finish(&self) -> Result<()> {
        self.flush()?;
        safe::end(&self.store)
    }

    /// Writes a pack that nobody else has open to a new file, durable and closed, and returns its path. What is written
    /// in large pieces is cached in large pieces too, and mapped several times as fast as what came page by page. None if
    /// the disk has no room for it twice.
    pub(crate) fn write_anew(&self) -> Result<Option<PathBuf>> {
        self.certify()?;
        let boot = self.store.words().boot()?;
        boot.store_release(boot::CLOSED);
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

    /// Says of all tables that they are certain. That becomes true of the copy of the file that is written next.
    fn certify(&self) -> Result<()> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for table in open.values() {
            let mut state = table.writer()?;
            if state.is_dirty() {
                safe::capture(table, &mut state)?;
                safe::commit(table, &mut state)?;
                state.in_flight = None;
            }
        }
        Ok(())
    }

    fn write_to(&self, fresh: &Path) -> std::io::Result<()> {
        let options = &mut File::options();
        let mut file = samovar_mmap::open_with(options.write(true).create(true).truncate(true), fresh)?;
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

impl Drop for Pack {
    fn drop(&mut self) {
        if self.store.rights.is_none() {
            return;
        }
        // A forked child has no rights, and its parent flushes.
        let Ok(rights) = self.store.rights() else { return };
        // Who publishes a private one flushes it; who does not has no use for it.
        if rights.habits.leaves_unflushed
            || rights.is_private()
            || self.store.words().boot().is_ok_and(|boot| boot.load() == boot::CLOSED)
        {
            return;
        }
        if let Err(error) = self.finish() {
            rights.habits.warn_of_flush(&self.store.path, &error);
        }
    }
}

impl std::fmt::Debug for Pack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.store.fmt(f)
    }
}
