//! Processes in time namespaces of their own: each has another clock since the boot, under one boot id.
//!
//! It takes root to make such a namespace; without, the test says that it was skipped.

use crate::common::{FILE, ROLE, alone, this_program};
use samovar::{Cache, Ttl};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).open(path).unwrap()
}

/// Sets what lives for a second and what lives for an hour. It does nothing in a plain run.
#[test]
#[ignore = "started by the other test as a process of its own"]
fn setter() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = open(Path::new(&file));
    assert!(cache.contains(b"hour").unwrap(), "{role}: what the first namespace gave an hour is gone");
    cache.set_with(b"their second", b"v", Ttl::secs(1)).unwrap();
    cache.set_with(b"their hour", b"v", Ttl::secs(3600)).unwrap();
    let age_ms = samovar_mmap::process_age_ms(std::process::id()).unwrap();
    assert!(age_ms < 60_000, "{role}: {age_ms} ms old");
    std::mem::forget(cache);
}

/// The program in a namespace whose clock since the boot is so many seconds ahead; none where that cannot be.
fn ahead(seconds: i64, path: &Path) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--time", "--fork", &format!("--boottime={seconds}")]);
        command
    };
    let can_be = unshare().arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    let setter: Command = this_program!(setter, &seconds.to_string(), path);
    let mut command = unshare();
    command.arg(setter.get_program()).args(setter.get_args());
    command.envs(setter.get_envs().filter_map(|(name, value)| Some((name, value?))));
    can_be.then_some(command)
}

#[test]
fn time_is_the_same_in_every_time_namespace() {
    let _machine = alone();
    let uptime_s = i64::try_from(samovar_mmap::boot_ms().unwrap() / 1000).unwrap();
    // A day ahead, and as in a container, whose clock begins at zero.
    for seconds in [86_400, 10 - uptime_s] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let Some(mut setter) = ahead(seconds, &path) else {
            return println!("skipped: not root, so that there is no other time namespace");
        };
        let cache = open(&path);
        cache.set_with(b"hour", b"v", Ttl::secs(3600)).unwrap();
        assert!(setter.stdout(Stdio::null()).status().unwrap().success(), "{seconds} s");
        let is_there = |key: &[u8]| cache.contains(key).unwrap();
        assert!(is_there(b"hour") && is_there(b"their hour"), "{seconds} s");
        cache.set_with(b"second", b"v", Ttl::secs(1)).unwrap();
        assert!(is_there(b"second"), "{seconds} s");
        std::thread::sleep(Duration::from_millis(1200));
        assert!(!is_there(b"second") && !is_there(b"their second"), "{seconds} s: time stands still");
        assert!(is_there(b"hour") && is_there(b"their hour"), "{seconds} s");
        assert!(cache.check().unwrap().is_clean(), "{seconds} s");
    }
}
