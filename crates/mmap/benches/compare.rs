//! Copies beside `copy_nonoverlapping`, and maps beside memmap2, in one run. Prints tables in Markdown.
//!
//! `cargo bench -p samovar-mmap --bench compare [-- copies|words|maps]`
#![allow(missing_docs)]

use memmap2::{Mmap, MmapMut};
use samovar_mmap::{Access, SharedMap, View, install_fault_guard};
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const ROUNDS: usize = 61;

fn main() {
    install_fault_guard().expect("the guard is part of what is measured");
    let chosen: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|word| word == name);
    if wanted("copies") {
        copies();
    }
    if wanted("words") {
        small_accesses();
    }
    if wanted("maps") {
        maps();
    }
}

/// The two in turn, many rounds; the best of each, in ns a call: what disturbs a machine only ever adds time.
fn beside(calls: usize, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> (f64, f64) {
    let time = |work: &mut dyn FnMut()| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best.0 = best.0.min(time(&mut ours));
        best.1 = best.1.min(time(&mut theirs));
    }
    (each(best.0, calls), each(best.1, calls))
}

#[allow(clippy::cast_precision_loss)] // counts are small
fn each(time: Duration, calls: usize) -> f64 {
    time.as_nanos() as f64 / calls as f64
}

fn file_of(len: usize) -> (tempfile::NamedTempFile, SharedMap) {
    let file = tempfile::NamedTempFile::new().unwrap();
    samovar_mmap::reserve(file.as_file(), len as u64).unwrap();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &vec![7; len]).unwrap();
    (file, map)
}

/// A slice whose begin lies `shift` bytes after that of the map, modulo 4096.
fn target(room: &mut [u8], map: &SharedMap, shift: usize, len: usize) -> *mut u8 {
    let begin = room.as_mut_ptr();
    let skip = (map.as_ptr().addr() + shift).wrapping_sub(begin.addr()) % 4096;
    assert!(skip + len <= room.len());
    begin.wrapping_add(skip)
}

fn copies() {
    println!(
        "\nCopy out of a map, ns: ours / copy_nonoverlapping = ratio of speeds (above 1: ours is faster).\n"
    );
    println!("| bytes | (dst - src) mod 4096 = 0 | 1 | 8 | 16 | 31 |\n|---|---|---|---|---|---|");
    let (_file, map) = file_of(2 << 20);
    let mut room = vec![0; (2 << 20) + 4096];
    let sizes = [
        8,
        16,
        24,
        32,
        40,
        64,
        100,
        128,
        200,
        256,
        512,
        1024,
        2048,
        4096,
        8192,
        16_384,
        65_536,
        1 << 18,
        1 << 20,
    ];
    for len in sizes {
        print!("| {len} ");
        for shift in [0, 1, 8, 16, 31] {
            let to = target(&mut room, &map, shift, len);
            let (ours, theirs) = copy_both(map.view(), to, len);
            print!("| {ours:.1} / {theirs:.1} = {:.2} ", theirs / ours);
            std::io::stdout().flush().unwrap();
        }
        println!("|");
    }
}

fn copy_both(view: View<'_>, to: *mut u8, len: usize) -> (f64, f64) {
    let calls = (200_000 / (len / 16 + 4)).max(2);
    let base = map_base(view);
    beside(
        calls,
        || {
            for _ in 0..calls {
                // SAFETY: `target` found room for so many bytes, and nobody else uses them meanwhile.
                let out = unsafe { std::slice::from_raw_parts_mut(black_box(to), black_box(len)) };
                view.read_into(black_box(0), out).unwrap();
                black_box(out);
            }
        },
        || {
            for _ in 0..calls {
                // SAFETY: as above.
                let out = unsafe { std::slice::from_raw_parts_mut(black_box(to), black_box(len)) };
                let from = base.wrapping_add(black_box(0));
                // SAFETY: the map is longer than that, and nobody writes it.
                unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
                black_box(out);
            }
        },
    )
}

fn map_base(view: View<'_>) -> *const u8 {
    // SAFETY: nobody writes the map while this program measures.
    unsafe { view.slice(0, view.len()) }.unwrap().as_ptr()
}

