//! Where jobs wait for the store's thread.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{available_parallelism, yield_now};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use rusqlite::InterruptHandle;

use super::{Access, Answer, Job, Reply, Revision};
use crate::error::Error;
use crate::page::Page;

/// A job, and what the handle it came through may do.
pub(super) struct Item {
    pub(super) access: Access,
    pub(super) task: Task,
}

/// What the thread does. Beside the jobs, these are the calls whose callers block.
pub(super) enum Task {
    Job(Job),
    Open {
        /// Whether a file that holds nothing is refused.
        must_exist: bool,
        reply: SyncSender<Result<(), Error>>,
    },
    Attach {
        environment: String,
        features: Option<Vec<String>>,
        reply: SyncSender<Result<Answer<Option<Revision>>, Error>>,
    },
    /// A live page is opened, which has to be mended when a process is killed while it changes it as a whole.
    Keep {
        environment: String,
        page: Page,
        reply: SyncSender<Result<(), Error>>,
    },
    /// A handle goes. Answered when everything before it is done, and the file closed if it was the last.
    Close(Reply<()>),
    /// Lets a test reach the connection.
    #[cfg(test)]
    Run(Box<dyn FnOnce(&mut rusqlite::Connection) + Send>),
    /// Lets a test end the thread with a panic.
    #[cfg(test)]
    Die,
}

/// How long the thread looks for more work before it sleeps. Whoever persists once more as soon as the last one is done
/// does so about that soon.
const LINGER: Duration = Duration::from_micros(100);

/// The queue of one store.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the thread has been called since it last took something. Only a hint, for who looks without the lock.
    called: AtomicBool,
}

#[derive(Default)]
struct State {
    items: Vec<Item>,
    /// Whether somebody asked for the items to be done.
    awake: bool,
    /// Whether the thread sleeps.
    sleeping: bool,
    life: Life,
    /// What is done until something is queued.
    interruptible: Option<InterruptHandle>,
}

impl State {
    fn interrupt(&self) {
        if let Some(work) = &self.interruptible {
            work.interrupt();
        }
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Life {
    #[default]
    Open,
    /// The last handle is gone, so that nothing more will come.
    Closing,
    /// The thread has ended.
    Ended,
}

impl Queue {
    /// Queues an item. After the thread has ended the item is dropped, which answers it.
    pub(super) fn push(&self, item: Item) {
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
    pub(super) fn interruptibly<T>(
        &self,
        work: InterruptHandle,
        run: impl FnOnce() -> T,
    ) -> Option<T> {
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

    pub(super) fn wake(&self) {
        self.call(|state| state.awake = true);
    }

    fn call(&self, why: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        why(&mut state);
        self.called.store(true, Relaxed);
        let sleeping = state.sleeping;
        drop(state);
        if sleeping {
            self.changed.notify_one();
        }
    }

    /// Whether the thread has been asked for more since it last took something.
    pub(super) fn is_awake(&self) -> bool {
        lock(&self.state).awake
    }

    pub(super) fn close(&self) {
        self.call(|state| {
            state.life = Life::Closing;
            state.interrupt();
        });
    }

    /// Whether the last handle is gone and nothing is left to do.
    pub(super) fn is_finished(&self) -> bool {
        let state = lock(&self.state);
        state.life != Life::Open && state.items.is_empty()
    }

    /// Waits a moment for a call, without sleeping: a processor that has nothing to do takes longer to wake up than most
    /// of what is asked of the thread. It gives way to every other thread meanwhile.
    pub(super) fn linger(&self) {
        static ALONE: Lazy<bool> =
            Lazy::new(|| available_parallelism().is_ok_and(|processors| processors.get() == 1));
        if *ALONE {
            return;
        }
        let started = Instant::now();
        while !self.called.load(Relaxed) && started.elapsed() < LINGER {
            yield_now();
        }
    }

    /// Waits for a wake-up, or for `pause` if given. Returns `false` once the queue is closed and empty.
    pub(super) fn wait(&self, pause: Option<Duration>) -> bool {
        let mut state = lock(&self.state);
        let idle = |state: &mut State| !state.awake && state.life == Life::Open;
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
    pub(super) fn take(&self) -> Vec<Item> {
        let state = lock(&self.state);
        if state.awake || state.life == Life::Closing {
            self.empty(state)
        } else {
            Vec::new()
        }
    }

    /// Takes everything. As [`Queue::take`], for the holder of the worker only.
    pub(super) fn take_all(&self) -> Vec<Item> {
        self.empty(lock(&self.state))
    }

    fn empty(&self, mut state: MutexGuard<'_, State>) -> Vec<Item> {
        state.awake = false;
        self.called.store(false, Relaxed);
        std::mem::take(&mut state.items)
    }

    /// Drops what is queued, and from now on everything that is pushed: the thread has ended.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.life = Life::Ended;
        let items = self.empty(state);
        // Their replies must not find the queue locked.
        drop(items);
    }
}

/// Something that happens once.
#[derive(Default)]
pub(super) struct Latch {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Latch {
    pub(super) fn set(&self) {
        *lock(&self.happened) = true;
        self.changed.notify_all();
    }

    pub(super) fn is_set(&self) -> bool {
        *lock(&self.happened)
    }

    pub(super) fn wait(&self) {
        let _happened = self
            .changed
            .wait_while(lock(&self.happened), |happened| !*happened)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// Locks. What the mutexes of the store and of its callers guard is whole between any two statements, so a panic
/// elsewhere spoils nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_queued_ends_what_is_interruptible() {
        let queue = Queue::default();
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
                queue.push(Item {
                    access: Access::ReadOnly,
                    task: Task::Run(Box::new(|_| {})),
                });
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
