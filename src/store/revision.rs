//! Revisions as rows, and their digests.

use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Statement, params};
use sha2::{Digest, Sha256};

use super::failure::Fault;
use super::ledger::Effective;
use super::{Entry, Revision, anchor};
use crate::error::Error;
use crate::page::{FULL_ROLLOUTS, Rollouts, State};
use crate::record::{RECORD_SIZE, Record};
use crate::registry::MAX_FEATURES;

/// Bytes of a digest.
pub(super) const DIGEST_SIZE: usize = 32;

/// Stands for the digest before an environment's first revision.
pub(super) const NO_DIGEST: [u8; DIGEST_SIZE] = [0; DIGEST_SIZE];

/// Bytes of a row's rollouts.
pub(super) const ROLLOUTS_SIZE: usize = MAX_FEATURES * size_of::<u16>();

/// First field of every digest, so that a later format can never give the same one.
const DIGEST_FORMAT: &[u8] = b"13byte-config revision 1";

/// The columns that [`read`] expects.
const COLUMNS: &str = "id, record, rollouts, known, reason, actor, created_at, parent, restored_from, generation, \
                       page_id, digest";

impl Revision {
    /// The digest of this revision, when the environment's revision before it has the digest `previous`; for the
    /// first one that is 32 zero bytes. The field [`Revision::digest`] is not looked at.
    ///
    /// SHA-256 over these fields in this order, each as its length in bytes (u32, little-endian) and then its bytes.
    /// Numbers are little-endian; a parent or origin that there is not has length 0.
    ///
    /// | field | bytes |
    /// |---|---|
    /// | the ASCII text `13byte-config revision 1` | 24 |
    /// | digest of the revision before, in the same environment | 32 |
    /// | id, i64 | 8 |
    /// | name of the environment, UTF-8 | any |
    /// | record | 13 |
    /// | rollouts, 32 × u16; 10000 each where the row has NULL | 64 |
    /// | known, u32 | 4 |
    /// | reason, UTF-8 | any |
    /// | actor, UTF-8 | any |
    /// | `created_at`, i64 | 8 |
    /// | parent, i64 | 0 or 8 |
    /// | `restored_from`, i64 | 0 or 8 |
    /// | generation, u32 | 4 |
    /// | `page_id`, u64: the 64 bits of the row's signed number | 8 |
    #[must_use]
    pub fn digest_after(&self, previous: &[u8; DIGEST_SIZE]) -> [u8; DIGEST_SIZE] {
        let fields = Fields {
            id: self.id,
            environment: self.environment.as_bytes(),
            record: &self.state.record.encode(),
            rollouts: &encode_rollouts(&self.state.rollouts),
            known: self.known,
            reason: self.reason.as_bytes(),
            actor: self.actor.as_bytes(),
            created_at: self.created_at,
            parent: self.parent,
            restored_from: self.restored_from,
            generation: self.generation,
            page_id: self.page_id,
        };
        fields.digest_after(previous, &mut Vec::new())
    }
}

/// What a revision's digest covers, borrowed from wherever it is.
pub(super) struct Fields<'a> {
    pub(super) id: i64,
    pub(super) environment: &'a [u8],
    pub(super) record: &'a [u8],
    pub(super) rollouts: &'a [u8],
    pub(super) known: u32,
    pub(super) reason: &'a [u8],
    pub(super) actor: &'a [u8],
    pub(super) created_at: i64,
    pub(super) parent: Option<i64>,
    pub(super) restored_from: Option<i64>,
    pub(super) generation: u32,
    pub(super) page_id: u64,
}

impl Fields<'_> {
    /// What later revisions are compared with.
    pub(super) const fn effective(&self) -> Effective {
        Effective {
            id: self.id,
            page_id: self.page_id,
            generation: self.generation,
        }
    }

    /// [`Revision::digest_after`]. `scratch` saves whoever needs many an allocation for each.
    pub(super) fn digest_after(
        &self,
        previous: &[u8; DIGEST_SIZE],
        scratch: &mut Vec<u8>,
    ) -> [u8; DIGEST_SIZE] {
        let optional = |id: Option<i64>| id.map(i64::to_le_bytes);
        scratch.clear();
        append_field(scratch, DIGEST_FORMAT);
        append_field(scratch, previous);
        append_field(scratch, &self.id.to_le_bytes());
        append_field(scratch, self.environment);
        append_field(scratch, self.record);
        append_field(scratch, self.rollouts);
        append_field(scratch, &self.known.to_le_bytes());
        append_field(scratch, self.reason);
        append_field(scratch, self.actor);
        append_field(scratch, &self.created_at.to_le_bytes());
        append_field(scratch, optional(self.parent).as_ref().map_or(&[], |id| id));
        let restored_from = optional(self.restored_from);
        append_field(scratch, restored_from.as_ref().map_or(&[], |id| id));
        append_field(scratch, &self.generation.to_le_bytes());
        append_field(scratch, &self.page_id.to_le_bytes());
        Sha256::digest(&scratch).into()
    }
}

/// Appends a field of a digest: its length and its bytes, so that no two lists of fields give the same bytes.
pub(super) fn append_field(bytes: &mut Vec<u8>, field: &[u8]) {
    // Nothing here comes near 4 GiB: SQLite's rows end at 1 GB.
    let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(field);
}

/// A digest as text: two lower-case hexadecimal digits for each byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' } else { b'a' - 10 } + half);
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 0xf));
    }
    digits
}

