//! The program in `docs/RECORDS-FORMAT.md` reads what this crate writes. Skipped where there is no Python with numpy; `scripts/numpy`
//! installs one, and names it in `SAMOVAR_PYTHON`.

use crate::common::Form;
use samovar_records::{Options, RawFile};
use std::path::Path;
use std::process::{Command, Output};

const FORMAT: &str = include_str!("../../../../docs/RECORDS-FORMAT.md");
/// Says what it found: sums of the fields, the newest of them, and a text.
const CHECK: &str = "
import sys
arrays = open_records(sys.argv[1])
print(len(arrays['time']), arrays['time'].sum(), arrays['bid'].sum(), arrays['bid'][-1].tolist(), arrays['name'][0].tobytes())
";

fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    Command::new(program).args(arguments).output().ok()
}

fn python() -> Option<String> {
    if let Ok(named) = std::env::var("SAMOVAR_PYTHON") {
        return Some(named);
    }
    let there = run("python3", &["-c", "import numpy"]).is_some_and(|output| output.status.success());
    if !there {
        eprintln!("skipped: there is no python3 with numpy; see scripts/numpy");
    }
    there.then(|| "python3".to_owned())
}

/// A record of `time:i64,bid:f64[2],name:u8[4]`, padded to a multiple of eight.
fn record(number: u32) -> Vec<u8> {
    let mut bytes = i64::from(number).to_le_bytes().to_vec();
    for bid in [f64::from(number), f64::from(number) / 2.0] {
        bytes.extend_from_slice(&bid.to_le_bytes());
    }
    bytes.extend_from_slice(b"abcd\0\0\0\0");
    bytes
}

fn write(options: &Options, path: &Path) {
    let schema = "time:i64,bid:f64[2],name:u8[8]".parse().unwrap();
    let file = options.open_or_create_raw(path, schema).unwrap();
    let records = |numbers: std::ops::Range<u32>| numbers.flat_map(record).collect::<Vec<u8>>();
    file.extend_from_bytes(&records(0..100)).unwrap();
    file.close().unwrap();
    // A ring that came round.
    let file = RawFile::open_writer(path).unwrap();
    let room = u32::try_from(file.capacity().unwrap()).unwrap();
    drop(file);
    let typed = samovar_records::RecordFile::<Quote>::open_writer(path).unwrap();
    typed.truncate_front(50).unwrap();
    drop(typed);
    let file = RawFile::open_writer(path).unwrap();
    file.extend_from_bytes(&records(100..room + 20)).unwrap();
    file.close().unwrap();
}

#[derive(Clone, Copy, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable)]
#[repr(C)]
struct Quote {
    time: i64,
    bid: [f64; 2],
    name: [u8; 8],
}
samovar_records::schema!(Quote { time, bid, name });

#[test]
fn numpy_reads_what_the_format_page_says() {
    let Some(python) = python() else { return };
    let program = FORMAT.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    for form in Form::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quotes");
        write(&form.options(), &path);
        let script = dir.path().join("read.py");
        std::fs::write(&script, format!("{program}{CHECK}")).unwrap();
        let output = run(&python, &[script.to_str().unwrap(), path.to_str().unwrap()]).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let quotes = samovar_records::RecordFile::<Quote>::open(&path).unwrap().to_vec().unwrap();
        let times: i64 = quotes.iter().map(|quote| quote.time).sum();
        let bids: f64 = quotes.iter().flat_map(|quote| quote.bid).sum();
        let last = quotes.last().unwrap().bid;
        let expected = format!("{} {times} {bids:?} {last:?} b'abcd\\x00\\x00\\x00\\x00'", quotes.len());
        assert_eq!(
            said.lines().next(),
            Some(&*expected),
            "{form:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
