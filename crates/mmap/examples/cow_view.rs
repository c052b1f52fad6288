//! A what-if view of a file: sorts its bytes in memory, and the file stays as it is:
//! `cargo run -p samovar-mmap --example cow_view FILE`

use samovar_mmap::{Access, CowMap, install_fault_guard, open_existing};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    install_fault_guard()?;
    let Some(path) = std::env::args_os().nth(1) else {
        println!("usage: cow_view FILE");
        return Ok(());
    };
    let map = sorted(Path::new(&path))?;
    let mut first = vec![0; map.len().min(60)];
    map.view().read_into(0, &mut first)?;
    println!("sorted, it would begin with {:?}", String::from_utf8_lossy(&first));
    Ok(())
}

/// The file need not be writable.
fn sorted(path: &Path) -> Result<CowMap, samovar_mmap::Error> {
    let map = CowMap::map(&open_existing(path, Access::ReadOnly)?, 0, None)?;
    let mut bytes = Vec::new();
    map.view().append_to(0, map.len(), &mut bytes)?;
    bytes.sort_unstable();
    map.view().write_from(0, &bytes)?;
    Ok(map)
}

#[test]
fn the_file_stays_as_it_is() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "samovar").unwrap();
    let map = sorted(file.path()).unwrap();
    assert!(map.view().equals(0, b"aamorsv").unwrap());
    assert_eq!(std::fs::read(file.path()).unwrap(), b"samovar");
}
