//! The thread of a store: its loop, and the order in which it works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use super::database::Database;
use super::job::{Item, Job, Task};
use super::jobs::append::Persist;
use super::jobs::restore::Restore;
use super::queue::{Latch, Queue};
use super::reply::Reply;
use super::rows::ledger::begin_log;
use super::shared::Shared;
use super::sqlite::busy::wait_up_to;
use super::sqlite::connection::{Access, checkpoint};
use super::sqlite::errors::is_temporary;
use super::worker::Worker;
use crate::error::Error;
use crate::page::{LOCK_RETRY, LOCK_TIMEOUT};
use crate::sync::lock;

/// Starts the thread of a store, and returns the dispatcher that it shares with callers. The thread touches the file
/// only after `predecessor`, the thread that had it before, has closed it.
pub fn start(
    shared: &Arc<Shared>,
    queue: &Arc<Queue<Item>>,
    predecessor: Option<Arc<Latch>>,
) -> Result<Arc<Mutex<Dispatcher>>, Error> {
    let dispatcher = Arc::new(Mutex::new(Dispatcher {
        worker: Worker::new(Arc::clone(shared), queue.calls()),
        queue: Arc::clone(queue),
        last_work: Instant::now(),
        leaving: Vec::new(),
        postponed: Vec::new(),
    }));
    let (ended, queue) = (Arc::clone(&shared.ended), Arc::clone(queue));
    let of_thread = Arc::clone(&dispatcher);
    Builder::new()
        .name("13byte-store".to_owned())
        .spawn(move || run(&queue, &of_thread, &ended, predecessor.as_deref()))
        .map_err(|source| Error::Thread { source })?;
    Ok(dispatcher)
}

fn run(
    queue: &Queue<Item>,
    dispatcher: &Mutex<Dispatcher>,
    ended: &Latch,
    predecessor: Option<&Latch>,
) {
    /// Closes the file, answers what is left and releases the successor, however this thread ends.
    struct End<'a>(&'a Queue<Item>, &'a Mutex<Dispatcher>, &'a Latch);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            let Self(queue, dispatcher, ended) = self;
            let mut dispatcher = lock(dispatcher);
            dispatcher.worker.close();
            // There is something left only if this thread panics.
            dispatcher.postponed.clear();
            dispatcher.answer_closed();
            drop(dispatcher);
            queue.end();
            ended.set();
        }
    }

    if let Some(predecessor) = predecessor {
        predecessor.wait();
    }
    let _end = End(queue, dispatcher, ended);
    let mut pause = None;
    while queue.wait(pause) {
        let mut dispatcher = lock(dispatcher);
        let items = queue.take();
        let is_busy = !items.is_empty();
        dispatcher.work(items);
        dispatcher.resume();
        if is_busy {
            dispatcher.last_work = Instant::now();
        } else {
            dispatcher.guard(Dispatcher::tidy);
        }
        dispatcher.guard(|dispatcher| dispatcher.worker.look_after_pages());
        dispatcher.guard(|dispatcher| dispatcher.worker.drop_abandoned_backups());
        if dispatcher.postponed.is_empty() && !queue.is_finished() {
            dispatcher.answer_closed();
        }
        pause = dispatcher.pause();
        drop(dispatcher);
        if is_busy {
            queue.spin();
        }
    }
    // What is postponed is answered before the file is closed.
    loop {
        let mut dispatcher = lock(dispatcher);
        if dispatcher.postponed.is_empty() {
            break;
        }
        dispatcher.resume();
        drop(dispatcher);
        sleep(LOCK_RETRY);
    }
}

/// A whole-state change whose page was locked by another process.
struct Postponed {
    access: Access,
    job: Job,
    since: Instant,
}

/// Gives the worker what is queued, in order. One thread at a time holds it: the store's own, or that of a caller that
/// waits for the answer.
pub struct Dispatcher {
    worker: Worker,
    queue: Arc<Queue<Item>>,
    /// When there was last something to do.
    last_work: Instant,
    /// Handles that were closed, to be answered when the queue is done or the file closed.
    leaving: Vec<Reply<()>>,
    /// Tried again until their locks are free, or have been waited for long enough. The other work goes on meanwhile:
    /// the process that holds the lock may be frozen.
    postponed: Vec<Postponed>,
}

