//! Where jobs wait for the store's thread.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use rusqlite::InterruptHandle;

use crate::sync::lock;

/// How long the thread looks for more work before it sleeps: about as long as a caller takes that persists once more as
/// soon as the last persist is done.
const SPIN: Duration = Duration::from_micros(100);

/// The queue of one store.
pub struct Queue<Item> {
    state: Mutex<State<Item>>,
    changed: Condvar,
    calls: Calls,
}

/// Whether the thread has been called since it last took something. Only a hint, for a look without the lock.
#[derive(Clone, Default)]
pub struct Calls(Arc<AtomicBool>);

impl Calls {
    /// Whether a caller waits for the thread.
    pub fn is_waiting(&self) -> bool {
        self.0.load(Relaxed)
    }
}

struct State<Item> {
    items: Vec<Item>,
    /// Whether a caller asked for the items to be done.
    awake: bool,
    /// Whether the thread sleeps.
    sleeping: bool,
    life: Life,
    /// What is done until something is queued.
    interruptible: Option<InterruptHandle>,
}

impl<Item> State<Item> {
    fn interrupt(&self) {
        if let Some(work) = &self.interruptible {
            work.interrupt();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Open,
    /// The last handle is gone, so that nothing more will come.
    Closing,
    /// The thread has ended.
    Ended,
}

impl<Item> Default for Queue<Item> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                items: Vec::new(),
                awake: false,
                sleeping: false,
                life: Life::Open,
                interruptible: None,
            }),
            changed: Condvar::new(),
            calls: Calls::default(),
        }
    }
}

impl<Item> Queue<Item> {
    /// For work that gives way to callers.
    pub fn calls(&self) -> Calls {
        self.calls.clone()
    }

    /// Queues an item. After the thread has ended the item is dropped, which answers it.
    pub fn push(&self, item: Item) {
        let mut state = lock(&self.state);
        if state.life == Life::Ended {
            // Its reply must not find the queue locked.
            drop(state);
            return;
        }
        state.items.push(item);
        state.interrupt();
    }

    /// Does some work of a connection that ends, with an error, as soon as something is queued. `None` if something is
    /// queued already.
    pub fn interruptibly<T>(&self, work: InterruptHandle, run: impl FnOnce() -> T) -> Option<T> {
        let mut state = lock(&self.state);
        if !state.items.is_empty() || state.life != Life::Open {
            return None;
        }
        state.interruptible = Some(work);
        drop(state);
        let result = run();
        // From here on nothing is interrupted that was not meant.
        lock(&self.state).interruptible = None;
        Some(result)
    }

    pub fn wake(&self) {
        self.call(|state| state.awake = true);
    }

    fn call(&self, why: impl FnOnce(&mut State<Item>)) {
        let mut state = lock(&self.state);
        why(&mut state);
        self.calls.0.store(true, Relaxed);
        let sleeping = state.sleeping;
        drop(state);
        if sleeping {
            self.changed.notify_one();
        }
    }

    pub fn close(&self) {
        self.call(|state| {
            state.life = Life::Closing;
            state.interrupt();
        });
    }

    /// Whether the last handle is gone and nothing is left to do.
    pub fn is_finished(&self) -> bool {
        let state = lock(&self.state);
        state.life != Life::Open && state.items.is_empty()
    }

    /// Waits a moment for a call, without sleeping: a processor that has nothing to do takes longer to wake up than
    /// most of what is asked of the thread. It gives way to every other thread meanwhile.
    pub fn spin(&self) {
        static ALONE: Lazy<bool> =
            Lazy::new(|| available_parallelism().is_ok_and(|processors| processors.get() == 1));
        if *ALONE {
            return;
        }
        let started = Instant::now();
        while !self.calls.is_waiting() && started.elapsed() < SPIN {
            yield_now();
        }
    }

    /// Waits for a wake-up, or for `pause` if given. Returns `false` once the queue is closed and empty.
    pub fn wait(&self, pause: Option<Duration>) -> bool {
        let mut state = lock(&self.state);
        let idle = |state: &mut State<Item>| !state.awake && state.life == Life::Open;
        state.sleeping = true;
        let mut state = match pause {
            None => self
                .changed
                .wait_while(state, idle)
                .unwrap_or_else(PoisonError::into_inner),
            Some(pause) => {
                self.changed
                    .wait_timeout_while(state, pause, idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        state.sleeping = false;
        state.life == Life::Open || !state.items.is_empty()
    }

    /// Takes everything, if there was a wake-up. What is queued otherwise waits for its own.
    ///
    /// Items are taken by the holder of the worker only, so that they are done in their order.
    pub fn take(&self) -> Vec<Item> {
        let state = lock(&self.state);
        if state.awake || state.life == Life::Closing {
            self.empty(state)
        } else {
            Vec::new()
        }
    }

    /// Takes everything. As [`Queue::take`], for the holder of the worker only.
    pub fn take_all(&self) -> Vec<Item> {
        self.empty(lock(&self.state))
    }

    fn empty(&self, mut state: MutexGuard<'_, State<Item>>) -> Vec<Item> {
        state.awake = false;
        self.calls.0.store(false, Relaxed);
        std::mem::take(&mut state.items)
    }

    /// Drops what is queued, and from now on everything that is pushed: the thread has ended.
    pub fn end(&self) {
        let mut state = lock(&self.state);
        state.life = Life::Ended;
        let items = self.empty(state);
        // Their replies must not find the queue locked.
        drop(items);
    }
}

/// Something that happens once.
#[derive(Debug, Default)]
pub struct Latch {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    pub fn set(&self) {
        *lock(&self.happened) = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *lock(&self.happened)
    }

    pub fn wait(&self) {
        let _happened = self
            .changed
            .wait_while(lock(&self.happened), |happened| !*happened)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_ends_what_is_interruptible() {
        let queue = Queue::<()>::default();
        let endless = || {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            let handle = connection.get_interrupt_handle();
            queue.interruptibly(handle, || {
                connection.query_row(
                    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
                    [],
                    |row| row.get::<_, i64>(0),
                )
            })
        };
        std::thread::scope(|scope| {
            let running = scope.spawn(endless);
            while lock(&queue.state).interruptible.is_none() {
                yield_now();
            }
            // Its statement may not have begun yet, and then it is not ended by the first one.
            while !running.is_finished() {
                queue.push(());
            }
            let ended = running.join().unwrap().unwrap().unwrap_err();
            assert_eq!(
                ended.sqlite_error_code(),
                Some(rusqlite::ErrorCode::OperationInterrupted)
            );
        });
        assert!(lock(&queue.state).interruptible.is_none());
        assert!(endless().is_none(), "something is queued already");
    }
}
