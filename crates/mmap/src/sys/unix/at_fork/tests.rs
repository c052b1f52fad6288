//! Registering once, after a refusal again, and after a fork in the middle of it.

use super::*;

#[test]
fn a_refusal_is_reported_and_the_next_call_tries_again() {
    let hook = AtFork::absent();
    let mut calls = 0;
    for _ in 0..2 {
        let refused = hook.install(|| {
            calls += 1;
            libc::ENOMEM
        });
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::ENOMEM));
    }
    hook.install(|| {
        calls += 1;
        0
    })
    .unwrap();
    hook.install(|| unreachable!("it is there")).unwrap();
    assert_eq!(calls, 3);
}

#[test]
fn of_many_threads_one_registers_and_all_have_it() {
    let hook = AtFork::absent();
    let calls = AtomicI32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let register = || {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                    calls.fetch_add(1, Ordering::SeqCst);
                    0
                };
                hook.install(register).unwrap();
                assert_eq!(calls.load(Ordering::SeqCst), 1);
            });
        }
    });
}

#[test]
fn what_a_parents_thread_had_claimed_is_claimed_anew() {
    let me = std::process::id().cast_signed();
    let hook = AtFork(AtomicI32::new(me + 1));
    let mut called = false;
    hook.install(|| {
        called = true;
        0
    })
    .unwrap();
    assert!(called);
    let hook = AtFork::absent();
    hook.inherited();
    hook.install(|| unreachable!("it was inherited")).unwrap();
}
