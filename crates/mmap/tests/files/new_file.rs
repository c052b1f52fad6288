//! Files that appear whole or not at all.

use samovar_mmap::{ErrorKind, NewFile, file_id};
use std::fs;
use std::io::Write;
use std::path::Path;

fn names(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
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
fn cleaning_up_takes_what_the_dead_left_and_nothing_else() {
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
