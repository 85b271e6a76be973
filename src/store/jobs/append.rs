//! Appending snapshots as revisions, those that were queued together in one transaction.

use std::time::Instant;

use rusqlite::Transaction;

use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Page, Persisted, Snapshot, State};
use crate::store::reply::{Answer, Reply};
use crate::store::rows::contents::Trace;
use crate::store::rows::ledger::{Draft, Ledger, Standing};
use crate::store::rows::listing;
use crate::store::rows::merge::Merging;
use crate::store::rows::revision::{self, Entry, Kind};
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
    pub snapshot: Box<Snapshot>,
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

/// How many revisions may lie between what a page contains and its last one before they are read ahead of the transaction,
/// which keeps other processes from writing; few in tests, which have no time for many.
const FAR_BEHIND: u64 = if cfg!(test) { 10 } else { 1_000 };

impl Worker {
    /// Persists all of `jobs` in one transaction, brings their live states up to it, then answers them in order.
    pub fn persist(&mut self, jobs: Vec<Persist>) {
        let begun: Vec<_> = jobs.iter().map(|job| self.begin_merging(job)).collect();
        let started = Instant::now();
        let outcome = self.write(|transaction, kept| {
            let appended = append_all(transaction, kept, &jobs, &begun)?;
            let entries = appended.entries.iter().flatten();
            let trace = Trace::of(entries.map(|persisting| &persisting.entry));
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
                for (job, entry) in jobs.iter().zip(&entries) {
                    if let Ok(Persisting {
                        entry,
                        effective,
                        in_effect,
                        is_plain,
                    }) = entry
                    {
                        job.page.note_persisted(&Persisted {
                            revision: entry.revision.id.cast_unsigned(),
                            state: *in_effect,
                        });
                        let has_all_until = is_plain.then_some(effective.cast_unsigned());
                        self.catch_up(&job.environment, &job.page, has_all_until);
                    }
                }
                for (job, entry) in jobs.into_iter().zip(entries) {
                    let table = table.clone();
                    job.reply
                        .send(entry.map(|Persisting { entry: value, .. }| Answer { value, table }));
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

    /// What a snapshot that is far behind becomes with what is in the database now. The transaction puts on the rest.
    fn begin_merging(&mut self, job: &Persist) -> Option<Merging> {
        let Snapshot {
            state,
            page_id,
            contains,
            ..
        } = *job.snapshot;
        if job.page.persisted_revision() <= contains.saturating_add(FAR_BEHIND) {
            return None;
        }
        let environment = &job.environment;
        let contains = contains.cast_signed();
        let merging = self.look(|connection| {
            let Some(base) = listing::base(connection, environment, contains)? else {
                return Ok(None);
            };
            let mut merging = Merging::begin(&state, &base, page_id, contains);
            if let Some(effective) = revision::effective(connection, environment)? {
                merging.go_on(connection, environment, effective.id)?;
            }
            Ok(Some(merging))
        });
        // Where it cannot be read, the transaction says why.
        merging.ok()?.value
    }
}

/// What came of a persist.
struct Persisting {
    entry: Entry,
    /// The revision in effect since, which is another one if this one was late, and its state.
    effective: i64,
    in_effect: State,
    /// Whether the live state has all of that already.
    is_plain: bool,
}

/// What came of a group of persists.
struct Appended {
    /// Errors are refusals of single persists.
    entries: Vec<Result<Persisting, Error>>,
    /// How many of them are new revisions.
    new: u64,
    table: FeatureTable,
}

/// An error is that of the transaction, after which nothing is written.
fn append_all(
    transaction: &Transaction<'_>,
    kept: &mut Option<Standing>,
    jobs: &[Persist],
    begun: &[Option<Merging>],
) -> Result<Appended, Fault> {
    let mut ledger = Ledger::begin(transaction, kept)?;
    let mut entries = Vec::with_capacity(jobs.len());
    for (job, begun) in jobs.iter().zip(begun) {
        entries.push(match append(&mut ledger, job, begun.as_ref()) {
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

fn append(
    ledger: &mut Ledger<'_>,
    job: &Persist,
    begun: Option<&Merging>,
) -> Result<Persisting, Fault> {
    let environment = &job.environment;
    job.snapshot.state.expect_valid(ledger.table().mask())?;
    ledger.expect_last(environment, job.if_revision)?;
    let page_id = job.snapshot.page_id;
    let written = ledger.written(page_id)?.ticket;
    let mut snapshot = *job.snapshot;
    if job.page.id() == page_id && job.page.is_set_back_behind(written) {
        // What is live now is to take effect all the same.
        snapshot.ticket = job.page.take_ticket_after(written);
    }
    // A slow snapshot of a page does not take effect after a newer one.
    let merged = (snapshot.ticket > written)
        .then(|| ledger.merge(environment, &snapshot, begun))
        .transpose()?;
    let parent = ledger.effective(environment)?;
    if job.unless_same
        && let Some(merged) = &merged
        && merged.delta.is_empty()
        // Another one of the page, from before, is yet to be written, and would take effect.
        && Some(snapshot.ticket) == written.checked_add(1)
        && let Some(entry) = ledger.entry_in_effect(environment)?
    {
        ledger.note_written(page_id, snapshot.ticket, 0)?;
        return Ok(Persisting {
            effective: entry.revision.id,
            in_effect: merged.state,
            entry,
            is_plain: merged.is_plain,
        });
    }
    let entry = ledger.append(&Draft {
        environment,
        kind: Kind::Snapshot,
        state: merged
            .as_ref()
            .map_or(snapshot.state, |merged| merged.state),
        delta: merged.as_ref().map(|merged| merged.delta),
        page_id,
        ticket: snapshot.ticket,
        reason: &job.reason,
        actor: &job.actor,
        parent,
        restored_from: None,
    })?;
    Ok(Persisting {
        effective: ledger.effective(environment)?.unwrap_or(entry.revision.id),
        in_effect: ledger.state_in_effect(environment)?,
        is_plain: merged.is_some_and(|merged| merged.is_plain),
        entry,
    })
}
