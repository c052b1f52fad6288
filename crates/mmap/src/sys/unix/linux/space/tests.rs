//! Long ranges under signals.

use super::*;

/// The result of a call of that length, if a signal interrupts all calls longer than `longest`.
fn reserved(range: Range<u64>, longest: u64) -> io::Result<u32> {
    let (mut at, mut calls) = (range.start, 0);
    in_steps(range.clone(), |step| {
        calls += 1;
        assert!(step.start == at && step.end > at && step.end <= range.end);
        if step.end - step.start > longest {
            return Err(io::ErrorKind::Interrupted.into());
        }
        at = step.end;
        Ok(())
    })?;
    assert_eq!(at, range.end);
    Ok(calls)
}

#[test]
fn signals_shorten_the_steps_and_stop_nothing() {
    assert_eq!(reserved(0..0, u64::MAX).unwrap(), 0);
    assert_eq!(reserved(5..6, u64::MAX).unwrap(), 1);
    assert_eq!(reserved(7..7 + 3 * LONGEST_STEP, u64::MAX).unwrap(), 3);
    for longest in [LONGEST_STEP / 2, 1 << 20, SHORTEST_STEP] {
        reserved(1..LONGEST_STEP + 1, longest).unwrap();
    }
}

#[test]
fn a_call_that_is_always_interrupted_ends() {
    let error = reserved(0..1 << 30, 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Interrupted);
}

#[test]
fn other_errors_end_it_at_once() {
    let mut calls = 0;
    let error = in_steps(0..1 << 40, |_| {
        calls += 1;
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!((error.unwrap_err().kind(), calls), (io::ErrorKind::StorageFull, 1));
}

#[test]
fn what_cannot_fit_takes_nothing_from_others() {
    let file = tempfile::tempfile().unwrap();
    // Files of 15 TiB are possible on most file systems, and no device here has so much room.
    let refused = allocate(&file, 0..15 << 40, 0).unwrap_err();
    assert!(matches!(refused.kind(), io::ErrorKind::StorageFull | io::ErrorKind::FileTooLarge), "{refused}");
    assert_eq!(file.metadata().unwrap().blocks(), 0);
}
