//! Tests of `order.rs`.

use super::*;

#[test]
fn ranks_are_as_likely_as_the_law_says() {
    let (zipf, mut random, draws) = (Zipf::new(1000), Random::new(9), 400_000);
    let mut counts = vec![0u32; 1000];
    (0..draws).for_each(|_| counts[zipf.rank(&mut random) as usize] += 1);
    let total: f64 = (1..=1000).map(|rank| f64::from(rank).powf(-EXPONENT)).sum();
    for rank in [1, 2, 3, 10, 100] {
        let expected = f64::from(draws) * f64::from(rank).powf(-EXPONENT) / total;
        let found = f64::from(counts[rank as usize - 1]);
        assert!((found - expected).abs() < 6.0 * expected.sqrt(), "rank {rank}: {found}, not {expected}");
    }
    assert!(counts[999] > 0);
}

#[test]
fn orders_stay_below_their_bound_and_zipf_is_skewed() {
    for order in [Order::Uniform, Order::Zipf] {
        let drawn = order.draw(1000, 5);
        assert!(drawn.len() >= SHORTEST && drawn.iter().all(|number| *number < 1000));
        let mut counts = vec![0u32; 1000];
        drawn.iter().for_each(|number| counts[*number as usize] += 1);
        let most = counts.iter().max().copied().unwrap_or(0) as usize * 100 / drawn.len();
        assert_eq!(most > 5, order == Order::Zipf, "{order:?}: the hottest has {most} %");
    }
}
