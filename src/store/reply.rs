//! How jobs are answered.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::meters::Meters;
use crate::error::Error;
use crate::feature_table::FeatureTable;

/// The payload of a job, and the feature table at that time: others may have appended names since it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The feature table of the file.
    pub table: FeatureTable,
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
    /// A reply for a job of the store that works on the file `path` and counts with `meters`.
    pub(super) fn new(
        path: &Arc<Path>,
        meters: &Arc<Meters>,
        callback: impl FnOnce(Result<Answer<T>, Error>) + Send + 'static,
    ) -> Self {
        meters.begin();
        Self {
            callback: Some(Box::new(callback)),
            path: Arc::clone(path),
            meters: Arc::clone(meters),
            started: Instant::now(),
            persist: None,
        }
    }

    /// Counts it among the persists of this environment.
    pub(super) fn count_as_persist(&mut self, environment: &str) {
        self.persist = Some(environment.to_owned());
    }

    /// Answers.
    pub fn send(mut self, answer: Result<Answer<T>, Error>) {
        self.call(answer);
    }

    fn call(&mut self, answer: Result<Answer<T>, Error>) {
        if let Some(callback) = self.callback.take() {
            // First, so that it is counted by the time the answer is there.
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

/// How far a job of several slices has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress<T> {
    /// How much is done.
    pub done: u64,
    /// Of how much.
    pub total: u64,
    /// The result, once it is finished. Until then, ask for the next slice.
    pub outcome: Option<T>,
}
