//! Replaces a text by another of the same length in a file, in place:
//! `cargo run -p samovar-mmap --example edit_in_place FILE OLD NEW`

use samovar_mmap::{Access, SharedMap, install_fault_guard, open_existing};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    install_fault_guard()?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [path, old, new] = &args[..] else {
        println!("usage: edit_in_place FILE OLD NEW");
        return Ok(());
    };
    println!("{} replaced", replace(Path::new(path), old.as_bytes(), new.as_bytes())?);
    Ok(())
}

fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<usize, Box<dyn Error>> {
    if old.is_empty() || old.len() != new.len() {
        return Err("the two texts must have the same length, and not be empty".into());
    }
    let file = open_existing(path, Access::ReadWrite)?;
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    let view = map.view();
    let (mut offset, mut replaced) = (0, 0);
    while offset + old.len() <= view.len() {
        if view.equals(offset, old)? {
            view.write_from(offset, new)?;
            replaced += 1;
            offset += old.len();
        } else {
            offset += 1;
        }
    }
    map.flush()?;
    map.close()?;
    Ok(replaced)
}

#[test]
fn replaces_every_one() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "red and red, redder").unwrap();
    assert_eq!(replace(file.path(), b"red", b"sad").unwrap(), 3);
    assert_eq!(std::fs::read(file.path()).unwrap(), b"sad and sad, sadder");
    assert!(replace(file.path(), b"sad", b"happy").is_err());
}
