//! Setting a page to a state from elsewhere, which is appended as a revision first.

use std::time::Instant;

use rusqlite::{Connection, Transaction};

use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Page, Persisted, Snapshot, State};
use crate::record::RECORD_VERSION;
use crate::store::reply::{Answer, Reply};
use crate::store::rows::contents::Trace;
use crate::store::rows::ledger::{Draft, Ledger, Standing};
use crate::store::rows::listing::require;
use crate::store::rows::revision::{self, Entry, Revision};
use crate::store::sqlite::errors::Fault;
use crate::store::worker::Worker;
use crate::watch;

/// A state to append as a revision and to set a page to.
#[derive(Debug)]
pub struct Restore {
    /// The environment that gets the revision.
    pub environment: String,
    /// The page to set.
    pub page: Page,
    /// Where the state comes from.
    pub source: Source,
    /// Why, in the caller's words; by default it says where the state comes from.
    pub reason: Option<String>,
    /// The actor.
    pub actor: String,
    /// Refuse unless the environment's last revision is this one; 0 when there must be none.
    pub if_revision: Option<i64>,
    /// Answered with the revision that was appended.
    pub reply: Reply<Entry>,
}

/// Where a state comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An earlier revision of the environment; by default the parent of the one in effect.
    Earlier(Option<i64>),
    /// The revision in effect in another environment.
    Environment(String),
    /// The caller. Nothing is appended if the last revision is in effect and holds the same.
    Given {
        /// The state. The version and registry hash of its record are ignored.
        state: State,
        /// The bits of the features that the state covers. The others keep theirs.
        known: u32,
    },
}

/// A state to set a page to.
struct Target {
    state: State,
    /// The bits of the features that it covers.
    known: u32,
    /// Why, unless the caller says.
    reason: String,
    /// What the new revision names as its parent and as its origin.
    parent: Option<i64>,
    restored_from: Option<i64>,
}

/// What a restoration did in the database.
struct Restored {
    entry: Entry,
    /// How many revisions are new: none, when the last one held the same.
    new: u64,
    target: Target,
    table: FeatureTable,
}

impl Worker {
    /// Appends a revision with the state of the source, and sets the page to it. The caller holds the page's lock until
    /// then, so that no other process changes it as a whole in between.
    pub fn restore(&mut self, job: Restore) {
        let answer = self.try_restore(&job);
        job.reply.send(answer);
    }

    fn try_restore(&mut self, job: &Restore) -> Result<Answer<Entry>, Error> {
        let page = &job.page;
        self.redo(&job.environment, page)?;
        let started = Instant::now();
        let restored = self.write(|transaction, kept| {
            let restored = append(transaction, kept, job)?;
            let trace = Trace::of([&restored.entry]);
            Ok((restored, trace))
        })?;
        let Restored {
            entry,
            new,
            target,
            table,
        } = restored;
        self.note_commit(new, started);
        let revision = entry.revision.id.cast_unsigned();
        page.apply(&target.state, target.known, revision);
        if entry.revision.page_id == page.id() {
            page.reach_generation(entry.revision.generation);
        }
        watch::announce(page);
        page.note_persisted(&Persisted {
            revision,
            state: entry.revision.state,
        });
        Ok(Answer {
            value: entry,
            table,
        })
    }
}

fn append(
    transaction: &Transaction<'_>,
    kept: &mut Option<Standing>,
    job: &Restore,
) -> Result<Restored, Fault> {
    let mut ledger = Ledger::begin(transaction, kept)?;
    ledger.expect_last(&job.environment, job.if_revision)?;
    reach_own(&mut ledger, job)?;
    let target = find_target(transaction, &mut ledger, job)?;
    let mask = ledger.table().mask();
    let mut snapshot = job.page.snapshot();
    snapshot.state = merge(&target, &snapshot.state, mask);
    let same = match &job.source {
        Source::Given { state, .. } => {
            // What is given, and what the features that it does not cover hold.
            for state in [state, &snapshot.state] {
                state.expect_valid(mask)?;
            }
            let by_others_too = job.page.is_persisted_by_others();
            ledger.last_if_same(&job.environment, &snapshot, by_others_too)?
        }
        Source::Earlier(_) | Source::Environment(_) => None,
    };
    let entry = match same {
        Some(last) => last,
        None => ledger.append(&Draft {
            environment: &job.environment,
            snapshot: Snapshot {
                // Ahead of every snapshot that is taken before the page changes, so none of those can hide this
                // revision.
                generation: job.page.reserve_generation(),
                ..snapshot
            },
            reason: job.reason.as_deref().unwrap_or(&target.reason),
            actor: &job.actor,
            parent: target.parent,
            restored_from: target.restored_from,
        })?,
    };
    let (new, table) = (ledger.appended(), ledger.table().clone());
    ledger.finish()?;
    Ok(Restored {
        entry,
        new,
        target,
        table,
    })
}

fn find_target(
    connection: &Connection,
    ledger: &mut Ledger<'_>,
    job: &Restore,
) -> Result<Target, Fault> {
    let effective = ledger.effective(&job.environment)?;
    let copy = |source: &Revision, reason, parent| Target {
        state: source.state,
        known: source.known,
        reason,
        parent,
        restored_from: Some(source.id),
    };
    Ok(match &job.source {
        Source::Earlier(wanted) => {
            let source = earlier(connection, &job.environment, effective, *wanted)?;
            let reason = format!("rollback to revision {}", source.id);
            copy(&source, reason, source.parent)
        }
        Source::Environment(from) => {
            let Some(source) = revision::effective(connection, from)? else {
                let environment = from.clone();
                return Err(Error::NothingToPromote { environment }.into());
            };
            let reason = format!("promoted from {from} revision {}", source.id);
            copy(&source, reason, effective)
        }
        Source::Given { state, known } => Target {
            state: *state,
            known: known & ledger.table().mask(),
            reason: "set to a given state".to_owned(),
            parent: effective,
            restored_from: None,
        },
    })
}

/// Brings a page that was set back up to its own revision in effect. The caller holds its lock.
fn reach_own(ledger: &mut Ledger<'_>, job: &Restore) -> Result<(), Fault> {
    if let Some(generation) = ledger.generation_of(&job.environment, job.page.id())? {
        job.page.reach_generation(generation);
    }
    Ok(())
}

/// The revision to roll back to.
fn earlier(
    connection: &Connection,
    environment: &str,
    effective: Option<i64>,
    wanted: Option<i64>,
) -> Result<Revision, Fault> {
    if let Some(revision) = wanted {
        return require(connection, environment, revision);
    }
    let current = match effective {
        Some(id) => revision::find(connection, environment, id)?,
        None => None,
    };
    match current.and_then(|revision| revision.parent) {
        Some(parent) => require(connection, environment, parent),
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
