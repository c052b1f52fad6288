//! Power lost in a real kernel, by the two programs that `scripts/power-replay records` runs. One runs in a kernel that logs every
//! block write. The other one opens the disk as it was after any number of those writes. They do nothing in a plain run.
//!
//! The writer marks in the log when the flushes of a round begin and when they are over. So the examiner knows what must be there:
//! each table as at one of the two.

use crate::common::{Bar, Form, bar};
use samovar_records::{Generation, RecordFile, RecordSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const FILE: &str = "SAMOVAR_TEST_FILE";
const ROLE: &str = "SAMOVAR_TEST_ROLE";
const ROUNDS: u32 = 12;
/// Room for so many bars at first, in files that grow, and in rings that come round.
const ROOM: usize = 300;
const KEPT: usize = 500;

/// The bars that a round pushes. Some let the table grow, or come round.
fn pushed(round: u32) -> impl Iterator<Item = Bar> {
    (0..37 + round * 11).map(move |number| bar(round * 1000 + number))
}

/// What a table has after a round: pushes, and changes in place.
fn model(round: u32) -> Vec<Bar> {
    let mut bars = Vec::new();
    for round in 0..=round {
        bars.extend(pushed(round));
        for index in changed(round, bars.len()) {
            bars[index] = bar(round * 1000 + 999);
        }
        let len = bars.len();
        bars.drain(..len - len.min(KEPT));
    }
    bars
}

/// The bars that a round changes: fewer than a flush keeps as they were.
fn changed(round: u32, len: usize) -> [usize; 3] {
    let round = usize::try_from(round).unwrap();
    [len - 1, (round * 7919) % len, (round * 104_729 + 5) % len]
}

fn write(file: &RecordFile<Bar>, round: u32, pause: Duration) {
    for (count, bar) in pushed(round).enumerate() {
        file.push(&bar).unwrap();
        if count % 16 == 0 {
            // So that the kernel writes some pages back before the flush, and others not.
            std::thread::sleep(pause);
        }
    }
    for index in changed(round, file.len().unwrap()) {
        file.set(index, &bar(round * 1000 + 999)).unwrap();
    }
    file.truncate_front(KEPT).unwrap();
}

fn mark(name: &str) {
    let status = Command::new("dmsetup").args(["message", "lw", "0", "mark", name]).status().unwrap();
    assert!(status.success());
}

fn path(root: &Path, form: Form) -> std::path::PathBuf {
    root.join(format!("{form:?}"))
}

/// A generation with a table between two others.
fn generation(root: &Path) -> std::sync::Arc<Generation> {
    let set = Form::Checksums.options().open_set(root.join("set")).unwrap();
    let draft = set.draft("today").unwrap();
    for key in ["before", "bars", "behind"] {
        draft.create::<Bar>(key, 20).unwrap().push(&bar(7)).unwrap();
    }
    draft.publish().unwrap();
    set.current().unwrap()
}

#[test]
#[ignore = "started by scripts/power-replay, in a kernel of its own"]
fn until_the_power_fails() {
    let (Ok(_), Some(root)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let root = Path::new(&root);
    std::fs::create_dir(root).unwrap();
    let pause = Duration::from_millis(10);
    let files = Form::ALL.map(|form| form.options().create::<Bar>(path(root, form), ROOM).unwrap());
    let today = generation(root);
    let table = today.open_writer::<Bar>("bars").unwrap();
    table.truncate_front(0).unwrap();
    today.flush().unwrap();
    for round in 0..ROUNDS {
        mark(&format!("begin-{round}"));
        for file in files.iter().chain([&table]) {
            write(file, round, pause);
        }
        mark(&format!("flush-{round}"));
        files.iter().for_each(|file| file.flush().unwrap());
        today.flush().unwrap();
        mark(&format!("flushed-{round}"));
        std::thread::sleep(pause);
    }
}

/// Whether these are the bars of a round, but for those in front whose room was used again; or those amid the pushes of the next
/// one, since a ring that grows is flushed.
fn is_of(found: &[Bar], round: Option<u32>) -> bool {
    let mut expected = round.map(model).unwrap_or_default();
    let next = round.map_or(0, |round| round + 1);
    if let Some(amid) = found.last().and_then(|last| pushed(next).position(|bar| bar == *last)) {
        expected.extend(pushed(next).take(amid + 1));
    }
    let is_long = found.len() == expected.len() || found.len() + KEPT * 3 / 4 > expected.len();
    expected.ends_with(found) && is_long
}

/// The environment says which round's flush was over, if any, and which one may have been.
#[test]
#[ignore = "started by scripts/power-replay"]
fn after_the_power_failed() {
    let (Ok(_), Some(root)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let root = Path::new(&root);
    let round = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
    let (flushed, maybe) = (round("SAMOVAR_FLUSHED"), round("SAMOVAR_MAYBE"));
    let mut later = 0;
    let mut look = |name: &str, file: &RecordFile<Bar>| {
        let found = file.to_vec().unwrap();
        let is_later = maybe.is_some() && is_of(&found, maybe);
        later += u32::from(is_later);
        assert!(
            is_later || is_of(&found, flushed),
            "{name} has {} bars, the last {:?}: of neither {flushed:?} nor {maybe:?}",
            found.len(),
            found.last()
        );
    };
    for form in Form::ALL {
        let path = path(root, form);
        if !path.exists() {
            assert!(flushed.is_none(), "{form:?} was flushed, and is not there");
            continue;
        }
        look(&format!("{form:?}"), &RecordFile::open(&path).unwrap());
        let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
        look(&format!("{form:?}, brought back"), &writer);
        writer.push(&bar(1)).unwrap();
        assert_eq!(writer.last().unwrap(), Some(bar(1)));
    }
    match RecordSet::open(root.join("set")).and_then(|set| set.current()) {
        Ok(today) if flushed.is_some() || maybe.is_some() => {
            look("the table of a set", &today.open("bars").unwrap());
            look("the table of a set, brought back", &today.open_writer("bars").unwrap());
            for key in ["before", "behind"] {
                assert_eq!(today.open::<Bar>(key).unwrap().to_vec().unwrap(), [bar(7)], "{key}");
            }
        }
        Ok(_) => {}
        Err(error) => assert!(flushed.is_none(), "the set was flushed: {error}"),
    }
    println!("\nfound: {}", if later > 0 { "of the flush under way" } else { "of the last flush" });
}
