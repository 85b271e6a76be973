//! What the handles and the thread of a store share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::meters::Meters;
use super::queue::Latch;
use super::sqlite::open_files::OpenFiles;
use crate::clock::unix_time;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::sync::lock;

/// What handles and thread share.
#[derive(Debug)]
pub struct Shared {
    pub path: Arc<Path>,
    /// How long to wait for the locks of other processes.
    pub busy: Duration,
    pub meters: Arc<Meters>,
    activity: Mutex<Activity>,
    /// The feature table as last seen.
    pub table: Mutex<FeatureTable>,
    /// What the connection has open; nothing while there is none.
    pub files: Mutex<Option<OpenFiles>>,
    /// Set once the thread has closed the file.
    pub ended: Arc<Latch>,
}

/// How the persists of this process went, with times in milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// When the last one was committed.
    pub last_persist: Option<i64>,
    /// The last failure of the database, if none has succeeded since. Refusals of single persists are none.
    pub failure: Option<PersistFailure>,
}

/// Why persists fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistFailure {
    /// When.
    pub at: i64,
    /// The stable code.
    pub code: String,
    /// What failed, and what to do.
    pub message: String,
}

impl Shared {
    pub fn new(path: Arc<Path>, busy: Duration) -> Self {
        Self {
            path,
            busy,
            meters: Arc::default(),
            activity: Mutex::default(),
            table: Mutex::default(),
            files: Mutex::default(),
            ended: Arc::default(),
        }
    }

    /// The file of the open database that was deleted or replaced, if one was.
    pub fn replaced(&self) -> Option<PathBuf> {
        let files = lock(&self.files).clone()?;
        files.replaced().map(Path::to_path_buf)
    }

    /// Whether there is a connection.
    pub fn is_open(&self) -> bool {
        lock(&self.files).is_some()
    }

    /// How the persists of this process went.
    pub fn activity(&self) -> Activity {
        lock(&self.activity).clone()
    }

    /// Records how a persist went.
    pub fn note_persist(&self, error: Option<&Error>) {
        let mut activity = lock(&self.activity);
        if let Some(error) = error {
            activity.failure = Some(PersistFailure {
                at: unix_time(),
                code: error.code().as_ref().to_owned(),
                message: error.to_string(),
            });
        } else {
            activity.last_persist = Some(unix_time());
            activity.failure = None;
        }
    }
}
