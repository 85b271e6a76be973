//! What callers ask of the store.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use super::copies::{BackedUp, Backup};
use super::jobs::append::Persist;
use super::jobs::health::HistoryEnd;
use super::jobs::prune::{Prune, Pruned};
use super::jobs::restore::Restore;
use super::jobs::verify::{Verification, Verifier};
use super::reply::{Progress, Reply};
use super::rows::compacting::Compacted;
use super::rows::features::Retired;
use super::rows::opening::{Opened, Opening};
use super::rows::revision::{Entry, Revision};
use super::sqlite::connection::Access;
use crate::declaration::Notes;
use crate::error::Error;
use crate::page::Page;

/// Work for the store's thread, done in the order of submission.
#[derive(Debug)]
#[non_exhaustive]
pub enum Job {
    /// Appends a revision.
    Persist(Persist),
    /// Sets a page to the environment's last persisted state. Answers `None`, changing nothing, when there is none.
    Load {
        /// The environment to read.
        environment: String,
        /// The page to set.
        page: Page,
        /// Answered with the revision that was applied.
        reply: Reply<Option<Entry>>,
    },
    /// Appends a revision with a state from elsewhere, and sets the page to it.
    Restore(Restore),
    /// Lists revisions, newest first.
    History {
        /// The environment.
        environment: String,
        /// How many at most.
        limit: u32,
        /// Only revisions with a lower number than this.
        before: Option<i64>,
        /// Answered with the revisions.
        reply: Reply<Vec<Entry>>,
    },
    /// Looks up two revisions.
    Compare {
        /// The environment that both belong to.
        environment: String,
        /// The first.
        from: i64,
        /// The second.
        to: i64,
        /// Answered with both, in this order.
        reply: Reply<(Revision, Revision)>,
    },
    /// Goes on with a check of the history, of all environments. Reads what it can, and changes nothing.
    Verify {
        /// The check; the same one for every slice.
        verifier: Arc<Verifier>,
        /// Answered with how far it has come.
        reply: Reply<Progress<Verification>>,
    },
    /// Removes revisions, some thousand at a time: to be repeated until there is an outcome.
    Prune {
        /// Which.
        prune: Prune,
        /// Answered with how many were removed, of how many that have to go.
        reply: Reply<Progress<Pruned>>,
    },
    /// Goes on with a backup: to be repeated until there is an outcome. One that was cancelled is taken back, without
    /// any outcome.
    Backup {
        /// The backup; the same one for every step.
        backup: Arc<Backup>,
        /// Answered with how many pages were copied, of how many.
        reply: Reply<Progress<BackedUp>>,
    },
    /// Looks whether the history ends as the environment says, and the page is not older than that.
    HistoryEnd {
        /// The environment.
        environment: String,
        /// The page to compare with it.
        page: Page,
        /// Answered with its end.
        reply: Reply<HistoryEnd>,
    },
    /// Lists the environments that have a history.
    Environments {
        /// Answered with their names, sorted.
        reply: Reply<Vec<String>>,
    },
}

impl Job {
    /// The page, if the job changes all of it, for which it has to be locked.
    pub(super) const fn whole_state_page(&self) -> Option<&Page> {
        match self {
            Self::Load { page, .. } | Self::Restore(Restore { page, .. }) => Some(page),
            _ => None,
        }
    }

    /// Answers a job of a [`Self::whole_state_page`].
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Load { reply, .. } => reply.send(Err(error)),
            Self::Restore(Restore { reply, .. }) => reply.send(Err(error)),
            // Its reply answers that the store has stopped.
            _ => {}
        }
    }
}

/// A job, and what the handle it came through may do.
pub struct Item {
    pub access: Access,
    pub task: Task,
}

/// What the thread does. Beside the jobs, these are the calls whose callers block.
pub enum Task {
    Job(Job),
    Open {
        /// Whether a file that holds nothing is refused.
        must_exist: bool,
        reply: SyncSender<Result<(), Error>>,
    },
    Attach {
        opening: Opening,
        reply: SyncSender<Result<Opened, Error>>,
    },
    /// Reads what programs have said of a feature.
    Notes {
        bit: usize,
        reply: SyncSender<Result<Notes, Error>>,
    },
    /// Forgets the retired names.
    Compact {
        actor: String,
        is_alone: bool,
        reply: SyncSender<Result<Compacted, Error>>,
    },
    /// Reads the retired names.
    Retired {
        reply: SyncSender<Result<Vec<Retired>, Error>>,
    },
    /// A page was opened that has to be looked after: a live one, which needs repair when a process is killed while it
    /// changes all of it, or one that follows what others persist.
    Keep {
        environment: String,
        page: Page,
        follows: bool,
        /// Whether what was persisted is put on it now.
        is_behind: bool,
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
