//! Appending snapshots as revisions, those that were queued together in one transaction.

use std::time::Instant;

use rusqlite::Transaction;

use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Page, Persisted, Snapshot, State};
use crate::store::reply::{Answer, Reply};
use crate::store::rows::contents::Trace;
use crate::store::rows::ledger::{Draft, Ledger, Standing};
use crate::store::rows::revision::Entry;
use crate::store::sqlite::errors::{Fault, again};
use crate::store::worker::Worker;

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
    /// The actor.
    pub actor: String,
    /// Append nothing, and answer with the last revision, if that is in effect and holds the same state.
    pub unless_same: bool,
    /// Refuse unless the environment's last revision is this one; 0 when there must be none.
    pub if_revision: Option<i64>,
    /// Answered once the revision is on disk.
    pub reply: Reply<Entry>,
}

impl Worker {
    /// Persists all of `jobs` in one transaction, then answers them in order.
    pub fn persist(&mut self, jobs: Vec<Persist>) {
        let started = Instant::now();
        let outcome = self.write(|transaction, kept| {
            let appended = append_all(transaction, kept, &jobs)?;
            let entries = appended.entries.iter().flatten();
            let trace = Trace::of(entries.map(|(entry, _)| entry));
            Ok((appended, trace))
        });
        match outcome {
            Ok(Appended {
                entries,
                new,
                table,
            }) => {
                self.learn(&table);
                self.note_commit(new, started);
                // A refusal says nothing about the store, so the last persist before it still counts.
                let errors = || entries.iter().map(|entry| entry.as_ref().err());
                if let Some(last) = errors().rfind(|error| !error.is_some_and(Error::is_refusal)) {
                    self.shared.note_persist(last);
                }
                for (job, entry) in jobs.into_iter().zip(entries) {
                    if let Ok((entry, in_effect)) = &entry {
                        job.page.note_persisted(&Persisted {
                            revision: entry.revision.id.cast_unsigned(),
                            state: *in_effect,
                        });
                    }
                    let table = table.clone();
                    job.reply
                        .send(entry.map(|(value, _)| Answer { value, table }));
                }
            }
            Err(error) => {
                self.shared.note_persist(Some(&error));
                for job in jobs {
                    job.reply.send(Err(again(&error, self.path())));
                }
            }
        }
    }
}

/// What came of a group of persists.
struct Appended {
    /// The answers, each with the state that is in effect since; errors are refusals of single persists.
    entries: Vec<Result<(Entry, State), Error>>,
    /// How many of them are new revisions.
    new: u64,
    table: FeatureTable,
}

/// An error is that of the transaction, after which nothing is written.
fn append_all(
    transaction: &Transaction<'_>,
    kept: &mut Option<Standing>,
    jobs: &[Persist],
) -> Result<Appended, Fault> {
    let mut ledger = Ledger::begin(transaction, kept)?;
    let mut entries = Vec::with_capacity(jobs.len());
    for job in jobs {
        entries.push(match append(&mut ledger, job) {
            Ok(entry) => Ok(entry),
            Err(Fault::Refused(error)) => Err(error),
            Err(fault) => return Err(fault),
        });
    }
    let (new, table) = (ledger.appended(), ledger.table().clone());
    ledger.finish()?;
    Ok(Appended {
        entries,
        new,
        table,
    })
}

/// With the state that is in effect since.
fn append(ledger: &mut Ledger<'_>, job: &Persist) -> Result<(Entry, State), Fault> {
    job.snapshot.state.expect_valid(ledger.table().mask())?;
    ledger.expect_last(&job.environment, job.if_revision)?;
    if job.unless_same
        && let Some(last) = ledger.last_if_same(
            &job.environment,
            &job.snapshot,
            job.page.is_persisted_by_others(),
        )?
    {
        let in_effect = last.revision.state;
        return Ok((last, in_effect));
    }
    let parent = ledger.effective(&job.environment)?;
    let snapshot = counting(ledger, job)?;
    let entry = ledger.append(&Draft {
        environment: &job.environment,
        snapshot,
        reason: &job.reason,
        actor: &job.actor,
        parent,
        restored_from: None,
    })?;
    // A slow snapshot of a page does not take effect after a newer one.
    let in_effect = ledger.state_in_effect(&job.environment)?;
    let state = in_effect.unwrap_or(entry.revision.state);
    Ok((entry, state))
}

/// The snapshot, which of a page that was set back ranks below a revision of it that there is already. What is live now
/// is to take effect all the same.
fn counting(ledger: &mut Ledger<'_>, job: &Persist) -> Result<Snapshot, Fault> {
    let page_id = job.snapshot.page_id;
    let caught_up = match ledger.generation_of(&job.environment, page_id)? {
        Some(generation) if job.page.id() == page_id => job.page.catch_up(generation),
        _ => None,
    };
    Ok(Snapshot {
        generation: caught_up.unwrap_or(job.snapshot.generation),
        ..job.snapshot
    })
}
