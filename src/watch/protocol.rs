//! How a listener asks to be told of the next change, and a writer learns that somebody does, without a lock and
//! without a lost wake-up.
//!
//! | | listener | writer |
//! |---|---|---|
//! | 1 | set the mark: `sleepers = 1` | change a state word |
//! | 2 | look at the state | `generation += 1` |
//! | 3 | wait for a message | if `sleepers` is 1, exchange it for 0 and send everyone a message |
//!
//! Each side writes one word and then reads the other, so at least one of them sees what the other wrote: either the
//! listener sees the new state, or the writer sees the mark. Messages wait for their listener, so one that comes before
//! the listener waits is as good as one that comes after.
//!
//! JavaScript has both halves, `announce` and `askToBeTold` in `lib/page.ts`; the writer's is here too, for changes
//! that the store makes. The tests run both through loom.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

/// An atomic word with sequentially consistent operations, so that loom's words can stand in for real ones.
pub trait Word {
    /// Replaces what is there, and returns it.
    fn swap(&self, value: u32) -> u32;
}

impl Word for AtomicU32 {
    fn swap(&self, value: u32) -> u32 {
        self.swap(value, SeqCst)
    }
}

/// The writer's step 3, after the generation was counted: whether it must tell the listeners. Of several writers, one
/// does.
pub fn must_wake(sleepers: &impl Word) -> bool {
    sleepers.swap(0) == 1
}

#[cfg(test)]
mod tests {
    use loom::sync::atomic::AtomicU32;
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    use super::*;

    impl Word for AtomicU32 {
        fn swap(&self, value: u32) -> u32 {
            self.swap(value, SeqCst)
        }
    }

    /// A message that waits for its listener: a byte in a socket, or a call in the queue of an event loop.
    #[derive(Default)]
    struct Message {
        sent: Mutex<bool>,
        arrival: Condvar,
    }

    impl Message {
        fn send(&self) {
            *self.sent.lock().unwrap() = true;
            self.arrival.notify_one();
        }

        fn receive(&self) {
            let mut sent = self.sent.lock().unwrap();
            while !*sent {
                sent = self.arrival.wait(sent).unwrap();
            }
            *sent = false;
        }
    }

    struct Shared {
        state: AtomicU32,
        sleepers: AtomicU32,
        messages: Vec<Message>,
    }

    impl Shared {
        fn new(listeners: usize) -> Arc<Self> {
            Arc::new(Self {
                state: AtomicU32::new(0),
                sleepers: AtomicU32::new(0),
                messages: (0..listeners).map(|_| Message::default()).collect(),
            })
        }

        /// The state word stands for the generation as well, which changes after it and which no one waits for.
        fn write(&self) {
            self.state.fetch_add(1, SeqCst);
            if must_wake(&self.sleepers) {
                for message in &self.messages {
                    message.send();
                }
            }
        }

        /// Looks until it sees the state after `writes` changes. Loom has no sequentially consistent stores and loads,
        /// so both are read-modify-writes, which it orders alike.
        fn listen(&self, listener: usize, writes: u32) {
            loop {
                self.sleepers.swap(1, SeqCst);
                if self.state.fetch_add(0, SeqCst) == writes {
                    return;
                }
                self.messages[listener].receive();
            }
        }
    }

    fn model(listeners: usize, writers: u32, changes: u32) {
        let mut builder = loom::model::Builder::new();
        // The usual bound: nearly every bug shows with fewer forced switches (loom's documentation).
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let shared = Shared::new(listeners);
            let mut threads = Vec::new();
            for _ in 0..writers {
                let shared = Arc::clone(&shared);
                threads.push(thread::spawn(move || {
                    for _ in 0..changes {
                        shared.write();
                    }
                }));
            }
            for listener in 1..listeners {
                let shared = Arc::clone(&shared);
                threads.push(thread::spawn(move || {
                    shared.listen(listener, writers * changes);
                }));
            }
            shared.listen(0, writers * changes);
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    #[test]
    fn a_listener_sees_the_last_change_of_two_writers() {
        model(1, 2, 1);
    }

    #[test]
    fn a_listener_sees_the_last_of_three_changes() {
        model(1, 1, 3);
    }

    #[test]
    fn two_listeners_see_the_last_of_two_changes() {
        model(2, 1, 2);
    }

    #[test]
    fn a_mark_left_by_a_killed_listener_costs_one_wake() {
        loom::model(|| {
            let sleepers = Arc::new(AtomicU32::new(1));
            let other = Arc::clone(&sleepers);
            let wakes = |sleepers: &AtomicU32| (0..2).filter(|_| must_wake(sleepers)).count();
            let thread = thread::spawn(move || wakes(&other));
            assert_eq!(wakes(&sleepers) + thread.join().unwrap(), 1);
        });
    }
}
