//! Tests of `terrain.rs`.

#[test]
fn a_cycle_comes_everywhere() {
    let next = super::cycle(1000, 3);
    let (mut line, mut steps) = (0, 0);
    while steps == 0 || line != 0 {
        line = next[line as usize];
        steps += 1;
    }
    assert_eq!(steps, 1000);
}
