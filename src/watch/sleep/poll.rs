//! Platforms without a way to sleep on shared memory: a look every millisecond.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(1);

/// Waits while `word` is `expected`, until it changes or the time is up.
pub fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    while word.load(SeqCst) == expected && Instant::now() < deadline {
        std::thread::sleep(PAUSE);
    }
}

/// Nothing to do: sleepers look by themselves.
pub fn wake_all(_word: &AtomicU32) {}
