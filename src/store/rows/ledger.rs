//! Appending revisions inside a transaction: numbers, heads, and which revision is in effect.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::digest::{DIGEST_SIZE, NO_DIGEST};
use super::merge::{Merging, merge_foreign};
use super::pages::{self, Written};
use super::revision::{Entry, Kind, Revision};
use super::{features, listing, revision};
use crate::clock::unix_time;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Snapshot, State, Units};
use crate::store::sqlite::errors::Fault;

/// What is to be appended. The ledger adds number, time and digest.
pub struct Draft<'a> {
    pub environment: &'a str,
    pub kind: Kind,
    /// What to keep; the ledger sets the registry hash.
    pub state: State,
    /// What it changes of the state in effect; `None` if it does not take effect.
    pub delta: Option<Units>,
    pub page_id: u64,
    /// Of a snapshot.
    pub ticket: u64,
    pub reason: &'a str,
    pub actor: &'a str,
    pub parent: Option<i64>,
    pub restored_from: Option<i64>,
}

/// The revisions that a transaction appends. Heads are read once, kept here, and written by [`Ledger::finish`].
pub struct Ledger<'t> {
    connection: &'t Connection,
    insert: CachedStatement<'t>,
    standing: Standing,
    /// Where the next transaction finds it.
    kept: &'t mut Option<Standing>,
    /// How many revisions were appended.
    appended: u64,
}

/// What a transaction has to know before it appends. The connection keeps it from one transaction to the next, since
/// reading it takes longer than appending.
#[derive(Debug)]
pub struct Standing {
    moment: Moment,
    table: FeatureTable,
    /// The highest number given so far.
    last: i64,
    heads: HashMap<String, Head>,
    /// By the id of the page.
    pages: HashMap<u64, Written>,
    /// Pages whose rows have to be written.
    changed_pages: Vec<u64>,
}

/// What a snapshot becomes when it is written.
pub struct Merged {
    /// With what others have persisted since.
    pub state: State,
    /// What that changes of the state in effect.
    pub delta: Units,
    /// Whether only snapshots of the same page lie between what the snapshot contains and this, so that the live state
    /// has everything.
    pub is_plain: bool,
}

/// Two are equal only if the database has not changed in between.
#[derive(Debug, PartialEq, Eq)]
struct Moment {
    /// SQLite's number for what other connections have committed.
    others: i64,
    /// How many rows this connection has changed, even if it took that back.
    own: u64,
}

impl Moment {
    /// Inside a transaction that holds the write lock, so that it lasts.
    fn now(transaction: &Transaction<'_>) -> rusqlite::Result<Self> {
        let others = transaction
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let own = transaction.total_changes();
        Ok(Self { others, own })
    }
}

/// Begins the log anew after all of it was moved into the file. SQLite does so with the next transaction, and syncs
/// once more for it; this way a persist need not.
///
/// The heads are written as they are: wherever the log begins, they are in it, so that it is known what it belongs to.
pub fn begin_log(connection: &mut Connection, kept: &mut Option<Standing>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = Moment::now(&transaction)?;
    // SQLite leaves out what changes nothing.
    for step in [1, -1] {
        transaction
            .prepare_cached("UPDATE environment SET revisions = revisions + ?1")?
            .execute([step])?;
    }
    let own = transaction.total_changes();
    transaction.commit()?;
    if let Some(standing) = kept.as_mut().filter(|standing| standing.moment == before) {
        standing.moment.own = own;
    }
    Ok(())
}

impl Standing {
    fn read(transaction: &Transaction<'_>, moment: Moment) -> Result<Self, Fault> {
        // Heads count too: numbers are not given twice, even when the newest rows were removed.
        let last = transaction
            .prepare_cached(
                "SELECT max((SELECT coalesce(max(id), 0) FROM revision), \
                 (SELECT coalesce(max(last), 0) FROM environment))",
            )?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            moment,
            table: features::read(transaction)?,
            last,
            heads: HashMap::new(),
            pages: HashMap::new(),
            changed_pages: Vec::new(),
        })
    }
}

/// Where an environment stands.
#[derive(Debug)]
struct Head {
    /// `None` until its first revision gets it a row.
    environment: Option<i64>,
    revisions: i64,
    /// Number of the last revision, 0 while there is none.
    last: i64,
    digest: [u8; DIGEST_SIZE],
    effective: Option<i64>,
    effective_state: Option<State>,
    /// Of that state.
    epoch: u32,
    /// A page, and a revision since which only snapshots of that page took effect.
    only_of: Option<(u64, i64)>,
    changed: bool,
}

