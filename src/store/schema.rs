//! Opening the file: what it must be, how the connection is set up, and the schema with its migrations.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::backup::Copies;
use super::contents::{Contents, DELETE_LOG, TICK};
use super::failure::{Fault, from_io, is_busy, no_permission};
use super::ledger::Standing;
use super::opened::OpenFiles;
use super::still::Still;
use super::{Access, patience, system};
use crate::error::Error;

/// Marks the file as ours: `13BC`.
pub(super) const APPLICATION_ID: i32 = i32::from_be_bytes(*b"13BC");

/// First bytes of every SQLite database.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes of the header of a SQLite database.
const HEADER_SIZE: usize = 100;

/// How large the log stays, in bytes. SQLite moves it into the database about every 1000 pages of 4 KiB.
const LOG_SIZE: i32 = 4 << 20;

/// How long the store has nothing to do before the log is moved into the database.
pub(super) const QUIET: Duration = Duration::from_secs(1);

/// How long to wait before asking again for a lock that SQLite's own busy handler does not wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// One step of the schema: from the version that is its place in the list to the next.
pub(super) type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// Every step from an empty file to the newest schema. Steps are only ever appended.
pub(super) const STEPS: &[Step] = &[create_version_1, create_version_2];

/// An environment's row is also its head: how many revisions it has, the last, its digest, and the one that counts
/// as the last persisted state. It changes in the same transaction as the revisions.
///
/// `rollouts` is NULL when every feature is rolled out to everyone, as nearly always, else 32 u16 LE. `page_id`
/// holds the 64 bits of an unsigned number.
fn create_version_1(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE feature (
           bit INTEGER PRIMARY KEY CHECK (bit BETWEEN 0 AND 31),
           name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63)
         ) STRICT;
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
           record BLOB NOT NULL CHECK (length(record) = 13),
           rollouts BLOB CHECK (rollouts IS NULL OR length(rollouts) = 64),
           known INTEGER NOT NULL CHECK (known BETWEEN 0 AND 0xffffffff),
           reason TEXT NOT NULL,
           actor TEXT NOT NULL,
           created_at INTEGER NOT NULL,
           parent INTEGER,
           restored_from INTEGER,
           generation INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 0xffffffff),
           page_id INTEGER NOT NULL,
           digest BLOB NOT NULL CHECK (length(digest) = 32)
         ) STRICT;
         CREATE INDEX revision_environment ON revision (environment);",
    )
}

/// An anchor stands for removed revisions, see [`super::anchor`]. Its `page_id` is kept as that of a revision.
fn create_version_2(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE anchor (
           id INTEGER PRIMARY KEY,
           environment INTEGER NOT NULL REFERENCES environment (id),
           after INTEGER NOT NULL,
           removed INTEGER NOT NULL CHECK (removed > 0),
           last INTEGER NOT NULL,
           start BLOB NOT NULL CHECK (length(start) = 32),
           record BLOB NOT NULL CHECK (length(record) = 13),
           rollouts BLOB CHECK (rollouts IS NULL OR length(rollouts) = 64),
           effective INTEGER NOT NULL,
           page_id INTEGER NOT NULL,
           generation INTEGER NOT NULL CHECK (generation BETWEEN 0 AND 0xffffffff),
           actor TEXT NOT NULL,
           created_at INTEGER NOT NULL,
           digest BLOB NOT NULL CHECK (length(digest) = 32)
         ) STRICT;",
    )
}

/// The connection, and what it may do.
#[derive(Debug)]
pub(super) struct Database {
    // Fields drop in this order: copies read through the connection.
    pub(super) copies: Copies,
    pub(super) connection: Connection,
    pub(super) access: Access,
    pub(super) files: OpenFiles,
    /// Set while the connection reads a database that nobody writes to.
    pub(super) still: Option<Still>,
    pub(super) contents: Contents,
    /// What the last transaction knew.
    pub(super) standing: Option<Standing>,
    /// Whether the log may hold something that the file does not.
    pub(super) has_log: bool,
}

impl Database {
    /// Whether a program has begun to write since it was opened as still, so that what was read may be torn.
    pub(super) fn is_stirred(&self) -> bool {
        self.still.as_ref().is_some_and(Still::is_over)
    }

    /// Keeps what is in the log from being moved into the database when the connection closes.
    pub(super) fn leave_log(&self) -> rusqlite::Result<bool> {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection.set_db_config(setting, true)
    }

    /// After how long without work something is left to do, if anything is.
    pub(super) fn when_to_tidy(&self) -> Option<Duration> {
        if self.has_log {
            return Some(QUIET);
        }
        self.contents.is_unsettled().then_some(2 * TICK)
    }

