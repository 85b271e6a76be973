//! Revisions as rows.

use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Statement, params};

use super::digest::{DIGEST_SIZE, Fields};
use crate::bits::{BANK_SIZE, Bits, banks_for};
use crate::feature_table::FeatureTable;
use crate::page::{FULL_ROLLOUT, FULL_ROLLOUTS, State, Units};

/// What a revision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The whole live state of a page, as it was when somebody persisted it.
    Snapshot,
    /// Changes that were made on disk first, and live afterwards: all that it set, also to the value that was in effect.
    Commit,
}

impl Kind {
    /// The column `kind`.
    pub(in crate::store) const fn to_number(self) -> u8 {
        match self {
            Self::Snapshot => 0,
            Self::Commit => 1,
        }
    }

    const fn from_number(number: u8) -> Self {
        if number == 1 {
            Self::Commit
        } else {
            Self::Snapshot
        }
    }
}

/// A persisted revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number: unique in the file, and increasing in the order of persisting.
    pub id: i64,
    /// The environment it belongs to.
    pub environment: String,
    /// Whether it is a snapshot or a commit.
    pub kind: Kind,
    /// What was persisted, with what is in effect from others. Of a snapshot that did not take effect, what was live.
    pub state: State,
    /// What it changed of the state in effect before: of a commit all that it set. `None` for a snapshot that did not take
    /// effect, since a later one of its page was written before it.
    pub delta: Option<Units>,
    /// How many names the table had. The state says nothing of the bits above.
    pub names: u16,
    /// The epoch of these names.
    pub epoch: u32,
    /// Why it was persisted.
    pub reason: String,
    /// The actor.
    pub actor: String,
    /// When, in milliseconds since 1970, by the system's clock.
    pub created_at: i64,
    /// The revision it replaced as the last persisted state, which a rollback goes back to. A rollback takes over
    /// the parent of the revision it restores, so that repeating it walks back.
    pub parent: Option<i64>,
    /// The revision that a rollback or promotion copied.
    pub restored_from: Option<i64>,
    /// The ticket of a snapshot, see [`Snapshot`](crate::page::Snapshot); 0 for a commit.
    pub ticket: u64,
    /// The page that the state was read from, or that the commit was made for.
    pub page_id: u64,
    /// SHA-256 over all of this and the digest of the environment's revision before it.
    pub digest: [u8; 32],
}

/// A revision with the state that was in effect in its environment before it, for listing what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The revision.
    pub revision: Revision,
    /// The state in effect before; `None` for the first.
    pub previous: Option<State>,
    /// The epoch of its names.
    pub previous_epoch: u32,
}

/// The columns that [`read`] expects.
pub const COLUMNS: &str = "id, record, rollouts, names, epoch, reason, actor, created_at, parent, restored_from, kind, delta, \
                       ticket, page_id, digest";

impl Revision {
    /// The digest of this revision, when the environment's revision before it has the digest `previous`; for the
    /// first one that is 32 zero bytes. The field [`Revision::digest`] is ignored.
    ///
    /// SHA-256 over these fields in this order, each as its length in bytes (u32, little-endian) and then its bytes.
    /// Numbers are little-endian; what is NULL in the row has length 0.
    ///
    /// | field | bytes |
    /// |---|---|
    /// | the ASCII text `13byte-config revision 1` | 24 |
    /// | digest of the revision before, in the same environment | 32 |
    /// | id, i64 | 8 |
    /// | name of the environment, UTF-8 | any |
    /// | record, of each bank | 13 or more |
    /// | rollouts, 32 × u16 for each bank | 0, 64 or more |
    /// | names, u16 | 2 |
    /// | epoch, u32 | 4 |
    /// | reason, UTF-8 | any |
    /// | actor, UTF-8 | any |
    /// | `created_at`, i64 | 8 |
    /// | parent, i64 | 0 or 8 |
    /// | `restored_from`, i64 | 0 or 8 |
    /// | kind, u8: 0 for a snapshot, 1 for a commit | 1 |
    /// | delta: 1 or 0 for the terminal, u8, and for each bank a bit for each feature, u32 | 0, 5 or more |
    /// | ticket, u64 | 8 |
    /// | `page_id`, u64: the 64 bits of the row's signed number | 8 |
    #[must_use]
    pub fn digest_after(&self, previous: &[u8; DIGEST_SIZE]) -> [u8; DIGEST_SIZE] {
        let banks = self.banks();
        let (record, rollouts) = (self.state.encode(banks), self.rollouts());
        let delta = self.delta.map(|delta| delta.encode(banks));
        let fields = Fields {
            id: self.id,
            environment: self.environment.as_bytes(),
            record: &record,
            rollouts: rollouts.as_deref(),
            names: self.names,
            epoch: self.epoch,
            reason: self.reason.as_bytes(),
            actor: self.actor.as_bytes(),
            created_at: self.created_at,
            parent: self.parent,
            restored_from: self.restored_from,
            kind: self.kind.to_number(),
            delta: delta.as_deref(),
            ticket: self.ticket,
            page_id: self.page_id,
        };
        fields.digest_after(previous, &mut Vec::new())
    }

    /// Its state by the bits that names have in a table now, and the features that it says something of.
    #[must_use]
    pub fn in_terms_of(&self, table: &FeatureTable) -> (State, Bits) {
        if self.epoch == table.epoch() {
            return (self.state, Bits::first(self.names.into()));
        }
        let mut state = State {
            flags: Bits::NONE,
            rollouts: FULL_ROLLOUTS,
            ..self.state
        };
        let mut known = Bits::NONE;
        let bits = table.bits_then(self.names.into(), self.epoch);
        for (bit, then) in bits.into_iter().enumerate() {
            let Some(then) = then else {
                continue;
            };
            known = known | Bits::only(bit);
            if self.state.flags.has(then) {
                state.flags = state.flags | Bits::only(bit);
            }
            if let (Some(now), Some(then)) =
                (state.rollouts.get_mut(bit), self.state.rollouts.get(then))
            {
                *now = *then;
            }
        }
        (state, known)
    }

