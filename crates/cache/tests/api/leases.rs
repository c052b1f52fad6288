//! One loader at a time, though others ask, die, panic, fork or write meanwhile. Also values that are stale, and keys
//! that are known to have none.
//!
//! The clock of these tests is the file's own: the latest time that any writer has seen, which they push on.
//!
//! Canaries, each tried, each found: a set or a remove that does not void; a lease whose dead owner is never found
//! dead. Also a redemption that does not ask whether the lease is still valid, and a forked child that releases.

use crate::common::{FILE, ROLE, this_program};
use samovar::{Cache, Lease, Loaded, Lookup, Options, Ttl};
use samovar_mmap::{Access, SharedMap, open_existing};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const KEY: &[u8] = b"the key that all want";
const THREADS: usize = 8;
const PROCESSES: usize = 8;
/// Where the file says by what its time is above the time since the boot.
const TIME_BASE: usize = 4096 + 136;
const NEVER: Ttl = Ttl::NEVER;

struct Scene {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        Scene { _dir: dir, path }
    }

    fn open(&self) -> Cache {
        options().open(&self.path).unwrap()
    }

    /// Makes it this much later, for all who open the file from now on.
    fn later(&self, by: Duration) -> Cache {
        let file = open_existing(&self.path, Access::ReadWrite).unwrap();
        let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
        map.view().word64(TIME_BASE).unwrap().fetch_add(u64::try_from(by.as_millis()).unwrap());
        self.open()
    }
}

/// One shard, so that all leases are in one table.
fn options() -> Options {
    Cache::options().capacity(256 << 10).lock_timeout(Duration::from_secs(20))
}

fn yours(lookup: Lookup) -> Lease {
    match lookup {
        Lookup::MissingYours(lease) | Lookup::StaleYours(_, lease) => lease,
        other => panic!("expected a lease, got {other:?}"),
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A file beside the cache, by which the processes of a test tell each other things.
fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_extension(name)
}

/// Loads are counted by what they append to a file.
fn loads(path: &Path) -> u64 {
    std::fs::metadata(beside(path, "loads")).map_or(0, |metadata| metadata.len())
}

fn count_a_load(path: &Path) {
    let mut file = std::fs::File::options().create(true).append(true).open(beside(path, "loads")).unwrap();
    file.write_all(b"1").unwrap();
}

/// A process by its role. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn process() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let path = PathBuf::from(file);
    match role.as_str() {
        "stampede" => stampede(&path),
        "stuck" => stuck(&path),
        #[cfg(unix)]
        "forks" => forks(&path),
        other => panic!("no such role: {other}"),
    }
}

fn start(role: &str, path: &Path) -> Child {
    this_program!(process, role, path).stdout(Stdio::null()).spawn().unwrap()
}

/// Eight threads that all want the key as soon as they are told.
fn stampede(path: &Path) {
    let cache = options().open(path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                wait_until("all are there", || beside(path, "go").exists());
                let value = cache.get_or_insert_with(KEY, NEVER, || {
                    count_a_load(path);
                    std::thread::sleep(Duration::from_millis(50));
                    b"loaded".to_vec()
                });
                assert_eq!(value.unwrap(), b"loaded");
            });
        }
    });
}

/// Takes every lease that there is, and never finishes loading.
fn stuck(path: &Path) {
    let cache = options().open(path).unwrap();
    let _others: Vec<Lease> = (1..64u8).map(|key| yours(cache.lookup(&[key]).unwrap())).collect();
    let _ = cache.get_or_insert_with(KEY, NEVER, || {
        count_a_load(path);
        loop {
            std::thread::park();
        }
    });
}

