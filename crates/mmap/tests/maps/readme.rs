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
