//! What the tests share: a bar, processes of their own, and a small disk.

#![allow(dead_code)] // each test file uses its part

use samovar_records::{Options, schema};
use std::path::Path;
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

/// How a file's records lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    Rows,
    Checksums,
    /// In small blocks, so that there are many of them.
    Columns,
    ColumnsWithChecksums,
}

impl Form {
    pub(crate) const ALL: [Form; 4] =
        [Form::Rows, Form::Checksums, Form::Columns, Form::ColumnsWithChecksums];

    /// How such files are made.
    pub(crate) fn options(self) -> Options {
        let options = Options::new();
        match self {
            Form::Rows => options,
            Form::Checksums => options.checksums(),
            Form::Columns => options.columns_apart(64).unwrap(),
            Form::ColumnsWithChecksums => options.checksums().columns_apart(64).unwrap(),
        }
    }
}

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

/// A file system of 1 MiB in memory; none if it may not be mounted here.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub(crate) fn mount() -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = cfg!(target_os = "linux")
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
                .arg(dir.path())
                .output()
                .is_ok_and(|output| output.status.success());
        if !mounted {
            eprintln!("skipped: this test mounts a file system, and may not here");
        }
        mounted.then_some(SmallDisk(dir))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}
