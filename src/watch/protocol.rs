//! How a watcher falls asleep and a writer wakes it, without a lock and without a lost wake-up.
//!
//! | | watcher | writer |
//! |---|---|---|
//! | 1 | mark: `sleepers = 1` | change a state word |
//! | 2 | read the generation with `fetch_add(0)` | `generation += 1` |
//! | 3 | sleep unless it moved | if `sleepers` is set, take it and wake |
//!
//! Each side writes one word and then reads the other, so at least one of them sees what the other wrote: either the
//! watcher sees the new generation and stays awake, or the writer sees the mark. A writer in between the watcher's
//! steps 2 and 3 is caught by the sleep itself, which the kernel starts only if the word still has the expected
//! value. The watcher reads with an addition of 0, since a read-modify-write always sees the newest value.
//!
//! JavaScript's half is `announce` in `lib/page.ts`. The tests run both sides through loom.

/// An atomic word with sequentially consistent operations, so that loom's words can stand in for real ones.
pub trait Word {
    /// Reads.
    fn load(&self) -> u32;
    /// Writes.
    fn store(&self, value: u32);
    /// Writes and returns what was there.
    fn swap(&self, value: u32) -> u32;
    /// Adds and returns what was there.
    fn fetch_add(&self, value: u32) -> u32;
}

impl Word for std::sync::atomic::AtomicU32 {
    fn load(&self) -> u32 {
        self.load(std::sync::atomic::Ordering::SeqCst)
    }

    fn store(&self, value: u32) {
        self.store(value, std::sync::atomic::Ordering::SeqCst);
    }

    fn swap(&self, value: u32) -> u32 {
        self.swap(value, std::sync::atomic::Ordering::SeqCst)
    }

    fn fetch_add(&self, value: u32) -> u32 {
        self.fetch_add(value, std::sync::atomic::Ordering::SeqCst)
    }
}

/// The watcher's steps 1 and 2: whether it may sleep, having handled everything up to `handled`.
pub fn may_sleep(sleepers: &impl Word, generation: &impl Word, handled: u32) -> bool {
    sleepers.store(1);
    generation.fetch_add(0) == handled
}

/// The writer's step 3, after the generation was counted: whether it must wake the watcher. Of several writers, one
/// does.
pub fn must_wake(sleepers: &impl Word) -> bool {
    sleepers.load() != 0 && sleepers.swap(0) != 0
}

#[cfg(test)]
mod tests {
    use loom::sync::atomic::AtomicU32;
    use loom::sync::atomic::Ordering::SeqCst;
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    use super::*;

    impl Word for AtomicU32 {
        fn load(&self) -> u32 {
            self.load(SeqCst)
        }

        fn store(&self, value: u32) {
            self.store(value, SeqCst);
        }

        fn swap(&self, value: u32) -> u32 {
            self.swap(value, SeqCst)
        }

        fn fetch_add(&self, value: u32) -> u32 {
            self.fetch_add(value, SeqCst)
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

    fn write(shared: &Shared, live: bool) {
        shared.state.fetch_add(1, SeqCst);
        shared.generation.fetch_add(1, SeqCst);
        if must_wake(&shared.sleepers) {
            if !live {
                shared.private_wakes.fetch_add(1, SeqCst);
            }
            shared.futex.wake_all();
        }
    }

    /// Watches until it has seen what all writers did. It has no time-out, so a lost wake-up is a deadlock, which
    /// loom reports.
    fn watch(shared: &Shared, live: bool, writes: u32) {
        let mut handled = 0;
        loop {
            let wakes = shared.private_wakes.load(SeqCst);
            handled = if may_sleep(&shared.sleepers, &shared.generation, handled) {
                if live {
                    shared.futex.wait(&shared.generation, handled);
                } else {
                    shared.futex.wait(&shared.private_wakes, wakes);
                }
                shared.generation.load(SeqCst)
            } else {
                shared.generation.load(SeqCst)
            };
            if handled == writes {
                assert_eq!(shared.state.load(SeqCst), writes);
                return;
            }
        }
    }

    fn model(live: bool, writers: u32) {
        loom::model(move || {
            let shared = Arc::new(Shared::default());
            let threads: Vec<_> = (0..writers)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || write(&shared, live))
                })
                .collect();
            watch(&shared, live, writers);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn no_wake_up_is_lost_on_a_live_page() {
        model(true, 2);
    }

    #[test]
    fn no_wake_up_is_lost_on_a_private_page() {
        model(false, 2);
    }

    #[test]
    fn a_mark_left_by_a_killed_watcher_costs_one_wake() {
        loom::model(|| {
            let shared = Arc::new(Shared::default());
            shared.sleepers.store(1, SeqCst);
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
