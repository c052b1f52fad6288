//! A writer pushes its last record and goes on in the next file, just after a follower has found nothing more. The
//! follower looks once more before it goes on too.
//!
//! Canary, tried and found: it does not.

use crate::common::{Bar, bar};
use samovar_mmap::hooks::{Event, set_thread_hook};
use samovar_records::{Options, Rotation, RotationWriter};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Counts loads down, and then acts once.
fn at_load(number: usize, act: impl FnOnce() + 'static) {
    let (left, act) = (Cell::new(number), RefCell::new(Some(act)));
    set_thread_hook(Some(Box::new(move |event| {
        if event != Event::Load {
            return;
        }
        left.set(left.get().saturating_sub(1));
        if left.get() == 0
            && let Some(act) = act.borrow_mut().take()
        {
            act();
        }
    })));
}

#[test]
fn a_record_that_comes_at_midnight_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new().leave_unflushed();
    let writer: RotationWriter<Bar> = options.open_rotation(dir.path(), "0").unwrap();
    let writer = Rc::new(RefCell::new(writer));
    writer.borrow().file().push(&bar(0)).unwrap();
    let mut follower = Rotation::<Bar>::open(dir.path()).unwrap().follow();
    let mut taken = Vec::new();
    follower.take(&mut taken).unwrap();

    // The loads of a look that finds nothing.
    let loads = Rc::new(Cell::new(0));
    let counter = Rc::clone(&loads);
    set_thread_hook(Some(Box::new(move |event| {
        counter.set(counter.get() + usize::from(event == Event::Load))
    })));
    assert_eq!(follower.take(&mut taken).unwrap().count, 0);
    set_thread_hook(None);

    for (day, load) in (1u32..).zip((1..=loads.get()).chain([loads.get()])) {
        let writer = Rc::clone(&writer);
        at_load(load, move || {
            let mut writer = writer.borrow_mut();
            writer.file().push(&bar(2 * day - 1)).unwrap();
            writer.roll_to(&day.to_string()).unwrap();
            writer.file().push(&bar(2 * day)).unwrap();
        });
        while follower.take(&mut taken).unwrap().count > 0 {}
        set_thread_hook(None);
        while follower.take(&mut taken).unwrap().count > 0 {}
        let expected: Vec<Bar> = (0..=2 * day).map(bar).collect();
        assert!(taken == expected, "amid load {load} of {}: {:?}", loads.get(), taken.last());
    }
}
