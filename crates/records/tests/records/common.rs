//! What the tests share: a bar, and processes of their own.

#![allow(dead_code)] // each test file uses its part

use samovar_records::schema;
use std::process::{Command, Stdio};
use zerocopy::{FromBytes, Immutable, IntoBytes};

#[derive(Clone, Copy, Debug, Default, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(crate) struct Bar {
    pub(crate) time: i64,
    pub(crate) open: f64,
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
}
schema!(Bar { time, open, high, low, close });

/// A bar all of whose fields tell the same number, so that a torn one is seen.
pub(crate) fn bar(number: u32) -> Bar {
    let price = f64::from(number);
    Bar { time: i64::from(number), open: price, high: price, low: price, close: price }
}

/// The number of a bar that is whole.
#[track_caller]
pub(crate) fn number(bar: &Bar) -> u32 {
    let number = u32::try_from(bar.time).expect("a number of ours");
    assert_eq!(*bar, self::bar(number), "torn");
    number
}

/// This test program again, to run one ignored test as a process of its own.
pub(crate) fn process(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
