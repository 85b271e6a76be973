//! The history: one SQLite file with the revisions of every environment, and the feature table.
//!
//! # One connection, one thread
//!
//! A file has one connection in a process, however many handles there are. The locks rely on it, see
//! [`sqlite::syscalls`]. It belongs to a worker, which one thread at a time may hold: the store's own, or that of a
//! caller who waits in [`Store::persist_now`]. Callers queue jobs and are called back.
//!
//! # Durability
//!
//! The file is in WAL mode with `synchronous=FULL`: what was answered has been synced. Neighbouring persists of the
//! queue share a transaction, each with its own revision.
//!
//! # Layers
//!
//! `sqlite` (the file and its connection) → `rows` (the tables) → `files` (a look from outside) → `worker`
//! (transactions, and what happens when one fails) → `jobs` (what callers ask for) → `thread` (the queue and its order)
//! → this module (the handles). Each imports only what stands before it.

mod copies;
mod database;
pub mod files;
mod job;
mod jobs;
mod kept;
mod meters;
mod open_stores;
mod queue;
mod reply;
mod rows;
mod shared;
mod sqlite;
mod thread;
mod worker;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

pub use copies::{BackedUp, Backup};
pub use job::Job;
pub use jobs::append::Persist;
pub use jobs::health::{FileState, HistoryEnd};
pub use jobs::prune::{Prune, Pruned};
pub use jobs::restore::{Restore, Source};
pub use jobs::verify::{Breach, Verification, VerifiedEnvironment, Verifier};
pub use meters::StoreMetrics;
pub use reply::{Answer, Progress, Reply};
pub use rows::compacting::Compacted;
pub use rows::digest::hex;
pub use rows::features::Retired;
pub use rows::opening::{Opened, Opening};
pub use rows::revision::{Entry, Kind, Revision};
pub use shared::{Activity, PersistFailure};
pub use sqlite::connection::Access;

use crate::declaration::Notes;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::Page;
use crate::sync::lock;
use job::{Item, Task};
use jobs::health;
use queue::Queue;
use shared::Shared;
use thread::Dispatcher;

/// How long an operation waits for another process that holds the database locked.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A handle to the process's store of a file. Clones are the same handle; when the last one goes, the store finishes
/// its queue and closes the file.
#[derive(Clone, Debug)]
pub struct Store {
    handle: Arc<Handle>,
    access: Access,
}

/// One for all clones of all handles to a file. The thread does not hold it, so its end is the end of the work.
struct Handle {
    shared: Arc<Shared>,
    queue: Arc<Queue<Item>>,
    dispatcher: Arc<Mutex<Dispatcher>>,
}

impl Handle {
    fn start(shared: &Arc<Shared>, predecessor: Option<Arc<queue::Latch>>) -> Result<Self, Error> {
        let queue = Arc::default();
        let dispatcher = thread::start(shared, &queue, predecessor)?;
        let shared = Arc::clone(shared);
        Ok(Self {
            shared,
            queue,
            dispatcher,
        })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Not waited for: it may be the store's own thread that drops the last handle, in a reply.
        self.queue.close();
    }
}

impl Store {
    /// The process's store of this file, opened if need be. Blocks until it is usable, so it must not be called from
    /// a [`Reply`].
    pub fn open(path: &Path, access: Access) -> Result<Self, Error> {
        Self::open_within(path, access, BUSY_TIMEOUT)
    }

    /// As [`Store::open`], but a file that does not exist, or is empty, is not made into a database.
    pub fn open_existing(path: &Path, access: Access) -> Result<Self, Error> {
        Self::open_as(path, access, true, BUSY_TIMEOUT)
    }

    /// `busy` counts for the file's first handle; the others share its connection.
    pub(crate) fn open_within(path: &Path, access: Access, busy: Duration) -> Result<Self, Error> {
        Self::open_as(path, access, false, busy)
    }

