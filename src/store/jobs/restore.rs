//! Commits that set a page to a state from elsewhere: on disk first, then live.

use std::time::Instant;

use rusqlite::{Connection, Transaction};

use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Page, Persisted, State, Units};
use crate::record::Terminal;
use crate::store::reply::{Answer, Reply};
use crate::store::rows::contents::Trace;
use crate::store::rows::ledger::{Draft, Ledger, Standing};
use crate::store::rows::listing::require;
use crate::store::rows::revision::{self, Entry, Kind, Revision};
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
    /// The caller, for some units. It is appended even if the last revision holds the same.
    Edits(Edits),
}

/// Changes of single units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits {
    /// The bits of features that go on, and of others that go off.
    pub on: u32,
    /// See [`Edits::on`].
    pub off: u32,
    /// Rollouts in basis points, by bit.
    pub rollouts: Vec<(usize, u16)>,
    /// The terminal settings.
    pub terminal: Option<Terminal>,
}

impl Edits {
    /// The units that they set. The other half of a feature, its switch or its rollout, stays as it is in effect.
    fn units(&self) -> Units {
        let rollouts = self
            .rollouts
            .iter()
            .fold(0, |bits, (bit, _)| bits | 1 << bit);
        let features = Units::from_bits(u64::from(self.on | self.off | rollouts));
        match self.terminal {
            Some(_) => features | Units::TERMINAL,
            None => features,
        }
    }

    fn apply_to(&self, mut state: State) -> State {
        let flags = &mut state.record.feature_flags;
        *flags = (*flags | self.on) & !self.off;
        for (bit, basis_points) in &self.rollouts {
            if let Some(rollout) = state.rollouts.get_mut(*bit) {
                *rollout = *basis_points;
            }
        }
        if let Some(terminal) = self.terminal {
            state.record.terminal = terminal;
        }
        state
    }
}

/// A state to set a page to.
struct Target {
    state: State,
    /// What it covers.
    units: Units,
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
    /// What it set.
    delta: Units,
    /// Whether the live state had all that others have persisted before.
    is_plain: bool,
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
        let Restored {
            entry,
            new,
            delta,
            is_plain,
            table,
        } = written.inspect_err(|error| {
            // A commit that may be on disk is looked for by whoever gets the lock next.
            if !matches!(error, Error::StoreOutcomeUnknown { .. }) {
                page.clear_mark();
            }
        })?;
        self.note_commit(new, started);
        let revision = entry.revision.id.cast_unsigned();
        if is_plain {
            page.change(&entry.revision.state, delta, revision);
            page.clear_mark();
            watch::announce(page);
        } else {
            // It is on disk: where the database cannot be read at the moment, the mark has the rest put on later.
            let _later = self.synchronize(&job.environment, page);
            if new == 0 || page.contains() < revision {
                // Nothing was appended, or what the live state goes back to was pruned.
                page.change(&entry.revision.state, delta, page.contains());
                watch::announce(page);
            }
        }
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
    let environment = &job.environment;
    ledger.expect_last(environment, job.if_revision)?;
    let target = find_target(transaction, &mut ledger, job)?;
    let mask = ledger.table().mask();
    let delta = target.units & Units::with_terminal(mask);
    let effective = ledger.effective(environment)?.unwrap_or(0);
    let is_plain = job.page.contains() >= effective.cast_unsigned();
    let before = ledger.state_in_effect(environment)?;
    let mut state = before;
    state.set(delta, &target.state);
    let is_given = matches!(job.source, Source::Given { .. });
    if is_given || matches!(job.source, Source::Edits(_)) {
        target.state.expect_valid(mask)?;
    }
    // A snapshot of the page that is yet to be written would take effect after what was passed over.
    let may_skip = is_given
        && state.differences(&before).is_empty()
        && job.page.ticket() == ledger.written(job.page.id())?.ticket;
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
    let (new, table) = (ledger.appended(), ledger.table().clone());
    ledger.finish()?;
    Ok(Restored {
        entry,
        new,
        delta,
        is_plain,
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
        units: Units::with_terminal(source.known),
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
            units: Units::with_terminal(*known),
            reason: "set to a given state".to_owned(),
            parent: effective,
            restored_from: None,
        },
        Source::Edits(edits) => Target {
            state: edits.apply_to(ledger.state_in_effect(&job.environment)?),
            units: edits.units(),
            reason: "committed".to_owned(),
            parent: effective,
            restored_from: None,
        },
    })
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