    /// Compares the contents of the files if need be, in a transaction of its own.
    pub(super) fn expect_whole(&mut self, path: &Path) -> Result<(), Fault> {
        if self.contents.may_differ(path) {
            let transaction = self.connection.transaction()?;
            self.contents.expect_whole(&transaction, path)?;
        }
        Ok(())
    }

    /// Whether closing moves the log into the file.
    fn moves_log(&self) -> bool {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.access == Access::ReadWrite && self.connection.db_config(setting) == Ok(false)
    }

    /// Whether the log does not belong to the file as it is now.
    fn has_foreign_log(&mut self) -> bool {
        let path = self.connection.path().map(PathBuf::from);
        path.is_some_and(|path| self.expect_whole(&path).is_err())
    }
}

/// Moves what is in the log into the database, as far as no other connection is in the way. Returns whether that was all.
pub(super) fn checkpoint(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (is_busy, pages, moved): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(!is_busy && pages == moved)
    })
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.files.replaced().is_none() {
            if self.moves_log() && self.has_foreign_log() {
                let _told = self.leave_log();
            }
            return;
        }
        if self.files.only_log_is_missing() && !self.has_foreign_log() {
            // What was acknowledged is still in it, and this is the last chance to save that.
            let _as_far_as_possible = checkpoint(&self.connection);
        }
        // Others may have written to the database since, and what is in the log would go over it. It cannot fail on an
        // open connection, and there would be nobody to tell.
        let _told = self.leave_log();
    }
}

/// Opens the file, with the newest schema. A file that is refused is left as it was; one that holds nothing becomes a
/// database unless it has to be one already.
pub(super) fn open(
    path: &Path,
    access: Access,
    must_exist: bool,
    busy: Duration,
) -> Result<Database, Error> {
    open_with(path, access, must_exist, busy, STEPS)
}

pub(super) fn open_with(
    path: &Path,
    access: Access,
    must_exist: bool,
    busy: Duration,
    steps: &[Step],
) -> Result<Database, Error> {
    let found = peek(path)?;
    check_identity(path, &found, steps)?;
    let started = Instant::now();
    let still = match access {
        Access::ReadOnly => Still::begin(path, busy)?,
        Access::ReadWrite => None,
    };
    let (connection, files) = OpenFiles::of(path, || {
        connect(path, still.as_ref(), access, must_exist, busy, steps)
    });
    connection
        .map(|connection| Database {
            copies: Copies::default(),
            connection,
            access,
            files,
            still,
            contents: Contents::default(),
            standing: None,
            has_log: false,
        })
        .map_err(|fault| fault.into_error(path, started.elapsed()))
}

/// What tells whose database a file is.
struct Identity {
    application_id: i32,
    version: i32,
    /// Whether it has no tables.
    is_empty: bool,
}

/// Reads the header without SQLite, which on a database in WAL mode would already leave its mark.
///
/// This must not happen while this process has a connection to the file: closing any descriptor of it drops the
/// process's POSIX locks.
fn peek(path: &Path) -> Result<Identity, Error> {
    let mut header = Vec::with_capacity(HEADER_SIZE);
    File::open(path)
        .and_then(|file| file.take(HEADER_SIZE as u64).read_to_end(&mut header))
        .map_err(|source| from_io(path, source))?;
    if header.is_empty() && fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        // SQLite would delete the log, which is all that is left.
        let (path, advice) = (path.to_path_buf(), DELETE_LOG);
        return Err(Error::StoreReplaced { path, advice });
    }
    if !header.is_empty() && (header.len() < HEADER_SIZE || !header.starts_with(SQLITE_MAGIC)) {
        if is_half_created(path) {
            return Ok(Identity {
                application_id: 0,
                version: 0,
                is_empty: true,
            });
        }
        let path = path.to_path_buf();
        return Err(Error::NotADatabase { path });
    }
    let number = |offset: usize| {
        let bytes = header.get(offset..offset + size_of::<i32>());
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, i32::from_be_bytes)
    };
    // https://www.sqlite.org/fileformat2.html#the_database_header
    Ok(Identity {
        application_id: number(68),
        version: number(60),
        // The schema cookie counts changes of the schema. Ours gets its tables and its id in one transaction, so
        // a change without an id is another program's.
        is_empty: number(40) == 0,
    })
}