fn run_stampede(path: &Path, processes: usize, meanwhile: impl FnOnce()) {
    let mut children: Vec<Child> = (0..processes).map(|_| start("stampede", path)).collect();
    std::fs::write(beside(path, "go"), b"").unwrap();
    meanwhile();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn sixty_four_threads_in_eight_processes_load_once() {
    let scene = Scene::new();
    let cache = scene.open();
    run_stampede(&scene.path, PROCESSES, || ());
    assert_eq!(loads(&scene.path), 1);
    assert_eq!(cache.get(KEY).unwrap().as_deref(), Some(&b"loaded"[..]));
    assert_eq!(cache.stats().unwrap().sets, 1);
}

#[test]
fn a_killed_loader_is_replaced_by_exactly_one() {
    let scene = Scene::new();
    let cache = scene.open();
    let mut stuck = start("stuck", &scene.path);
    wait_until("it loads", || loads(&scene.path) == 1);
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::MissingTaken));
    run_stampede(&scene.path, PROCESSES - 1, || {
        stuck.kill().unwrap();
        stuck.wait().unwrap();
    });
    assert_eq!(loads(&scene.path), 2);
    // The table was full of its leases: each is free again.
    let leases: Vec<Lease> = (1..=64u8).map(|key| yours(cache.lookup(&[key]).unwrap())).collect();
    assert!(leases.into_iter().all(|lease| lease.fulfil(b"v", NEVER).unwrap()));
}

#[test]
fn every_write_of_the_key_voids_and_no_other_does() {
    type Write = (&'static str, fn(&Cache), Option<&'static [u8]>);
    let writes: [Write; 6] = [
        ("set", |cache| cache.set(KEY, b"set").unwrap(), Some(b"set")),
        ("remove of nothing", |cache| assert!(!cache.remove(KEY).unwrap()), None),
        ("set and remove", |cache| (cache.set(KEY, b"set").unwrap(), drop(cache.remove(KEY))).1, None),
        ("add", |cache| assert!(cache.add(KEY, b"added", NEVER).unwrap()), Some(b"added")),
        ("clear", |cache| cache.clear().unwrap(), None),
        ("set of another", |cache| cache.set(b"other", b"set").unwrap(), Some(b"loaded")),
    ];
    for (name, write, expected) in writes {
        let scene = Scene::new();
        let (cache, other) = (scene.open(), scene.open());
        let value = cache.get_or_insert_with(KEY, NEVER, || {
            write(&other);
            b"loaded".to_vec()
        });
        assert_eq!(value.unwrap(), b"loaded", "{name}: the loader's caller gets what was loaded");
        assert_eq!(cache.get(KEY).unwrap().as_deref(), expected, "{name}");
        assert!(cache.check().unwrap().is_clean());
    }
}

#[test]
fn emptying_a_namespace_voids_its_leases_and_no_others() {
    let scene = Scene::new();
    let cache = scene.open();
    let (emptied, other) =
        (cache.create_namespace("a", None).unwrap(), cache.create_namespace("b", None).unwrap());
    let (lost, kept) = (yours(emptied.lookup(KEY).unwrap()), yours(other.lookup(KEY).unwrap()));
    emptied.clear().unwrap();
    assert!(!lost.fulfil(b"from before", NEVER).unwrap());
    assert!(kept.fulfil(b"kept", NEVER).unwrap());
    assert_eq!(emptied.get(KEY).unwrap(), None);
    assert_eq!(other.get(KEY).unwrap().as_deref(), Some(&b"kept"[..]));
    // What a lease takes of the table is given back, though its key has another hash by now.
    for _ in 0..200 {
        let lease = yours(emptied.lookup(KEY).unwrap());
        emptied.clear().unwrap();
        drop(lease);
    }
    assert!(yours(emptied.lookup(KEY).unwrap()).fulfil(b"v", NEVER).unwrap());
    assert_eq!(emptied.get_ref(KEY).unwrap().unwrap().to_vec().unwrap(), b"v");
}

#[test]
fn a_voided_lease_is_free_for_the_next() {
    let scene = Scene::new();
    let cache = scene.open();
    let first = yours(cache.lookup(KEY).unwrap());
    cache.remove(KEY).unwrap();
    let second = yours(cache.lookup(KEY).unwrap());
    drop(first);
    assert!(
        matches!(cache.lookup(KEY).unwrap(), Lookup::MissingTaken),
        "the first gave up nothing of the second's"
    );
    assert!(second.fulfil(b"second", NEVER).unwrap());
}

#[test]
fn past_its_deadline_a_lease_goes_to_who_asks() {
    let scene = Scene::new();
    let cache = scene.open();
    let slow = yours(cache.lookup(KEY).unwrap());
    let cache = scene.later(Duration::from_secs(9));
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::MissingTaken));
    let cache = scene.later(Duration::from_secs(2));
    let second = yours(cache.lookup(KEY).unwrap());
    assert!(!slow.fulfil(b"slow", NEVER).unwrap());
    assert!(second.fulfil(b"second", NEVER).unwrap());
    assert_eq!(cache.get(KEY).unwrap().as_deref(), Some(&b"second"[..]));
}

