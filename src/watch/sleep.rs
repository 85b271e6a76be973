//! Sleeping on a word of memory that other processes may share, and waking all who do. One file for each platform.

#[cfg(target_os = "linux")]
#[path = "sleep/linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "sleep/macos.rs"]
mod platform;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
#[path = "sleep/poll.rs"]
mod platform;

pub use platform::{wait, wake_all};

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::{Duration, Instant};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn a_word_that_has_moved_on_is_not_slept_on() {
        let word = AtomicU32::new(2);
        let started = Instant::now();
        wait(&word, 1, LONG);
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn a_sleeper_is_woken() {
        let word = AtomicU32::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while word.load(SeqCst) == 0 {
                    wait(&word, 0, LONG);
                }
            });
            word.store(1, SeqCst);
            wake_all(&word);
        });
        assert!(started.elapsed() < LONG);
    }

    #[test]
    fn sleep_ends_after_the_time_out() {
        let word = AtomicU32::new(0);
        wait(&word, 0, Duration::from_millis(5));
    }
}
