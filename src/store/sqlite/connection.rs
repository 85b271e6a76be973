//! Opening a database: what the file must be, and how the connection is set up.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::errors::{DELETE_LOG, Fault, from_io, is_busy, no_permission};
use super::open_files::OpenFiles;
use super::paths::with_suffix;
use super::schema::{Identity, STEPS, Step, check_identity, identify, migrate, newest};
use super::still::Still;
use super::{busy, syscalls};
use crate::error::Error;

/// First bytes of every SQLite database.
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Bytes of the header of a SQLite database.
const HEADER_SIZE: usize = 100;

/// How large the log stays, in bytes. SQLite moves it into the database about every 1000 pages of 4 KiB.
const LOG_SIZE: i32 = 4 << 20;

/// How long to wait before asking again for a lock that SQLite's own busy handler does not wait for.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// What a handle may do with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Only read. The file must exist.
    ReadOnly,
    /// Read and write. The file is created if need be.
    ReadWrite,
}

/// A connection that was opened.
#[derive(Debug)]
pub struct Opened {
    pub connection: Connection,
    pub files: OpenFiles,
    /// Set if it reads a database that no program writes to.
    pub still: Option<Still>,
}

/// Opens the file, with the newest schema. A file that is refused is left as it was; one that holds nothing becomes a
/// database unless it has to be one already.
pub fn open(
    path: &Path,
    access: Access,
    must_exist: bool,
    busy: Duration,
) -> Result<Opened, Error> {
    open_with(path, access, must_exist, busy, STEPS)
}

pub fn open_with(
    path: &Path,
    access: Access,
    must_exist: bool,
    busy: Duration,
    steps: &[Step],
) -> Result<Opened, Error> {
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
        .map(|connection| Opened {
            connection,
            files,
            still,
        })
        .map_err(|fault| fault.into_error(path, started.elapsed()))
}

/// Reads the header without SQLite, which on a database in WAL mode would already leave its mark.
///
/// This must not happen while this process has a connection to the file: closing any descriptor of it drops the
/// process's POSIX locks.
fn peek(path: &Path) -> Result<Identity, Error> {
    let mut header = read_header(path)?;
    if header.is_empty() && fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0) {
        // Another process may be creating the database: it writes the header before the log.
        header = read_header(path)?;
        if header.is_empty() {
            // SQLite would delete the log, which is all that is left.
            let (path, advice) = (path.to_path_buf(), DELETE_LOG);
            return Err(Error::StoreReplaced { path, advice });
        }
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

fn read_header(path: &Path) -> Result<Vec<u8>, Error> {
    let mut header = Vec::with_capacity(HEADER_SIZE);
    File::open(path)
        .and_then(|file| file.take(HEADER_SIZE as u64).read_to_end(&mut header))
        .map_err(|source| from_io(path, source))?;
    Ok(header)
}

/// Whether SQLite will take back what is in the file: the power went while it wrote the very first page, and its
/// rollback journal says that the file was empty before. Its owner is checked again after that.
fn is_half_created(path: &Path) -> bool {
    // https://www.sqlite.org/fileformat2.html#the_rollback_journal
    const JOURNAL_MAGIC: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    const PAGES_BEFORE: std::ops::Range<usize> = 16..20;
    let mut header = Vec::with_capacity(HEADER_SIZE);
    let found = File::open(with_suffix(path, "-journal"))
        .and_then(|file| file.take(HEADER_SIZE as u64).read_to_end(&mut header));
    found.is_ok() && header.starts_with(JOURNAL_MAGIC) && header.get(PAGES_BEFORE) == Some(&[0; 4])
}

fn connect(
    path: &Path,
    still: Option<&Still>,
    access: Access,
    must_exist: bool,
    limit: Duration,
    steps: &[Step],
) -> Result<Connection, Fault> {
    let mode = match access {
        Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
        Access::ReadWrite => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    syscalls::prepare()?;
    // One thread at a time uses the connection, so SQLite needs no mutex. Without CREATE, a file deleted meanwhile
    // stays so.
    let had_wal = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|wal| wal.len() > 0);
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    syscalls::set_reader(access == Access::ReadOnly);
    let mut connection = match still {
        Some(still) => {
            Connection::open_with_flags(still.uri(), flags | OpenFlags::SQLITE_OPEN_URI)?
        }
        #[cfg(not(all(test, unix)))]
        None => Connection::open_with_flags(path, flags)?,
        #[cfg(all(test, unix))]
        None => crate::store::tests::power_loss::connect(path, flags)?,
    };
    busy::wait_up_to(limit);
    busy::wait_for_locks(&mut connection)?;
    harden(&connection)?;
    let started = Instant::now();
    loop {
        match prepare(&mut connection, path, access, must_exist, steps) {
            // Where waiting could deadlock, SQLite gives up at once: another process is creating the file, too.
            Err(Fault::Sql(error)) if is_busy(&error) && started.elapsed() < limit => {
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

/// Moves what is in the log into the database, as far as no other connection is in the way. Returns whether that was
/// all.
pub fn checkpoint(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        let (is_busy, pages, moved): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(!is_busy && pages == moved)
    })
}
