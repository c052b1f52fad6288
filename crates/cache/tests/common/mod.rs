//! What several proofs need: this program as another process, seeds that are told, values that say what they are.
#![allow(dead_code)] // each test uses a part of it

#[cfg(all(unix, feature = "inject"))]
pub(crate) mod disk;
pub(crate) mod oracle;
#[cfg(all(unix, feature = "inject"))]
pub(crate) mod turns;

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The environment variable that names what a process started by a test is to do; in a plain run it is not set.
pub(crate) const ROLE: &str = "SAMOVAR_TEST_ROLE";
/// The file that it is about.
pub(crate) const FILE: &str = "SAMOVAR_TEST_FILE";

/// This test program, to be started again for one of the ignored tests of the module that asks, in a role, on a file.
macro_rules! this_program {
    ($test:ident, $role:expr, $file:expr) => {{
        // A test that is not there would be passed by all that is run: none.
        let _: fn() = $test;
        crate::common::program(concat!(module_path!(), "::", stringify!($test)), $role, $file)
    }};
}
#[allow(unused_imports)] // as above
pub(crate) use this_program;

/// See [`this_program`]; the test is named with its module.
pub(crate) fn program(test: &str, role: &str, file: &Path) -> Command {
    let (_, within_this_crate) = test.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", within_this_crate, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env(FILE, file);
    command
}

/// Hooks every thread of this process, which a test has started: that of the tests themselves has other tests in its
/// threads.
#[cfg(feature = "inject")]
pub(crate) fn hook_process(hook: impl Fn(samovar_mmap::hooks::Event) + Send + Sync + 'static) {
    assert!(std::env::var_os(ROLE).is_some(), "not a process of its own");
    samovar_mmap::hooks::set_process_hook(Some(Box::new(hook)));
}

/// The machine, for a test that keeps it busy with processes, or measures how long something takes.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number from the environment, or the usual one.
pub(crate) fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(usual)
}

/// The seed of this run: `SAMOVAR_SEED`, or a new one, which is printed so that the run can be had again.
pub(crate) fn seed() -> u64 {
    let fresh = std::time::UNIX_EPOCH.elapsed().map_or(1, |since| u64::from(since.subsec_nanos()));
    let seed = number("SAMOVAR_SEED", fresh);
    println!("SAMOVAR_SEED={seed}");
    seed
}

/// Random numbers that depend on the seed alone (splitmix64).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Rng(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Who wrote a value, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) key: u64,
    pub(crate) writer: u64,
    pub(crate) sequence: u64,
}

const LABEL: usize = 24;

impl Label {
    /// A value that carries the label, and whose every byte follows from it and from its length.
    pub(crate) fn value(self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len.max(LABEL));
        for word in [self.key, self.writer, self.sequence] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        let mut fill = Rng::new(self.key ^ self.writer << 40 ^ self.sequence << 20 ^ len as u64);
        while bytes.len() < len {
            bytes.extend_from_slice(&fill.next().to_le_bytes());
        }
        bytes.truncate(len.max(LABEL));
        bytes
    }

    /// The label of a value; none if the value is not whole.
    pub(crate) fn of(value: &[u8]) -> Option<Label> {
        let word = |at: usize| Some(u64::from_le_bytes(value.get(at..at + 8)?.try_into().ok()?));
        let label = Label { key: word(0)?, writer: word(8)?, sequence: word(16)? };
        (label.value(value.len()) == value).then_some(label)
    }
}
