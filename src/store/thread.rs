//! The thread that owns a file's connection, and the order in which it works.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, sleep};
use std::time::{Duration, Instant};

use super::contents::{Contents, Trace};
use super::failure::is_temporary;
use super::ledger::begin_log;
use super::queue::{Item, Latch, Task, lock};
use super::schema::Database;
use super::write::{Origin, Restore, Source};
use super::{Access, Answer, Job, Persist, Reply, Revision, Shared, features, patience, schema};
use crate::error::Error;
use crate::page::{LOCK_RETRY, LOCK_TIMEOUT, Page};
use crate::registry::Registry;

/// How often live pages are looked at for changes that killed processes left half-made.
const LOOK_AT_PAGES: Duration = Duration::from_secs(1);

/// Starts the thread of a store, and returns the worker that it shares with callers. The thread touches the file only
/// after `predecessor`, the thread that had it before, has closed it.
pub(super) fn start(
    shared: &Arc<Shared>,
    predecessor: Option<Arc<Latch>>,
) -> Result<Arc<Mutex<Worker>>, Error> {
    let worker = Arc::new(Mutex::new(Worker {
        shared: Arc::clone(shared),
        database: None,
        was_open: false,
        contents: Contents::default(),
        last_work: Instant::now(),
        registry: Registry::default(),
        leaving: Vec::new(),
        live_pages: Vec::new(),
        postponed: Vec::new(),
    }));
    let (shared, of_thread) = (Arc::clone(shared), Arc::clone(&worker));
    Builder::new()
        .name("13byte-store".to_owned())
        .spawn(move || run(&shared, &of_thread, predecessor.as_deref()))
        .map_err(|source| Error::Thread { source })?;
    Ok(worker)
}

fn run(shared: &Shared, worker: &Mutex<Worker>, predecessor: Option<&Latch>) {
    /// Closes the file, answers what is left and tells the successor, however this thread ends.
    struct End<'a>(&'a Shared, &'a Mutex<Worker>);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            let Self(shared, worker) = self;
            let mut worker = lock(worker);
            worker.close();
            // There is something left only if this thread panics.
            worker.postponed.clear();
            worker.say_goodbye();
            drop(worker);
            shared.queue.end();
            shared.ended.set();
        }
    }

    if let Some(predecessor) = predecessor {
        predecessor.wait();
    }
    let _end = End(shared, worker);
    let mut pause = None;
    while shared.queue.wait(pause) {
        let mut worker = lock(worker);
        let items = shared.queue.take();
        let is_busy = !items.is_empty();
        worker.work(items);
        worker.resume();
        if is_busy {
            worker.last_work = Instant::now();
        } else {
            worker.guard(Worker::tidy);
        }
        worker.guard(Worker::mend_pages);
        worker.guard(Worker::drop_abandoned_backups);
        if worker.postponed.is_empty() && !shared.queue.is_finished() {
            worker.say_goodbye();
        }
        pause = worker.pause();
        drop(worker);
        if is_busy {
            shared.queue.linger();
        }
    }
    // What is postponed is answered before the file is closed.
    loop {
        let mut worker = lock(worker);
        if worker.postponed.is_empty() {
            break;
        }
        worker.resume();
        drop(worker);
        sleep(LOCK_RETRY);
    }
}

/// A whole-state change whose page was locked by another process.
struct Postponed {
    access: Access,
    job: Job,
    since: Instant,
}

/// What does the work. One thread at a time holds it: the store's own, or that of a caller who waits for the answer.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    /// `None` until the first task, and after a failure that left it in doubt.
    pub(super) database: Option<Database>,
    /// Whether it ever was open, so that it has to exist.
    pub(super) was_open: bool,
    /// What the last connection knew, while there is none.
    pub(super) contents: Contents,
    /// When the thread last had something to do.
    last_work: Instant,
    /// The feature table as last seen.
    pub(super) registry: Registry,
    /// Handles that went, to be answered when the queue is done or the file closed.
    leaving: Vec<Reply<()>>,
    /// The live pages that this process has open, with their environments.
    pub(super) live_pages: Vec<(String, Page)>,
    /// Tried again until their locks are free, or have been waited for long enough. The other work goes on meanwhile: the
    /// process that holds the lock may be frozen.
    postponed: Vec<Postponed>,
}