    fn open_as(
        path: &Path,
        access: Access,
        must_exist: bool,
        busy: Duration,
    ) -> Result<Self, Error> {
        let may_create = !must_exist && access == Access::ReadWrite;
        let handle = open_stores::handle(path, may_create, busy, Handle::start)?;
        let store = Self { handle, access };
        store.call(|reply| Task::Open { must_exist, reply })?;
        Ok(store)
    }

    /// Blocks until everything queued before is done, then registers `features` and returns the feature table with
    /// the last persisted revision of the environment.
    ///
    /// Without `features` the table is used as it is; the default names are registered only in an empty one. Nothing
    /// is written when all names have their bits already. Like [`Store::open`], not to be called from a [`Reply`].
    pub fn attach(
        &self,
        environment: &str,
        features: Option<&[String]>,
    ) -> Result<Answer<Option<Revision>>, Error> {
        let opened = self.attach_as(Opening {
            environment: environment.to_owned(),
            features: features.map(<[String]>::to_vec),
            ..Opening::default()
        })?;
        Ok(Answer {
            value: opened.revision,
            table: opened.table,
        })
    }

    /// [`Store::attach`], with what the program says of its features.
    pub fn attach_as(&self, mut opening: Opening) -> Result<Opened, Error> {
        // Another handle that is made meanwhile reads the table after this.
        opening.is_alone = Arc::strong_count(&self.handle) == 1;
        self.call(|reply| Task::Attach { opening, reply })
    }

    /// What programs have said of the feature with this bit. Blocks, like [`Store::attach`].
    pub fn notes(&self, bit: usize) -> Result<Notes, Error> {
        self.call(|reply| Task::Notes { bit, reply })
    }

    /// Forgets the retired names, and gives their bits to the last ones, so that the next names find fresh bits. Refused with
    /// [`Error::StoreInUse`] while anybody else has the database open. Blocks, like [`Store::attach`].
    pub fn compact(&self, actor: &str) -> Result<Compacted, Error> {
        let is_alone = Arc::strong_count(&self.handle) == 1;
        let actor = actor.to_owned();
        self.call(|reply| Task::Compact {
            actor,
            is_alone,
            reply,
        })
    }

    /// The epoch of the names. Blocks, like [`Store::attach`].
    pub fn epoch(&self) -> Result<u32, Error> {
        self.retired()?;
        Ok(self.table().epoch())
    }

    /// The retired names, the longest retired first. Blocks, like [`Store::attach`].
    pub fn retired(&self) -> Result<Vec<Retired>, Error> {
        self.call(|reply| Task::Retired { reply })
    }

    /// Completes any whole-state change of this live page that a killed process leaves half-made, now and from now on
    /// within a second. Blocks. Like [`Store::open`], not to be called from a [`Reply`].
    pub fn keep(&self, environment: &str, page: &Page) -> Result<(), Error> {
        self.look_after(environment, page, false, false)
    }

    /// [`Store::keep`] for a page that lacks what was just persisted, and takes that over.
    pub fn bring_up(&self, environment: &str, page: &Page) -> Result<(), Error> {
        self.look_after(environment, page, false, true)
    }

    /// Puts on this page what others persist in the environment, now and from now on within half a second, without
    /// persisting what it has changed itself. As [`Store::keep`] otherwise.
    pub fn follow(&self, environment: &str, page: &Page) -> Result<(), Error> {
        self.look_after(environment, page, true, false)
    }

    fn look_after(
        &self,
        environment: &str,
        page: &Page,
        follows: bool,
        is_behind: bool,
    ) -> Result<(), Error> {
        self.call(|reply| Task::Keep {
            environment: environment.to_owned(),
            page: page.clone(),
            follows,
            is_behind,
            reply,
        })
    }

    /// The feature table of the database as last seen. Does not block.
    #[must_use]
    pub fn table(&self) -> FeatureTable {
        lock(&self.handle.shared.table).clone()
    }

    /// Where a job is answered. The callback runs on the store's thread, once, and must not wait for the same store.
    #[must_use]
    pub fn reply<T>(
        &self,
        callback: impl FnOnce(Result<Answer<T>, Error>) + Send + 'static,
    ) -> Reply<T> {
        let Shared { path, meters, .. } = &*self.handle.shared;
        Reply::new(path, meters, callback)
    }

