//! Maintenance of the history. Long work is done in slices, one for each call, so that JavaScript reports progress and
//! decides whether to go on.

use std::path::Path;
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use super::objects::{
    NativeBackedUp, NativeBackupProgress, NativeBreach, NativeEnvironments, NativeFailure,
    NativeFileState, NativeFinding, NativeHistoryEnd, NativePruneProgress, NativeVerification,
    NativeVerifiedEnvironment, NativeVerifyProgress,
};
use super::outcome::Outcome;
use super::store::NativeStore;
use super::{Result, page};
use crate::store::files::{self, Finding};
use crate::store::{
    Answer, BackedUp, Backup, Breach, FileState, HistoryEnd, Job, Progress, Prune, Pruned,
    Verification, Verifier, hex,
};

/// Checks the files of a configuration without opening them.
#[napi(catch_unwind)]
#[must_use]
pub fn check_files(database: String, environment: String) -> Vec<NativeFinding> {
    let findings = files::examine(Path::new(&database), &environment);
    findings.into_iter().map(to_finding).collect()
}

fn to_finding(finding: Finding) -> NativeFinding {
    NativeFinding {
        name: finding.name.to_owned(),
        status: finding.status.name().to_owned(),
        message: finding.message,
        fix: finding.fix,
    }
}

/// How the persists of this process went, with times in milliseconds since 1970.
#[napi(object)]
pub struct NativeActivity {
    /// When the last one was committed.
    pub last_persist: Option<f64>,
    /// When one failed, if none has succeeded since.
    pub failed_at: Option<f64>,
    /// Why.
    pub failure: Option<NativeFailure>,
}

/// A backup under way.
#[napi]
pub struct NativeBackup {
    backup: Arc<Backup>,
}

#[napi]
impl NativeBackup {
    /// A backup to a file, in steps of so many pages.
    #[napi(constructor, catch_unwind)]
    pub fn new(path: String, overwrite: bool, pages_per_step: u32) -> Self {
        let backup = Arc::new(Backup::new(path.into(), overwrite, pages_per_step));
        Self { backup }
    }

    /// Lets the next step take everything back.
    #[napi(catch_unwind)]
    pub fn cancel(&self) {
        self.backup.cancel();
    }
}

/// A check of the history under way.
#[napi]
pub struct NativeVerifier {
    verifier: Arc<Verifier>,
}

#[napi]
impl NativeVerifier {
    /// A check of all environments. The chain of `environment` must contain the digest `expected_head`, of 32 bytes.
    #[napi(constructor, catch_unwind)]
    pub fn new(environment: String, expected_head: Option<Vec<u8>>) -> Self {
        let expected_head = expected_head.and_then(|bytes| bytes.try_into().ok());
        let verifier = Arc::new(Verifier::new(environment, expected_head));
        Self { verifier }
    }
}