impl Worker {
    /// How long to wait for work before the live pages are looked at, a lock is tried again, or the log is moved.
    fn pause(&self) -> Option<Duration> {
        if !self.postponed.is_empty() {
            return Some(LOCK_RETRY);
        }
        let look = (!self.live_pages.is_empty()).then_some(LOOK_AT_PAGES);
        look.into_iter()
            .chain(self.database.as_ref().and_then(Database::when_to_tidy))
            .min()
    }

    fn is_untidy(&self) -> bool {
        let database = self.database.as_ref();
        database.is_some_and(|database| database.when_to_tidy().is_some())
    }

    /// Moves the log into the database when the thread has had nothing to do for a while, so that the file alone holds the
    /// history. Other writers do not wait for it, and the next item that is queued interrupts it.
    fn tidy(&mut self) {
        let path = Arc::clone(&self.shared.path);
        let shared = Arc::clone(&self.shared);
        let Some(database) = &mut self.database else {
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
        let moved = shared.queue.interruptibly(interrupt, || {
            let is_all = schema::checkpoint(&database.connection)?;
            if is_all {
                // Where another process writes, that begins the log.
                patience::wait_up_to(Duration::ZERO);
                let _if_free = begin_log(&mut database.connection, &mut database.standing);
                patience::wait_up_to(shared.busy);
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

    pub(super) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Whether somebody waits for the thread, for work that can give way.
    pub(super) fn waiting(&self) -> impl FnMut() -> bool + Clone + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || shared.queue.is_awake()
    }

    /// An answer with the feature table as last seen, where it may not be readable.
    pub(super) fn answer<T>(&self, value: T) -> Answer<T> {
        let registry = self.registry.clone();
        Answer { value, registry }
    }

    fn drop_abandoned_backups(&mut self) {
        if let Some(database) = &mut self.database {
            database.copies.drop_abandoned();
        }
    }

    /// Takes down how a persist went.
    pub(super) fn note_persist(&self, error: Option<&Error>) {
        self.shared.note_persist(error);
    }

    /// Takes down a transaction, if it wrote revisions.
    pub(super) fn note_commit(&self, revisions: u64, started: Instant) {
        if revisions > 0 {
            self.shared.meters.commit(revisions, started.elapsed());
        }
    }

    /// Does everything that is queued, on the thread of a caller who waits for some of it.
    pub(super) fn work_off(&mut self) {
        let items = self.shared.queue.take_all();
        let was_tidy = !self.is_untidy();
        self.work(items);
        self.last_work = Instant::now();
        let has_more = was_tidy && self.is_untidy();
        if has_more || !self.leaving.is_empty() || !self.postponed.is_empty() {
            // The thread knows when to answer them, tries again, and has to learn of what is left to do.
            self.shared.queue.wake();
        }
    }

    /// Does everything in order. Neighbouring persists share a transaction.
    fn work(&mut self, items: Vec<Item>) {
        patience::wait_up_to(self.shared.busy);
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
                    self.guard(|worker| worker.run(access, task));
                }
            }
        }
        self.flush(&mut group);
    }

    fn flush(&mut self, group: &mut Vec<Persist>) {
        if !group.is_empty() {
            let group = std::mem::take(group);
            self.guard(|worker| worker.persist(group));
        }
    }

    /// Keeps a panic inside one piece of work: its replies are dropped, which answers them, and the connection,
    /// which may be in any state, is closed, which rolls back.
    fn guard(&mut self, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            self.close();
        }
    }