    /// Queues a job without waking the thread, so that jobs of one turn can share a transaction.
    pub fn submit(&self, mut job: Job) {
        if let Job::Persist(persist) = &mut job {
            persist.reply.count_as_persist(&persist.environment);
        }
        self.push(Task::Job(job));
    }

    /// Persists, and blocks until that is on disk. What was queued before is done first; persists that have not been
    /// woken yet share the transaction.
    ///
    /// Where the store's thread has nothing to do, the calling thread does the work. Handing it over and being woken up
    /// again would take a third of the time that the commit takes. Like [`Store::open`], not to be called from a
    /// [`Reply`].
    pub fn persist_now(
        &self,
        persist: impl FnOnce(Reply<Entry>) -> Persist,
    ) -> Result<Answer<Entry>, Error> {
        let (sender, receiver) = sync_channel(1);
        let reply = self.reply(move |answer| drop(sender.send(answer)));
        self.submit(Job::Persist(persist(reply)));
        let dispatcher = match self.handle.dispatcher.try_lock() {
            Ok(dispatcher) => Some(dispatcher),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match dispatcher {
            Some(mut dispatcher) => dispatcher.work_off(),
            // The holder may have taken the queue before this job was in it.
            None => self.wake(),
        }
        self.wait_for(&receiver)
    }

    /// Wakes the thread for the jobs that were queued.
    pub fn wake(&self) {
        self.handle.queue.wake();
    }

    /// Lets go of the file. Answers when everything queued before is done and, if this was the last handle, the file
    /// is closed.
    pub fn close(self, reply: Reply<()>) {
        let queue = Arc::clone(&self.handle.queue);
        self.push(Task::Close(reply));
        // The handle goes before the thread looks, which can then tell whether it was the last one.
        drop(self);
        queue.wake();
    }

    /// The file of the open database, or its `-wal` or `-shm`, that was deleted or replaced: what is committed now
    /// would be lost. `None` if all are in place, and when the database is not open at the moment.
    ///
    /// Makes three system calls on the calling thread, without waiting for the store. The store itself checks
    /// before and after every operation, refuses the one that meets it with [`Error::StoreReplaced`], and goes on with
    /// what is there then.
    #[must_use]
    pub fn replaced(&self) -> Option<PathBuf> {
        self.handle.shared.replaced()
    }

    /// How the store is, and how the persists of an environment went. Does not wait for the store, but reads the sizes
    /// of the files on the calling thread.
    #[must_use]
    pub fn metrics(&self, environment: &str) -> StoreMetrics {
        let Shared { path, meters, .. } = &*self.handle.shared;
        meters.summary(path, environment)
    }

    /// How the persists of this process went. Does not wait for the store.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.handle.shared.activity()
    }

    /// Checks the files on a separate thread, so that neither the caller nor the store waits for the file system.
    pub fn look_at_files(&self, environment: String, reply: Reply<FileState>) -> Result<(), Error> {
        // Not a handle: the store may close meanwhile.
        health::look_at_files(Arc::clone(&self.handle.shared), environment, reply)
    }

    /// The file, with symbolic links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.handle.shared.path
    }

    fn push(&self, task: Task) {
        let access = self.access;
        self.handle.queue.push(Item { access, task });
    }

    /// Queues a task, wakes the thread and waits for the answer.
    fn call<T>(&self, task: impl FnOnce(SyncSender<Result<T, Error>>) -> Task) -> Result<T, Error> {
        let (sender, receiver) = sync_channel(1);
        self.push(task(sender));
        self.wake();
        self.wait_for(&receiver)
    }

    /// An answer. The other end goes without one only if the task, or the thread, panicked.
    fn wait_for<T>(&self, receiver: &Receiver<Result<T, Error>>) -> Result<T, Error> {
        receiver.recv().unwrap_or_else(|_| {
            let path = self.path().to_path_buf();
            Err(Error::StoreStopped { path })
        })
    }
}
