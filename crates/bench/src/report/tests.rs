//! Tests of `report.rs`.

use super::*;

#[test]
fn the_page_is_what_the_results_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let written = fs::read_to_string(root.join(PAGE)).unwrap_or_default();
    let page = Page::new(&root).render().unwrap();
    assert!(written == page, "{PAGE} is not what `samovar-bench report` writes: run it again");
}
