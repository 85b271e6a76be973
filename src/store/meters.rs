//! What the store measures of itself, for this process and this file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::sqlite::disk_space::free_bytes;
use super::sqlite::paths::with_suffix;
use crate::distribution::{COUNTS, Distribution, Summary, TIMES};
use crate::error::Error;
use crate::sync::lock;

/// How the store of a file is, and how it went since this process opened it. Times are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreMetrics {
    /// How long acknowledged persists of the environment took, from the call to the answer.
    pub persists: Summary,
    /// Persists of the environment that failed.
    pub failed_persists: u64,
    /// Persists of the environment that were refused, see [`Error::is_refusal`].
    pub refused_persists: u64,
    /// How many revisions the transactions wrote that wrote any, of all environments.
    pub commits: Summary,
    /// How long those took, with waiting for other processes and the sync to disk.
    pub commit_times: Summary,
    /// How many operations failed with each code, of all environments. A refusal is no failure.
    pub errors: Vec<(String, u64)>,
    /// Operations without an answer so far.
    pub pending: u64,
    /// How often the file was opened again.
    pub reopenings: u64,
    /// The size of the database, if it can be determined.
    pub database_bytes: Option<u64>,
    /// The size of its write-ahead log, 0 when there is none.
    pub log_bytes: Option<u64>,
    /// What may still be written there, where that is known.
    pub free_bytes: Option<u64>,
}

/// Where the store records it.
#[derive(Debug)]
pub struct Meters(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    persists: HashMap<String, Persists>,
    commits: Distribution,
    commit_times: Distribution,
    errors: BTreeMap<String, u64>,
    pending: u64,
    openings: u64,
}

#[derive(Debug)]
struct Persists {
    acknowledged: Distribution,
    failed: u64,
    refused: u64,
}

impl Default for Persists {
    fn default() -> Self {
        Self {
            acknowledged: Distribution::new(TIMES),
            failed: 0,
            refused: 0,
        }
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self(Mutex::new(Counts {
            persists: HashMap::new(),
            commits: Distribution::new(COUNTS),
            commit_times: Distribution::new(TIMES),
            errors: BTreeMap::new(),
            pending: 0,
            openings: 0,
        }))
    }
}

impl Meters {
    /// An operation was asked for.
    pub fn begin(&self) {
        lock(&self.0).pending += 1;
    }

    /// It is about to be answered. `persist` has the environment of one that persists, and how long it took.
    pub fn end(&self, error: Option<&Error>, persist: Option<(&str, Duration)>) {
        let mut counts = lock(&self.0);
        counts.pending = counts.pending.saturating_sub(1);
        if let Some(error) = error
            && !error.is_refusal()
        {
            *counts
                .errors
                .entry(error.code().as_ref().to_owned())
                .or_default() += 1;
        }
        if let Some((environment, took)) = persist {
            // By reference first: the environment is known but for the first time.
            let known = counts.persists.contains_key(environment);
            if !known {
                counts
                    .persists
                    .insert(environment.to_owned(), Persists::default());
            }
            if let Some(persists) = counts.persists.get_mut(environment) {
                match error {
                    None => persists.acknowledged.record(nanoseconds(took)),
                    Some(error) if error.is_refusal() => persists.refused += 1,
                    Some(_) => persists.failed += 1,
                }
            }
        }
    }

    /// A transaction wrote so many revisions.
    pub fn commit(&self, revisions: u64, took: Duration) {
        let mut counts = lock(&self.0);
        counts.commits.record(revisions);
        counts.commit_times.record(nanoseconds(took));
    }

    /// The file was opened.
    pub fn opened(&self) {
        lock(&self.0).openings += 1;
    }

    /// What was recorded, with the persists of an environment, and the sizes of the files as they are now.
    pub fn summary(&self, path: &Path, environment: &str) -> StoreMetrics {
        let database = fs::metadata(path).ok();
        // It is away when no program has the file open, and between two openings.
        let log = fs::metadata(with_suffix(path, "-wal"));
        let free_bytes = free_bytes(path);
        let counts = lock(&self.0);
        let nothing = Persists::default();
        let persists = counts.persists.get(environment).unwrap_or(&nothing);
        StoreMetrics {
            persists: persists.acknowledged.summary(),
            failed_persists: persists.failed,
            refused_persists: persists.refused,
            commits: counts.commits.summary(),
            commit_times: counts.commit_times.summary(),
            errors: counts
                .errors
                .iter()
                .map(|(code, count)| (code.clone(), *count))
                .collect(),
            pending: counts.pending,
            reopenings: counts.openings.saturating_sub(1),
            log_bytes: database.as_ref().map(|_| log.map_or(0, |log| log.len())),
            database_bytes: database.map(|database| database.len()),
            free_bytes,
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
