//! Whose turn it is: several flows of control on one thread, one at a time. At the hooks, that is at its loads, stores,
//! swaps, copies and waits, a flow gives way to another one. A seed decides when, and to which.
//!
//! They are coroutines, not threads. To give way costs no system call, so a schedule takes a millisecond. A flow that
//! would sleep gives way instead. What they run is the real code, on real files and byte locks. A test can
//! ask for a model of weak memory besides.

use super::Rng;
use generator::{Generator, Gn};
use samovar_mmap::hooks::{self, Event, WeakMemory};
use std::cell::RefCell;
use std::rc::Rc;

/// Words of each flow's stack.
const STACK_WORDS: usize = 1 << 16;
/// Loads one after another by which a flow is taken to walk through the file, and then seldom gives way.
const WALK: u64 = 24;
/// Waits with nobody left to wait for.
const MOST_WAITS: u64 = 10_000_000;

pub(crate) type Flow<'a> = Box<dyn FnOnce() + Send + 'a>;

struct State {
    turn: usize,
    here: Vec<bool>,
    rng: Rng,
    /// The turn changes once in so many events, about.
    seldom: u64,
    /// Events until it does.
    left: u64,
    /// Loads since the last event that was none.
    walked: u64,
    /// This one, if there is one of this number, seldom gets a turn.
    starved: usize,
    /// Waits since anybody did anything else.
    waits: u64,
}

impl State {
    fn new(flows: usize, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let seldom = if rng.below(4) == 0 { 1 << rng.below(9) } else { 1 + rng.below(12) };
        let starved = usize::try_from(rng.below(flows as u64 + 1)).unwrap();
        State { turn: 0, here: vec![true; flows], rng, seldom, left: 0, walked: 0, starved, waits: 0 }
    }

    /// Chooses who goes on; nobody's turn has changed if nobody else is here.
    fn pass_on(&mut self) {
        self.left = self.rng.below(2 * self.seldom);
        let here: Vec<usize> = (0..self.here.len()).filter(|flow| self.here[*flow]).collect();
        while let Some(last) = here.len().checked_sub(1) {
            self.turn = here[usize::try_from(self.rng.below(last as u64 + 1)).unwrap()];
            if self.turn != self.starved || last == 0 || self.rng.below(60) == 0 {
                break;
            }
        }
    }

    /// Does this event end the turn?
    fn ends_turn(&mut self, event: Event) -> bool {
        self.waits = 0;
        self.walked = if event == Event::Load { self.walked + 1 } else { 0 };
        if self.walked > WALK && !self.walked.is_multiple_of(64) {
            return false;
        }
        let ends = self.left == 0;
        self.left = self.left.saturating_sub(1);
        ends
    }
}

#[allow(deprecated)] // in favour of a scope, which a hook, that lives for ever, cannot hold
fn give_way() {
    generator::yield_with(());
}

fn at_event(state: &RefCell<State>, event: Event) {
    let mut now = state.borrow_mut();
    if now.ends_turn(event) {
        let me = now.turn;
        now.pass_on();
        if now.turn != me {
            drop(now);
            hooks::outside(give_way);
        }
    }
}

fn at_wait(state: &RefCell<State>) {
    let mut now = state.borrow_mut();
    now.waits += 1;
    assert!(now.waits < MOST_WAITS, "everybody waits, and nobody goes on");
    let me = now.turn;
    now.pass_on();
    if now.turn != me {
        drop(now);
        give_way();
    }
}

/// The same in a model of weak memory, which is returned. The flows have to use one opening.
pub(crate) fn take_turns_in(memory: WeakMemory, seed: u64, flows: Vec<Flow<'_>>) -> WeakMemory {
    hooks::set_thread_memory(Some(memory));
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| take_turns(seed, flows)));
    let memory = hooks::set_thread_memory(None).unwrap();
    if let Err(panic) = ran {
        std::panic::resume_unwind(panic);
    }
    memory
}

/// Runs all flows to their ends. One that panics ends the others where they are.
pub(crate) fn take_turns(seed: u64, flows: Vec<Flow<'_>>) {
    take_turns_watched(seed, flows, Box::new(|_| ()));
}

/// The same; `watch` sees each event first.
pub(crate) fn take_turns_watched(seed: u64, flows: Vec<Flow<'_>>, watch: Box<dyn Fn(Event)>) {
    let state = Rc::new(RefCell::new(State::new(flows.len(), seed)));
    let (events, waits) = (Rc::clone(&state), Rc::clone(&state));
    hooks::set_thread_hook(Some(Box::new(move |event| {
        watch(event);
        at_event(&events, event);
    })));
    hooks::set_thread_waiter(Some(Box::new(move || at_wait(&waits))));
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&state, flows)));
    hooks::set_thread_hook(None);
    hooks::set_thread_waiter(None);
    if let Err(panic) = ran {
        std::panic::resume_unwind(panic);
    }
}

fn run(state: &RefCell<State>, flows: Vec<Flow<'_>>) {
    // Never dropped half way: that would unwind through the code under test.
    let new = |flow| std::mem::ManuallyDrop::new(Gn::<()>::new_opt(STACK_WORDS, flow));
    let mut flows: Vec<std::mem::ManuallyDrop<Generator<'_, (), ()>>> = flows.into_iter().map(new).collect();
    let mut left = flows.len();
    state.borrow_mut().pass_on();
    while left > 0 {
        let turn = state.borrow().turn;
        hooks::set_flow(turn);
        let _ = flows[turn].resume();
        if flows[turn].is_done() {
            let mut now = state.borrow_mut();
            now.here[turn] = false;
            now.pass_on();
            left -= 1;
        }
    }
    flows.into_iter().for_each(|flow| drop(std::mem::ManuallyDrop::into_inner(flow)));
}
