//! How a connection waits for the locks of other processes.
//!
//! SQLite's own handler sleeps longer each time, up to a tenth of a second. A process that writes one transaction after
//! the other leaves the lock free for a tenth of a millisecond between two, so that another one missed it for seconds.
//! This one asks again every millisecond.

use std::cell::Cell;
use std::time::{Duration, Instant};

use rusqlite::Connection;

const PAUSE: Duration = Duration::from_millis(1);

thread_local! {
    /// How long this thread waits.
    static LIMIT: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Has the connection wait for locks as long as [`wait_up_to`] says on the thread that uses it.
pub fn wait_for_locks(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_handler(Some(ask_again))
}

/// How long connections wait for locks while this thread uses them. SQLite gives a busy handler no place of its own to
/// keep that.
pub fn wait_up_to(limit: Duration) {
    LIMIT.set(limit);
}

/// SQLite counts from 0 for each lock.
fn ask_again(times: i32) -> bool {
    let now = Instant::now();
    if times == 0 {
        SINCE.set(Some(now));
    }
    let waited = SINCE.get().map_or(Duration::ZERO, |since| now - since);
    let Some(left) = LIMIT
        .get()
        .checked_sub(waited)
        .filter(|left| !left.is_zero())
    else {
        return false;
    };
    std::thread::sleep(PAUSE.min(left));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_again_often_and_not_for_longer_than_the_limit() {
        const TIMES: u32 = 50;
        LIMIT.set(PAUSE * TIMES);
        let started = Instant::now();
        let asked = (0..1000).take_while(|times| ask_again(*times)).count();
        assert!(started.elapsed() >= PAUSE * TIMES);
        // Each pause may take longer than it should, but not forty times as long.
        assert!((2..=TIMES as usize).contains(&asked), "{asked}");
        // Another lock has all the time again.
        assert!(ask_again(0));
        LIMIT.set(Duration::ZERO);
        assert!(!ask_again(0));
    }
}
