//! Tests of `latency.rs`.

use super::*;

#[test]
fn one_slow_operation_of_a_thousand_is_the_longest() {
    let mut histogram = None;
    (0..999).for_each(|_| record(&mut histogram, Duration::from_nanos(100)));
    record(&mut histogram, Duration::from_micros(50));
    let latency = of(histogram.iter()).unwrap();
    assert_eq!((latency.p50_ns, latency.p999_ns), (100.0, 100.0));
    assert!(latency.max_ns >= 50_000.0);
    assert!(of(std::iter::empty()).is_none());
}
