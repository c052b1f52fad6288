//! Litmus tests of a protocol, in a model of weak memory: the steps of a few flows of control, one after the other, by many
//! seeds. What an ordering forbids is the outcome of none.

use samovar_mmap::hooks::{self, OrderingPart, WeakMemory};
use samovar_mmap::{Access, SharedMap, View};
use std::collections::BTreeSet;

const SEEDS: u64 = 1000;
const LEN: u64 = 1 << 17;

/// All that `act` comes to, on a file of zeroes each time.
pub(crate) fn outcomes<T: Ord>(act: impl Fn(View<'_>) -> T) -> BTreeSet<T> {
    let file = tempfile::tempfile().unwrap();
    file.set_len(LEN).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    let without = std::env::var("SAMOVAR_WITHOUT").ok();
    let without = without.and_then(|part| OrderingPart::parse(part.leak()));
    let of = |seed| {
        map.view().zero(0, map.view().len()).unwrap();
        let memory = WeakMemory::new(seed);
        hooks::set_thread_memory(Some(
            without.map_or_else(|| WeakMemory::new(seed), |part| memory.without(part)),
        ));
        let outcome = act(map.view());
        hooks::set_thread_memory(None);
        outcome
    };
    (0..SEEDS).map(of).collect()
}

/// The steps of a flow, which knows what it knew before.
pub(crate) fn flow<T>(number: usize, steps: impl FnOnce() -> T) -> T {
    hooks::set_flow(number);
    steps()
}

/// The same with all that another flow knows, as if it had handed on a lock.
pub(crate) fn flow_after<T>(before: usize, number: usize, steps: impl FnOnce() -> T) -> T {
    let known = flow(before, hooks::known);
    flow(number, || {
        hooks::learn(&known);
        steps()
    })
}
