//! The history: one SQLite file with the revisions of every environment, and the feature table.
//!
//! # One connection, one thread
//!
//! A file has one connection in a process, however many handles there are. The locks rely on it, see [`system`]. It
//! belongs to a worker, which one thread at a time may hold: the store's own, or that of a caller who waits in
//! [`Store::persist_now`]. Callers queue jobs and are called back.
//!
//! # Durability
//!
//! The file is in WAL mode with `synchronous=FULL`: what was answered has been synced. Neighbouring persists of the
//! queue share a transaction, each with its own revision.

mod anchor;
mod backup;
mod beside;
mod connection;
mod contents;
mod copy;
mod failure;
mod features;
mod file_id;
mod files;
mod health;
mod job;
mod ledger;
mod metrics;
mod opened;
mod patience;
mod prune;
mod query;
mod queue;
mod revision;
mod schema;
mod space;
mod still;
mod system;
mod thread;
mod verify;
mod write;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

pub use backup::{BackedUp, Backup};
pub use health::{Activity, FileState, HistoryEnd, PersistFailure};
pub use job::{Answer, Given, Job, Persist, Reply};
pub use metrics::StoreMetrics;
pub use prune::{Prune, Pruned};
pub use revision::hex;
pub use verify::{Breach, Progress, Verification, VerifiedEnvironment, Verifier};

use crate::error::Error;
use crate::page::{Page, State};
use metrics::Meters;
use opened::OpenFiles;
pub(crate) use queue::lock;
use queue::{Item, Latch, Queue, Task};
use thread::Worker;

/// How long an operation waits for another process that holds the database locked.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What a handle may do with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Only read. The file must exist.
    ReadOnly,
    /// Read and write. The file is created if need be.
    ReadWrite,
}

/// A persisted revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number: unique in the file, and increasing in the order of persisting.
    pub id: i64,
    /// The environment it belongs to.
    pub environment: String,
    /// What was persisted.
    pub state: State,
    /// One flag for each bit that the feature table had. The state says nothing of the others.
    pub known: u32,
    /// Why it was persisted.
    pub reason: String,
    /// Who persisted it.
    pub actor: String,
    /// When, in milliseconds since 1970, by the system's clock.
    pub created_at: i64,
    /// The revision it replaced as the last persisted state, which a rollback goes back to. A rollback takes over
    /// the parent of the revision it restores, so that repeating it walks back.
    pub parent: Option<i64>,
    /// The revision that a rollback or promotion copied.
    pub restored_from: Option<i64>,
    /// The page's generation when the state was read.
    pub generation: u32,
    /// The page that the state was read from.
    pub page_id: u64,
    /// SHA-256 over all of this and the digest of the environment's revision before it.
    pub digest: [u8; 32],
}

/// A revision with the state of the one before it in its environment, for listing what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The revision.
    pub revision: Revision,
    /// The state of the environment's revision with the next lower number; `None` for the first.
    pub previous: Option<State>,
}

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
    worker: Arc<Mutex<Worker>>,
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
        self.shared.queue.close();
    }
}

/// What handles and thread share.
struct Shared {
    path: Arc<Path>,
    busy: Duration,
    queue: Queue,
    meters: Arc<Meters>,
    activity: Mutex<Activity>,
    /// What the connection has open; nothing while there is none.
    files: Mutex<Option<OpenFiles>>,
    /// Set once the thread has closed the file.
    ended: Arc<Latch>,
}

impl Shared {
    fn new(path: Arc<Path>, busy: Duration) -> Self {
        Self {
            path,
            busy,
            queue: Queue::default(),
            meters: Arc::default(),
            activity: Mutex::default(),
            files: Mutex::default(),
            ended: Arc::default(),
        }
    }

    /// [`Store::replaced`], for those who must not keep the store open.
    fn replaced(&self) -> Option<PathBuf> {
        let files = lock(&self.files).clone()?;
        files.replaced().map(Path::to_path_buf)
    }

    /// Whether there is a connection.
    fn is_open(&self) -> bool {
        lock(&self.files).is_some()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("path", &self.path)
            .finish_non_exhaustive()
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
        let handle = files::handle(path, may_create, busy)?;
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
        self.call(|reply| Task::Attach {
            environment: environment.to_owned(),
            features: features.map(<[String]>::to_vec),
            reply,
        })
    }

    /// Completes any whole-state change of this live page that a killed process leaves half-made, now and from now on
    /// within a second. Blocks. Like [`Store::open`], not to be called from a [`Reply`].
    pub fn keep(&self, environment: &str, page: &Page) -> Result<(), Error> {
        self.call(|reply| Task::Keep {
            environment: environment.to_owned(),
            page: page.clone(),
            reply,
        })
    }

    /// Queues a job without waking the thread, so that jobs of one turn can share a transaction.
    pub fn submit(&self, mut job: Job) {
        if let Job::Persist(persist) = &mut job {
            persist.reply.measure_persist(&persist.environment);
        }
        self.push(Task::Job(job));
    }

    /// Persists, and blocks until that is on disk. What was queued before is done first; persists that have not been
    /// woken yet share the transaction.
    ///
    /// Where the store's thread has nothing to do, the calling thread does the work. Handing it over and being woken up
    /// again would take a third of the time that the commit takes. Like [`Store::open`], not to be called from a [`Reply`].
    pub fn persist_now(
        &self,
        persist: impl FnOnce(Reply<Entry>) -> Persist,
    ) -> Result<Answer<Entry>, Error> {
        let (sender, receiver) = sync_channel(1);
        let reply = Reply::new(self, move |answer| drop(sender.send(answer)));
        self.submit(Job::Persist(persist(reply)));
        let worker = match self.handle.worker.try_lock() {
            Ok(worker) => Some(worker),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match worker {
            Some(mut worker) => worker.work_off(),
            // The holder may have taken the queue before this job was in it.
            None => self.wake(),
        }
        self.wait_for(&receiver)
    }

    /// Wakes the thread for the jobs that were queued.
    pub fn wake(&self) {
        self.handle.shared.queue.wake();
    }

    /// Lets go of the file. Answers when everything queued before is done and, if this was the last handle, the file
    /// is closed.
    pub fn close(self, reply: Reply<()>) {
        let shared = Arc::clone(&self.handle.shared);
        self.push(Task::Close(reply));
        // The handle goes before the thread looks, which so can tell whether it was the last one.
        drop(self);
        shared.queue.wake();
    }

    /// The file of the open database, or its `-wal` or `-shm`, that was deleted or replaced: what would be committed
    /// now, nobody would find again. `None` if all are in place, and when the database is not open at the moment.
    ///
    /// Three looks at the file system, on the calling thread, without waiting for the store. The store looks itself
    /// before and after every operation, refuses the one that meets it with [`Error::StoreReplaced`], and goes on with
    /// what is there then.
    #[must_use]
    pub fn replaced(&self) -> Option<PathBuf> {
        self.handle.shared.replaced()
    }

    /// Transactions committed so far that wrote revisions.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.handle.shared.meters.commits()
    }

    /// The file, with symbolic links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.handle.shared.path
    }

    fn push(&self, task: Task) {
        let access = self.access;
        self.handle.shared.queue.push(Item { access, task });
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