impl Dispatcher {
    /// How long to wait for work before the pages are checked, a lock is retried, or the log is moved.
    fn pause(&self) -> Option<Duration> {
        if !self.postponed.is_empty() {
            return Some(LOCK_RETRY);
        }
        let look = self.worker.pause_of_pages();
        look.into_iter()
            .chain(
                self.worker
                    .database
                    .as_ref()
                    .and_then(Database::when_to_tidy),
            )
            .min()
    }

    fn is_untidy(&self) -> bool {
        let database = self.worker.database.as_ref();
        database.is_some_and(|database| database.when_to_tidy().is_some())
    }

    /// Moves the log into the database when the thread has had nothing to do for a while, so that the file alone holds
    /// the history. Other writers do not wait for it, and the next item that is queued interrupts it.
    fn tidy(&mut self) {
        let path = Arc::clone(&self.worker.shared.path);
        let (queue, busy) = (Arc::clone(&self.queue), self.worker.shared.busy);
        let Some(database) = &mut self.worker.database else {
            return;
        };
        let Some(quiet) = database.when_to_tidy() else {
            return;
        };
        // What is not whole is said by the next operation.
        if self.last_work.elapsed() < quiet
            || database.files.replaced().is_some()
            || database.expect_whole(&path).is_err()
            || !database.has_log
        {
            return;
        }
        let interrupt = database.connection.get_interrupt_handle();
        let moved = queue.interruptibly(interrupt, || {
            let is_all = checkpoint(&database.connection)?;
            if is_all {
                // Where another process writes, that begins the log.
                wait_up_to(Duration::ZERO);
                let _if_free = begin_log(&mut database.connection, &mut database.standing);
                wait_up_to(busy);
            }
            Ok(is_all)
        });
        let Some(moved) = moved else {
            return;
        };
        // Readers of an old state keep a part of it there for now.
        database.has_log = match moved {
            Ok(is_all) => !is_all,
            Err(error) => is_temporary(&error),
        };
        // It is this process that changed the file, so the next persist need not find out. If it is not whole, that one
        // says so.
        let _next_time = database.expect_whole(&path);
    }

    /// Does everything that is queued, on the thread of a caller that waits for some of it.
    pub fn work_off(&mut self) {
        let items = self.queue.take_all();
        let was_tidy = !self.is_untidy();
        self.work(items);
        self.last_work = Instant::now();
        let has_more = was_tidy && self.is_untidy();
        let is_followed_late = self.worker.is_followed_late();
        if has_more || is_followed_late || !self.leaving.is_empty() || !self.postponed.is_empty() {
            // The thread knows when to answer them, tries again, and has to learn of what is left to do.
            self.queue.wake();
        }
    }

    /// Does everything in order. Neighbouring persists share a transaction.
    fn work(&mut self, items: Vec<Item>) {
        wait_up_to(self.worker.shared.busy);
        let mut group = Vec::new();
        for Item { access, task } in items {
            match task {
                Task::Job(Job::Persist(persist)) if access == Access::ReadWrite => {
                    group.push(persist);
                }
                #[cfg(test)]
                Task::Die => panic!("ended by a test"),
                task => {
                    self.flush(&mut group);
                    self.guard(|this| this.run(access, task));
                }
            }
        }
        self.flush(&mut group);
    }

    fn flush(&mut self, group: &mut Vec<Persist>) {
        if !group.is_empty() {
            let group = std::mem::take(group);
            self.guard(|this| this.worker.persist(group));
        }
    }