    /// How many banks the table had.
    #[must_use]
    pub const fn banks(&self) -> usize {
        banks_for(self.names as usize)
    }

    /// The column `rollouts`.
    pub(in crate::store) fn rollouts(&self) -> Option<Vec<u8>> {
        let mut rollouts = self.state.rollouts.chunks(BANK_SIZE).take(self.banks());
        let are_full = rollouts
            .clone()
            .flatten()
            .all(|rollout| *rollout == FULL_ROLLOUT);
        (!are_full).then(|| {
            let rollouts = rollouts.by_ref().flatten();
            rollouts.flat_map(|rollout| rollout.to_le_bytes()).collect()
        })
    }
}

/// The statement that [`insert`] runs.
pub fn prepare_insert(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO revision (id, environment, record, rollouts, names, epoch, reason, actor, created_at, parent, \
         restored_from, kind, delta, ticket, page_id, digest) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )
}

/// Adds a row.
pub fn insert(
    statement: &mut Statement<'_>,
    environment: i64,
    revision: &Revision,
) -> rusqlite::Result<()> {
    let banks = revision.banks();
    statement.execute(params![
        revision.id,
        environment,
        revision.state.encode(banks),
        revision.rollouts(),
        revision.names,
        revision.epoch,
        revision.reason,
        revision.actor,
        revision.created_at,
        revision.parent,
        revision.restored_from,
        revision.kind.to_number(),
        revision.delta.map(|delta| delta.encode(banks)),
        revision.ticket.cast_signed(),
        revision.page_id.cast_signed(),
        revision.digest,
    ])?;
    Ok(())
}

/// The row number of an environment; `None` while it has no revision.
pub fn environment_id(connection: &Connection, environment: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM environment WHERE name = ?1")?
        .query_row([environment], |row| row.get(0))
        .optional()
}

/// The revision of this number, if it belongs to the environment.
pub fn find(
    connection: &Connection,
    environment: &str,
    id: i64,
) -> rusqlite::Result<Option<Revision>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM revision \
             WHERE id = ?1 AND environment = (SELECT id FROM environment WHERE name = ?2)"
        ))?
        .query_row(params![id, environment], |row| read(row, environment))
        .optional()
}

/// The revision that counts as the last persisted state.
pub fn effective(connection: &Connection, environment: &str) -> rusqlite::Result<Option<Revision>> {
    let id = connection
        .prepare_cached("SELECT effective FROM environment WHERE name = ?1")?
        .query_row([environment], |row| row.get(0))
        .optional()?;
    match id {
        // A head that names a missing revision is damage, not emptiness.
        Some(id) => find(connection, environment, id)?
            .map(Some)
            .ok_or(rusqlite::Error::QueryReturnedNoRows),
        None => Ok(None),
    }
}

/// Calls `each` with the revisions that took effect after one and until another, in their order, while it says so.
pub fn each_since(
    connection: &Connection,
    environment: &str,
    after: i64,
    until: i64,
    mut each: impl FnMut(Revision) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM revision \
         WHERE environment = (SELECT id FROM environment WHERE name = ?1) \
         AND id > ?2 AND id <= ?3 AND delta IS NOT NULL ORDER BY id"
    ))?;
    let mut rows = statement.query(params![environment, after, until])?;
    while let Some(row) = rows.next()? {
        if !each(read(row, environment)?) {
            break;
        }
    }
    Ok(())
}

/// A row of a query for [`COLUMNS`].
pub fn read(row: &Row<'_>, environment: &str) -> rusqlite::Result<Revision> {
    let (record, rollouts) = (row.get_ref("record")?, row.get_ref("rollouts")?);
    let state = decode_state(record.as_blob()?, rollouts.as_blob_or_null()?)?;
    let (page_id, ticket): (i64, i64) = (row.get("page_id")?, row.get("ticket")?);
    let delta = row.get_ref("delta")?.as_blob_or_null()?;
    Ok(Revision {
        id: row.get("id")?,
        environment: environment.to_owned(),
        kind: Kind::from_number(row.get("kind")?),
        state,
        delta: delta.map(decode_delta).transpose()?,
        names: row.get("names")?,
        epoch: row.get("epoch")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        parent: row.get("parent")?,
        restored_from: row.get("restored_from")?,
        ticket: ticket.cast_unsigned(),
        page_id: page_id.cast_unsigned(),
        digest: row.get("digest")?,
    })
}

/// The state of the columns `record` and `rollouts`.
pub fn decode_state(record: &[u8], rollouts: Option<&[u8]>) -> rusqlite::Result<State> {
    let mut decoded = FULL_ROLLOUTS;
    let (pairs, _) = rollouts.unwrap_or_default().as_chunks::<2>();
    for (rollout, pair) in decoded.iter_mut().zip(pairs) {
        *rollout = u16::from_le_bytes(*pair);
    }
    State::decode(record, decoded).ok_or_else(|| wrong_size("record", record.len()))
}

/// The units of the column `delta`.
pub fn decode_delta(delta: &[u8]) -> rusqlite::Result<Units> {
    Units::decode(delta).ok_or_else(|| wrong_size("delta", delta.len()))
}

fn wrong_size(column: &str, size: usize) -> rusqlite::Error {
    let problem = format!("a revision cannot have {size} bytes in its column {column}");
    rusqlite::Error::FromSqlConversionFailure(size, Type::Blob, problem.into())
}
