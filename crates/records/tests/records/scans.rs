//! Columns and parts of views: what they give is what the records say, also while they are written.

use crate::common::{Bar, Form, bar, number};
use samovar_records::{RecordFile, View};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

fn file(count: u32) -> (tempfile::TempDir, RecordFile<Bar>) {
    file_of(Form::Rows, count)
}

fn file_of(form: Form, count: u32) -> (tempfile::TempDir, RecordFile<Bar>) {
    let dir = tempfile::tempdir().unwrap();
    let file = form.options().create::<Bar>(dir.path().join("bars"), 0).unwrap();
    file.extend_from_slice(&(0..count).map(bar).collect::<Vec<_>>()).unwrap();
    (dir, file)
}

/// The times, by a walk through three columns that have to agree.
fn times(view: &View<'_, Bar>) -> Vec<i64> {
    let mut all = Vec::new();
    let scan = view.scan(|bar| &bar.time).and(|bar| &bar.close).and(|bar| &bar.open);
    scan.for_each(|((times, closes), opens)| {
        assert!(times.len() == closes.len() && closes == opens);
        #[expect(clippy::cast_precision_loss, reason = "they are small")]
        let same = times.iter().zip(closes).all(|(time, close)| *time as f64 == *close);
        assert!(same, "of two records");
        all.extend_from_slice(times);
    })
    .unwrap();
    all
}

#[test]
fn columns_of_a_view_are_those_of_its_records() {
    for (form, count) in
        Form::ALL.into_iter().flat_map(|form| [0, 1, 255, 256, 257, 5000].map(|count| (form, count)))
    {
        let (_dir, file) = file_of(form, count);
        let view = file.view().unwrap();
        assert_eq!(times(&view), (0..i64::from(count)).collect::<Vec<_>>());
        let mut seen = 0;
        let scan = view.scan(|bar| &bar.close).try_for_each(|closes| {
            seen += closes.len();
            if seen > 300 { ControlFlow::Break(seen) } else { ControlFlow::Continue(()) }
        });
        let breaks = matches!(scan.unwrap(), ControlFlow::Break(at) if at == seen);
        assert_eq!(breaks, count > 300, "{count}");
        assert!(seen <= 512, "it went on after the break: {seen}");
    }
}

#[test]
fn parts_are_all_of_a_view_and_nothing_twice() {
    let (_dir, file) = file(1003);
    let view = file.view().unwrap();
    for count in [0, 1, 2, 7, 1003, 5000] {
        let parts: Vec<_> = view.parts(count).collect();
        assert_eq!(parts.len(), count.max(1));
        let all: Vec<i64> = parts.iter().flat_map(times).collect();
        assert_eq!(all, (0..1003).collect::<Vec<_>>());
    }
    assert_eq!(times(&view.last_n(3)), [1000, 1001, 1002]);
    assert_eq!(
        (
            view.last_n(9999).len(),
            view.part(std::ops::Range { start: 10, end: 5 }).len(),
            view.part(1000..usize::MAX).len()
        ),
        (1003, 0, 3)
    );
    assert_eq!(view.part(5..9).get(3).unwrap(), Some(bar(8)));
    assert_eq!(view.part(5..9).get(4).unwrap(), None);
    file.truncate_front(3).unwrap();
    assert_eq!(times(&view), [1000, 1001, 1002]);
    file.extend_from_slice(&(2000..6000).map(bar).collect::<Vec<_>>()).unwrap();
    assert_eq!(times(&view), [1000, 1001, 1002], "a view has what was there");
    assert_eq!(view.iter().count(), 3);
}

#[test]
fn columns_are_right_while_the_file_grows_and_turns() {
    let (dir, writer) = file(2000);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for threads in 0..2 {
            let (done, path) = (&done, dir.path().join("bars"));
            scope.spawn(move || {
                let reader = RecordFile::<Bar>::open(path).unwrap();
                let old = reader.view().unwrap();
                while !done.load(Ordering::Relaxed) {
                    for view in [&reader.view().unwrap(), &old] {
                        let all = if threads == 0 {
                            times(view)
                        } else {
                            view.parts(3).flat_map(|part| times(&part)).collect()
                        };
                        assert!(all.is_sorted(), "{all:?}");
                    }
                    if let Some(bar) = old.last_n(1).get(0).unwrap() {
                        assert_eq!(u64::from(number(&bar)), old.ordinals().end - 1);
                    }
                }
            });
        }
        for i in 2000..30_000 {
            writer.push(&bar(i)).unwrap();
            writer
                .set(writer.len().unwrap() / 2, &writer.get(writer.len().unwrap() / 2).unwrap().unwrap())
                .unwrap();
            if i % 5000 > 3000 {
                writer.truncate_front(1500).unwrap();
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
