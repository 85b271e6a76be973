//! Appending revisions inside a transaction: numbers, heads, and which revision is in effect.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::digest::{DIGEST_SIZE, NO_DIGEST};
use super::effective::Effective;
use super::revision::{Entry, Revision};
use super::{features, listing, revision};
use crate::clock::unix_time;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::page::{Snapshot, State};
use crate::store::sqlite::errors::Fault;

/// What is to be appended. The ledger adds number, time and digest.
pub struct Draft<'a> {
    pub environment: &'a str,
    /// What to keep; the ledger sets the registry hash.
    pub snapshot: Snapshot,
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
    last_state: Option<State>,
    effective: Option<Effective>,
    effective_state: Option<State>,
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

    /// The environment's last revision, if it is in effect and holds the same state.
    ///
    /// Where others persist the page too, a state that has only come back to the same value does not count: a snapshot
    /// from in between, which is yet to be persisted, would rank above that revision and hide it.
    pub fn last_if_same(
        &mut self,
        environment: &str,
        snapshot: &Snapshot,
        by_others_too: bool,
    ) -> Result<Option<Entry>, Fault> {
        let connection = self.connection;
        let head = self.head(environment)?;
        let is_same = head.last_state.is_some_and(|last| {
            // Version and registry hash describe the time of writing.
            last.record.feature_flags == snapshot.state.record.feature_flags
                && last.record.terminal == snapshot.state.record.terminal
                && last.rollouts == snapshot.state.rollouts
        });
        let is_current = head.effective.is_some_and(|effective| {
            let same_moment = effective.page_id == snapshot.page_id
                && effective.generation == snapshot.generation;
            effective.id == head.last && (same_moment || !by_others_too)
        });
        if !is_same || !is_current {
            return Ok(None);
        }
        let last = revision::find(connection, environment, head.last)?;
        Ok(last
            .map(|last| listing::with_previous(connection, last))
            .transpose()?)
    }

    /// The revision in effect.
    pub fn effective(&mut self, environment: &str) -> rusqlite::Result<Option<i64>> {
        Ok(self
            .head(environment)?
            .effective
            .map(|effective| effective.id))
    }

    /// The state of the revision in effect.
    pub fn state_in_effect(&mut self, environment: &str) -> rusqlite::Result<Option<State>> {
        Ok(self.head(environment)?.effective_state)
    }

    /// The generation of the revision in effect, if that is this page's.
    pub fn generation_of(
        &mut self,
        environment: &str,
        page_id: u64,
    ) -> rusqlite::Result<Option<u32>> {
        let effective = self.head(environment)?.effective;
        Ok(effective
            .filter(|effective| effective.page_id == page_id)
            .map(|effective| effective.generation))
    }

    /// Appends a revision.
    pub fn append(&mut self, draft: &Draft<'_>) -> rusqlite::Result<Entry> {
        let Standing { table, last, .. } = &self.standing;
        let known = table.mask();
        let mut state = draft.snapshot.state;
        state.record.registry_hash = table.hash();
        let id = last
            .checked_add(1)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, *last))?;
        let connection = self.connection;
        let head = self.head(draft.environment)?;
        let environment = head.row(connection, draft.environment)?;
        let mut revision = Revision {
            id,
            environment: draft.environment.to_owned(),
            state,
            known,
            reason: draft.reason.to_owned(),
            actor: draft.actor.to_owned(),
            created_at: unix_time(),
            parent: draft.parent,
            restored_from: draft.restored_from,
            generation: draft.snapshot.generation,
            page_id: draft.snapshot.page_id,
            digest: NO_DIGEST,
        };
        revision.digest = revision.digest_after(&head.digest);
        let previous = head.last_state;
        head.advance(&revision);
        revision::insert(&mut self.insert, environment, &revision)?;
        self.standing.last = id;
        self.appended += 1;
        Ok(Entry { revision, previous })
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
                head.effective.map(|effective| effective.id),
                head.digest,
            ])?;
            head.changed = false;
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
                    last_state: None,
                    effective: None,
                    effective_state: None,
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
                last_state: None,
                effective: None,
                effective_state: None,
                changed: false,
            });
        };
        // A head that names a missing revision is damage.
        let find = |id| {
            revision::find(connection, environment, id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
        };
        let last = find(head.last)?;
        head.last_state = Some(last.state);
        let effective = if effective == head.last {
            last
        } else {
            find(effective)?
        };
        head.effective = Some(effective.effective());
        head.effective_state = Some(effective.state);
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
        self.last_state = Some(revision.state);
        self.changed = true;
        let newer = revision.effective();
        if self
            .effective
            .is_none_or(|current| current.gives_way_to(newer))
        {
            self.effective = Some(newer);
            self.effective_state = Some(revision.state);
        }
    }
}
