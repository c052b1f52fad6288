//! Any bytes in a record file, and in a pack, before they are opened and while they are used: nothing panics, everything ends.
//!
//! `cargo +nightly fuzz run records` (from the root). The input is a program of four-byte instructions: damage the file that
//! is there, or use the handles that are open on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samovar_records::{RawFile, RecordFile, RecordSet, schema};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use zerocopy::{FromBytes, Immutable, IntoBytes};

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Bar {
    time: i64,
    open: f64,
    close: f64,
}
schema!(Bar { time, open, close });

const BAR: Bar = Bar { time: 7, open: 1.0, close: 2.0 };

/// A file and a pack with some of everything in them, made once.
struct Pristine {
    folder: tempfile::TempDir,
    files: [(PathBuf, Vec<u8>); 2],
}

fn pristine() -> &'static Pristine {
    static PRISTINE: OnceLock<Pristine> = OnceLock::new();
    PRISTINE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bars");
        let bars = RecordFile::<Bar>::create(&file).unwrap();
        bars.extend_from_slice(&[BAR; 200]).unwrap();
        bars.truncate_front(150).unwrap();
        bars.set(3, &BAR).unwrap();
        bars.flush().unwrap();
        drop(bars);
        let set = RecordSet::open_or_create(folder.path()).unwrap();
        let draft = set.draft("today").unwrap();
        for key in ["one", "two", "three"] {
            draft.create::<Bar>(key, 9).unwrap().push(&BAR).unwrap();
        }
        draft.publish().unwrap();
        let mut packs = std::fs::read_dir(folder.path().join("generations/today")).unwrap();
        let pack = packs.next().unwrap().unwrap().path();
        let files = [file, pack].map(|path| (path.clone(), std::fs::read(path).unwrap()));
        Pristine { folder, files }
    })
}

fn damage(file: &File, what: u8, at: u64) {
    let mut word = [0; 8];
    let _ = file.read_exact_at(&mut word, at * 8);
    let changed = match what % 4 {
        0 => u64::from_le_bytes(word) ^ 1 << (what >> 2),
        1 => 0,
        2 => u64::MAX >> (what >> 2),
        _ => u64::from_le_bytes(word).wrapping_add(u64::from(what)),
    };
    let _ = file.write_all_at(&changed.to_le_bytes(), at * 8);
}

fn use_it(bars: &RecordFile<Bar>, what: u8, index: usize) {
    match what % 8 {
        0 => drop(bars.set(index, &BAR)),
        1 => drop(bars.extend_from_slice(&vec![BAR; index % 700])),
        2 => drop(bars.truncate_front(index % 300)),
        3 => drop(bars.to_vec()),
        4 => drop(bars.view().map(|view| (view.get(index), view.for_each_column(|bar| &bar.close, |_| ())))),
        5 => drop((bars.info(), bars.update_last(&BAR))),
        6 => drop(bars.binary_search_by_key(&5, |bar| bar.time)),
        _ => drop((bars.get(index), bars.last())),
    }
}

fuzz_target!(|program: &[u8]| {
    let pristine = pristine();
    let opened = pristine.files.each_ref().map(|(path, bytes)| {
        let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    });
    let mut bars = None;
    for step in program.chunks_exact(4).take(200) {
        let &[what, detail, low, high] = step else { unreachable!("chunks of four") };
        let number = u16::from_le_bytes([low, high]);
        let file = usize::from(what >> 3 & 1);
        let path = &pristine.files[file].0;
        match what % 8 {
            0..=2 => damage(&opened[file], detail, u64::from(number) % 4096),
            3 if detail == 0 => drop(opened[file].set_len(u64::from(number))),
            3 if file == 1 => {
                let today = RecordSet::open(pristine.folder.path()).and_then(|set| set.generation("today"));
                bars = today.and_then(|today| today.open_writer("two")).ok();
            }
            3 if detail % 2 == 0 => bars = RecordFile::<Bar>::open(path).ok(),
            3 => drop(RawFile::open(path).map(|raw| raw.info())),
            _ => {
                if bars.is_none() {
                    bars = RecordFile::<Bar>::open_writer(&pristine.files[0].0).ok();
                }
                if let Some(bars) = &bars {
                    use_it(bars, detail, usize::from(number));
                }
            }
        }
    }
});
