//! How a watcher falls asleep and a writer wakes it, without a lock and without a lost wake-up.
//!
//! | | watcher | writer |
//! |---|---|---|
//! | 1 | mark: make `sleepers` odd | change a state word |
//! | 2 | read the generation with `fetch_add(0)` | `generation += 1` |
//! | 3 | unless it moved, sleep while `sleepers` is as marked | if `sleepers` is odd, add 1 to it and wake |
//!
//! Each side writes one word and then reads the other, so at least one of them sees what the other wrote: either the
//! watcher sees the new generation and stays awake, or the writer sees the mark. A writer that takes the mark before
//! the watcher is asleep makes the sleep fail, since the kernel starts it only if the word is still as marked. And
//! since taking a mark also counts, a mark that another watcher sets meanwhile is not taken for the own one.
//!
//! The watcher reads the generation with an addition of 0: a read-modify-write always sees the newest value, and the
//! writer that comes after it sees all that the watcher did before.
//!
//! JavaScript's half of the writer is `announce` in `lib/page.ts`. The tests run both sides through loom. (Sleeping
//! on the generation, with a mark of 0 or 1, fails there: a slow writer takes the mark of the watcher's next sleep.)

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

/// An atomic word with sequentially consistent operations, so that loom's words can stand in for real ones.
pub trait Word {
    /// Reads.
    fn load(&self) -> u32;
    /// Adds and returns what was there.
    fn fetch_add(&self, value: u32) -> u32;
    /// Sets bits and returns what was there.
    fn fetch_or(&self, bits: u32) -> u32;
    /// Replaces `current`, and tells whether it was there.
    fn replace(&self, current: u32, new: u32) -> bool;
}

impl Word for AtomicU32 {
    fn load(&self) -> u32 {
        self.load(SeqCst)
    }

    fn fetch_add(&self, value: u32) -> u32 {
        self.fetch_add(value, SeqCst)
    }

    fn fetch_or(&self, bits: u32) -> u32 {
        self.fetch_or(bits, SeqCst)
    }

    fn replace(&self, current: u32, new: u32) -> bool {
        self.compare_exchange(current, new, SeqCst, SeqCst).is_ok()
    }
}

/// Step 1: asks the next writer for a wake-up. A listener's thread does this too, on behalf of a watcher that sleeps
/// without a mark because nobody could be told.
pub fn mark(sleepers: &impl Word) -> u32 {
    sleepers.fetch_or(1) | 1
}

/// The watcher's steps 1 and 2. Having handled everything up to `handled`, it may sleep while `sleepers` has the
/// returned value; `None` when something changed.
pub fn prepare_sleep(sleepers: &impl Word, generation: &impl Word, handled: u32) -> Option<u32> {
    let mark = mark(sleepers);
    (generation.fetch_add(0) == handled).then_some(mark)
}

/// The writer's step 3, after the generation was counted: whether it must wake the watchers. Of several writers, one
/// does.
pub fn must_wake(sleepers: &impl Word) -> bool {
    let mark = sleepers.load();
    mark & 1 == 1 && sleepers.replace(mark, mark.wrapping_add(1))
}

#[cfg(test)]
mod tests {
    use loom::sync::atomic::AtomicU32;
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    use super::*;

    impl Word for AtomicU32 {
        fn load(&self) -> u32 {
            self.load(SeqCst)
        }

        fn fetch_add(&self, value: u32) -> u32 {
            self.fetch_add(value, SeqCst)
        }

        fn fetch_or(&self, bits: u32) -> u32 {
            self.fetch_or(bits, SeqCst)
        }

        fn replace(&self, current: u32, new: u32) -> bool {
            self.compare_exchange(current, new, SeqCst, SeqCst).is_ok()
        }
    }

    /// What a futex promises: the comparison and the falling asleep are one step for those who wake.
    #[derive(Default)]
    struct Futex {
        queue: Mutex<()>,
        wakes: Condvar,
    }

    impl Futex {
        fn wait(&self, word: &AtomicU32, expected: u32) {
            let queue = self.queue.lock().unwrap();
            if word.fetch_add(0, SeqCst) == expected {
                drop(self.wakes.wait(queue).unwrap());
            }
        }

        fn wake_all(&self) {
            drop(self.queue.lock().unwrap());
            self.wakes.notify_all();
        }
    }

    #[derive(Default)]
    struct Shared {
        state: AtomicU32,
        generation: AtomicU32,
        sleepers: AtomicU32,
        private_wakes: AtomicU32,
        futex: Futex,
    }

    #[derive(Clone, Copy)]
    enum Page {
        Live,
        Private,
    }

