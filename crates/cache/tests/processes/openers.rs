//! Opening in every situation. Two openers come at once on a missing, a clean, an unclean and a cold file, and one of
//! them is killed. Also a full process table, two openings in one process, a copy of a file in use, and another user.
//!
//! `SAMOVAR_OPENINGS` is how many pairs race (40; 1,000 by hand), `SAMOVAR_SEED` repeats the choices.
//!
//! Canary, tried and found: without the init byte, two openers recover one file at once, and one finds it corrupt.

use crate::common::{FILE, ROLE, Rng, alone, number, seed, this_program};
use samovar::{Cache, ErrorKind};
use samovar_mmap::{Access, ByteLocks, file_id, open_existing};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

const CAPACITY: u64 = 256 << 10;
const NOBODY: u32 = 65534;

fn open(path: &Path) -> Cache {
    Cache::options().capacity(CAPACITY).open(path).unwrap()
}

/// Opens, sets the key of its role, says so, and waits. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn opener() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = open(Path::new(&file));
    cache.set(role.as_bytes(), b"opener's").unwrap();
    println!("\nset");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    assert_eq!(cache.get(role.as_bytes()).unwrap().as_deref(), Some(&b"opener's"[..]));
}

fn start(role: &str, path: &Path) -> Child {
    let mut command = this_program!(opener, role, path);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Waits until it has set its key; false if it ended before.
fn has_set(child: &mut Child) -> bool {
    let says = BufReader::new(child.stdout.as_mut().unwrap());
    says.lines().map_while(Result::ok).any(|line| line == "set")
}

#[derive(Clone, Copy, Debug)]
enum Found {
    Missing,
    Clean,
    Unclean,
    Cold,
}

/// Brings the file about; whether what was set before must still be there.
fn prepare(found: Found, path: &Path) -> bool {
    if matches!(found, Found::Missing) {
        return false;
    }
    let cache = open(path);
    cache.set(b"before", b"value").unwrap();
    drop(cache);
    if matches!(found, Found::Clean) {
        return true;
    }
    let mut killed = start("killed", path);
    assert!(has_set(&mut killed));
    killed.kill().unwrap();
    killed.wait().unwrap();
    if matches!(found, Found::Cold) {
        // Another inode than its own: a copy of a file in use.
        std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .unwrap()
            .write_all_at(&[0xff; 8], 4096 + 40)
            .unwrap();
    }
    matches!(found, Found::Unclean)
}

#[test]
fn two_openers_at_once_and_one_is_killed() {
    let _machine = alone();
    let mut rng = Rng::new(seed());
    for round in 0..number("SAMOVAR_OPENINGS", 40) {
        let found = [Found::Missing, Found::Clean, Found::Unclean, Found::Cold][(round % 4) as usize & 3];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let survives = prepare(found, &path);
        let (mut killed, mut other) = (start("one", &path), start("other", &path));
        std::thread::sleep(Duration::from_micros(rng.below(12_000)));
        killed.kill().unwrap();
        let was_set = has_set(&mut killed);
        let status = killed.wait().unwrap();
        assert_eq!(status.code(), None, "{found:?}: it could not open or set: {status}");
        assert!(has_set(&mut other), "{found:?}: the survivor could not open or set");
        let cache = open(&path);
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "{found:?}:\n{report}");
        assert_eq!(cache.get(b"other").unwrap().as_deref(), Some(&b"opener's"[..]), "{found:?}");
        assert_eq!(cache.get(b"before").unwrap().is_some(), survives, "{found:?}");
        assert!(!was_set || cache.get(b"one").unwrap().is_some(), "{found:?}: an acknowledged write is lost");
        drop(other.stdin.take());
        assert!(other.wait().unwrap().success(), "{found:?}: the survivor lost its key");
        let left = std::fs::read_dir(dir.path()).unwrap().count();
        assert!(left <= 2, "{found:?}: {left} files are left");
    }
}

