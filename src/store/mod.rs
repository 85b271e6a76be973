//! The history: one SQLite file with the revisions of every environment, and the feature table.
//!
//! # One connection, one thread
//!
//! A file has one connection in a process, owned by one thread, however many handles there are: POSIX locks belong
//! to the process, so a second connection that closes would drop the locks of the first. Callers queue jobs and are
//! called back.
//!
//! # Durability
//!
//! The file is in WAL mode with `synchronous=FULL`: what was answered has been synced. Neighbouring persists of the
//! queue share a transaction, each with its own revision.

mod job;

use std::path::Path;
use std::sync::Arc;

pub use job::{Answer, Job, Reply};

use crate::error::Error;
use crate::page::State;

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

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: Arc<Path>,
}

impl Store {
    /// The process's store of this file, opened if need be. Blocks until it is usable.
    pub fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let _ = access;
        Err(Error::StoreNotFound {
            path: path.to_path_buf(),
        })
    }

    /// Blocks until everything queued before is done, then registers `features` and returns the feature table with
    /// the last persisted revision of the environment.
    ///
    /// Without `features` the table is used as it is; the default names are registered only in an empty one. Nothing
    /// is written when all names have their bits already.
    pub fn attach(
        &self,
        environment: &str,
        features: Option<&[String]>,
    ) -> Result<Answer<Option<Revision>>, Error> {
        let _ = (environment, features, self.access);
        Err(Error::StoreStopped {
            path: self.path().to_path_buf(),
        })
    }

    /// Queues a job without waking the thread, so that jobs of one turn can share a transaction.
    pub fn submit(&self, job: Job) {
        drop(job);
    }

    /// Wakes the thread for the jobs that were queued.
    pub fn wake(&self) {}

    /// Transactions committed so far that wrote revisions.
    #[must_use]
    pub fn commits(&self) -> u64 {
        0
    }

    /// The file, with symbolic links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.handle.shared.path
    }
}
