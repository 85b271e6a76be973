//! Counts, percentiles and the lag of listeners.

use std::sync::Arc;

use napi_derive::napi;

use crate::distribution::{Lag, Summary};

/// Numbers that were measured, all 0 when there are none.
#[napi(object)]
pub struct NativeSummary {
    /// How many.
    pub count: f64,
    /// What they add up to.
    pub sum: f64,
    /// Half of them are not above this.
    pub p50: f64,
    /// 99 of a hundred are not above this.
    pub p99: f64,
    /// The largest.
    pub max: f64,
}

/// How long after changes the listeners of a configuration are called.
#[napi]
pub struct NativeLag {
    lag: Arc<Lag>,
}

#[napi]
impl NativeLag {
    /// Nothing yet.
    #[napi(constructor, catch_unwind)]
    pub fn new() -> Self {
        Self {
            lag: Arc::default(),
        }
    }

    /// Records that the listeners were called, so many nanoseconds ago, for what another process has sent to a
    /// doorbell: the moment of its change, in two words. It may be anything.
    #[napi(catch_unwind)]
    pub fn note(&self, low: u32, high: u32, since: f64) {
        let changed_at = u64::from(high) << 32 | u64::from(low);
        self.lag.note(changed_at.saturating_add(to_count(since)));
    }

    /// What was recorded so far.
    #[napi(catch_unwind)]
    pub fn summary(&self) -> NativeSummary {
        to_summary(&self.lag.summary())
    }

    pub fn lag(&self) -> &Arc<Lag> {
        &self.lag
    }
}

pub fn to_summary(summary: &Summary) -> NativeSummary {
    NativeSummary {
        count: to_number(summary.count),
        sum: to_number(summary.sum),
        p50: to_number(summary.p50),
        p99: to_number(summary.p99),
        max: to_number(summary.max),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "2^53 nanoseconds are 104 days, and counts and bytes stay below"
)]
pub fn to_number(count: u64) -> f64 {
    count as f64
}

/// The facade gives none below 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "below 2^53, where the part after the point is of no interest"
)]
pub fn to_count(number: f64) -> u64 {
    number as u64
}
