//! The rooms of the engine, from the ground up: a room uses only those before it. In no crate do files use one another
//! in a circle.

use crate::graph::{Arrow, Crate, circles};
use crate::source::{all, hold};

/// Folders of `crates/cache/src`, each above those before it. Below all of them lie `error.rs` and `event.rs`; above them, `lib.rs`.
pub(crate) const ROOMS: [&str; 9] =
    ["format", "file", "shard", "policy", "read", "repair", "write", "open", "api"];
const GROUND: [&str; 2] = ["error.rs", "event.rs"];
const CRATES: [&str; 5] = ["mmap", "records", "cache", "cli", "bench"];

/// How high a file lies; none if it is in no room.
fn floor(file: &str) -> Option<usize> {
    match file {
        "lib.rs" => return Some(ROOMS.len() + 1),
        _ if GROUND.contains(&file) => return Some(0),
        _ => {}
    }
    let (room, _) = file.split_once('/')?;
    ROOMS.iter().position(|name| *name == room).map(|floor| floor + 1)
}

fn told(arrow: &Arrow) -> String {
    format!("{} uses {} ({})", arrow.from, arrow.to, arrow.by)
}

#[test]
fn every_file_of_the_engine_is_in_a_room() {
    let sources = all();
    let files =
        sources.iter().filter_map(|source| source.in_crate()).filter(|(folder, _)| *folder == "cache");
    let homeless = files.filter(|(_, file)| floor(file).is_none());
    hold("a file of the engine is in a room", homeless.map(|(_, file)| file.to_owned()));
}

#[test]
fn a_room_uses_only_those_below() {
    let sources = all();
    let arrows = Crate::of(&sources, "cache").arrows();
    assert!(arrows.len() > 200, "the arrows are not where they were: {}", arrows.len());
    let up = arrows.iter().filter(|arrow| floor(&arrow.from) < floor(&arrow.to));
    hold("a room uses only those before it, by import or by a method", up.map(told));
}

#[test]
fn no_files_use_one_another_in_a_circle() {
    let sources = all();
    let mut breaks = Vec::new();
    for folder in CRATES {
        let arrows = Crate::of(&sources, folder).arrows();
        for circle in circles(&arrows) {
            breaks.extend(circle.into_iter().map(|arrow| format!("{folder}: {}", told(arrow))));
        }
    }
    hold("files use one another in one direction, by import or by a method", breaks.into_iter());
}
