//! A schema that grows: files of an older and of a newer schema are read as they are, in every way.

use crate::common::{Bar, Form, bar};
use samovar_records::{ErrorKind, Projection, RecordFile, schema};
use std::time::Duration;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A bar without `high` and `low`, whose `close` is called `px`, with a volume, and in another order.
#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Other {
    px: f64,
    volume: u32,
    flags: [u8; 4],
    time: i64,
    open: f64,
}
schema!(Other { px, volume, flags, time, open });

fn other(number: u32) -> Other {
    let price = f64::from(number);
    Other { px: price, volume: 0, flags: [0; 4], time: i64::from(number), open: price }
}

fn projection() -> Projection {
    Projection::new().renamed("close", "px").added("volume").added("flags")
}

#[test]
fn a_file_of_the_old_schema_is_read_by_the_new_one() {
    for form in Form::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bars");
        let writer = form.options().create::<Bar>(&path, 0).unwrap();
        writer.extend_from_slice(&(0..500).map(bar).collect::<Vec<_>>()).unwrap();
        let file = RecordFile::<Other>::open_as(&path, &projection()).unwrap();
        let all: Vec<Other> = (0..500).map(other).collect();
        assert_eq!((file.len().unwrap(), file.get(7).unwrap()), (500, Some(other(7))));
        assert_eq!(file.last().unwrap(), Some(other(499)));
        assert_eq!(file.to_vec().unwrap(), all);
        assert_eq!(file.snapshot().unwrap().as_slice(), all);
        let view = file.view().unwrap();
        assert_eq!(view.get(499).unwrap(), Some(other(499)));
        let (mut sum, mut volumes) = (0.0, 0);
        view.scan(|bar| &bar.px)
            .and(|bar| &bar.volume)
            .for_each(|(prices, some)| {
                sum += prices.iter().sum::<f64>();
                volumes += some.iter().sum::<u32>();
            })
            .unwrap();
        assert_eq!((sum, volumes), ((0..500).map(f64::from).sum(), 0));
        assert_eq!(view.sorted_by(|bar| bar.time).range(10..20).unwrap(), 10..20);

        // It goes on while the file is written.
        let mut follower = file.follow_from(498);
        writer.set(3, &bar(1003)).unwrap();
        writer.push(&bar(500)).unwrap();
        assert!(follower.wait(Duration::from_secs(20)).unwrap());
        let mut taken = Vec::new();
        follower.take(&mut taken).unwrap();
        assert_eq!(taken, [498, 499, 500].map(other));
        assert_eq!(file.get(3).unwrap(), Some(other(1003)));

        file.backup(dir.path().join("copy")).unwrap();
        let copy = RecordFile::<Other>::open(dir.path().join("copy")).unwrap();
        assert_eq!(copy.to_vec().unwrap(), file.to_vec().unwrap(), "a copy has the new schema");
        assert_eq!(copy.info().unwrap().has_checksums, file.info().unwrap().has_checksums);
    }
}

#[test]
fn an_old_reader_goes_on_with_a_file_of_the_new_schema() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    RecordFile::<Other>::create(&path).unwrap().push(&other(7)).unwrap();
    let old = Projection::new().renamed("px", "close").added("high").added("low");
    let read = RecordFile::<Bar>::open_as(&path, &old).unwrap().last().unwrap().unwrap();
    assert_eq!(read, Bar { high: 0.0, low: 0.0, ..bar(7) });
    // Of its own schema it is read as ever, whatever is said of others.
    let same = RecordFile::<Other>::open_as(&path, &projection()).unwrap();
    assert_eq!(same.view().unwrap().get(0).unwrap(), Some(other(7)));
}

#[test]
fn a_projected_file_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(7)).unwrap();
    let file = RecordFile::<Other>::open_as(&path, &projection()).unwrap();
    assert_eq!(file.push(&other(8)).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(RecordFile::<Other>::open(&path).unwrap_err().kind(), ErrorKind::WrongSize);
}

#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Wide {
    time: i64,
    close: [f64; 2],
}
schema!(Wide { time, close });

#[test]
fn what_is_missing_or_of_another_type_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    RecordFile::<Bar>::create(&path).unwrap();
    for (projection, said) in [
        (Projection::new(), "px"),
        (Projection::new().renamed("close", "px"), "volume"),
        (projection().renamed("close", "volume"), "volume"),
    ] {
        let error = RecordFile::<Other>::open_as(&path, &projection).unwrap_err();
        assert!(error.kind() == ErrorKind::WrongType && error.to_string().contains(said), "{error}");
    }
    let error = RecordFile::<Wide>::open_as(&path, &Projection::new()).unwrap_err();
    assert!(error.to_string().contains("close:f64[2]"), "{error}");
}
