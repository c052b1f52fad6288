//! Reserving space, and files that appear whole or not at all.

mod common;

#[cfg(unix)]
use common::Mounted;
#[cfg(unix)]
use samovar_mmap::AllocGuarantee;
use samovar_mmap::{ErrorKind, NewFile, disk_bytes, file_id, punch, reserve, reserve_range};
use std::fs;
use std::io::{Read, Seek, Write};
use std::path::Path;

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn reserving_keeps_what_is_there_and_never_shrinks() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"kept").unwrap();
    reserve(&file, 1 << 20).unwrap();
    reserve(&file, 10).unwrap();
    reserve(&file, 0).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 1 << 20);
    assert_eq!(&bytes[..4], b"kept");
    assert!(bytes[4..].iter().all(|byte| *byte == 0));
}

#[test]
#[cfg(unix)]
fn a_sparse_file_gets_its_space() {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 20).unwrap();
    let guarantee = reserve(&file, 1 << 20).unwrap();
    let blocks = file.metadata().unwrap().blocks();
    assert!(
        guarantee == AllocGuarantee::None || blocks * 512 >= 1 << 20,
        "{guarantee:?} with {blocks} blocks"
    );
}

#[test]
#[cfg(unix)]
fn a_full_file_system_is_an_error_and_restores_the_size() {
    let Some(tmpfs) = Mounted::tmpfs("4m") else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(tmpfs.path().join("f")).unwrap();
    assert_eq!(reserve(&file, 1 << 20).unwrap(), AllocGuarantee::Reserved);
    let error = reserve(&file, 64 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
    assert_eq!(reserve(&file, 2 << 20).unwrap(), AllocGuarantee::Reserved);
}

/// The same on ext4, where a refused reservation leaves the file partly grown.
#[test]
#[cfg(unix)]
fn a_full_ext4_is_an_error_and_restores_the_size() {
    let Some(ext4) = Mounted::ext4(24 << 20) else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(ext4.path().join("f")).unwrap();
    assert_eq!(reserve(&file, 1 << 20).unwrap(), AllocGuarantee::Reserved);
    let error = reserve(&file, 64 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
    assert_eq!(reserve(&file, 2 << 20).unwrap(), AllocGuarantee::Reserved);
}

#[test]
fn a_punched_range_reads_as_zeroes_and_takes_no_space() {
    use samovar_mmap::{Access, SharedMap};
    let file = tempfile::tempfile().unwrap();
    reserve(&file, 1 << 20).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &vec![7; 1 << 20]).unwrap();
    let before = disk_bytes(&file).unwrap();
    match punch(&file, 1 << 18, 1 << 19) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(map.view().equals(1 << 18, &vec![7; 1 << 19]).unwrap());
        }
        Ok(()) => {
            assert!(disk_bytes(&file).unwrap() + (1 << 19) <= before);
            assert!(map.view().equals(1 << 18, &vec![0; 1 << 19]).unwrap());
        }
    }
    for kept in [0..1 << 18, 3 << 18..1 << 20] {
        assert!(map.view().equals(kept.start, &vec![7; kept.len()]).unwrap());
    }
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
}

#[test]
#[cfg(unix)]
fn a_reserved_range_keeps_what_it_held() {
    use samovar_mmap::{Access, SharedMap};
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 20).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(1 << 18, b"kept").unwrap();
    let guarantee = reserve_range(&file, 1 << 17, 1 << 19).unwrap();
    assert!(map.view().equals(1 << 18, b"kept").unwrap());
    assert!(guarantee == AllocGuarantee::None || disk_bytes(&file).unwrap() >= 1 << 19, "{guarantee:?}");
}

