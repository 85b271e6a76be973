//! How numbers are measured.
//!
//! Reads and flips are never measured here: that would cost more than they do.

use std::sync::{Mutex, MutexGuard};

use hdrhistogram::Histogram;

use crate::clock;
use crate::sync::lock;

/// Upper bounds of the buckets of times, in nanoseconds: 10 µs to 10 s.
pub const TIMES: &[u64] = &[
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Upper bounds of the buckets of small numbers.
pub const COUNTS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/// Longer than anything lasts that is measured, in nanoseconds: an hour. Keeps histograms small.
const LONGEST: u64 = 3_600_000_000_000;

/// Significant digits of the percentiles. Two make them exact to a percent, in at most 38 KB.
const DIGITS: u8 = 2;

/// Numbers that were measured.
#[derive(Debug)]
pub struct Distribution {
    /// `None` until the first number, and never if there cannot be one.
    values: Option<Histogram<u64>>,
    bounds: &'static [u64],
    /// How many there are up to each bound and above the one before it. Kept beside the histogram, whose own limits are
    /// elsewhere.
    buckets: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

/// What was measured, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many numbers there were.
    pub count: u64,
    /// What they add up to.
    pub sum: u64,
    /// Half of them are not above this. 0 when there are none.
    pub p50: u64,
    /// 99 of a hundred are not above this. 0 when there are none.
    pub p99: u64,
    /// The largest. 0 when there are none.
    pub max: u64,
    /// Upper bounds, each with how many there are up to it and above the bound before it.
    pub buckets: Vec<(u64, u64)>,
}

impl Distribution {
    /// Nothing yet.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            values: None,
            bounds,
            buckets: vec![0; bounds.len()],
            count: 0,
            sum: 0,
            max: 0,
        }
    }

    /// Records a number.
    pub fn record(&mut self, value: u64) {
        let value = value.min(LONGEST);
        if self.values.is_none() {
            // It fails for other numbers of digits only.
            self.values = Histogram::new(DIGITS).ok();
        }
        if let Some(values) = &mut self.values {
            // It grows with its largest value, and fails above what an index counts, which is far above LONGEST.
            let _always = values.record(value);
        }
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket += 1;
        }
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// How many numbers were recorded.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// What was recorded so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let quantile = |quantile| {
            // The histogram answers with the end of a step, which may be above every value.
            self.values
                .as_ref()
                .map_or(0, |values| values.value_at_quantile(quantile).min(self.max))
        };
        Summary {
            count: self.count,
            sum: self.sum,
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: self.max,
            buckets: self
                .bounds
                .iter()
                .copied()
                .zip(self.buckets.iter().copied())
                .collect(),
        }
    }
}

/// How long after changes the listeners of a configuration are called.
#[derive(Debug)]
pub struct Lag(Mutex<Distribution>);

impl Default for Lag {
    fn default() -> Self {
        Self(Mutex::new(Distribution::new(TIMES)))
    }
}

impl Lag {
    /// Records that the listeners are called now for a change at this time of [`clock::now`].
    ///
    /// The time may come from another process. Times in the future or over an hour ago are ignored.
    pub fn note(&self, changed_at: u64) {
        if let Some(lag) = clock::now().checked_sub(changed_at)
            && lag <= LONGEST
        {
            self.distribution().record(lag);
        }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.distribution().summary()
    }

    fn distribution(&self) -> MutexGuard<'_, Distribution> {
        // What a panic leaves half counted is off by one at most.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The number at this quantile of sorted numbers.
    fn plain(sorted: &[u64], quantile: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a small number of samples"
        )]
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        sorted[rank.max(1) - 1]
    }

    fn assert_agrees(values: &[u64]) {
        let mut distribution = Distribution::new(TIMES);
        for value in values {
            distribution.record(*value);
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let summary = distribution.summary();
        assert_eq!(summary.count, values.len() as u64);
        assert_eq!(summary.sum, values.iter().sum::<u64>());
        assert_eq!(summary.max, *sorted.last().unwrap());
        assert!(summary.p99 <= summary.max, "{summary:?}");
        for (found, quantile) in [(summary.p50, 0.5), (summary.p99, 0.99)] {
            let wanted = plain(&sorted, quantile);
            assert!(
                found >= wanted && found - wanted <= wanted / 100,
                "{found}, not {wanted}"
            );
        }
        let mut below = 0;
        for (bound, count) in summary.buckets {
            below += count;
            let wanted = values.iter().filter(|value| **value <= bound).count();
            assert_eq!(below, wanted as u64, "up to {bound}");
        }
    }

    #[test]
    fn known_samples_give_their_percentiles() {
        assert_agrees(&[7]);
        assert_agrees(&(1..=100).map(|n| n * 1_000_000).collect::<Vec<_>>());
        let mut spread = vec![10_000; 98];
        spread.extend([25_000, 9_000_000_000]);
        assert_agrees(&spread);
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_a_plain_sort(
            values in prop::collection::vec(
                prop_oneof![0..1000_u64, 0..10_000_000_u64, 0..LONGEST, prop::sample::select(TIMES)],
                1..400,
            ),
        ) {
            assert_agrees(&values);
        }
    }

    #[test]
    fn nothing_is_zero() {
        let summary = Distribution::new(COUNTS).summary();
        assert_eq!((summary.count, summary.sum, summary.max), (0, 0, 0));
        assert_eq!((summary.p50, summary.p99), (0, 0));
        assert_eq!(summary.buckets.len(), COUNTS.len());
    }

    #[test]
    fn a_moment_that_cannot_be_is_left_out() {
        let lag = Lag::default();
        let now = clock::now();
        for impossible in [now + LONGEST, u64::MAX, now.wrapping_sub(2 * LONGEST)] {
            lag.note(impossible);
        }
        assert_eq!(lag.summary().count, 0);
        lag.note(now);
        let Summary { count, max, .. } = lag.summary();
        assert_eq!(count, 1);
        assert!(max < 10_000_000_000, "{max} ns");
    }
}
