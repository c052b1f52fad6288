//! LMDB through heed: a B+tree in a mapped file, one writer at a time. It never evicts; it is the peer that also is
//! a file shared by processes.

use crate::peer::{Peer, Population, Session, Setup};
use crate::roster::lmdb as settings;
use anyhow::Result;
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, RoTxn, WithTls};

/// Entries stored in one transaction while the population is loaded.
const BATCH: u32 = 10_000;

type Entries<'a> = Database<'a, Bytes, Bytes>;

pub(crate) struct Lmdb(Env);

/// Reads through one transaction, which a write of its own ends.
pub(crate) struct Handle<'a> {
    env: &'a Env,
    entries: Entries<'a>,
    snapshot: Option<RoTxn<'a, WithTls>>,
}

impl Peer for Lmdb {
    type Session<'a> = Handle<'a>;

    const EVICTS: bool = false;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Lmdb(open_env(setup)?))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle { env: &self.0, entries: entries(&self.0)?, snapshot: None })
    }

    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        let (env, entries) = (&self.0, entries(&self.0)?);
        let mut open = None;
        let mut pending = 0;
        population.each(|key, value| {
            let mut transaction = match open.take() {
                Some(transaction) => transaction,
                None => env.write_txn()?,
            };
            entries.put(&mut transaction, key, value)?;
            pending += 1;
            if pending % BATCH == 0 {
                transaction.commit()?;
            } else {
                open = Some(transaction);
            }
            Ok(())
        })?;
        Ok(open.map_or(Ok(()), heed::RwTxn::commit)?)
    }

    fn settle(&self) -> Result<()> {
        Ok(self.0.force_sync()?)
    }
}

/// The one table, made if it is not there.
fn entries(env: &Env) -> Result<Entries<'_>> {
    let created = env.create_databases_and_commit(env.write_txn()?, |opener, transaction| {
        opener.create_database(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
    })?;
    Ok(created.unwrap_commit())
}

#[expect(unsafe_code, reason = "heed has no other way to open an environment")]
fn open_env(setup: &Setup) -> Result<Env> {
    let mut options = EnvOpenOptions::new();
    options.map_size(settings::map_size(setup)?);
    // SAFETY: with these flags, no sync and a writable map, a crash of the machine may cost the data, which nobody
    // needs. This program holds no reference into the map across a transaction.
    unsafe { options.flags(settings::FLAGS) };
    // SAFETY: the directory is new, and no other process and no other environment opens it.
    Ok(unsafe { options.open(&setup.disk) }?)
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let snapshot = match self.snapshot.take() {
            Some(snapshot) => snapshot,
            None => self.env.read_txn()?,
        };
        let snapshot = self.snapshot.insert(snapshot);
        let Some(value) = self.entries.get(snapshot, key)? else { return Ok(false) };
        out.extend_from_slice(value);
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.snapshot = None;
        let mut transaction = self.env.write_txn()?;
        self.entries.put(&mut transaction, key, value)?;
        Ok(transaction.commit()?)
    }
}