#[test]
fn ranges_that_leave_the_file_are_refused() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 16).unwrap();
    for (offset, len) in [(0, (1 << 16) + 1), (1 << 16, 1), (u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(reserve_range(&file, offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
        assert_eq!(punch(&file, offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
    }
    reserve_range(&file, 1 << 16, 0).unwrap();
    punch(&file, 1 << 16, 0).unwrap();
}

#[test]
#[cfg(unix)]
fn a_range_of_a_full_file_system_is_an_error() {
    for mounted in [Mounted::tmpfs("4m"), Mounted::ext4(24 << 20)].into_iter().flatten() {
        let path = mounted.path().join("f");
        let file = fs::File::options().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(64 << 20).unwrap();
        let error = reserve_range(&file, 1 << 20, 63 << 20).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
        punch(&file, 1 << 20, 63 << 20).unwrap();
        reserve_range(&file, 1 << 20, 2 << 20).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn bytes_stored_behind_the_end_do_not_come_to_light() {
    let Some(tmpfs) = Mounted::tmpfs("4m") else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(tmpfs.path().join("f")).unwrap();
    file.set_len(4096).unwrap();
    let map = samovar_mmap::SharedMap::map(&file, samovar_mmap::Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &[7; 4096]).unwrap();
    file.set_len(100).unwrap();
    map.view().write_from(200, b"stray").unwrap();
    reserve(&file, 8192).unwrap();
    assert!(map.view().equals(100, &[0; 3996]).unwrap());
    assert!(map.view().equals(0, &[7; 100]).unwrap());
}

#[test]
#[cfg(unix)]
fn a_new_file_is_private_hidden_and_gone_when_dropped() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    let new = NewFile::create(&target).unwrap();
    assert_eq!(new.file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!target.exists());
    assert_eq!(names(dir.path()).len(), 1);
    drop(new);
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_published_file_is_the_one_that_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    let new = NewFile::create(&target).unwrap();
    new.file().write_all(b"whole").unwrap();
    let made = file_id(new.file()).unwrap().inode;
    let file = new.publish().unwrap();
    assert_eq!(names(dir.path()), ["cache"]);
    assert_eq!(file_id(&file).unwrap().inode, made);
    assert_eq!(file_id(&fs::File::open(&target).unwrap()).unwrap(), file_id(&file).unwrap());
    fs::File::open(&target).unwrap().try_lock().expect("the maker's lock is gone");
    drop(file);
}

#[test]
fn of_many_makers_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    for round in 0..20 {
        let wins: usize = std::thread::scope(|scope| {
            let make = || {
                let new = NewFile::create(&target).unwrap();
                new.file().write_all(b"whole").unwrap();
                match new.publish() {
                    Ok(_) => 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
                        0
                    }
                }
            };
            let makers: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).sum()
        });
        assert_eq!(wins, 1, "round {round}");
        assert_eq!(names(dir.path()), ["cache"]);
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        fs::remove_file(&target).unwrap();
    }
}

#[test]
fn sweeping_takes_what_the_dead_left_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    let living = NewFile::create(&target).unwrap();
    let others = [
        ".other.1-0-0.new",
        ".cache.x.1-0-0.new",
        ".cache.backup.new",
        ".cache.1-0.new",
        ".cache.1-0-0-0.new",
        "cache.1-0-0.new",
    ];
    for name in others {
        fs::write(dir.path().join(name), b"").unwrap();
    }
    fs::write(dir.path().join(".cache.1-0-0.new"), b"left by the dead").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path().join("cache.1-0-0.new"), dir.path().join(".cache.2-0-0.new"))
        .unwrap();
    drop(NewFile::create(&target).unwrap());
    let left = names(dir.path());
    assert!(!left.contains(&".cache.1-0-0.new".to_owned()), "{left:?}");
    assert!(others.iter().all(|name| left.contains(&(*name).to_owned())), "{left:?}");
    living.publish().unwrap();
    assert!(target.exists());
}

#[test]
fn targets_without_a_name_or_a_directory_are_refused() {
    assert_eq!(NewFile::create("/".as_ref()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    let error = NewFile::create("/no/such/directory/file".as_ref()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}
