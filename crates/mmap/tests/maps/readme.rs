//! The README's feature table is true: every test that it names is in the file that it names.

use std::path::Path;

#[test]
fn every_test_that_the_readme_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let mut seen = 0;
    for link in readme.split("](tests/").skip(1) {
        let (file, rest) = link.split_once(')').unwrap();
        let source = std::fs::read_to_string(root.join("tests").join(file)).unwrap();
        let named = rest.split(['|', '[']).next().unwrap();
        for name in named.split('`').skip(1).step_by(2) {
            assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
            seen += 1;
        }
    }
    assert!(seen > 30, "the table was read");
}

/// Which kinds of maps the other crates here use is as the README says.
#[test]
fn kinds_that_nobody_uses_here_are_used_by_nobody() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(crates.join("mmap/README.md")).unwrap();
    let unused: Vec<&str> = readme
        .lines()
        .filter(|row| row.ends_with("| nobody |"))
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2))
        .collect();
    assert!(unused.contains(&"SealedMap") && unused.len() > 5, "{unused:?}");
    let mut sources = Vec::new();
    for other in ["cache", "records", "cli", "bench"] {
        collect(&crates.join(other).join("src"), &mut sources);
    }
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap();
        if !text.contains("samovar_mmap") {
            continue; // its words are its own
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for word in code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric())) {
            assert!(!unused.contains(&word), "{} uses {word}", source.display());
        }
    }
}

fn collect(folder: &Path, sources: &mut Vec<std::path::PathBuf>) {
    // Where this package is alone, there is nobody.
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            sources.push(path);
        }
    }
}
