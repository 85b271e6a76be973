//! The time: a monotonic clock that all processes of a machine share, and the system's clock for dates.

#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "the standard library's monotonic clock cannot be compared between processes"
    )
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since a moment that all processes agree on, in general the start of the machine.
#[cfg(unix)]
#[must_use]
pub fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is room for what is written. The call cannot fail: every system has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    let (seconds, rest) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    #[expect(clippy::useless_conversion, reason = "other systems count in 32 bits")]
    let (seconds, rest) = (u64::from(seconds), u64::from(rest));
    seconds.wrapping_mul(1_000_000_000).wrapping_add(rest)
}

/// There only threads share a page, so a moment of this process is enough.
#[cfg(not(unix))]
#[must_use]
pub fn now() -> u64 {
    use std::time::Instant;

    use once_cell::sync::Lazy;

    static START: Lazy<Instant> = Lazy::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Milliseconds since 1970 by the system's clock, negative when that is set to an earlier time.
#[must_use]
pub fn unix_time() -> i64 {
    let milliseconds = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(until) => -milliseconds(until.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::now;

    #[test]
    fn it_goes_forward_with_the_clock_of_the_system() {
        let (own, system) = (now(), std::time::Instant::now());
        while system.elapsed().as_millis() < 2 {
            assert!(now() >= own);
        }
        let (own, system) = (now() - own, system.elapsed().as_nanos());
        assert!(own >= 2_000_000, "{own} ns");
        assert!(
            u128::from(own) < system + 1_000_000_000,
            "{own} of {system} ns"
        );
    }
}
