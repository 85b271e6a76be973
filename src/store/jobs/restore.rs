//! Commits that set a page to a state from elsewhere: on disk first, then live.

use std::time::Instant;

use rusqlite::{Connection, Transaction};

use crate::bits::Bits;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Edits, Page, Parts, Persisted, State, Units};
use crate::store::reply::{Answer, Reply};
use crate::store::rows::contents::Trace;
use crate::store::rows::features;
use crate::store::rows::ledger::{Draft, Ledger, Standing};
use crate::store::rows::listing::{self, require};
use crate::store::rows::revision::{self, Entry, Kind, Revision};
use crate::store::sqlite::errors::Fault;
use crate::store::worker::Worker;
use crate::watch;

use super::repair::Effective;

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
        state: Box<State>,
        /// The features that the state covers. The others keep theirs.
        known: Bits,
    },
    /// The caller, for some units. It is appended even if the last revision holds the same.
    Edits(Edits),
    /// The state in effect: it is the names with these bits that are retired. It is refused while one is on in some environment,
    /// or live, unless it is `forced`.
    Retire {
        /// The names.
        bits: Bits,
        /// Whether it does not matter if they are on.
        forced: bool,
    },
    /// The same for names that are no longer retired.
    Revive {
        /// The names.
        bits: Bits,
    },
}

/// A state to set a page to.
struct Target {
    state: State,
    /// What of it the live state takes over. The revision sets the units that this belongs to.
    live: Parts,
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
    /// What the live state takes over.
    live: Parts,
    /// What was in effect before.
    before: Effective,
    table: FeatureTable,
}

impl Worker {
    /// Appends a revision with the state of the source, and sets the page to it. The caller holds the page's order lock
    /// until then, so that no other process does the same in between.
    pub fn restore(&mut self, job: Restore) {
        let answer = self.try_restore(&job);
        job.reply.send(answer);
    }

    fn try_restore(&mut self, job: &Restore) -> Result<Answer<Entry>, Error> {
        let page = &job.page;
        if page.is_unfinished() {
            self.synchronize(&job.environment, page)?;
        }
        let started = Instant::now();
        let written = self.write(|transaction, kept| {
            let restored = append(transaction, kept, job)?;
            page.mark_commit();
            let trace = Trace::of([&restored.entry]);
            Ok((restored, trace))
        });
        let restored = written.inspect_err(|error| {
            // A commit that may be on disk is looked for by whoever gets the lock next.
            if !matches!(error, Error::StoreOutcomeUnknown { .. }) {
                page.clear_mark();
            }
        })?;
        self.note_commit(restored.new, started);
        // This process has the order lock of the page, and of others it takes that.
        page.announce_names(&restored.table);
        self.learn(&restored.table);
        if self.make_live(job, &restored).is_ok() {
            page.clear_mark();
        }
        // Otherwise it is on disk alone: the database cannot be read at the moment, or a process is stopped in a whole
        // change. The mark has the rest done later.
        let Restored { entry, table, .. } = restored;
        page.note_persisted(&Persisted {
            revision: entry.revision.id.cast_unsigned(),
            state: entry.revision.state,
        });
        Ok(Answer {
            value: entry,
            table,
        })
    }

    /// Makes live what others have persisted before, and what was restored, as one change.
    fn make_live(&mut self, job: &Restore, restored: &Restored) -> Result<(), Error> {
        let Restored {
            entry,
            live,
            before,
            ..
        } = restored;
        let page = &job.page;
        page.reach_ticket(before.written.ticket);
        let (mut target, mut parts) = (entry.revision.state, *live);
        let mut contains = entry.revision.id.cast_unsigned();
        let last = before.id.cast_unsigned();
        while page.contains() < last {
            match self.news(&job.environment, page, before)? {
                // Of very many, the first ones before.
                Some(news) if news.until < last => {
                    page.change(&news.state, news.units, news.until)?;
                }
                Some(news) => {
                    target = news.state;
                    target.set(*live, &entry.revision.state);
                    parts = parts | news.units.into();
                    break;
                }
                None => {
                    // What the live state goes back to was pruned, so that the next snapshot has to say so.
                    contains = page.contains();
                    break;
                }
            }
        }
        page.change(&target, parts, contains)?;
        watch::announce(page);
        Ok(())
    }
}

