//! redb: a B-tree in a file, read and written through a cache of its own, one writer at a time. It never evicts.

use crate::peer::{Peer, Population, Session, Setup};
use crate::roster::redb as settings;
use anyhow::Result;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

type Entries = TableDefinition<'static, &'static [u8], &'static [u8]>;

const ENTRIES: Entries = TableDefinition::new("entries");

pub(crate) struct Redb(Database);

/// Reads through one transaction, which a write of its own ends.
pub(crate) struct Handle<'a> {
    database: &'a Database,
    snapshot: Option<ReadOnlyTable<&'static [u8], &'static [u8]>>,
}

impl Peer for Redb {
    type Session<'a> = Handle<'a>;

    const EVICTS: bool = false;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Redb(settings::builder(setup)?.create(setup.disk.join("bench.redb"))?))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle { database: &self.0, snapshot: None })
    }

    /// In one transaction.
    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        let transaction = self.0.begin_write()?;
        let mut entries = transaction.open_table(ENTRIES)?;
        population.each(|key, value| {
            entries.insert(key, value)?;
            Ok(())
        })?;
        drop(entries);
        Ok(transaction.commit()?)
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => self.database.begin_read()?.open_table(ENTRIES)?,
        };
        let Some(value) = self.snapshot.insert(snapshot).get(key)? else { return Ok(false) };
        out.extend_from_slice(value.value());
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.snapshot = None;
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::None)?;
        transaction.open_table(ENTRIES)?.insert(key, value)?;
        Ok(transaction.commit()?)
    }
}