/// The statement that [`insert`] runs.
pub(super) fn prepare_insert(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO revision (id, environment, record, rollouts, known, reason, actor, created_at, parent, \
         restored_from, generation, page_id, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
}

/// Adds a row.
pub(super) fn insert(
    statement: &mut Statement<'_>,
    environment: i64,
    revision: &Revision,
) -> rusqlite::Result<()> {
    let rollouts = (revision.state.rollouts != FULL_ROLLOUTS)
        .then(|| encode_rollouts(&revision.state.rollouts));
    statement.execute(params![
        revision.id,
        environment,
        revision.state.record.encode(),
        rollouts,
        revision.known,
        revision.reason,
        revision.actor,
        revision.created_at,
        revision.parent,
        revision.restored_from,
        revision.generation,
        revision.page_id.cast_signed(),
        revision.digest,
    ])?;
    Ok(())
}

/// The row number of an environment; `None` while it has no revision.
pub(super) fn environment_id(
    connection: &Connection,
    environment: &str,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM environment WHERE name = ?1")?
        .query_row([environment], |row| row.get(0))
        .optional()
}

/// The revision of this number, if it belongs to the environment.
pub(super) fn find(
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
pub(super) fn effective(
    connection: &Connection,
    environment: &str,
) -> rusqlite::Result<Option<Revision>> {
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

/// The revisions with a lower number than `before`, newest first.
pub(super) fn list(
    connection: &Connection,
    environment: &str,
    limit: u32,
    before: Option<i64>,
) -> rusqlite::Result<Vec<Entry>> {
    let Some(environment_id) = environment_id(connection, environment)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM revision WHERE environment = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    ))?;
    // One row more than asked for: it is what came before the oldest.
    let rows = statement.query_map(
        params![
            environment_id,
            before.unwrap_or(i64::MAX),
            i64::from(limit) + 1
        ],
        |row| read(row, environment),
    )?;
    let mut entries: Vec<Entry> = Vec::new();
    for row in rows {
        let revision = row?;
        if let Some(newer) = entries.last_mut() {
            newer.previous = Some(revision.state);
        }
        entries.push(Entry {
            revision,
            previous: None,
        });
    }
    let reaches_the_oldest = entries.len() <= limit as usize;
    entries.truncate(limit as usize);
    if reaches_the_oldest && let Some(oldest) = entries.last_mut() {
        oldest.previous = state_before(connection, environment)?;
    }
    Ok(entries)
}

/// The state before the oldest revision: what the last one had that was removed.
fn state_before(connection: &Connection, environment: &str) -> rusqlite::Result<Option<State>> {
    let newest = anchor::newest(connection, environment)?;
    newest.map(|anchor| anchor.state()).transpose()
}

/// Finds a revision that somebody asks for.
pub(super) fn require(
    connection: &Connection,
    environment: &str,
    id: i64,
) -> Result<Revision, Fault> {
    if let Some(revision) = find(connection, environment, id)? {
        return Ok(revision);
    }
    let environment = environment.to_owned();
    Err(match anchor::newest(connection, &environment)? {
        Some(anchor) if id <= anchor.last => Error::RevisionPruned {
            revision: id,
            environment,
            until: anchor.last,
        },
        _ => Error::RevisionNotFound {
            revision: id,
            environment,
        },
    }
    .into())
}

/// The revision with the state of the one before it.
pub(super) fn with_previous(
    connection: &Connection,
    revision: Revision,
) -> rusqlite::Result<Entry> {
    let before = list(connection, &revision.environment, 1, Some(revision.id))?;
    let previous = match before.first() {
        Some(entry) => Some(entry.revision.state),
        None => state_before(connection, &revision.environment)?,
    };
    Ok(Entry { revision, previous })
}

fn read(row: &Row<'_>, environment: &str) -> rusqlite::Result<Revision> {
    let rollouts: Option<[u8; ROLLOUTS_SIZE]> = row.get("rollouts")?;
    let state = decode_state(&row.get("record")?, rollouts.as_ref())?;
    let page_id: i64 = row.get("page_id")?;
    Ok(Revision {
        id: row.get("id")?,
        environment: environment.to_owned(),
        state,
        known: row.get("known")?,
        reason: row.get("reason")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        parent: row.get("parent")?,
        restored_from: row.get("restored_from")?,
        generation: row.get("generation")?,
        page_id: page_id.cast_unsigned(),
        digest: row.get("digest")?,
    })
}

/// The state of the columns `record` and `rollouts`.
pub(super) fn decode_state(
    record: &[u8; RECORD_SIZE],
    rollouts: Option<&[u8; ROLLOUTS_SIZE]>,
) -> rusqlite::Result<State> {
    let record = Record::decode(record).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(RECORD_SIZE, Type::Blob, Box::new(error))
    })?;
    let rollouts = rollouts.map_or(FULL_ROLLOUTS, decode_rollouts);
    Ok(State { record, rollouts })
}

pub(super) fn encode_rollouts(rollouts: &Rollouts) -> [u8; ROLLOUTS_SIZE] {
    let mut bytes = [0; ROLLOUTS_SIZE];
    for (pair, rollout) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(rollouts) {
        *pair = rollout.to_le_bytes();
    }
    bytes
}

fn decode_rollouts(bytes: &[u8; ROLLOUTS_SIZE]) -> Rollouts {
    let mut rollouts = FULL_ROLLOUTS;
    for (rollout, pair) in rollouts.iter_mut().zip(bytes.as_chunks::<2>().0) {
        *rollout = u16::from_le_bytes(*pair);
    }
    rollouts
}
