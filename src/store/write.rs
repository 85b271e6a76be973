//! The jobs that append revisions.

use std::time::Instant;

use rusqlite::{Connection, Transaction};

use super::contents::Trace;
use super::failure::{Fault, again};
use super::ledger::{Draft, Ledger, Standing};
use super::thread::Worker;
use super::{Answer, Entry, Given, Persist, Revision, revision};
use crate::error::Error;
use crate::page::{Page, Persisted, Snapshot, State};
use crate::record::RECORD_VERSION;
use crate::registry::Registry;
use crate::watch;

/// The parts of [`super::Job::Rollback`], [`super::Job::Promote`] and [`super::Job::Apply`] that they share.
pub(super) struct Restore<'a> {
    pub(super) environment: &'a str,
    pub(super) page: &'a Page,
    pub(super) source: Source<'a>,
    /// By default it says what is copied.
    pub(super) reason: Option<&'a str>,
    pub(super) actor: &'a str,
    pub(super) if_revision: Option<i64>,
}

/// Where the state comes from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// A revision.
    Copy(Origin<'a>),
    /// Somebody who brings it along.
    Given(&'a Given),
}

/// The revision to copy.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// One of the same environment; by default the parent of the one in effect.
    Earlier(Option<i64>),
    /// The one in effect in another environment.
    Environment(&'a str),
}

/// A state to set a page to.
struct Target {
    state: State,
    /// The bits of the features that it speaks of.
    known: u32,
}

impl Target {
    const fn of(revision: &Revision) -> Self {
        Self {
            state: revision.state,
            known: revision.known,
        }
    }
}

/// What became of a restoration in the database.
struct Restored {
    entry: Entry,
    /// How many revisions are new: none, when the last one was the same.
    new: u64,
    target: Target,
    registry: Registry,
}

impl Worker {
    /// Persists all of `jobs` in one transaction, then answers them in order.
    pub(super) fn persist(&mut self, jobs: Vec<Persist>) {
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
                registry,
            }) => {
                self.learn(&registry);
                self.note_commit(new, started);
                // A refusal says nothing about the store, so the last persist before it still counts.
                let errors = || entries.iter().map(|entry| entry.as_ref().err());
                if let Some(last) = errors().rfind(|error| !error.is_some_and(Error::is_refusal)) {
                    self.note_persist(last);
                }
                for (job, entry) in jobs.into_iter().zip(entries) {
                    if let Ok((entry, in_effect)) = &entry {
                        note(&job.page, &entry.revision, in_effect);
                    }
                    let registry = registry.clone();
                    job.reply
                        .send(entry.map(|(value, _)| Answer { value, registry }));
                }
            }
            Err(error) => {
                self.note_persist(Some(&error));
                for job in jobs {
                    job.reply.send(Err(again(&error, self.path())));
                }
            }
        }
    }

    /// Appends a revision with the state of another one, or a given state, and sets the page to it. The caller holds the
    /// page's lock until then, so that no other process changes it as a whole in between.
    pub(super) fn restore(&mut self, job: &Restore<'_>) -> Result<Answer<Entry>, Error> {
        self.redo(job.environment, job.page)?;
        let started = Instant::now();
        let Restored {
            entry,
            new,
            target,
            registry,
        } = self.write(|transaction, kept| {
            let ledger = Ledger::begin(transaction, kept)?;
            let restored = match job.source {
                Source::Copy(origin) => append_copy(transaction, ledger, job, origin)?,
                Source::Given(given) => append_given(ledger, job, given)?,
            };
            let trace = Trace::of([&restored.entry]);
            Ok((restored, trace))
        })?;
        self.note_commit(new, started);
        job.page.apply(
            &target.state,
            target.known,
            entry.revision.id.cast_unsigned(),
        );
        if entry.revision.page_id == job.page.id() {
            job.page.reach_generation(entry.revision.generation);
        }
        watch::announce(job.page);
        note(job.page, &entry.revision, &entry.revision.state);
        Ok(Answer {
            value: entry,
            registry,
        })
    }
}

impl Worker {
    /// Completes a whole-state change that a killed process began. The caller holds the page's lock.
    pub(super) fn redo(&mut self, environment: &str, page: &Page) -> Result<(), Error> {
        let pending = page.pending();
        if pending == 0 {
            return Ok(());
        }
        let found = self.read(|connection| {
            Ok(revision::find(
                connection,
                environment,
                pending.cast_signed(),
            )?)
        })?;
        if let Some(revision) = found.value {
            page.apply(&revision.state, revision.known, pending);
            page.reach_generation(revision.generation);
            note(page, &revision, &revision.state);
            watch::announce(page);
        } else {
            // It was committed before it was begun, so somebody has replaced the database since.
            page.forget_pending();
        }
        Ok(())
    }

