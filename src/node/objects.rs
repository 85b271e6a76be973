//! What operations of the store give to JavaScript.

use napi_derive::napi;

use crate::bits::BANK_SIZE;
use crate::page::{FULL_ROLLOUT, State};
use crate::store::hex;

/// Why an operation failed. Promises resolve with it, so that the error itself is made in JavaScript.
#[napi(object)]
pub struct NativeFailure {
    /// Stable code.
    pub code: String,
    /// What failed, with which value, and what to do.
    pub message: String,
}

/// A whole state.
#[napi(object)]
pub struct NativeState {
    /// The 13 bytes of each bank, as `0x` and 26 hexadecimal digits for each: one string crosses the boundary faster than 13
    /// numbers.
    pub record: String,
    /// Basis points for each bit of these banks; left out when every feature is rolled out to everyone.
    pub rollouts: Option<Vec<u16>>,
}

/// The first banks of a state.
pub fn to_state(state: &State, banks: usize) -> NativeState {
    let rollouts = state.rollouts.iter().take(banks * BANK_SIZE);
    let are_full = rollouts.clone().all(|rollout| *rollout == FULL_ROLLOUT);
    NativeState {
        record: format!("0x{}", hex(&state.encode(banks))),
        rollouts: (!are_full).then(|| rollouts.copied().collect()),
    }
}

/// A name that a bit had.
#[napi(object)]
pub struct NativeFormer {
    /// The bit.
    pub bit: u32,
    /// The name.
    pub name: String,
}

/// A retired name.
#[napi(object)]
pub struct NativeRetired {
    /// The name.
    pub name: String,
    /// Its bit.
    pub bit: u32,
    /// When it was retired, in milliseconds since 1970.
    pub at: f64,
}

/// A persisted revision.
#[napi(object)]
pub struct NativeRevision {
    /// Its number, unique in the file.
    pub revision: f64,
    /// The environment it belongs to.
    pub environment: String,
    /// The state it keeps.
    pub state: NativeState,
    /// Why it was made.
    pub reason: String,
    /// The actor.
    pub actor: String,
    /// Milliseconds since 1970.
    pub created_at: f64,
    /// The revision whose state this one repeats.
    pub restored_from: Option<f64>,
    /// Whether it is a commit, and not a snapshot.
    pub is_commit: bool,
    /// The names that bits had then and do not have now.
    pub former: Option<Vec<NativeFormer>>,
    /// The same for `previous`, if that has other names.
    pub previous_former: Option<Vec<NativeFormer>>,
    /// SHA-256 over its content and its predecessor's digest, in hexadecimal.
    pub digest: String,
    /// The state of the revision before it, when that was asked for and there is one.
    pub previous: Option<NativeState>,
}

/// What an operation found.
#[napi(object)]
pub struct NativeAnswer {
    /// The feature names of the database, from bit 0 up; left out when they are those of this object's last answer.
    pub names: Option<Vec<String>>,
    /// The bits of those that are retired.
    pub retired: Vec<u32>,
    /// How often names were retired, revived or replaced.
    pub changes: u32,
    /// The hashes of a table with these names, by bank.
    pub registry_hashes: Vec<u32>,
    /// The revisions in question, in the order of the question.
    pub revisions: Vec<NativeRevision>,
}

/// Something that is wrong with the history.
#[napi(object)]
pub struct NativeBreach {
    /// The revision, unless it concerns none or the file as a whole.
    pub revision: Option<f64>,
    /// Its environment, if it is known.
    pub environment: Option<String>,
    /// What is wrong, for people to read.
    pub problem: String,
}

/// The chain of one environment.
#[napi(object)]
pub struct NativeVerifiedEnvironment {
    /// Its name.
    pub environment: String,
    /// How many revisions it has.
    pub revisions: f64,
    /// How many more it had, before they were pruned.
    pub pruned: f64,
    /// The digest at the end of its chain, in hexadecimal.
    pub head: String,
}

/// What a check of the history found.
#[napi(object)]
pub struct NativeVerification {
    /// How many revisions were checked.
    pub revisions: f64,
    /// Every environment of the file.
    pub environments: Vec<NativeVerifiedEnvironment>,
    /// Everything that is wrong, in the order of the revisions.
    pub breaches: Vec<NativeBreach>,
}

/// How far a check has come.
#[napi(object)]
pub struct NativeVerifyProgress {
    /// Revisions that were checked.
    pub done: f64,
    /// Revisions that there are.
    pub total: f64,
    /// What was found, once it has ended.
    pub outcome: Option<NativeVerification>,
}

/// What was found out of one of the files of a configuration.
#[napi(object)]
pub struct NativeFinding {
    /// Which file.
    pub name: String,
    /// `ok`, `degraded` or `failed`.
    pub status: String,
    /// What was found.
    pub message: String,
    /// What to do, unless nothing is wrong.
    pub fix: Option<String>,
}

/// The files of the database.
#[napi(object)]
pub struct NativeFileState {
    /// The file that was deleted or replaced while it is open.
    pub replaced: Option<String>,
    /// What an examination of the files found.
    pub findings: Vec<NativeFinding>,
    /// Why programs that open the database do not all find the same log, if they do not.
    pub split: Option<String>,
    /// Whether its locks belong to the process, which drops them when it closes the file anywhere.
    pub has_locks_of_process: bool,
    /// The size of the write-ahead log.
    pub log_bytes: f64,
    /// Bytes that may still be written there, where that is known.
    pub free_bytes: Option<f64>,
}

/// Environments that have a history.
#[napi(object)]
pub struct NativeEnvironments {
    /// Their names, sorted.
    pub names: Vec<String>,
}

/// The end of an environment's history.
#[napi(object)]
pub struct NativeHistoryEnd {
    /// The newest revision.
    pub revision: Option<f64>,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// What is wrong with the page in view of it.
    pub page_problem: Option<String>,
}

/// A finished backup.
#[napi(object)]
pub struct NativeBackedUp {
    /// The file.
    pub path: String,
    /// Its size in bytes.
    pub bytes: f64,
    /// How many revisions it has.
    pub revisions: f64,
}

/// How far a backup has come.
#[napi(object)]
pub struct NativeBackupProgress {
    /// Pages that were copied.
    pub done: f64,
    /// Pages that there are.
    pub total: f64,
    /// What came of it, once it is whole.
    pub outcome: Option<NativeBackedUp>,
}

/// How far the removal of revisions has come.
#[napi(object)]
pub struct NativePruneProgress {
    /// Revisions that this call removed.
    pub done: f64,
    /// The same, with those that have still to go.
    pub total: f64,
    /// Revisions that are left.
    pub kept: f64,
    /// The oldest of them.
    pub oldest: Option<f64>,
    /// The digest at the end of the chain, in hexadecimal.
    pub head: String,
    /// Bytes of the file that are free.
    pub free_bytes: f64,
    /// Whether all is done. Before, only `done` and `total` mean something.
    pub has_ended: bool,
}