fn append(
    transaction: &Transaction<'_>,
    kept: &mut Option<Standing>,
    job: &Restore,
) -> Result<Restored, Fault> {
    let mut ledger = Ledger::begin(transaction, kept)?;
    let environment = &job.environment;
    ledger.expect_last(environment, job.if_revision)?;
    let target = find_target(transaction, &mut ledger, job)?;
    let mask = ledger.table().mask();
    let delta = Units::from(target.live) & Units::with_terminal(mask);
    let written = ledger.written(job.page.id())?;
    let before = Effective {
        id: ledger.effective(environment)?.unwrap_or(0),
        state: ledger.state_in_effect(environment)?,
        written,
    };
    let mut state = before.state;
    state.set(delta, &target.state);
    let is_given = matches!(job.source, Source::Given { .. });
    if is_given || matches!(job.source, Source::Edits(_)) {
        target.state.expect_valid(mask)?;
    }
    // A snapshot of the page that is yet to be written would take effect after what was passed over.
    let may_skip = is_given
        && state.differences(&before.state).is_empty()
        && job.page.ticket() == written.ticket;
    let same = if may_skip {
        ledger.entry_in_effect(environment)?
    } else {
        None
    };
    let entry = match same {
        Some(last) => last,
        None => ledger.append(&Draft {
            environment,
            kind: Kind::Commit,
            state,
            delta: Some(delta),
            page_id: job.page.id(),
            ticket: 0,
            reason: job.reason.as_deref().unwrap_or(&target.reason),
            actor: &job.actor,
            parent: target.parent,
            restored_from: target.restored_from,
        })?,
    };
    if matches!(job.source, Source::Retire { .. } | Source::Revive { .. }) {
        ledger.read_table()?;
    }
    let (new, table) = (ledger.appended(), ledger.table().clone());
    ledger.finish()?;
    Ok(Restored {
        entry,
        new,
        live: target.live & delta,
        before,
        table,
    })
}

fn find_target(
    connection: &Connection,
    ledger: &mut Ledger<'_>,
    job: &Restore,
) -> Result<Target, Fault> {
    let effective = ledger.effective(&job.environment)?;
    let table = ledger.table().clone();
    let of_names = |what: &str, bits: Bits, state| Target {
        state,
        live: Parts::default(),
        reason: format!("{what} {}", names_of(&table, bits).join(", ")),
        parent: effective,
        restored_from: None,
    };
    let copy = |source: &Revision, reason, parent| {
        let (state, known) = source.in_terms_of(&table);
        Target {
            state,
            live: Units::with_terminal(known).into(),
            reason,
            parent,
            restored_from: Some(source.id),
        }
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
            state: **state,
            live: Units::with_terminal(*known).into(),
            reason: "set to a given state".to_owned(),
            parent: effective,
            restored_from: None,
        },
        Source::Edits(edits) => Target {
            state: edits.apply_to(ledger.state_in_effect(&job.environment)?),
            // Half a feature: the other half stays as it is live, whether that is persisted or not.
            live: edits.parts(),
            reason: "committed".to_owned(),
            parent: effective,
            restored_from: None,
        },
        Source::Retire { bits, forced } => {
            if !forced {
                expect_off(connection, &table, *bits, &job.page)?;
            }
            features::retire(connection, *bits)?;
            of_names("retired", *bits, ledger.state_in_effect(&job.environment)?)
        }
        Source::Revive { bits } => {
            features::revive(connection, *bits)?;
            of_names("revived", *bits, ledger.state_in_effect(&job.environment)?)
        }
    })
}

fn names_of(table: &FeatureTable, bits: Bits) -> Vec<&str> {
    bits.iter()
        .filter_map(|bit| table.names().get(bit).map(String::as_str))
        .collect()
}

/// Refuses features that are on in what is in effect in some environment, or live.
fn expect_off(
    connection: &Connection,
    table: &FeatureTable,
    bits: Bits,
    page: &Page,
) -> Result<(), Fault> {
    let mut on_in = Vec::new();
    let mut on = bits & page.snapshot().state.flags;
    if !on.is_empty() {
        on_in.push("the live state".to_owned());
    }
    for environment in listing::environments(connection)? {
        let in_effect = revision::effective(connection, &environment)?;
        let flags = in_effect.map_or(Bits::NONE, |revision| revision.in_terms_of(table).0.flags);
        if !(bits & flags).is_empty() {
            on = on | bits & flags;
            on_in.push(environment);
        }
    }
    if on.is_empty() {
        return Ok(());
    }
    let features = names_of(table, on).into_iter().map(str::to_owned);
    Err(Error::FeatureOn {
        features: features.collect(),
        places: on_in,
    }
    .into())
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