fn small_accesses() {
    const CALLS: usize = 20_000;
    println!("\nSmall accesses, length known only at run time, ns: ours / plain Rust on a slice.\n");
    println!("| access | ours | plain |\n|---|---|---|");
    let (_file, map) = file_of(1 << 16);
    let view = map.view();
    // SAFETY: nobody writes the map while this program measures.
    let slice = unsafe { view.slice(0, 1 << 16) }.unwrap();
    let mut buffer = [0; 8];
    let (ours, plain) = beside(
        CALLS,
        || (0..CALLS).for_each(|i| view.read_into(black_box(i), black_box(&mut buffer)).unwrap()),
        || {
            let mut copy = [0; 8];
            (0..CALLS).for_each(|i| {
                copy.copy_from_slice(&slice[black_box(i)..][..8]);
                black_box(&mut copy);
            });
        },
    );
    println!("| read_into of 8, length constant | {ours:.1} | {plain:.1} |");
    for len in [8, 12, 16, 20, 24, 32, 40, 64] {
        let key = vec![7; len];
        let (ours, plain) = beside(
            CALLS,
            || (0..CALLS).for_each(|i| assert!(view.equals(black_box(i), black_box(&key)).unwrap())),
            || {
                (0..CALLS).for_each(|i| {
                    let key = black_box(&key);
                    assert!(slice[black_box(i)..][..key.len()] == key[..]);
                });
            },
        );
        println!("| equals of {len} | {ours:.1} | {plain:.1} |");
    }
}

fn maps() {
    println!("\nMaps, microseconds: ours / memmap2 = ratio of times (at most 1.05 is the aim).\n");
    println!("| work | ours | memmap2 | ratio |\n|---|---|---|---|");
    let row = |work: &str, (ours, theirs): (f64, f64)| {
        println!("| {work} | {:.1} | {:.1} | {:.3} |", ours / 1e3, theirs / 1e3, ours / theirs);
    };
    row("open, map, read, unmap, close 4 KiB", open_and_read());
    let file = tempfile::NamedTempFile::new().unwrap();
    samovar_mmap::reserve(file.as_file(), 1 << 30).unwrap();
    row("map 1 GiB and touch every page", map_and_touch(file.as_file()));
    row("flush one dirty page of 1 GiB", flush_a_page(file.as_file()));
}

fn open_and_read() -> (f64, f64) {
    const CALLS: usize = 200;
    let (file, map) = file_of(4096);
    drop(map);
    let path: &Path = file.path();
    let mut out = vec![0; 4096];
    let mut copy = vec![0; 4096];
    beside(
        CALLS,
        || {
            for _ in 0..CALLS {
                let file = File::open(path).unwrap();
                let map = SharedMap::map(&file, Access::ReadOnly, 0, None).unwrap();
                map.view().read_into(0, &mut out).unwrap();
                black_box(&mut out);
            }
        },
        || {
            for _ in 0..CALLS {
                let file = File::open(path).unwrap();
                // SAFETY: nobody else has the file.
                let map = unsafe { Mmap::map(&file) }.unwrap();
                copy.copy_from_slice(&map);
                black_box(&mut copy);
            }
        },
    )
}

fn map_and_touch(file: &File) -> (f64, f64) {
    beside(
        1,
        || {
            let map = SharedMap::map(file, Access::ReadOnly, 0, None).unwrap();
            let sum: u64 = (0..1 << 18).map(|page| map.view().word64(page << 12).unwrap().load()).sum();
            black_box(sum);
        },
        || {
            // SAFETY: nobody else has the file.
            let map = unsafe { Mmap::map(file) }.unwrap();
            let sum: u64 = (0..1 << 18_usize)
                .map(|page| u64::from_le_bytes(map[page << 12..][..8].try_into().unwrap()))
                .sum();
            black_box(sum);
        },
    )
}

fn flush_a_page(file: &File) -> (f64, f64) {
    let ours = SharedMap::map(file, Access::ReadWrite, 0, None).unwrap();
    // SAFETY: both write one byte, and this program has one thread.
    let mut theirs: MmapMut = unsafe { MmapMut::map_mut(file) }.unwrap();
    let mut byte = 0;
    beside(
        1,
        || {
            byte ^= 1;
            ours.view().write_from(1 << 29, &[byte]).unwrap();
            ours.flush().unwrap();
        },
        || {
            theirs[1 << 29] ^= 0x80;
            theirs.flush().unwrap();
        },
    )
}
