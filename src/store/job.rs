//! What callers ask of the store, and how they are answered.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::metrics::Meters;
use super::{
    BackedUp, Backup, Entry, HistoryEnd, Progress, Prune, Pruned, Revision, Store, Verification,
    Verifier,
};
use crate::error::Error;
use crate::page::{Page, Snapshot, State};
use crate::registry::Registry;

/// The payload of a job, and the feature table at that time: others may have appended names since it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The feature table of the file.
    pub registry: Registry,
}

type Callback<T> = Box<dyn FnOnce(Result<Answer<T>, Error>) + Send>;

/// Where a job's answer goes: called exactly once, on the store's thread.
///
/// A reply that is dropped unanswered answers [`Error::StoreStopped`], so every promise settles even after a panic.
/// The callback must not wait for the same store, whose thread it runs on.
pub struct Reply<T> {
    callback: Option<Callback<T>>,
    path: Arc<Path>,
    meters: Arc<Meters>,
    started: Instant,
    /// The environment, if it answers a persist.
    persist: Option<String>,
}

impl<T> Reply<T> {
    /// A reply for a job of `store`.
    #[must_use]
    pub fn new(
        store: &Store,
        callback: impl FnOnce(Result<Answer<T>, Error>) + Send + 'static,
    ) -> Self {
        let meters = Arc::clone(&store.handle.shared.meters);
        meters.begin();
        Self {
            callback: Some(Box::new(callback)),
            path: Arc::clone(&store.handle.shared.path),
            meters,
            started: Instant::now(),
            persist: None,
        }
    }

    /// Has it counted among the persists of this environment.
    pub(super) fn measure_persist(&mut self, environment: &str) {
        self.persist = Some(environment.to_owned());
    }

    /// Answers.
    pub fn send(mut self, answer: Result<Answer<T>, Error>) {
        self.call(answer);
    }

    fn call(&mut self, answer: Result<Answer<T>, Error>) {
        if let Some(callback) = self.callback.take() {
            // Before the answer, so that whoever has it finds it counted.
            let took = self.started.elapsed();
            let persist = self
                .persist
                .as_deref()
                .map(|environment| (environment, took));
            self.meters.end(answer.as_ref().err(), persist);
            // A caller's panic is not the store's: the jobs behind this one still run. This may also happen while
            // another panic unwinds, where a second one would end the process. The panic hook has reported it.
            let _panic = catch_unwind(AssertUnwindSafe(|| callback(answer)));
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if self.callback.is_some() {
            let path = self.path.to_path_buf();
            self.call(Err(Error::StoreStopped { path }));
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A snapshot to append as a revision.
#[derive(Debug)]
pub struct Persist {
    /// The environment that gets the revision.
    pub environment: String,
    /// The page that the snapshot was taken of; it learns the revision's number.
    pub page: Page,
    /// What to persist, taken when the caller asked.
    pub snapshot: Snapshot,
    /// Why, in the caller's words.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// Append nothing, and answer with the last revision, if that is in effect and holds the same state.
    pub unless_same: bool,
    /// Refuse unless the environment's last revision is this one; 0 when there must be none.
    pub if_revision: Option<i64>,
    /// Answered once the revision is on disk.
    pub reply: Reply<Entry>,
}

/// A whole state that somebody brings along.
#[derive(Debug)]
pub struct Given {
    /// The environment that gets the revision.
    pub environment: String,
    /// The page to set.
    pub page: Page,
    /// What it is to be set to. The record's version and registry hash are not looked at.
    pub state: State,
    /// The bits of the features that the state speaks of. The others keep theirs.
    pub known: u32,
    /// Why, in the caller's words.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// Refuse unless the environment's last revision is this one; 0 when there must be none.
    pub if_revision: Option<i64>,
}

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
    /// Appends a copy of an earlier revision, and sets the page to it.
    Rollback {
        /// The environment.
        environment: String,
        /// The page to set.
        page: Page,
        /// The revision to go back to; by default the parent of the last persisted state.
        to: Option<i64>,
        /// Why, in the caller's words; by default what is done.
        reason: Option<String>,
        /// Who.
        actor: String,
        /// Refuse unless the environment's last revision is this one.
        if_revision: Option<i64>,
        /// Answered with the appended revision.
        reply: Reply<Entry>,
    },
    /// Appends a copy of another environment's last persisted state, and sets the page to it.
    Promote {
        /// The environment to copy from.
        from: String,
        /// The environment that receives it.
        environment: String,
        /// The page to set.
        page: Page,
        /// Why, in the caller's words; by default what is done.
        reason: Option<String>,
        /// Who.
        actor: String,
        /// Refuse unless the environment's last revision is this one.
        if_revision: Option<i64>,
        /// Answered with the appended revision.
        reply: Reply<Entry>,
    },
    /// Appends a revision with a given state, unless the last one is in effect and holds the same, and sets the page to it.
    Apply {
        /// The state.
        given: Given,
        /// Answered with the revision, or the last one if that holds the same.
        reply: Reply<Entry>,
    },
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
            Self::Load { page, .. } | Self::Rollback { page, .. } | Self::Promote { page, .. } => {
                Some(page)
            }
            Self::Apply { given, .. } => Some(&given.page),
            _ => None,
        }
    }

    /// Answers a job of a [`Self::whole_state_page`].
    pub(super) fn fail(self, error: Error) {
        match self {
            Self::Load { reply, .. } => reply.send(Err(error)),
            Self::Rollback { reply, .. }
            | Self::Promote { reply, .. }
            | Self::Apply { reply, .. } => reply.send(Err(error)),
            // Its reply answers that the store has stopped.
            _ => {}
        }
    }
}