#[napi]
impl NativeStore {
    /// Goes on with a check of the history.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativeVerifyProgress>"
    )]
    pub fn verify<'env>(&self, env: &'env Env, verifier: &NativeVerifier) -> Result<Object<'env>> {
        let (reply, promise) = self.settle(env, |answer: Answer<Progress<Verification>>| {
            Outcome::Verify(to_verify_progress(answer.value))
        })?;
        self.submit(Job::Verify {
            verifier: Arc::clone(&verifier.verifier),
            reply,
        })?;
        Ok(promise)
    }

    /// Checks the files, including those of an environment, without waiting for the store.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativeFileState>"
    )]
    pub fn look_at_files<'env>(&self, env: &'env Env, environment: String) -> Result<Object<'env>> {
        let (reply, promise) = self.settle(env, |answer: Answer<FileState>| {
            let state = answer.value;
            Outcome::Files(NativeFileState {
                replaced: state
                    .replaced
                    .map(|path| path.to_string_lossy().into_owned()),
                findings: state.findings.into_iter().map(to_finding).collect(),
                split: state.split,
                has_locks_of_process: state.has_locks_of_process,
                log_bytes: to_number(state.log_bytes),
                free_bytes: state.free_bytes.map(to_number),
            })
        })?;
        self.store()?.look_at_files(environment, reply)?;
        Ok(promise)
    }

    /// Looks whether the history ends as the environment says.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativeHistoryEnd>"
    )]
    pub fn history_end<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.settle(env, |answer: Answer<HistoryEnd>| {
            Outcome::HistoryEnd(NativeHistoryEnd {
                revision: answer.value.revision.map(|id| to_number(id.unsigned_abs())),
                problem: answer.value.problem,
                page_problem: answer.value.page_problem,
            })
        })?;
        self.submit(Job::HistoryEnd {
            environment,
            page,
            reply,
        })?;
        Ok(promise)
    }

    /// Lists the environments that have a history.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativeEnvironments>"
    )]
    pub fn environments<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (reply, promise) = self.settle(env, |answer: Answer<Vec<String>>| {
            Outcome::Environments(NativeEnvironments {
                names: answer.value,
            })
        })?;
        self.submit(Job::Environments { reply })?;
        Ok(promise)
    }

    /// How the persists of this process went.
    #[napi(catch_unwind)]
    pub fn activity(&self) -> Result<NativeActivity> {
        let activity = self.store()?.activity();
        Ok(NativeActivity {
            last_persist: activity.last_persist.map(to_date),
            failed_at: activity.failure.as_ref().map(|failure| to_date(failure.at)),
            failure: activity.failure.map(|failure| NativeFailure {
                code: failure.code,
                message: failure.message,
            }),
        })
    }

    /// Goes on with a backup.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativeBackupProgress>"
    )]
    pub fn back_up<'env>(&self, env: &'env Env, backup: &NativeBackup) -> Result<Object<'env>> {
        let (reply, promise) = self.settle(env, |answer: Answer<Progress<BackedUp>>| {
            Outcome::Backup(to_backup_progress(answer.value))
        })?;
        self.submit(Job::Backup {
            backup: Arc::clone(&backup.backup),
            reply,
        })?;
        Ok(promise)
    }

    /// Removes the next of the revisions beyond the `keep` newest.
    #[napi(
        catch_unwind,
        ts_return_type = "Promise<NativeFailure | NativePruneProgress>"
    )]
    pub fn prune<'env>(
        &self,
        env: &'env Env,
        handle: u32,
        environment: String,
        keep: u32,
        actor: String,
    ) -> Result<Object<'env>> {
        let page = page::page(handle)?;
        let (reply, promise) = self.settle(env, |answer: Answer<Progress<Pruned>>| {
            Outcome::Prune(to_prune_progress(answer.value))
        })?;
        let prune = Prune {
            environment,
            page,
            keep,
            actor,
        };
        self.submit(Job::Prune { prune, reply })?;
        Ok(promise)
    }
}

fn to_backup_progress(progress: Progress<BackedUp>) -> NativeBackupProgress {
    NativeBackupProgress {
        done: to_number(progress.done),
        total: to_number(progress.total),
        outcome: progress.outcome.map(|done| NativeBackedUp {
            path: done.path.to_string_lossy().into_owned(),
            bytes: to_number(done.bytes),
            revisions: to_number(done.revisions),
        }),
    }
}

fn to_prune_progress(progress: Progress<Pruned>) -> NativePruneProgress {
    let pruned = progress.outcome.as_ref();
    NativePruneProgress {
        done: to_number(progress.done),
        total: to_number(progress.total),
        kept: to_number(pruned.map_or(0, |pruned| pruned.kept)),
        oldest: pruned
            .and_then(|pruned| pruned.oldest)
            .map(|id| to_number(id.unsigned_abs())),
        head: pruned.map_or(String::new(), |pruned| hex(&pruned.head)),
        free_bytes: to_number(pruned.map_or(0, |pruned| pruned.free_bytes)),
        has_ended: pruned.is_some(),
    }
}

fn to_verify_progress(progress: Progress<Verification>) -> NativeVerifyProgress {
    NativeVerifyProgress {
        done: to_number(progress.done),
        total: to_number(progress.total),
        outcome: progress.outcome.map(|found| NativeVerification {
            revisions: to_number(found.revisions),
            environments: found
                .environments
                .into_iter()
                .map(|environment| NativeVerifiedEnvironment {
                    environment: environment.name,
                    revisions: to_number(environment.revisions),
                    pruned: to_number(environment.pruned),
                    head: hex(&environment.head),
                })
                .collect(),
            breaches: found.breaches.into_iter().map(to_breach).collect(),
        }),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "revisions stay far below 2^53, and so does what a damaged file may have, in every digit that counts"
)]
fn to_breach(breach: Breach) -> NativeBreach {
    NativeBreach {
        revision: breach.revision.map(|id| id as f64),
        environment: breach.environment,
        problem: breach.problem,
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates stay far below 2^53")]
fn to_date(milliseconds: i64) -> f64 {
    milliseconds as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of revisions and bytes stay far below 2^53"
)]
fn to_number(count: u64) -> f64 {
    count as f64
}
