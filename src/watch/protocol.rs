//! How a listener requests a notification of the next change, and a writer learns of the request, without a lock and
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
//! A writer sends the messages itself while it has a connection to each listener. Else it leaves one message with the
//! notifier, a thread of its process, which takes that message before it sends to the listeners: so a change that is
//! made while it sends is another message.
//!
//! JavaScript has both halves, `announce` and `askToBeTold` in `lib/core/page.ts`; the writer's is here too, for
//! changes that the store makes. The tests run both through loom.

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

    /// A message that waits for its receiver: a byte in a socket, a call in the queue of an event loop, or what is left
    /// with the notifier.
    #[derive(Default)]
    struct Message {
        state: Mutex<Sent>,
        arrival: Condvar,
    }

    #[derive(Default)]
    struct Sent {
        is_there: bool,
        /// Nothing more will come.
        has_ended: bool,
    }

    impl Message {
        fn send(&self) {
            self.state.lock().unwrap().is_there = true;
            self.arrival.notify_one();
        }

        fn end(&self) {
            self.state.lock().unwrap().has_ended = true;
            self.arrival.notify_one();
        }

        /// Takes the message, or `false` when none will come.
        fn receive(&self) -> bool {
            let mut state = self.state.lock().unwrap();
            while !state.is_there && !state.has_ended {
                state = self.arrival.wait(state).unwrap();
            }
            std::mem::take(&mut state.is_there)
        }
    }

    struct Shared {
        state: AtomicU32,
        sleepers: AtomicU32,
        messages: Vec<Message>,
        /// Sends them in the writer's place, if there is one.
        notifier: Option<Message>,
    }

    impl Shared {
        fn new(listeners: usize, notifier: Option<Message>) -> Arc<Self> {
            Arc::new(Self {
                state: AtomicU32::new(0),
                sleepers: AtomicU32::new(0),
                messages: (0..listeners).map(|_| Message::default()).collect(),
                notifier,
            })
        }

        /// The state word stands for the generation as well, which changes after it and which no one waits for.
        fn write(&self) {
            self.state.fetch_add(1, SeqCst);
            if must_wake(&self.sleepers) {
                match &self.notifier {
                    Some(notifier) => notifier.send(),
                    None => self.send_all(),
                }
            }
        }

        fn send_all(&self) {
            for message in &self.messages {
                message.send();
            }
        }

        fn notify(&self) {
            let notifier = self.notifier.as_ref().unwrap();
            while notifier.receive() {
                self.send_all();
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

    fn model(listeners: usize, writers: u32, changes: u32, has_notifier: bool) {
        let mut builder = loom::model::Builder::new();
        // The usual bound: nearly every bug shows with fewer forced switches (loom's documentation).
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let shared = Shared::new(listeners, has_notifier.then(Message::default));
            let start = |run: fn(&Shared, usize, u32), listener| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || run(&shared, listener, writers * changes))
            };
            let mut threads = Vec::new();
            for _ in 0..writers {
                let shared = Arc::clone(&shared);
                threads.push(thread::spawn(move || {
                    for _ in 0..changes {
                        shared.write();
                    }
                }));
            }
            threads.extend((1..listeners).map(|listener| start(Shared::listen, listener)));
            let notifier = has_notifier.then(|| start(|shared, _, _| shared.notify(), 0));
            shared.listen(0, writers * changes);
            for thread in threads {
                thread.join().unwrap();
            }
            if let Some(notifier) = notifier {
                shared.notifier.as_ref().unwrap().end();
                notifier.join().unwrap();
            }
        });
    }

    #[test]
    fn a_listener_sees_the_last_change_of_two_writers() {
        model(1, 2, 1, false);
    }

    #[test]
    fn a_listener_sees_the_last_of_three_changes() {
        model(1, 1, 3, false);
    }

    #[test]
    fn two_listeners_see_the_last_of_two_changes() {
        model(2, 1, 2, false);
    }

    #[test]
    fn a_listener_that_the_notifier_tells_sees_the_last_of_three_changes() {
        model(1, 1, 3, true);
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