#[test]
fn who_waited_long_enough_loads_for_itself() {
    let scene = Scene::new();
    let (cache, hasty) = (scene.open(), options().load_timeout(Duration::from_millis(30)));
    let hasty = hasty.open(&scene.path).unwrap();
    let lease = yours(cache.lookup(KEY).unwrap());
    assert_eq!(hasty.get_or_insert_with(KEY, NEVER, || b"hasty".to_vec()).unwrap(), b"hasty");
    assert_eq!(cache.get(KEY).unwrap(), None, "it is still the other's to store");
    assert!(lease.fulfil(b"value", NEVER).unwrap());
    assert_eq!(hasty.get_or_insert_with(KEY, NEVER, || unreachable!()).unwrap(), b"value");
}

#[test]
fn a_panic_an_error_and_a_drop_release() {
    let scene = Scene::new();
    let cache = scene.open();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cache.get_or_insert_with(KEY, NEVER, || panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    let failed = cache.get_or_try_insert_with(KEY, NEVER, || Err(std::io::Error::other("source").into()));
    let failed: Result<Vec<u8>, Box<dyn std::error::Error>> = failed;
    assert_eq!(failed.unwrap_err().to_string(), "source");
    drop(yours(cache.lookup(KEY).unwrap()));
    assert_eq!(cache.get_or_insert_with(KEY, NEVER, || b"v".to_vec()).unwrap(), b"v");
}

#[test]
fn a_full_table_lets_load_and_stores_nothing() {
    let scene = Scene::new();
    let cache = scene.open();
    let mut leases: Vec<Lease> = (0..64u8).map(|key| yours(cache.lookup(&[key]).unwrap())).collect();
    assert!(!yours(cache.lookup(KEY).unwrap()).fulfil(b"v", NEVER).unwrap());
    assert_eq!(cache.get_or_insert_with(KEY, NEVER, || b"v".to_vec()).unwrap(), b"v");
    assert_eq!(cache.get(KEY).unwrap(), None);
    leases.truncate(63);
    assert!(yours(cache.lookup(KEY).unwrap()).fulfil(b"v", NEVER).unwrap());
    assert!(leases.into_iter().all(|lease| lease.fulfil(b"v", NEVER).unwrap()));
    // In a full table those past their deadline make room.
    let old: Vec<Lease> = (100..164u8).map(|key| yours(cache.lookup(&[key]).unwrap())).collect();
    let cache = scene.later(Duration::from_secs(11));
    assert!(yours(cache.lookup(b"new").unwrap()).fulfil(b"v", NEVER).unwrap());
    let voided = old.into_iter().map(|lease| !lease.fulfil(b"v", NEVER).unwrap());
    assert_eq!(voided.filter(|voided| *voided).count(), 1);
}

#[test]
fn that_there_is_no_value_is_remembered_for_its_time() {
    let scene = Scene::new();
    let cache = scene.open();
    let ask = |cache: &Cache, answer: Option<Loaded>| {
        cache.get_or_load::<samovar::Error>(KEY, || Ok(answer.expect("it is known"))).unwrap()
    };
    assert_eq!(ask(&cache, Some(Loaded::absent(Ttl::secs(5)))), None);
    assert_eq!(ask(&cache, None), None);
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::Absent));
    assert_eq!(cache.get(KEY).unwrap(), None);
    assert!(!cache.contains(KEY).unwrap());
    assert!(cache.get_with_version(KEY).unwrap().is_none());
    assert!(!cache.append(KEY, b"more").unwrap(), "there is nothing to put it to");
    assert!(cache.check().unwrap().is_clean());
    let cache = scene.later(Duration::from_secs(6));
    assert_eq!(ask(&cache, Some(Loaded::value(b"v".to_vec(), NEVER))).as_deref(), Some(&b"v"[..]));
    assert_eq!(ask(&cache, None).as_deref(), Some(&b"v"[..]));
    yours(cache.lookup(b"k").unwrap()).fulfil_absent(NEVER).unwrap();
    assert!(!cache.remove(b"k").unwrap(), "there was no value");
    assert!(matches!(cache.lookup(b"k").unwrap(), Lookup::MissingYours(_)), "what was known is forgotten");
    yours(cache.lookup(b"k").unwrap()).fulfil_absent(NEVER).unwrap();
    assert!(cache.add(b"k", b"v", NEVER).unwrap());
    assert_eq!(cache.get_or_insert_with(b"k", NEVER, || unreachable!()).unwrap(), b"v");
}

