//! The time: a monotonic clock that all processes of a machine share, and the system's clock for dates.

#![expect(
    unsafe_code,
    reason = "the standard library's monotonic clock cannot be compared between processes"
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

/// Nanoseconds since a moment that all processes agree on, in general the start of the machine.
///
/// The counter is the same for all processors and processes
/// (learn.microsoft.com/windows/win32/sysinfo/acquiring-high-resolution-time-stamps).
#[cfg(windows)]
#[must_use]
pub fn now() -> u64 {
    use once_cell::sync::Lazy;
    use windows_sys::Win32::System::Performance::{
        QueryPerformanceCounter, QueryPerformanceFrequency,
    };

    static PER_SECOND: Lazy<u128> = Lazy::new(|| {
        let mut frequency = 0;
        // SAFETY: `frequency` is room for what is written. The call cannot fail since Windows XP.
        unsafe { QueryPerformanceFrequency(&raw mut frequency) };
        u128::from(frequency.max(1).unsigned_abs())
    });
    let mut count = 0;
    // SAFETY: as above.
    unsafe { QueryPerformanceCounter(&raw mut count) };
    let nanoseconds = u128::from(count.unsigned_abs()) * 1_000_000_000 / *PER_SECOND;
    u64::try_from(nanoseconds).unwrap_or(u64::MAX)
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