    /// Completes what killed processes began, on the live pages that this process has. A process that is still working
    /// on its change holds the lock; it may be frozen, so it is not waited for, and the next look tries again.
    pub(super) fn mend_pages(&mut self) {
        self.live_pages
            .retain(|(_, page)| page.is_shared_elsewhere());
        for (environment, page) in self.live_pages.clone() {
            if page.pending() != 0
                && let Ok(_exclusive) = page.try_lock_exclusively()
            {
                // When the database cannot be read, the next look a second later tries again.
                let _next_time = self.redo(&environment, &page);
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
    registry: Registry,
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
    let (new, registry) = (ledger.appended(), ledger.registry().clone());
    ledger.finish()?;
    Ok(Appended {
        entries,
        new,
        registry,
    })
}

/// With the state that is in effect since.
fn append(ledger: &mut Ledger<'_>, job: &Persist) -> Result<(Entry, State), Fault> {
    let problems = job.snapshot.state.problems(ledger.registry().mask());
    if !problems.is_empty() {
        return Err(Error::InvalidState { problems }.into());
    }
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

/// The snapshot, which of a page that was set back ranks below a revision of it that there is already. What is live now is
/// to take effect all the same.
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

/// Appends a copy of an earlier or another environment's revision.
fn append_copy(
    transaction: &Transaction<'_>,
    mut ledger: Ledger<'_>,
    job: &Restore<'_>,
    origin: Origin<'_>,
) -> Result<Restored, Fault> {
    ledger.expect_last(job.environment, job.if_revision)?;
    reach_own(&mut ledger, job)?;
    let effective = ledger.effective(job.environment)?;
    let (source, reason, parent) = match origin {
        Origin::Earlier(wanted) => {
            let source = earlier(transaction, job.environment, effective, wanted)?;
            let reason = format!("rollback to revision {}", source.id);
            let parent = source.parent;
            (source, reason, parent)
        }
        Origin::Environment(from) => {
            let Some(source) = revision::effective(transaction, from)? else {
                let environment = from.to_owned();
                return Err(Error::NothingToPromote { environment }.into());
            };
            let reason = format!("promoted from {from} revision {}", source.id);
            (source, reason, effective)
        }
    };
    let target = Target::of(&source);
    let snapshot = merged(&target, job.page, ledger.registry().mask());
    let entry = ledger.append(&Draft {
        environment: job.environment,
        snapshot: reserved(snapshot, job.page),
        reason: job.reason.unwrap_or(&reason),
        actor: job.actor,
        parent,
        restored_from: Some(source.id),
    })?;
    finish(ledger, entry, target)
}

/// Appends a given state, if the last revision is not in effect with the same.
fn append_given(
    mut ledger: Ledger<'_>,
    job: &Restore<'_>,
    given: &Given,
) -> Result<Restored, Fault> {
    ledger.expect_last(job.environment, job.if_revision)?;
    reach_own(&mut ledger, job)?;
    let mask = ledger.registry().mask();
    let target = Target {
        state: given.state,
        known: given.known & mask,
    };
    let snapshot = merged(&target, job.page, mask);
    // What is given, and what the features that it does not speak of hold.
    for state in [&given.state, &snapshot.state] {
        let problems = state.problems(mask);
        if !problems.is_empty() {
            return Err(Error::InvalidState { problems }.into());
        }
    }
    let by_others_too = job.page.is_persisted_by_others();
    let same = ledger.last_if_same(job.environment, &snapshot, by_others_too)?;
    let entry = if let Some(last) = same {
        last
    } else {
        let parent = ledger.effective(job.environment)?;
        ledger.append(&Draft {
            environment: job.environment,
            snapshot: reserved(snapshot, job.page),
            reason: &given.reason,
            actor: job.actor,
            parent,
            restored_from: None,
        })?
    };
    finish(ledger, entry, target)
}

/// Brings a page that was set back up to its own revision in effect. The caller holds its lock.
fn reach_own(ledger: &mut Ledger<'_>, job: &Restore<'_>) -> Result<(), Fault> {
    if let Some(generation) = ledger.generation_of(job.environment, job.page.id())? {
        job.page.reach_generation(generation);
    }
    Ok(())
}

fn finish(ledger: Ledger<'_>, entry: Entry, target: Target) -> Result<Restored, Fault> {
    let (new, registry) = (ledger.appended(), ledger.registry().clone());
    ledger.finish()?;
    Ok(Restored {
        entry,
        new,
        target,
        registry,
    })
}

/// What the page is going to hold.
fn merged(target: &Target, page: &Page, mask: u32) -> Snapshot {
    let mut snapshot = page.snapshot();
    snapshot.state = merge(target, &snapshot.state, mask);
    snapshot
}

/// Ahead of every snapshot that is taken before the page changes, so none of those can hide this revision.
fn reserved(mut snapshot: Snapshot, page: &Page) -> Snapshot {
    snapshot.generation = page.reserve_generation();
    snapshot
}

/// The revision to roll back to.
fn earlier(
    connection: &Connection,
    environment: &str,
    effective: Option<i64>,
    wanted: Option<i64>,
) -> Result<Revision, Fault> {
    if let Some(revision) = wanted {
        return revision::require(connection, environment, revision);
    }
    let current = match effective {
        Some(id) => revision::find(connection, environment, id)?,
        None => None,
    };
    match current.and_then(|revision| revision.parent) {
        Some(parent) => revision::require(connection, environment, parent),
        None => Err(Error::NoPredecessor {
            environment: environment.to_owned(),
        }
        .into()),
    }
}

/// The target, with the live state of the features it did not know. Live flags that no feature owns are left out:
/// they would make the revision invalid.
fn merge(target: &Target, live: &State, mask: u32) -> State {
    let mut state = target.state;
    let newer = mask & !target.known;
    state.record.version = RECORD_VERSION;
    state.record.feature_flags =
        target.state.record.feature_flags & target.known | live.record.feature_flags & newer;
    for (bit, (rollout, live)) in state.rollouts.iter_mut().zip(live.rollouts).enumerate() {
        if target.known >> bit & 1 == 0 {
            *rollout = live;
        }
    }
    state
}

/// Has the page know of a revision that was written, and which state is in effect since.
fn note(page: &Page, revision: &Revision, in_effect: &State) {
    page.note_persisted(&Persisted {
        revision: revision.id.cast_unsigned(),
        state: *in_effect,
    });
}
