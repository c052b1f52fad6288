//! Lines, words and bytes of files, counted through maps: `cargo run -p samovar-mmap --example wordcount FILE...`

use samovar_mmap::{Access, Advice, Pages, SharedMap, install_fault_guard, open_existing};
use std::error::Error;
use std::path::Path;

#[derive(Default, Debug, PartialEq, Eq)]
struct Counts {
    lines: usize,
    words: usize,
    bytes: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    // Somebody may cut a file shorter while we read it: with the guard that is an error.
    install_fault_guard()?;
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    if paths.is_empty() {
        println!("usage: wordcount FILE...");
    }
    for path in paths {
        let counts = count(Path::new(&path))?;
        println!("{:8} {:8} {:8} {}", counts.lines, counts.words, counts.bytes, path.display());
    }
    Ok(())
}

fn count(path: &Path) -> Result<Counts, Box<dyn Error>> {
    let file = open_existing(path, Access::ReadOnly)?;
    let map = SharedMap::map(&file, Access::ReadOnly, 0, None)?;
    let _ = map.advise(Advice::Sequential, 0, map.len()); // not vital
    let mut counts = Counts { bytes: map.len(), ..Counts::default() };
    let mut chunk = vec![0; 1 << 16];
    let mut in_word = false;
    for offset in (0..map.len()).step_by(chunk.len()) {
        let piece = &mut chunk[..(map.len() - offset).min(1 << 16)];
        map.view().read_into(offset, piece)?;
        for byte in piece {
            counts.lines += usize::from(*byte == b'\n');
            let is_space = byte.is_ascii_whitespace();
            counts.words += usize::from(!is_space && !in_word);
            in_word = !is_space;
        }
    }
    Ok(counts)
}

#[test]
fn counts_what_is_there() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(count(file.path()).unwrap(), Counts::default());
    let text = "one two\n three\n".repeat(10_000);
    std::fs::write(file.path(), &text).unwrap();
    let counts = count(file.path()).unwrap();
    assert_eq!(counts, Counts { lines: 20_000, words: 30_000, bytes: text.len() });
}
