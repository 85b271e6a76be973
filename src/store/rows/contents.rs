//! Whether the database file and its log belong together, and hold what this process knows of them.
//!
//! `cp backup.db flags.db` and `truncate` keep the inode of the file. SQLite does not notice: it goes on with the pages
//! that it has in memory, and moves its log into whatever the file is by then.
//!
//! # When
//!
//! The file changes only when the log is moved into it. So its size and the time of its last change are compared before
//! and after each transaction, and its contents only when those are others. (The times of the database may be read. It
//! is the log whose times every commit would have to write again.)
//!
//! # What
//!
//! - The newest revision that this process knows is there, or was pruned.
//! - All revisions are there that the environments have got since the heads in the file alone, without its log, were
//!   written. Most of them are in the log.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::digest::DIGEST_SIZE;
use super::revision::{Entry, Revision};
use crate::error::Error;
use crate::file_id::{self, Stamp};
use crate::store::sqlite::errors::{DELETE_LOG, Fault, READ_AGAIN, is_damage};
use crate::store::sqlite::paths::with_suffix;
use crate::store::sqlite::{file_methods, still};

/// How long the system may give the same time to two changes of a file.
pub const TICK: Duration = Duration::from_millis(20);

/// The revision by which a transaction can be found again, the last one that it wrote.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    pub id: i64,
    pub digest: [u8; DIGEST_SIZE],
}

impl Trace {
    /// Numbers increase, so what a transaction appends is above what it finds.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Option<Self> {
        let newest = entries.into_iter().max_by_key(|entry| entry.revision.id)?;
        Some(Self::of_revision(&newest.revision))
    }

    pub const fn of_revision(revision: &Revision) -> Self {
        Self {
            id: revision.id,
            digest: revision.digest,
        }
    }
}

/// What a connection knows of the contents of its files.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The file when its contents were last compared.
    seen: Option<Seen>,
    /// The newest revision that was read or written.
    known: Option<Trace>,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    stamp: Stamp,
    /// Whether a later change has another stamp for certain.
    is_settled: bool,
}

impl Contents {
    /// What a new connection to the same files has to find.
    pub const fn for_reopening(&self) -> Self {
        Self {
            seen: None,
            known: self.known,
        }
    }

    /// Records that the revision exists.
    pub fn know(&mut self, trace: Trace) {
        if self.known.is_none_or(|known| known.id < trace.id) {
            self.known = Some(trace);
        }
    }

    /// Whether another look is due although the file may not change any more.
    pub fn is_unsettled(&self) -> bool {
        self.seen.is_some_and(|seen| !seen.is_settled)
    }

    /// Whether the file may have changed since its contents were compared.
    pub fn may_differ(&self, path: &Path) -> bool {
        let (Some(seen), Some(now)) = (self.seen, file_id::stamp(path)) else {
            return true;
        };
        now != seen.stamp || !seen.is_settled && now.is_older_than(TICK)
    }

    /// Compares the contents if need be, in a transaction of the caller's.
    pub fn expect_whole(&mut self, transaction: &Connection, path: &Path) -> Result<(), Fault> {
        if self.may_differ(path) {
            self.compare(transaction, path)
        } else {
            Ok(())
        }
    }

    fn compare(&mut self, transaction: &Connection, path: &Path) -> Result<(), Fault> {
        let stamp = file_id::stamp(path);
        let broken = |advice| {
            let path = path.to_path_buf();
            Fault::Refused(Error::StoreReplaced { path, advice })
        };
        // What SQLite has in memory may be what the file was.
        forget_pages(transaction)?;
        let knows = match self.known {
            Some(known) => has(transaction, known).or_else(no_if_damaged)?,
            None => true,
        };
        let is_log_empty =
            fs::metadata(with_suffix(path, "-wal")).map_or(true, |log| log.len() == 0);
        if is_log_empty {
            return if knows {
                self.see(stamp, true);
                Ok(())
            } else {
                Err(broken(READ_AGAIN))
            };
        }
        // While the log is moved into the file, that is between two moments.
        let alone = file_methods::without_checkpoints(transaction, || heads_of_file(path));
        let fits = match &alone {
            Some(Ok(heads)) => follows(transaction, heads.clone()).or_else(no_if_damaged)?,
            // Where a reader keeps a part of the log from being moved, the file alone may be no database. Then
            // everything is counted.
            Some(Err(error)) if is_damage(error) => {
                follows(transaction, Heads::new()).or_else(no_if_damaged)?
            }
            Some(Err(_)) | None => true,
        };
        // SQLite deletes the log of a file without bytes.
        if !fits || stamp.is_some_and(|stamp| stamp.size == 0) {
            return Err(broken(DELETE_LOG));
        }
        if !knows {
            return Err(broken(READ_AGAIN));
        }
        self.see(stamp, alone.is_some());
        Ok(())
    }

    fn see(&mut self, stamp: Option<Stamp>, is_certain: bool) {
        self.seen = stamp.map(|stamp| Seen {
            stamp,
            is_settled: is_certain && stamp.is_older_than(TICK),
        });
    }
}

fn forget_pages(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("PRAGMA shrink_memory")?
        .query([])?
        .next()
        .map(drop)
}

/// Pages of two databases in one make no tree, or one that lacks what is looked for.
fn no_if_damaged(error: rusqlite::Error) -> rusqlite::Result<bool> {
    if is_damage(&error) {
        Ok(false)
    } else {
        Err(error)
    }
}

fn has(connection: &Connection, trace: Trace) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT * FROM revision WHERE id = ?1 AND digest = ?2) \
             OR EXISTS (SELECT * FROM anchor WHERE last >= ?1)",
        )?
        .query_row(params![trace.id, trace.digest], |row| row.get(0))
}

/// How many revisions an environment has got, and the last of them.
type Heads = HashMap<i64, (i64, i64)>;

/// Where the environments stand in the file alone, read as if there were no log. This takes no locks, and SQLite keeps
/// the descriptor for as long as another connection of the process has some, so none are dropped either.
fn heads_of_file(path: &Path) -> rusqlite::Result<Heads> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(still::immutable(path), flags)?;
    let has_tables = "SELECT EXISTS (SELECT * FROM sqlite_schema)";
    if !connection.query_row(has_tables, [], |row| row.get(0))? {
        // Everything is still in the log.
        return Ok(Heads::new());
    }
    let mut heads = connection.prepare("SELECT id, revisions, last FROM environment")?;
    let heads = heads.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    heads.collect()
}

/// Whether all that came after these is there.
fn follows(connection: &Connection, mut earlier: Heads) -> rusqlite::Result<bool> {
    let mut environments =
        connection.prepare_cached("SELECT id, revisions, last FROM environment")?;
    let mut later = connection.prepare_cached(
        "SELECT (SELECT count(*) FROM revision NOT INDEXED WHERE environment = ?1 AND id > ?2), \
         (SELECT count(*) FROM revision INDEXED BY revision_environment WHERE environment = ?1 AND id > ?2), \
         (SELECT coalesce(max(removed), 0) FROM anchor WHERE environment = ?1)",
    )?;
    let mut rows = environments.query([])?;
    while let Some(row) = rows.next()? {
        let (environment, revisions, last): (i64, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (before, after) = earlier.remove(&environment).unwrap_or_default();
        let (found, listed, removed): (i64, i64, i64) = later
            .query_row([environment, after], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
        let expected = revisions - removed.max(before);
        if last < after || found != expected || listed != expected {
            return Ok(false);
        }
    }
    Ok(earlier.is_empty())
}
