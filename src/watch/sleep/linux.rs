//! Linux: a futex without the private flag, so that it works between processes (futex(2)).

#![expect(
    unsafe_code,
    reason = "futexes have no safe interface in the standard library"
)]

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while `word` is `expected`, until woken or the time is up. May also return for no reason.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    // Whole seconds and nanoseconds below one second fit every platform's fields.
    let timeout = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: `word` and `timeout` outlive the call. Every outcome means the same: look again.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ptr::from_ref(word),
            libc::FUTEX_WAIT,
            expected,
            &raw const timeout,
        );
    }
}

/// Wakes everyone who sleeps on `word`, in any process.
pub fn wake_all(word: &AtomicU32) {
    // SAFETY: `word` outlives the call; the kernel uses its address only.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            ptr::from_ref(word),
            libc::FUTEX_WAKE,
            i32::MAX,
        );
    }
}
