//! What the pages name is there, and what is there is named.

use crate::rooms::ROOMS;
use crate::source::{all, hold, root};
use std::collections::BTreeSet;
use std::fs;

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

#[test]
fn the_map_names_what_is_there() {
    let map = page("ARCHITECTURE.md");
    assert!(map.lines().count() < 200, "ARCHITECTURE.md is a map, not a book: under 200 lines");
    let sources = all();
    let engine = sources.iter().filter(|source| {
        let Some((folder, file)) = source.in_crate() else { return false };
        let name = file.rsplit('/').next().unwrap_or(file);
        (folder == "cache" || folder == "mmap" && name == file)
            && !["lib.rs", "mod.rs"].contains(&name)
            && !map.contains(&format!("`{name}`"))
    });
    hold(
        "ARCHITECTURE.md names every file of the engine and the mapping layer",
        engine.map(|source| source.path.clone()),
    );
    let named = map.split('`').skip(1).step_by(2);
    let gone = named.filter(|word| word.contains('/') && !word.contains([' ', '<', '(', ':']));
    let gone =
        gone.filter(|path| !root().join(path).exists() && !ROOMS.contains(&path.trim_end_matches('/')));
    hold("what ARCHITECTURE.md names exists", gone.map(str::to_owned));
}

/// The rows of the engine's table: a room, without its slash, and the files that are named in it.
fn rows(map: &str) -> Vec<(&str, BTreeSet<String>)> {
    let table =
        map.split("\n### The engine").nth(1).and_then(|rest| rest.split("|---|---|\n").nth(1)).unwrap_or("");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let (room, files) = (cells.next().unwrap_or(""), cells.next().unwrap_or(""));
        let named = files.split('`').skip(1).step_by(2).filter(|word| word.ends_with(".rs"));
        (room.trim_matches('`').trim_end_matches('/'), named.map(str::to_owned).collect())
    })
    .collect()
}

#[test]
fn the_table_of_rooms_is_the_code() {
    let map = page("ARCHITECTURE.md");
    let rows = rows(&map);
    let order: Vec<&str> = rows.iter().map(|(room, _)| *room).collect();
    assert_eq!(order, [&["root"], &ROOMS[..]].concat(), "the rooms of ARCHITECTURE.md, from the ground up");
    let sources = all();
    let files: Vec<(&str, &str)> = (sources.iter().filter_map(|source| source.in_crate()))
        .filter(|(folder, _)| *folder == "cache")
        .map(|(_, file)| file.split_once('/').unwrap_or(("root", file)))
        .filter(|(_, name)| !["mod.rs", "lib.rs"].contains(name))
        .collect();
    let breaks = rows.iter().flat_map(|(room, named)| {
        let there: BTreeSet<String> =
            files.iter().filter(|(of, _)| of == room).map(|(_, name)| (*name).to_owned()).collect();
        let gone = named.difference(&there).map(|name| format!("{room}: {name} is not there"));
        let missing = there.difference(named).map(|name| format!("{room}: {name} is not named"));
        gone.chain(missing).collect::<Vec<_>>()
    });
    hold("a row of ARCHITECTURE.md names the files of its room", breaks);
}

/// The pages say of a get and a set which files they cross.
#[test]
fn what_a_call_crosses_is_there() {
    let map = page("ARCHITECTURE.md");
    let sources = all();
    let stems: BTreeSet<&str> = (sources.iter().filter_map(|source| source.in_crate()))
        .filter_map(|(_, file)| file.rsplit('/').next()?.strip_suffix(".rs"))
        .collect();
    let lists: Vec<&str> =
        map.split("crosses").skip(1).filter_map(|rest| rest.split(['.', ';']).next()).collect();
    assert!(lists.len() >= 2, "ARCHITECTURE.md says which files a get and a set cross");
    let named = lists.iter().flat_map(|list| list.split('`').skip(1).step_by(2));
    let gone = named.filter(|name| !stems.contains(name)).map(str::to_owned);
    hold("a get and a set cross files that are there", gone);
}

#[test]
fn what_the_front_page_links_to_is_there() {
    let page = page("README.md");
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links: Vec<&str> = links.filter(|link| !link.starts_with("http")).collect();
    let tests = links.iter().filter(|link| link.contains("/tests/")).count();
    assert!(tests > 10, "the table of features links to tests");
    let gone = links.iter().filter(|link| !root().join(link.split('#').next().unwrap_or(link)).exists());
    hold("what README.md links to exists", gone.map(|link| (*link).to_owned()));
    let table = page.split("| | Samovar |").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
    let bare =
        table.lines().filter(|row| row.split('|').nth(2).is_some_and(|cell| cell.trim().starts_with("yes")));
    hold("every yes of Samovar's is linked to a test", bare.map(str::to_owned));
}