#[test]
fn a_full_process_table_is_an_error_of_its_own() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let id = file_id(&open_existing(&path, Access::ReadOnly).unwrap()).unwrap();
    let locks = ByteLocks::open(&path, id).unwrap();
    let taken = (0..4096).filter(|slot| locks.try_exclusive((1 << 62) + 4096 + slot).unwrap()).count();
    assert_eq!(taken, 4095, "one is the cache's own");
    let full = Cache::options().open(&path).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::TooManyProcesses, "{full}");
    drop(locks);
    cache.set(b"k", b"v").unwrap();
    assert_eq!(open(&path).get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn two_openings_in_one_process_are_two_owners() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let (one, other) = (open(&path), open(&path));
    std::thread::scope(|scope| {
        for cache in [&one, &other] {
            scope
                .spawn(|| (0..2000u32).for_each(|at| cache.set(&(at % 50).to_le_bytes(), &[7; 64]).unwrap()));
        }
    });
    drop(one);
    other.set(b"k", b"v").unwrap();
    let third = open(&path);
    assert!(third.attachment().warm);
    assert_eq!(third.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    assert!(third.check().unwrap().is_clean());
    assert_eq!(third.stats().unwrap().refusals, 0);
}

#[test]
fn a_copy_of_a_file_in_use_is_cold_and_a_copy_of_a_flushed_one_is_warm() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("c.samovar"), dir.path().join("copy.samovar"));
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    std::fs::copy(&path, &copy).unwrap();
    let cold = open(&copy);
    assert!(cold.attachment().cold_reason.is_some_and(|reason| reason.contains("copy")));
    assert_eq!(cold.get(b"k").unwrap(), None);
    cold.set(b"k", b"other").unwrap();
    drop(cold);
    cache.flush().unwrap();
    std::fs::copy(&path, &copy).unwrap();
    let warm = open(&copy);
    assert!(warm.attachment().warm, "{:?}", warm.attachment());
    assert_eq!(warm.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn another_user_gets_what_the_mode_gives() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    for (mode, expected) in [(0o600, "PermissionDenied"), (0o644, "PermissionDenied v"), (0o666, "v v")] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let mut command = this_program!(another_user, "user", &path);
        let Ok(output) = command.uid(NOBODY).gid(NOBODY).output() else {
            println!("SKIPPED: only root can be another user");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        if !said.contains("said:") {
            println!("SKIPPED: this program cannot be run by another user: {output:?}");
            return;
        }
        assert!(said.contains(&format!("said: {expected}")), "mode {mode:o}: {said}");
    }
    assert!(cache.check().unwrap().is_clean());
}

/// A folder where anybody may make files, and a file that another user made there: none where this one is not root.
fn of_another_user(dir: &Path) -> Option<std::path::PathBuf> {
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let path = dir.join("c.samovar");
    open(&path).set(b"k", b"v").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    match std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)) {
        Ok(()) => Some(path),
        Err(error) => {
            println!("SKIPPED: only root can give a file away: {error}");
            None
        }
    }
}

#[test]
fn a_file_that_another_user_made_is_not_believed_unless_that_is_asked_for() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = of_another_user(dir.path()) else { return };
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for (at, read_only) in [(&path, false), (&path, true), (&link, false)] {
        let refused = Cache::options().read_only(read_only).open(at).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ForeignOwner, "{refused}");
    }
    let refused = Cache::options().capacity(CAPACITY).open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ForeignOwner, "{refused}");
    let cache = Cache::options().trust_owner(true).open(&path).unwrap();
    assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_link_in_a_folder_for_all_is_not_followed() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let (shared, own) = (dir.path().join("shared"), dir.path().join("own"));
    for (folder, mode) in [(&shared, 0o1777), (&own, 0o755)] {
        std::fs::create_dir(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let path = own.join("c.samovar");
    open(&path).set(b"k", b"v").unwrap();
    let [planted, mine] = [&shared, &own].map(|folder| folder.join("link"));
    std::os::unix::fs::symlink(&path, &planted).unwrap();
    std::os::unix::fs::symlink(&path, &mine).unwrap();
    let refused = Cache::options().open(&planted).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ForeignOwner, "{refused}");
    assert_eq!(open(&mine).get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    assert!(Cache::options().trust_owner(true).open(&planted).is_ok());
}

/// What somebody else can do: open to write, and if not, to read.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn another_user() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let tell = |opened: samovar::Result<Cache>| match opened {
        Ok(cache) => String::from_utf8(cache.get(b"k").unwrap().unwrap()).unwrap(),
        Err(error) => format!("{:?}", error.kind()),
    };
    let (write, read) =
        (tell(Cache::options().open(&file)), tell(Cache::options().read_only(true).open(&file)));
    println!("\nsaid: {write} {read}");
}