#[test]
fn a_loader_that_always_has_a_value_loads_what_is_known_to_have_none() {
    let scene = Scene::new();
    let cache = scene.open();
    yours(cache.lookup(KEY).unwrap()).fulfil_absent(NEVER).unwrap();
    assert_eq!(cache.get_or_insert_with(KEY, NEVER, || b"v".to_vec()).unwrap(), b"v");
    assert_eq!(cache.get(KEY).unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_stale_value_is_one_callers_to_refresh_and_a_value_to_the_others() {
    let scene = Scene::new();
    let cache = scene.open();
    let ttl = Ttl::secs(10).stale_after(Duration::from_secs(2));
    cache.set_with(KEY, b"old", ttl).unwrap();
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::Fresh(value) if value == b"old"));
    let cache = scene.later(Duration::from_secs(3));
    let Lookup::StaleYours(value, lease) = cache.lookup(KEY).unwrap() else { panic!("whose else?") };
    assert_eq!(value, b"old");
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::Stale(value) if value == b"old"));
    assert_eq!(cache.get_or_insert_with(KEY, ttl, || unreachable!("it is being refreshed")).unwrap(), b"old");
    assert_eq!(cache.get(KEY).unwrap().as_deref(), Some(&b"old"[..]));
    drop(lease);
    assert_eq!(cache.get_or_insert_with(KEY, ttl, || b"new".to_vec()).unwrap(), b"new");
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::Fresh(value) if value == b"new"));
    let cache = scene.later(Duration::from_secs(11));
    assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::MissingYours(_)));
}

#[test]
fn a_value_that_is_too_large_is_returned_and_what_it_was_to_replace_is_gone() {
    let scene = Scene::new();
    let cache = scene.open();
    cache.set_with(KEY, b"old", Ttl::secs(60).stale_after(Duration::ZERO)).unwrap();
    let large = vec![7; 128 << 10];
    assert!(cache.get_or_insert_with(KEY, NEVER, || large.clone()).unwrap() == large);
    assert_eq!(cache.get(KEY).unwrap(), None);
    assert_eq!(cache.stats().unwrap().refusals, 1);
}

#[test]
fn a_read_only_handle_loads_nothing() {
    let scene = Scene::new();
    let cache = scene.open();
    cache.set(KEY, b"v").unwrap();
    let reader = Cache::options().read_only(true).open(&scene.path).unwrap();
    let kind = reader.get_or_insert_with(KEY, NEVER, || unreachable!()).unwrap_err().kind();
    assert_eq!(kind, samovar::ErrorKind::ReadOnly);
}

/// A lease taken before a fork is the parent's.
#[cfg(unix)]
fn forks(path: &Path) {
    use fork::{Fork, fork};
    use nix::sys::wait::{WaitStatus, waitpid};
    let cache = options().open(path).unwrap();
    let (kept, dropped) = (yours(cache.lookup(KEY).unwrap()), yours(cache.lookup(b"dropped").unwrap()));
    match fork().unwrap() {
        Fork::Parent(pid) => {
            let pid = nix::unistd::Pid::from_raw(pid);
            assert_eq!(waitpid(pid, None).unwrap(), WaitStatus::Exited(pid, 0));
            assert!(matches!(cache.lookup(b"dropped").unwrap(), Lookup::MissingTaken));
            assert!(dropped.fulfil(b"parent", NEVER).unwrap());
            assert!(kept.fulfil(b"parent", NEVER).unwrap());
        }
        Fork::Child => {
            let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                assert!(!kept.fulfil(b"child", NEVER).unwrap());
                drop(dropped);
                assert!(matches!(cache.lookup(KEY).unwrap(), Lookup::MissingTaken));
            }));
            std::process::exit(i32::from(acted.is_err()));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_forked_child_gives_up_nothing_of_its_parents() {
    let scene = Scene::new();
    let cache = scene.open();
    assert!(start("forks", &scene.path).wait().unwrap().success());
    assert_eq!(cache.get(KEY).unwrap().as_deref(), Some(&b"parent"[..]));
}