    fn run(&mut self, access: Access, task: Task) {
        match task {
            Task::Job(job) => self.begin(access, job, Instant::now()),
            // A caller that is gone needs no answer.
            Task::Open { must_exist, reply } => {
                drop(reply.send(self.open_anew(access, must_exist)));
            }
            Task::Attach {
                environment,
                features,
                reply,
            } => {
                let answer = self.attach(access, &environment, features.as_deref());
                drop(reply.send(answer));
            }
            Task::Keep {
                environment,
                page,
                reply,
            } => {
                self.keep(environment, page);
                self.mend_pages();
                drop(reply.send(Ok(())));
            }
            Task::Close(reply) => self.leaving.push(reply),
            #[cfg(test)]
            Task::Run(run) => {
                if self.open_anew(access, false).is_ok()
                    && let Some(database) = &mut self.database
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
        match page.try_lock_exclusively() {
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
            self.guard(|worker| worker.begin(access, job, since));
        }
    }

    fn job(&mut self, access: Access, job: Job) {
        match job {
            Job::Persist(Persist { reply, .. }) => reply.send(Err(self.read_only())),
            Job::Load {
                environment,
                page,
                reply,
            } => reply.send(self.load(&environment, &page)),
            Job::Rollback {
                environment,
                page,
                to,
                reason,
                actor,
                if_revision,
                reply,
            } => {
                let source = Source::Copy(Origin::Earlier(to));
                reply.send(self.writable(access).and_then(|()| {
                    self.restore(&Restore {
                        environment: &environment,
                        page: &page,
                        source,
                        reason: reason.as_deref(),
                        actor: &actor,
                        if_revision,
                    })
                }));
            }
            Job::Promote {
                from,
                environment,
                page,
                reason,
                actor,
                if_revision,
                reply,
            } => {
                let source = Source::Copy(Origin::Environment(&from));
                reply.send(self.writable(access).and_then(|()| {
                    self.restore(&Restore {
                        environment: &environment,
                        page: &page,
                        source,
                        reason: reason.as_deref(),
                        actor: &actor,
                        if_revision,
                    })
                }));
            }
            Job::Apply { given, reply } => {
                reply.send(self.writable(access).and_then(|()| {
                    self.restore(&Restore {
                        environment: &given.environment,
                        page: &given.page,
                        source: Source::Given(&given),
                        reason: Some(&given.reason),
                        actor: &given.actor,
                        if_revision: given.if_revision,
                    })
                }));
            }
            Job::History {
                environment,
                limit,
                before,
                reply,
            } => reply.send(self.history(&environment, limit, before)),
            Job::Compare {
                environment,
                from,
                to,
                reply,
            } => reply.send(self.compare(&environment, from, to)),
            Job::Prune { prune, reply } => {
                reply.send(self.writable(access).and_then(|()| self.prune(&prune)));
            }
            Job::Backup { backup, reply } => reply.send(self.back_up(&backup)),
            Job::HistoryEnd {
                environment,
                page,
                reply,
            } => reply.send(self.history_end(&environment, &page)),
            Job::Environments { reply } => reply.send(self.environments()),
            Job::Verify { verifier, reply } => reply.send(self.verify(&verifier)),
        }
    }

    /// Once for each page, since every other holder counts as one who uses it.
    fn keep(&mut self, environment: String, page: Page) {
        if !self.live_pages.iter().any(|(_, known)| known.is(&page)) {
            self.live_pages.push((environment, page));
        }
    }

    fn say_goodbye(&mut self) {
        for reply in std::mem::take(&mut self.leaving) {
            let registry = self.registry.clone();
            reply.send(Ok(Answer {
                value: (),
                registry,
            }));
        }
    }

    fn attach(
        &mut self,
        access: Access,
        environment: &str,
        features: Option<&[String]>,
    ) -> Result<Answer<Option<Revision>>, Error> {
        let path = Arc::clone(&self.shared.path);
        let answer = self.with(access, |connection| {
            features::attach(connection, &path, access, environment, features)
        })?;
        self.learn(&answer.registry);
        if let (Some(database), Some(revision)) = (&mut self.database, &answer.value) {
            database.contents.know(Trace::of_revision(revision));
        }
        Ok(answer)
    }

    fn writable(&self, access: Access) -> Result<(), Error> {
        match access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(self.read_only()),
        }
    }

    fn read_only(&self) -> Error {
        Error::ReadOnly {
            path: self.path().to_path_buf(),
        }
    }
}