/// Whether SQLite will take back what is in the file: the power went while it wrote the very first page, and its
/// rollback journal says that the file was empty before. Who made it is looked at again after that.
fn is_half_created(path: &Path) -> bool {
    // https://www.sqlite.org/fileformat2.html#the_rollback_journal
    const JOURNAL_MAGIC: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const PAGES_BEFORE: std::ops::Range<usize> = 16..20;
    let mut header = Vec::with_capacity(HEADER_SIZE);
    let found = File::open(with_suffix(path, "-journal"))
        .and_then(|file| file.take(HEADER_SIZE as u64).read_to_end(&mut header));
    found.is_ok() && header.starts_with(JOURNAL_MAGIC) && header.get(PAGES_BEFORE) == Some(&[0; 4])
}

/// Refuses other programs' databases and those of later versions.
fn check_identity(path: &Path, found: &Identity, steps: &[Step]) -> Result<(), Error> {
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
pub(super) fn expect_known(connection: &Connection, path: &Path) -> Result<(), Fault> {
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

fn newest(steps: &[Step]) -> i32 {
    i32::try_from(steps.len()).unwrap_or(i32::MAX)
}

fn connect(
    path: &Path,
    still: Option<&Still>,
    access: Access,
    must_exist: bool,
    busy: Duration,
    steps: &[Step],
) -> Result<Connection, Fault> {
    let mode = match access {
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    system::prepare()?;
    // One thread at a time uses the connection, so SQLite needs no mutex. Without CREATE, a file deleted meanwhile stays so.
    let had_wal = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    system::set_reader(access == Access::ReadOnly);
    let mut connection = match still {
        Some(still) => {
            Connection::open_with_flags(still.uri(), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        #[cfg(not(all(test, unix)))]
        None => Connection::open_with_flags(path, flags)?,
        #[cfg(all(test, unix))]
        None => super::tests::power_loss::connect(path, flags)?,
    };
    patience::wait_up_to(busy);
    patience::wait_for_locks(&mut connection)?;
    harden(&connection)?;
    let started = Instant::now();
    loop {
        match prepare(&mut connection, path, access, must_exist, steps) {
            // Where waiting could deadlock, SQLite gives up at once: another process is creating the file, too.
            Err(Fault::Sql(error)) if is_busy(&error) && started.elapsed() < busy => {
                std::thread::sleep(RETRY_PAUSE);
            }
            Err(fault) => {
                if had_wal {
                    // Closing would move the log of a crashed writer into a file that is not ours to touch.
                    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
                }
                return Err(fault);
            }
            Ok(()) => return Ok(connection),
        }
    }
}

/// What a hostile file must not be able to do: run triggers or views of its own, or pass for a schema.
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    for (setting, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(setting, on)?;
    }
    Ok(())
}

fn prepare(
    connection: &mut Connection,
    path: &Path,
    access: Access,
    must_exist: bool,
    steps: &[Step],
) -> Result<(), Fault> {
    let transaction = connection.transaction()?;
    let found = identify(&transaction)?;
    transaction.finish()?;
    check_identity(path, &found, steps)?;
    if found.application_id == 0 && (must_exist || access == Access::ReadOnly) {
        let path = path.to_path_buf();
        return Err(Error::StoreNotFound { path }.into());
    }
    match access {
        Access::ReadOnly => {
            if found.version < newest(steps) {
                return Err(Error::StorePath {
                    path: path.to_path_buf(),
                    reason: "an earlier version wrote it; open it once without readOnly to update it",
                }
                .into());
            }
            connection.pragma_update(None, "query_only", true)?;
        }
        Access::ReadWrite => {
            if connection.is_readonly("main")? {
                // SQLite falls back to reading when it may not write.
                let source = "the file cannot be opened for writing".into();
                return Err(no_permission(path.to_path_buf(), source).into());
            }
            write_ahead(connection, path)?;
            migrate(connection, path, steps)?;
        }
    }
    Ok(())
}

fn identify(connection: &Connection) -> rusqlite::Result<Identity> {
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

/// Switches to the write-ahead log, and to waiting for the disk before a transaction counts as committed.
fn write_ahead(connection: &Connection, path: &Path) -> Result<(), Fault> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::StorePath {
            path: path.to_path_buf(),
            reason: "its file system lacks the shared memory that SQLite's WAL mode needs \
                     (use a local disk, not a network one)",
        }
        .into());
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    // A log that a slow reader made grow shrinks to this once it is used from its beginning again.
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE)?;
    // macOS only: a plain fsync there leaves data in the drive's cache.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    Ok(())
}

/// Brings the schema to the newest version, all in one transaction. Nothing is written when it is there already.
fn migrate(connection: &mut Connection, path: &Path, steps: &[Step]) -> Result<(), Fault> {
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

/// A file that SQLite keeps beside the database.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
