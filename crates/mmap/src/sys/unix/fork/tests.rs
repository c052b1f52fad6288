//! Telling a child from its parent, with the system's help and without.

use super::*;

#[test]
#[cfg_attr(miri, ignore = "it has no forks")]
fn an_origin_by_number_is_no_childs() {
    for origin in [here(), by_number()] {
        assert!(is_here(origin));
        // SAFETY: the child compares numbers, and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the process at once.
            unsafe { libc::_exit(i32::from(is_here(origin))) };
        }
        let mut status = -1;
        // SAFETY: our child, and an integer of ours.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        assert!(is_here(origin));
    }
}
