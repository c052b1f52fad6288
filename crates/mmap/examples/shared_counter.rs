//! A counter that lives in a file and is shared by all processes that open it. Run it in two terminals:
//! `cargo run -p samovar-mmap --example shared_counter FILE COUNT`

use samovar_mmap::{Access, ErrorKind, NewFile, SharedMap, install_fault_guard, open_existing, reserve};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    install_fault_guard()?;
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(count)) = (args.next(), args.next()) else {
        println!("usage: shared_counter FILE COUNT");
        return Ok(());
    };
    println!("it was counted to {}", count_up(Path::new(&path), count.parse()?)?);
    Ok(())
}

/// Adds one, so many times, and says where the counter stands then.
fn count_up(path: &Path, times: u64) -> Result<u64, Box<dyn Error>> {
    let map = open_or_create(path)?;
    let counter = map.view().word64(0)?;
    for _ in 0..times {
        counter.fetch_add(1);
    }
    let total = counter.load_acquire();
    if map.is_poisoned() {
        return Err("the file was cut short while it was counted".into());
    }
    Ok(total)
}

/// The first process makes it. It appears under its name with its space, or not at all.
fn open_or_create(path: &Path) -> Result<SharedMap, samovar_mmap::Error> {
    let file = match open_existing(path, Access::ReadWrite) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let new = NewFile::create(path)?;
            reserve(new.file(), 4096)?;
            match new.publish() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    open_existing(path, Access::ReadWrite)?
                }
                other => other?,
            }
        }
        other => other?,
    };
    SharedMap::map(&file, Access::ReadWrite, 0, None)
}

#[test]
fn counts_of_many_add_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("counter");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| count_up(&path, 10_000).unwrap());
        }
    });
    assert_eq!(count_up(&path, 0).unwrap(), 40_000);
}
