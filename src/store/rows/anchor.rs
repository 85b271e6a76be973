//! What stands in a chain for revisions that were removed.
//!
//! Each removal appends an anchor to the chain, after the last revision of that moment: its digest covers the digest
//! before it, and the next revision's digest covers its. It says how many revisions went, which was the last, and the
//! digest that the first one left was chained to. Anchors between removed revisions go with them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::digest::{DIGEST_SIZE, append_field};
use super::revision;
use crate::page::State;

/// First field of an anchor's digest.
const DIGEST_FORMAT: &[u8] = b"13byte-config anchor 1";

/// The columns that [`read`] expects.
const COLUMNS: &str =
    "after, removed, last, start, record, rollouts, epoch, effective, actor, created_at, digest";

/// The record of a removal.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The environment's last revision when it was made, which it follows in the chain.
    pub after: i64,
    /// How many revisions were removed, since the beginning.
    pub removed: i64,
    /// The last of them.
    pub last: i64,
    /// The digest that the first revision left is chained to.
    pub start: [u8; DIGEST_SIZE],
    /// The state in effect after the last removed revision, to tell what the first one left changed.
    pub record: Vec<u8>,
    pub rollouts: Option<Vec<u8>>,
    /// The epoch of its names.
    pub epoch: u32,
    /// What was in effect after the last removed revision.
    pub effective: i64,
    pub actor: String,
    pub created_at: i64,
    pub digest: [u8; DIGEST_SIZE],
}

impl Anchor {
    /// The digest of this anchor, when the chain ends with `previous` before it. SHA-256 over fields as those of a
    /// revision, in this order: the text `13byte-config anchor 1`, `previous`, the name of the environment, and the
    /// columns `after`, `removed`, `last`, `start`, `record`, `rollouts` (length 0 for NULL), `epoch`, `effective`, `actor`,
    /// `created_at`.
    pub fn digest_after(
        &self,
        previous: &[u8; DIGEST_SIZE],
        environment: &str,
    ) -> [u8; DIGEST_SIZE] {
        let mut bytes = Vec::new();
        let mut field = |field: &[u8]| append_field(&mut bytes, field);
        field(DIGEST_FORMAT);
        field(previous);
        field(environment.as_bytes());
        field(&self.after.to_le_bytes());
        field(&self.removed.to_le_bytes());
        field(&self.last.to_le_bytes());
        field(&self.start);
        field(&self.record);
        field(self.rollouts.as_deref().unwrap_or_default());
        field(&self.epoch.to_le_bytes());
        field(&self.effective.to_le_bytes());
        field(self.actor.as_bytes());
        field(&self.created_at.to_le_bytes());
        Sha256::digest(&bytes).into()
    }

    /// What is wrong when the digest is another.
    pub fn mismatch(&self) -> String {
        format!(
            "the record that {} older revisions were removed after it does not fit its digest: one of the two was edited",
            self.removed
        )
    }

    /// The state in effect after the last removed revision.
    pub fn state(&self) -> rusqlite::Result<State> {
        revision::decode_state(&self.record, self.rollouts.as_deref())
    }
}

/// The anchors of an environment, newest first.
pub fn list(connection: &Connection, environment: i64) -> rusqlite::Result<Vec<Anchor>> {
    connection
        .prepare(&format!(
            "SELECT {COLUMNS} FROM anchor WHERE environment = ?1 ORDER BY id DESC"
        ))?
        .query_map([environment], read)?
        .collect()
}

/// The newest anchor of an environment: it says where the revisions begin.
pub fn newest(connection: &Connection, environment: &str) -> rusqlite::Result<Option<Anchor>> {
    connection
        .query_row(
            &format!(
                "SELECT {COLUMNS} FROM anchor \
                 WHERE environment = (SELECT id FROM environment WHERE name = ?1) ORDER BY id DESC LIMIT 1"
            ),
            [environment],
            read,
        )
        .optional()
}

/// A number that changes with each removal in any environment.
pub fn count_removals(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(id), 0) FROM anchor", [], |row| {
        row.get(0)
    })
}

/// Adds an anchor and takes away those of the removed revisions.
pub fn replace(connection: &Connection, environment: i64, anchor: &Anchor) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO anchor (environment, after, removed, last, start, record, rollouts, epoch, effective, actor, \
         created_at, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            environment,
            anchor.after,
            anchor.removed,
            anchor.last,
            anchor.start,
            anchor.record,
            anchor.rollouts,
            anchor.epoch,
            anchor.effective,
            anchor.actor,
            anchor.created_at,
            anchor.digest,
        ],
    )?;
    connection.execute(
        "DELETE FROM anchor WHERE environment = ?1 AND after <= ?2",
        [environment, anchor.last],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Anchor> {
    Ok(Anchor {
        after: row.get("after")?,
        removed: row.get("removed")?,
        last: row.get("last")?,
        start: row.get("start")?,
        record: row.get("record")?,
        rollouts: row.get("rollouts")?,
        epoch: row.get("epoch")?,
        effective: row.get("effective")?,
        actor: row.get("actor")?,
        created_at: row.get("created_at")?,
        digest: row.get("digest")?,
    })
}