    fn write(shared: &Shared, page: Page) {
        shared.state.fetch_add(1, SeqCst);
        shared.generation.fetch_add(1, SeqCst);
        if must_wake(&shared.sleepers) {
            if matches!(page, Page::Private) {
                shared.private_wakes.fetch_add(1, SeqCst);
            }
            shared.futex.wake_all();
        }
    }

    /// Watches until it has seen what all writers did. It has no time-out, so a lost wake-up is a deadlock, which
    /// loom reports.
    fn watch(shared: &Shared, page: Page, writes: u32) {
        let mut handled = 0;
        while handled < writes {
            let wakes = shared.private_wakes.fetch_add(0, SeqCst);
            if let Some(mark) = prepare_sleep(&shared.sleepers, &shared.generation, handled) {
                match page {
                    Page::Live => shared.futex.wait(&shared.sleepers, mark),
                    Page::Private => shared.futex.wait(&shared.private_wakes, wakes),
                }
            }
            handled = shared.generation.fetch_add(0, SeqCst);
        }
        assert_eq!(shared.state.fetch_add(0, SeqCst), writes);
    }

    fn model(page: Page, watchers: u32, writers: u32) {
        let mut builder = loom::model::Builder::new();
        // The usual bound: nearly every bug shows with fewer forced switches (loom's documentation).
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let shared = Arc::new(Shared::default());
            let mut threads = Vec::new();
            for _ in 0..writers {
                let shared = Arc::clone(&shared);
                threads.push(thread::spawn(move || write(&shared, page)));
            }
            for _ in 1..watchers {
                let shared = Arc::clone(&shared);
                threads.push(thread::spawn(move || watch(&shared, page, writers)));
            }
            watch(&shared, page, writers);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn no_wake_up_of_two_writers_is_lost_on_a_live_page() {
        model(Page::Live, 1, 2);
    }

    #[test]
    fn no_wake_up_of_two_watchers_is_lost_on_a_live_page() {
        model(Page::Live, 2, 1);
    }

    #[test]
    fn no_wake_up_of_two_writers_is_lost_on_a_private_page() {
        model(Page::Private, 1, 2);
    }

    /// A listener that looks when it is told. While it has not looked, the watcher sleeps without a mark, and the listener
    /// sets it before it looks.
    #[derive(Default)]
    struct Listener {
        under_way: AtomicU32,
        told: Mutex<bool>,
        telling: Condvar,
        stop: AtomicU32,
    }

    fn watch_for(listener: &Listener, shared: &Shared) {
        let mut handled = 0;
        loop {
            let before = shared.sleepers.fetch_add(0, SeqCst);
            if listener.stop.fetch_add(0, SeqCst) == 1 {
                return;
            }
            let generation = shared.generation.fetch_add(0, SeqCst);
            let changed = generation != handled;
            handled = generation;
            let tells = changed && listener.under_way.swap(1, SeqCst) == 0;
            let expected = if listener.under_way.fetch_add(0, SeqCst) == 0 {
                prepare_sleep(&shared.sleepers, &shared.generation, handled)
            } else {
                Some(before)
            };
            if tells {
                *listener.told.lock().unwrap() = true;
                listener.telling.notify_one();
            }
            if let Some(expected) = expected {
                shared.futex.wait(&shared.sleepers, expected);
            }
        }
    }

    #[test]
    fn a_listener_sees_the_last_of_two_changes() {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(|| {
            let shared = Arc::new(Shared::default());
            let listener = Arc::new(Listener::default());
            let writer = {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    write(&shared, Page::Live);
                    write(&shared, Page::Live);
                })
            };
            let watcher = {
                let (shared, listener) = (Arc::clone(&shared), Arc::clone(&listener));
                thread::spawn(move || watch_for(&listener, &shared))
            };
            loop {
                let mut told = listener.told.lock().unwrap();
                while !*told {
                    told = listener.telling.wait(told).unwrap();
                }
                *told = false;
                drop(told);
                listener.under_way.swap(0, SeqCst);
                mark(&shared.sleepers);
                if shared.state.fetch_add(0, SeqCst) == 2 {
                    break;
                }
            }
            listener.stop.swap(1, SeqCst);
            write(&shared, Page::Live);
            writer.join().unwrap();
            watcher.join().unwrap();
        });
    }

    #[test]
    fn a_mark_left_by_a_killed_watcher_costs_one_wake() {
        loom::model(|| {
            let shared = Arc::new(Shared::default());
            shared.sleepers.fetch_or(1, SeqCst);
            let wakes = |shared: &Shared| {
                shared.generation.fetch_add(1, SeqCst);
                u32::from(must_wake(&shared.sleepers))
            };
            let other = Arc::clone(&shared);
            let thread = thread::spawn(move || wakes(&other) + wakes(&other));
            let here = wakes(&shared) + wakes(&shared);
            assert_eq!(here + thread.join().unwrap(), 1);
        });
    }
}