    /// Keeps a panic inside one piece of work: its replies are dropped, which answers them, and the connection,
    /// which may be in any state, is closed, which rolls back.
    fn guard(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.worker.close();
        }
    }

    fn run(&mut self, access: Access, task: Task) {
        match task {
            Task::Job(job) => self.begin(access, job, Instant::now()),
            // A caller that is gone needs no answer.
            Task::Open { must_exist, reply } => {
                drop(reply.send(self.worker.open_anew(access, must_exist)));
            }
            Task::Attach { opening, reply } => {
                drop(reply.send(self.worker.attach(access, &opening)));
            }
            Task::Notes { bit, reply } => drop(reply.send(self.worker.notes(bit))),
            Task::Compact {
                actor,
                is_alone,
                reply,
            } => drop(reply.send(self.worker.compact(&actor, is_alone))),
            Task::Retired { reply } => drop(reply.send(self.worker.retired())),
            Task::Keep {
                environment,
                page,
                follows,
                is_behind,
                reply,
            } => {
                if is_behind {
                    // Should its lock be taken, the mark has the rest done within a second.
                    page.mark_commit();
                    self.worker.catch_up(&environment, &page, None);
                }
                self.worker.keep(environment, page, follows);
                self.worker.look_after_pages();
                drop(reply.send(Ok(())));
            }
            Task::Close(reply) => self.leaving.push(reply),
            #[cfg(test)]
            Task::Run(run) => {
                if self.worker.open_anew(access, false).is_ok()
                    && let Some(database) = &mut self.worker.database
                {
                    run(&mut database.connection);
                }
            }
            #[cfg(test)]
            Task::Die => {}
        }
    }

    /// Does a job that was first tried at `since`, or postpones it.
    fn begin(&mut self, access: Access, job: Job, since: Instant) {
        let Some(page) = job.whole_state_page().cloned() else {
            return self.job(access, job);
        };
        let is_of_page = |other: &Postponed| {
            let page_of_other = other.job.whole_state_page();
            page_of_other.is_some_and(|other| other.is(&page))
        };
        if self.postponed.iter().any(is_of_page) {
            // Behind those that came before it.
            return self.postponed.push(Postponed { access, job, since });
        }
        // Held until the job is done.
        match page.try_lock_order() {
            Ok(_exclusive) => self.job(access, job),
            Err(Error::LiveFileBusy { .. }) if since.elapsed() < LOCK_TIMEOUT => {
                self.postponed.push(Postponed { access, job, since });
            }
            Err(Error::LiveFileBusy { path, .. }) => {
                let waited_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                job.fail(Error::LiveFileBusy { path, waited_ms });
            }
            Err(error) => job.fail(error),
        }
    }

    /// Tries what was postponed again, in order.
    fn resume(&mut self) {
        for Postponed { access, job, since } in std::mem::take(&mut self.postponed) {
            self.guard(|this| this.begin(access, job, since));
        }
    }

    fn job(&mut self, access: Access, job: Job) {
        match job {
            Job::Persist(Persist { reply, .. }) => reply.send(Err(self.read_only())),
            Job::Load {
                environment,
                page,
                reply,
            } => reply.send(self.worker.load(&environment, &page)),
            Job::Restore(Restore { reply, .. }) if access == Access::ReadOnly => {
                reply.send(Err(self.read_only()));
            }
            Job::Restore(restore) => self.worker.restore(restore),
            Job::History {
                environment,
                limit,
                before,
                reply,
            } => reply.send(self.worker.history(&environment, limit, before)),
            Job::Compare {
                environment,
                from,
                to,
                reply,
            } => reply.send(self.worker.compare(&environment, from, to)),
            Job::Prune { prune, reply } => {
                reply.send(
                    self.writable(access)
                        .and_then(|()| self.worker.prune(&prune)),
                );
            }
            Job::Backup { backup, reply } => reply.send(self.worker.back_up(&backup)),
            Job::HistoryEnd {
                environment,
                page,
                reply,
            } => reply.send(self.worker.history_end(&environment, &page)),
            Job::Environments { reply } => reply.send(self.worker.environments()),
            Job::Verify { verifier, reply } => reply.send(self.worker.verify(&verifier)),
        }
    }

    fn answer_closed(&mut self) {
        for reply in std::mem::take(&mut self.leaving) {
            reply.send(Ok(self.worker.answer(())));
        }
    }

    fn writable(&self, access: Access) -> Result<(), Error> {
        match access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(self.read_only()),
        }
    }

    fn read_only(&self) -> Error {
        Error::ReadOnly {
            path: self.worker.path().to_path_buf(),
        }
    }
}
