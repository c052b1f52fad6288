//! One process writes a pack and two read it; all of them are stopped and killed. Nothing is torn, nothing is lost,
//! nothing goes back, and no error is a false one.
//!
//! `SAMOVAR_KILLS` is how many processes are killed (20); one is stopped for each five. `SAMOVAR_SEED` repeats the choices.

use crate::common::{Bar, bar, number, process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use samovar_records::{ErrorKind, Generation, Options, RecordSet, Result};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

const FILE: &str = "SAMOVAR_TEST_FILE";
const SEED: &str = "SAMOVAR_TEST_SEED";
const TABLES: u64 = 12;

struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).unwrap()
    }
}

fn key(table: u64) -> String {
    format!("daily/{table}")
}

/// What a process of its own works on: the generation, and a sequence of random numbers.
fn role() -> Option<(std::sync::Arc<Generation>, Rng)> {
    let root = std::env::var_os(FILE)?;
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    let set = Options::new().leave_unflushed().open_set(root).unwrap();
    Some((set.current().unwrap(), Rng(seed)))
}

#[test]
#[ignore = "started by the storm as a process of its own"]
fn writer() {
    let Some((today, mut rng)) = role() else { return };
    // One table stays open, and the pack with it.
    let first = today.open_writer::<Bar>(&key(0)).unwrap();
    loop {
        let table = today.open_writer::<Bar>(&key(rng.below(TABLES))).unwrap();
        let last = number(&table.last().unwrap().unwrap());
        match rng.below(10) {
            0..4 => {
                let count = u32::try_from(rng.below(30)).unwrap();
                table.extend_from_slice(&(last + 1..last + 1 + count).map(bar).collect::<Vec<_>>()).unwrap();
            }
            4..7 => table.update_last(&bar(last + 1)).unwrap(),
            7 => {
                let index = rng.index(table.len().unwrap());
                let same = table.get(index).unwrap().unwrap();
                table.set(index, &same).unwrap();
            }
            8 => table.truncate_front(1 + rng.index(2000)).unwrap(),
            _ if rng.below(4) > 0 => {
                let extra = today.open_writer::<Bar>("extra").unwrap();
                extra.extend_from_slice(&vec![bar(1); 300]).unwrap();
            }
            _ => drop(today.remove::<Bar>("extra").unwrap()),
        }
        if rng.below(400) == 0 {
            first.flush().unwrap();
        }
    }
}

/// What it read, unless the record changed too fast: that is no false error.
fn patiently<T>(read: impl Fn() -> Result<T>) -> T {
    loop {
        match read() {
            Err(error) if error.kind() == ErrorKind::Busy => std::thread::yield_now(),
            found => return found.unwrap(),
        }
    }
}

/// All of a table is in order, and its newest record is no older than before.
fn check(today: &Generation, table: u64, newest: &mut HashMap<u64, u32>) {
    let file = today.open::<Bar>(&key(table)).unwrap();
    let all: Vec<u32> = patiently(|| file.to_vec()).iter().map(number).collect();
    assert!(!all.is_empty() && all.is_sorted_by(|one, next| one < next), "table {table}: {all:?}");
    let view = patiently(|| file.view());
    let index = view.len() / 2;
    let amid = patiently(|| view.get(index));
    let last = number(&patiently(|| file.last()).unwrap());
    assert!(amid.is_none_or(|bar| number(&bar) <= last), "table {table}");
    let before = newest.insert(table, last).unwrap_or(0);
    assert!(last >= before && last >= all[all.len() - 1], "table {table}: {last} after {before}");
}

#[test]
#[ignore = "started by the storm as a process of its own"]
fn reader() {
    let Some((today, mut rng)) = role() else { return };
    let mut newest = HashMap::new();
    loop {
        check(&today, rng.below(TABLES), &mut newest);
        match today.open::<Bar>("extra") {
            Ok(extra) => assert!(patiently(|| extra.to_vec()).iter().all(|one| number(one) == 1)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        }
    }
}

/// A process that is to run until it is killed.
struct Player {
    role: &'static str,
    child: Child,
}

impl Player {
    fn start(role: &'static str, root: &Path, rng: &mut Rng) -> Player {
        let mut command = process(&format!("packs::{role}"));
        command.env(FILE, root).env(SEED, rng.below(u64::MAX).to_string());
        Player { role, child: command.spawn().unwrap() }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// It has not ended by itself.
    fn is_playing(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            let (mut out, mut err) = (String::new(), String::new());
            self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
            self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            panic!("the {} ended, {status}: {out}{err}", self.role);
        }
    }

    fn kill(mut self) -> &'static str {
        self.is_playing();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.role
    }
}

#[test]
fn a_pack_outlives_its_writers_and_its_readers() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let kills = number("SAMOVAR_KILLS").unwrap_or(20);
    let seed = number("SAMOVAR_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("SAMOVAR_SEED={seed}");
    let mut rng = Rng(seed);
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for table in 0..TABLES {
        draft.create::<Bar>(&key(table), 1).unwrap().push(&bar(1)).unwrap();
    }
    draft.publish().unwrap();
    let today = set.current().unwrap();
    let roles = ["writer", "reader", "reader"];
    let mut players: Vec<Player> = roles.map(|role| Player::start(role, dir.path(), &mut rng)).into();
    let (mut killed, mut stopped, mut newest) = ([0u64; 2], 0u64, HashMap::new());
    while killed[0] + killed[1] < kills {
        std::thread::sleep(Duration::from_millis(rng.below(40)));
        let index = rng.index(players.len());
        if rng.below(6) == 0 {
            let pid = players[index].pid();
            kill(pid, Signal::SIGSTOP).unwrap();
            std::thread::sleep(Duration::from_millis(rng.below(30)));
            (0..TABLES).for_each(|table| check(&today, table, &mut newest));
            kill(pid, Signal::SIGCONT).unwrap();
            stopped += 1;
            continue;
        }
        let role = players.swap_remove(index).kill();
        killed[usize::from(role == "reader")] += 1;
        (0..TABLES).for_each(|table| check(&today, table, &mut newest));
        players.push(Player::start(role, dir.path(), &mut rng));
    }
    let grown: u64 = newest.values().map(|last| u64::from(*last)).sum();
    players.into_iter().map(Player::kill).for_each(drop);
    for table in 0..TABLES {
        let writer = today.open_writer::<Bar>(&key(table)).unwrap();
        writer.push(&bar(newest[&table] + 1_000_000)).unwrap();
        check(&today, table, &mut newest);
    }
    println!(
        "{} writers and {} readers killed, {stopped} stopped, {grown} records written: none wrong",
        killed[0], killed[1]
    );
    assert!(grown > TABLES * 10 || kills < 20, "the writers wrote");
}
