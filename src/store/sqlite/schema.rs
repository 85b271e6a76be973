//! The schema: whose database a file is, its tables, and the steps from one version to the next.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::errors::Fault;
use crate::error::Error;

/// Marks the file as ours: `13BC`.
pub const APPLICATION_ID: i32 = i32::from_be_bytes(*b"13BC");

/// One step of the schema: from the version that is its place in the list to the next.
pub type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// Every step from an empty file to the newest schema. Steps are only ever appended.
pub const STEPS: &[Step] = &[create_version_1];

/// An environment's row is also its head: how many revisions it has, the last, its digest, and the one that counts
/// as the last persisted state. It changes in the same transaction as the revisions.
///
/// `record` has the records of all banks that there were, by `names`, the number of names. `rollouts` is NULL when every feature
/// is rolled out to everyone, as nearly always, else 32 u16 LE for each bank. `delta` has a byte for the terminal and a u32 LE
/// for each bank, and is NULL for a snapshot that did not take effect. `page_id` and `page.id` hold the 64 bits of an unsigned number; for `page` see
/// `rows/pages.rs`. `note` has what programs say of features, and `declared` which of them a program has declared in an
/// environment, so that each is seeded once at most. `changes` counts how often a bit's name was retired, revived or replaced;
/// `former` has the names that bits had until an epoch, and a revision says of which epoch it is. An anchor stands for removed revisions, see `rows/anchor.rs`.
fn create_version_1(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE feature (
           bit INTEGER PRIMARY KEY CHECK (bit BETWEEN 0 AND 255),
           name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
           changes INTEGER NOT NULL DEFAULT 0 CHECK (changes >= 0),
           retired_at INTEGER
         ) STRICT;
         CREATE TABLE former (
           bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 255),
           until INTEGER NOT NULL CHECK (until > 0),
           name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
           PRIMARY KEY (bit, until)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE note (
           feature INTEGER PRIMARY KEY REFERENCES feature (bit),
           description TEXT,
           owner TEXT,
           expires INTEGER
         ) STRICT;
         CREATE TABLE declared (
           environment TEXT NOT NULL,
           feature INTEGER NOT NULL REFERENCES feature (bit),
           PRIMARY KEY (environment, feature)
         ) STRICT, WITHOUT ROWID;
         CREATE TABLE environment (
           id INTEGER PRIMARY KEY,
           name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
           revisions INTEGER NOT NULL CHECK (revisions >= 0),
           last INTEGER NOT NULL,
           effective INTEGER NOT NULL,
           digest BLOB NOT NULL CHECK (length(digest) = 32)
         ) STRICT;
         CREATE TABLE revision (
           id INTEGER PRIMARY KEY CHECK (id > 0),
           environment INTEGER NOT NULL REFERENCES environment (id),
           record BLOB NOT NULL CHECK (length(record) = 13 * max(1, (names + 31) / 32)),
           rollouts BLOB CHECK (rollouts IS NULL OR length(rollouts) = 64 * max(1, (names + 31) / 32)),
           names INTEGER NOT NULL CHECK (names BETWEEN 0 AND 256),
           epoch INTEGER NOT NULL CHECK (epoch >= 0),
           reason TEXT NOT NULL,
           actor TEXT NOT NULL,
           created_at INTEGER NOT NULL,
           parent INTEGER,
           restored_from INTEGER,
           kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 1),
           delta BLOB CHECK (delta IS NULL OR length(delta) = 1 + 4 * max(1, (names + 31) / 32)),
           ticket INTEGER NOT NULL CHECK (ticket >= 0),
           page_id INTEGER NOT NULL,
           digest BLOB NOT NULL CHECK (length(digest) = 32)
         ) STRICT;
         CREATE INDEX revision_environment ON revision (environment);
         CREATE TABLE page (
           id INTEGER PRIMARY KEY,
           ticket INTEGER NOT NULL CHECK (ticket >= 0),
           revision INTEGER NOT NULL,
           written_at INTEGER NOT NULL
         ) STRICT;
         CREATE TABLE anchor (
           id INTEGER PRIMARY KEY,
           environment INTEGER NOT NULL REFERENCES environment (id),
           after INTEGER NOT NULL,
           removed INTEGER NOT NULL CHECK (removed > 0),
           last INTEGER NOT NULL,
           start BLOB NOT NULL CHECK (length(start) = 32),
           record BLOB NOT NULL CHECK (length(record) BETWEEN 13 AND 104 AND length(record) % 13 = 0),
           rollouts BLOB CHECK (rollouts IS NULL OR length(rollouts) * 13 = length(record) * 64),
           epoch INTEGER NOT NULL CHECK (epoch >= 0),
           effective INTEGER NOT NULL,
           actor TEXT NOT NULL,
           created_at INTEGER NOT NULL,
           digest BLOB NOT NULL CHECK (length(digest) = 32)
         ) STRICT;",
    )
}

/// What identifies the program that a database belongs to.
pub struct Identity {
    pub application_id: i32,
    pub version: i32,
    /// Whether it has no tables.
    pub is_empty: bool,
}

/// Refuses other programs' databases and those of later versions.
pub fn check_identity(path: &Path, found: &Identity, steps: &[Step]) -> Result<(), Error> {
    let supported = newest(steps);
    let is_new = found.application_id == 0 && found.version == 0 && found.is_empty;
    let path = || path.to_path_buf();
    if is_new {
        Ok(())
    } else if found.application_id != APPLICATION_ID {
        Err(Error::ForeignDatabase {
            path: path(),
            application_id: found.application_id,
        })
    } else if found.version > supported {
        Err(Error::NewerSchema {
            path: path(),
            found: found.version,
            supported,
        })
    } else if found.version < 1 {
        // Id and version are set together.
        Err(Error::StoreCorrupt {
            path: path(),
            detail: format!("it has schema version {}", found.version),
        })
    } else {
        Ok(())
    }
}

/// Refuses a database that a later version has changed while it was open here.
pub fn expect_known(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let found: i32 = connection
        .prepare_cached("PRAGMA user_version")?
        .query_row([], |row| row.get(0))?;
    let supported = newest(STEPS);
    if found > supported {
        let path = path.to_path_buf();
        return Err(Error::NewerSchema {
            path,
            found,
            supported,
        }
        .into());
    }
    Ok(())
}

pub fn newest(steps: &[Step]) -> i32 {
    i32::try_from(steps.len()).unwrap_or(i32::MAX)
}

pub fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
    Ok(Identity {
        application_id: number("application_id")?,
        version: number("user_version")?,
        is_empty: connection.query_row(
            "SELECT NOT EXISTS (SELECT * FROM sqlite_schema)",
            [],
            |row| row.get(0),
        )?,
    })
}

/// Brings the schema to the newest version, all in one transaction. Nothing is written when it is there already.
pub fn migrate(connection: &mut Connection, path: &Path, steps: &[Step]) -> Result<(), Fault> {
    let supported = newest(steps);
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == supported {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let found = identify(&transaction)?;
    check_identity(path, &found, steps)?;
    let done = usize::try_from(found.version).unwrap_or(0);
    for step in steps.iter().skip(done) {
        step(&transaction)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", supported)?;
    transaction.commit()?;
    Ok(())
}
