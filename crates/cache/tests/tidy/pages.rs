//! What the pages name is there, and what is there is named.

use crate::rooms::ROOMS;
use crate::source::{all, hold, root};
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