impl<'t> Ledger<'t> {
    /// The transaction must hold the write lock already, so that numbers and heads stay true until it ends. `kept` is
    /// what the last one has left, if that was committed.
    pub fn begin(
        transaction: &'t Transaction<'_>,
        kept: &'t mut Option<Standing>,
    ) -> Result<Self, Fault> {
        let moment = Moment::now(transaction)?;
        let standing = match kept.take() {
            Some(standing) if standing.moment == moment => standing,
            _ => Standing::read(transaction, moment)?,
        };
        Ok(Self {
            connection: transaction,
            insert: revision::prepare_insert(transaction)?,
            standing,
            kept,
            appended: 0,
        })
    }

    /// The feature table.
    pub const fn table(&self) -> &FeatureTable {
        &self.standing.table
    }

    /// Reads the feature table again, after it was changed.
    pub fn read_table(&mut self) -> Result<(), Fault> {
        self.standing.table = features::read(self.connection)?;
        Ok(())
    }

    /// How many revisions were appended so far.
    pub const fn appended(&self) -> u64 {
        self.appended
    }

    /// Refuses unless the environment's last revision is the expected one.
    pub fn expect_last(&mut self, environment: &str, expected: Option<i64>) -> Result<(), Fault> {
        let actual = self.head(environment)?.last;
        match expected {
            Some(expected) if expected != actual => Err(Error::RevisionConflict {
                environment: environment.to_owned(),
                expected,
                actual,
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// The revision in effect, with what came before it.
    pub fn entry_in_effect(&mut self, environment: &str) -> Result<Option<Entry>, Fault> {
        let connection = self.connection;
        let Some(effective) = self.head(environment)?.effective else {
            return Ok(None);
        };
        let found = revision::find(connection, environment, effective)?;
        Ok(found
            .map(|found| listing::with_previous(connection, found))
            .transpose()?)
    }

    /// The revision in effect.
    pub fn effective(&mut self, environment: &str) -> rusqlite::Result<Option<i64>> {
        Ok(self.head(environment)?.effective)
    }

    /// The state in effect: that of nothing before the first revision.
    pub fn state_in_effect(&mut self, environment: &str) -> rusqlite::Result<State> {
        Ok(self
            .head(environment)?
            .effective_state
            .unwrap_or(State::EMPTY))
    }

    /// What a page has written so far.
    pub fn written(&mut self, page_id: u64) -> rusqlite::Result<Written> {
        match self.standing.pages.entry(page_id) {
            MapEntry::Occupied(entry) => Ok(*entry.get()),
            MapEntry::Vacant(entry) => Ok(*entry.insert(pages::read(self.connection, page_id)?)),
        }
    }

    /// Keeps that a page has written this ticket, or this revision.
    pub fn note_written(
        &mut self,
        page_id: u64,
        ticket: u64,
        revision: i64,
    ) -> rusqlite::Result<()> {
        let before = self.written(page_id)?;
        let written = Written {
            ticket: before.ticket.max(ticket),
            revision: before.revision.max(revision),
        };
        self.standing.pages.insert(page_id, written);
        if !self.standing.changed_pages.contains(&page_id) {
            self.standing.changed_pages.push(page_id);
        }
        Ok(())
    }

    /// What a snapshot becomes with what others have persisted since the revision that it contains. `begun` is the same as
    /// far as it was read before.
    pub fn merge(
        &mut self,
        environment: &str,
        snapshot: &Snapshot,
        begun: Option<&Merging>,
    ) -> Result<Merged, Fault> {
        let connection = self.connection;
        let Snapshot {
            state,
            page_id,
            contains,
            ..
        } = snapshot;
        let contains = contains.cast_signed();
        let head = self.head(environment)?;
        let effective = head.effective.unwrap_or(0);
        let in_effect = head.effective_state.unwrap_or(State::EMPTY);
        let merged = |state: State, is_plain| Merged {
            delta: state.differences(&in_effect),
            state,
            is_plain,
        };
        let is_plain = contains >= effective
            || head
                .only_of
                .is_some_and(|(page, since)| page == *page_id && contains >= since);
        if is_plain {
            return Ok(merged(*state, true));
        }
        let last_own = self.written(*page_id)?.revision;
        let base = listing::base(connection, environment, contains)?;
        let base = base.ok_or_else(|| Error::BasePruned {
            environment: environment.to_owned(),
            revision: contains,
        })?;
        if last_own <= contains {
            return Ok(merged(merge_foreign(state, &base, &in_effect), false));
        }
        let mut merging = begun
            .copied()
            .unwrap_or_else(|| Merging::begin(state, &base, *page_id, contains));
        merging.go_on(connection, environment, effective)?;
        Ok(merged(merging.state, false))
    }

    /// Appends a revision.
    pub fn append(&mut self, draft: &Draft<'_>) -> rusqlite::Result<Entry> {
        let Standing { table, last, .. } = &self.standing;
        let names = u16::try_from(table.names().len()).unwrap_or(u16::MAX);
        let mut state = draft.state;
        state.registry_hashes = table.hashes();
        let epoch = table.epoch();
        let id = last
            .checked_add(1)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, *last))?;
        let connection = self.connection;
        let head = self.head(draft.environment)?;
        let environment = head.row(connection, draft.environment)?;
        let mut revision = Revision {
            id,
            environment: draft.environment.to_owned(),
            kind: draft.kind,
            state,
            delta: draft.delta,
            names,
            epoch,
            reason: draft.reason.to_owned(),
            actor: draft.actor.to_owned(),
            created_at: unix_time(),
            parent: draft.parent,
            restored_from: draft.restored_from,
            ticket: draft.ticket,
            page_id: draft.page_id,
            digest: NO_DIGEST,
        };
        revision.digest = revision.digest_after(&head.digest);
        // The first revision is compared with nothing.
        let (previous, previous_epoch) = (head.effective_state, head.epoch);
        head.advance(&revision);
        revision::insert(&mut self.insert, environment, &revision)?;
        self.standing.last = id;
        if draft.delta.is_some() {
            self.note_written(draft.page_id, draft.ticket, id)?;
        }
        self.appended += 1;
        Ok(Entry {
            previous_epoch: previous.map_or(revision.epoch, |_| previous_epoch),
            revision,
            previous,
        })
    }

    /// Writes the heads. The caller commits, or forgets what was kept.
    pub fn finish(mut self) -> rusqlite::Result<()> {
        let heads = self.standing.heads.values_mut();
        for head in heads.filter(|head| head.changed) {
            let mut update = self.connection.prepare_cached(
                "UPDATE environment SET revisions = ?2, last = ?3, effective = ?4, digest = ?5 WHERE id = ?1",
            )?;
            update.execute(params![
                head.environment,
                head.revisions,
                head.last,
                head.effective,
                head.digest,
            ])?;
            head.changed = false;
        }
        let now = unix_time();
        for page_id in std::mem::take(&mut self.standing.changed_pages) {
            let written = self
                .standing
                .pages
                .get(&page_id)
                .copied()
                .unwrap_or_default();
            pages::write(self.connection, page_id, written, now)?;
        }
        self.standing.moment.own = self.connection.total_changes();
        *self.kept = Some(self.standing);
        Ok(())
    }

    fn head(&mut self, environment: &str) -> rusqlite::Result<&mut Head> {
        match self.standing.heads.entry(environment.to_owned()) {
            MapEntry::Occupied(entry) => Ok(entry.into_mut()),
            MapEntry::Vacant(entry) => Ok(entry.insert(Head::read(self.connection, environment)?)),
        }
    }
}

impl Head {
    fn read(connection: &Connection, environment: &str) -> rusqlite::Result<Self> {
        let head = connection
            .prepare_cached(
                "SELECT id, revisions, last, effective, digest FROM environment WHERE name = ?1",
            )?
            .query_row([environment], |row| {
                let effective: i64 = row.get(3)?;
                let head = Self {
                    environment: row.get(0)?,
                    revisions: row.get(1)?,
                    last: row.get(2)?,
                    digest: row.get(4)?,
                    effective: None,
                    effective_state: None,
                    epoch: 0,
                    only_of: None,
                    changed: false,
                };
                Ok((head, effective))
            })
            .optional()?;
        let Some((mut head, effective)) = head else {
            return Ok(Self {
                environment: None,
                revisions: 0,
                last: 0,
                digest: NO_DIGEST,
                effective: None,
                effective_state: None,
                epoch: 0,
                only_of: None,
                changed: false,
            });
        };
        // A head that names a missing revision is damage.
        let find = |id| {
            revision::find(connection, environment, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        };
        if effective != head.last {
            find(head.last)?;
        }
        let in_effect = find(effective)?;
        head.effective_state = Some(in_effect.state);
        head.epoch = in_effect.epoch;
        head.effective = Some(effective);
        Ok(head)
    }

    /// The number of the environment's row, which its first revision makes.
    fn row(&mut self, connection: &Connection, name: &str) -> rusqlite::Result<i64> {
        if let Some(id) = self.environment {
            return Ok(id);
        }
        connection.execute(
            "INSERT INTO environment (name, revisions, last, effective, digest) VALUES (?1, 0, 0, 0, ?2)",
            params![name, NO_DIGEST],
        )?;
        let id = connection.last_insert_rowid();
        self.environment = Some(id);
        Ok(id)
    }

    fn advance(&mut self, revision: &Revision) {
        self.revisions = self.revisions.saturating_add(1);
        self.last = revision.id;
        self.digest = revision.digest;
        self.changed = true;
        if revision.delta.is_none() {
            return;
        }
        let before = self.effective.replace(revision.id).unwrap_or(0);
        self.effective_state = Some(revision.state);
        self.epoch = revision.epoch;
        self.only_of = match (revision.kind, self.only_of) {
            (Kind::Commit, _) => None,
            (Kind::Snapshot, Some((page, since))) if page == revision.page_id => {
                Some((page, since))
            }
            (Kind::Snapshot, _) => Some((revision.page_id, before)),
        };
    }
}
