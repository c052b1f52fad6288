//! What a cache must hold, as several processes know it together. For each key: the number of the latest step that was
//! begun, the latest acknowledged, and the latest that any reader saw.
//!
//! A key has one writer at a time, which numbers its steps, so that the steps of a key have one order. Whether step `n` of
//! a key sets or removes it follows from both numbers. It lies in a mapped file of its own, and outlives any process.

use super::{Label, Rng};
use samovar::{Cache, Result};
use samovar_mmap::{Access, SharedMap, Word64, open_existing, reserve};
use std::path::Path;

const BEGUN: usize = 0;
const ACKNOWLEDGED: usize = 8;
const SHOWN: usize = 16;
const LINE: usize = 64;

pub(crate) struct Oracle {
    map: SharedMap,
    pub(crate) keys: u64,
    longest: u64,
}

impl Oracle {
    /// Makes the oracle's file, in which nothing has happened.
    pub(crate) fn create(path: &Path, keys: u64) {
        reserve(&std::fs::File::create_new(path).unwrap(), keys * LINE as u64).unwrap();
    }

    pub(crate) fn open(path: &Path, longest: u64) -> Self {
        let file = open_existing(path, Access::ReadWrite).unwrap();
        let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
        let keys = (map.len() / LINE) as u64;
        Oracle { map, keys, longest }
    }

    fn word(&self, key: u64, which: usize) -> Word64<'_> {
        self.map.view().word64(usize::try_from(key).unwrap() * LINE + which).unwrap()
    }

    fn raise(&self, key: u64, which: usize, to: u64) {
        let word = self.word(key, which);
        let mut seen = word.load_acquire();
        while seen < to {
            match word.compare_exchange(seen, to) {
                Ok(_) => return,
                Err(found) => seen = found,
            }
        }
    }

    fn removes(key: u64, step: u64) -> bool {
        step == 0 || Rng::new(key << 32 ^ step).below(6) == 0
    }

    fn value(&self, key: u64, writer: u64, step: u64) -> Vec<u8> {
        let len = Rng::new(step << 24 ^ key).below(self.longest);
        Label { key, writer, sequence: step }.value(usize::try_from(len).unwrap())
    }

    /// The key's next step, by its only writer. An error is a refusal: the step did not happen.
    pub(crate) fn step(&self, cache: &Cache, key: u64, writer: u64) -> Result<()> {
        self.step_by(key, writer, |name, value| match value {
            Some(value) => cache.set(name, value),
            None => cache.remove(name).map(drop),
        })
    }

    /// The same, with another way of storing a value, or of removing the key where there is none.
    pub(crate) fn step_by(
        &self,
        key: u64,
        writer: u64,
        store: impl FnOnce(&[u8], Option<&[u8]>) -> Result<()>,
    ) -> Result<()> {
        let step = self.word(key, BEGUN).load_acquire() + 1;
        self.word(key, BEGUN).store_release(step);
        let value = (!Oracle::removes(key, step)).then(|| self.value(key, writer, step));
        store(&key_bytes(key), value.as_deref())?;
        self.raise(key, ACKNOWLEDGED, step);
        Ok(())
    }

    /// Gets the key, and says what is wrong with what came. An error of the cache is given back.
    pub(crate) fn examine(&self, cache: &Cache, key: u64, buffer: &mut Vec<u8>) -> Result<Option<String>> {
        self.examine_by(key, buffer, |name, buffer| cache.get_into(name, buffer))
    }

    /// The same, with another way of reading a value into the buffer.
    pub(crate) fn examine_by(
        &self,
        key: u64,
        buffer: &mut Vec<u8>,
        read: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<bool>,
    ) -> Result<Option<String>> {
        let oldest = self.word(key, ACKNOWLEDGED).load_acquire().max(self.word(key, SHOWN).load_acquire());
        let hit = read(&key_bytes(key), buffer)?;
        samovar_mmap::fence_full();
        let newest = self.word(key, BEGUN).load_acquire();
        let shown = if hit {
            let Some(label) = Label::of(buffer) else {
                return Ok(Some(format!("key {key}: a value of {} bytes is not whole", buffer.len())));
            };
            if label.key != key {
                return Ok(Some(format!("key {key}: a value of key {}", label.key)));
            }
            Some(label.sequence).filter(|step| (oldest..=newest).contains(step))
        } else {
            (oldest..=newest).find(|step| Oracle::removes(key, *step))
        };
        let Some(shown) = shown else {
            let what = if hit { format!("{:?}", Label::of(buffer)) } else { "nothing".to_owned() };
            return Ok(Some(format!("key {key}: {what}, but steps {oldest} to {newest} were possible")));
        };
        self.raise(key, SHOWN, shown);
        Ok(None)
    }

    /// How far a counter was counted for certain, and how far at most; its line is used by its one writer.
    pub(crate) fn counted(&self, key: u64) -> (u64, u64) {
        (self.word(key, ACKNOWLEDGED).load_acquire(), self.word(key, BEGUN).load_acquire())
    }

    /// One step of a counter, by its only writer.
    pub(crate) fn counting(
        &self,
        key: u64,
        step: impl FnOnce() -> Result<Option<u64>>,
    ) -> Result<Option<u64>> {
        let begun = self.word(key, BEGUN);
        begun.store_release(begun.load_acquire() + 1);
        let told = step()?;
        if let Some(told) = told {
            self.raise(key, ACKNOWLEDGED, told);
        }
        Ok(told)
    }

    /// Examines every key, and returns the faults.
    pub(crate) fn examine_all(&self, cache: &Cache) -> Vec<String> {
        let mut buffer = Vec::new();
        (0..self.keys).filter_map(|key| self.examine(cache, key, &mut buffer).unwrap()).collect()
    }
}

pub(crate) fn key_bytes(key: u64) -> Vec<u8> {
    format!("key {key:>width$}", width = usize::try_from(key % 40).unwrap()).into_bytes()
}
