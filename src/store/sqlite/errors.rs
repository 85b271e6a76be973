//! From SQLite's errors to those of the store.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, ffi};

use super::{file_methods, side_files, syscalls};
use crate::error::{Cause, Error, is_out_of_descriptors};

/// What to do when the log belongs to something else than the file.
pub const DELETE_LOG: &str = "its contents and its -wal do not belong together, as after a copy of a backup over the file. \
     Stop all programs, put a backup in its place, delete the -wal and the -shm, and start again";

/// What to do when the files were replaced, and the store can go on with what is there now.
pub const READ_AGAIN: &str =
    "read the history, which is that of the file at this path now, then try again";

/// What to do when there is no file any more.
pub const RESTORE: &str = "restore the file, or close this config and create it again";
/// What to do when the file is another store's.
pub const CREATE_AGAIN: &str = "close this config and create it again";

/// Why a piece of work was not done.
#[derive(Debug)]
pub enum Fault {
    /// Its own conditions are not met; the rest of its transaction is sound.
    Refused(Error),
    /// The database failed, and with it the whole transaction.
    Sql(rusqlite::Error),
    /// The commit failed after everything may have been written: whether the transaction is there shows when the file
    /// is read again.
    InDoubt(rusqlite::Error),
}

/// Commits, and distinguishes a transaction that failed from one whose outcome is unknown.
pub fn commit(transaction: Transaction<'_>) -> Result<(), Fault> {
    transaction.commit().map_err(|error| {
        if leaves_doubt(&error) {
            Fault::InDoubt(error)
        } else {
            Fault::Sql(error)
        }
    })
}

/// The mark of a commit is the last that is written to the log, so without it, or without the space for it, there is
/// no transaction. Syncing and the index of the log come later.
fn leaves_doubt(error: &rusqlite::Error) -> bool {
    is_io(error) && !is_write(error) || error.sqlite_error_code() == Some(ErrorCode::OutOfMemory)
}

fn is_io(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

fn is_write(error: &rusqlite::Error) -> bool {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    extended == Some(ffi::SQLITE_IOERR_WRITE)
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    /// The error to answer with, after `waited`.
    pub fn into_error(self, path: &Path, waited: Duration) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Sql(source) => from_sql(path, waited, source),
            Self::InDoubt(source) => in_doubt(path, Arc::new(source)),
        }
    }

    /// Whether a connection that says so should not be trusted with more.
    pub fn spoils_connection(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Sql(error) => is_io(error),
            Self::InDoubt(_) => true,
        }
    }

    /// Says so if what failed to be written had no space, which SQLite knows only in the case of a full disk.
    pub fn with_reason(self, connection: &Connection, path: &Path) -> Self {
        match self {
            Self::Sql(error) if is_write(&error) && file_methods::is_out_of_space(connection) => {
                let path = path.to_path_buf();
                Self::Refused(Error::DiskFull { path })
            }
            other => other,
        }
    }
}

/// It may be there or not.
pub fn in_doubt(path: &Path, source: Cause) -> Error {
    let path = path.to_path_buf();
    Error::StoreOutcomeUnknown { path, source }
}

/// Whether another connection is in the way.
pub fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// Whether the same may work later, with nothing else done about it.
pub fn is_temporary(error: &rusqlite::Error) -> bool {
    is_busy(error) || error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

pub fn from_sql(path: &Path, waited: Duration, source: rusqlite::Error) -> Error {
    let path = path.to_path_buf();
    let Some(code) = source.sqlite_error_code() else {
        // SQLite did what it was told, but a row is missing or a value has another type than the schema says.
        let detail = source.to_string();
        return Error::StoreCorrupt { path, detail };
    };
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::StoreBusy {
            path,
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        },
        ErrorCode::DatabaseCorrupt => {
            let detail = source.to_string();
            Error::StoreCorrupt { path, detail }
        }
        ErrorCode::NotADatabase => Error::NotADatabase { path },
        ErrorCode::DiskFull => Error::DiskFull { path },
        // SQLite does not say why, and the file itself was looked at before: it may be `-wal` or `-shm`.
        ErrorCode::CannotOpen => match syscalls::last_open_error() {
            Some(reason) if is_telling(&reason) => from_io(&path, reason),
            _ => no_permission(path, Box::new(source)),
        },
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly => no_permission(path, Box::new(source)),
        _ => {
            let source = Arc::new(source);
            Error::Store { path, source }
        }
    }
}

/// Says which file is in the way, if that can be seen.
pub fn no_permission(path: PathBuf, source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match side_files::refusal(&path) {
        Some(reason) => Error::StoreObstacle { path, reason },
        None => Error::StorePermission { path, source },
    }
}

/// Whether what the system said of a file explains it better than SQLite does. The rest may be the reason or come from
/// a file that need not be there.
fn is_telling(error: &io::Error) -> bool {
    is_out_of_descriptors(error)
        || matches!(
            error.kind(),
            io::ErrorKind::InvalidFilename
                | io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
        )
}

/// Whether what was read makes no sense as a database of ours.
pub fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            // Unknown: no such table.
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
        ),
        None => true,
    }
}

/// What the operating system says of the database file.
pub fn from_io(path: &Path, source: io::Error) -> Error {
    let path = path.to_path_buf();
    let refused = |path, reason| Error::StorePath { path, reason };
    match source.kind() {
        io::ErrorKind::NotFound => Error::StoreNotFound { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            no_permission(path, Box::new(source))
        }
        io::ErrorKind::IsADirectory => refused(path, IS_DIRECTORY),
        io::ErrorKind::NotADirectory => refused(path, PART_IS_FILE),
        io::ErrorKind::InvalidInput => refused(path, "the path contains a NUL character"),
        io::ErrorKind::InvalidFilename => refused(path, UNFIT_NAME),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull { path },
        _ => Error::StoreIo { path, source },
    }
}

/// Bytes that SQLite needs beside the path of a database, for the names of the files beside it.
#[cfg(unix)]
const SUFFIX: usize = "-journal".len();

/// Refuses a path that SQLite, or the file system for the files beside it, would refuse: before anything is made, and
/// by its name. `real` is absolute and has no links.
#[cfg(unix)]
pub fn check_length(path: &Path, real: &Path) -> Result<(), Error> {
    // SQLite's own limit, and what nearly all file systems take.
    const LONGEST_PATH: usize = 512 - SUFFIX;
    const LONGEST_NAME: usize = 255 - SUFFIX;
    let refused = |reason| {
        let path = path.to_path_buf();
        Err(Error::StorePath { path, reason })
    };
    if real
        .file_name()
        .is_some_and(|name| name.len() > LONGEST_NAME)
    {
        return refused(
            "its name is longer than 247 bytes, which leaves no room for the names of the files beside it",
        );
    }
    if real.as_os_str().len() > LONGEST_PATH {
        return refused(
            "the absolute path is longer than 504 bytes, which is the most that SQLite takes",
        );
    }
    Ok(())
}

/// Other systems report their own limits.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the counterpart can fail")]
pub fn check_length(_path: &Path, _real: &Path) -> Result<(), Error> {
    Ok(())
}

/// Windows does not tell the two apart.
pub const UNFIT_NAME: &str = if cfg!(windows) {
    "a name in the path is too long, or has a character that Windows does not allow"
} else {
    "a name in the path is too long"
};

/// What the system says of a path through a file, except on Windows.
pub const PART_IS_FILE: &str = "a part of the path is a file, not a directory";

pub const IS_DIRECTORY: &str = "it is a directory (name a file inside it)";

/// The same failure once more, since every job of a failed transaction gets an error of its own.
pub fn again(error: &Error, path: &Path) -> Error {
    match error {
        Error::StorePath { path, reason } => Error::StorePath {
            path: path.clone(),
            reason,
        },
        Error::StoreNotFound { path } => Error::StoreNotFound { path: path.clone() },
        Error::StorePermission { path, source } => Error::StorePermission {
            path: path.clone(),
            source: source.to_string().into(),
        },
        Error::StoreObstacle { path, reason } => Error::StoreObstacle {
            path: path.clone(),
            reason: reason.clone(),
        },
        Error::StoreStirred { path } => Error::StoreStirred { path: path.clone() },
        Error::NotADatabase { path } => Error::NotADatabase { path: path.clone() },
        Error::ForeignDatabase {
            path,
            application_id,
        } => Error::ForeignDatabase {
            path: path.clone(),
            application_id: *application_id,
        },
        Error::NewerSchema {
            path,
            found,
            supported,
        } => Error::NewerSchema {
            path: path.clone(),
            found: *found,
            supported: *supported,
        },
        Error::StoreBusy { path, waited_ms } => Error::StoreBusy {
            path: path.clone(),
            waited_ms: *waited_ms,
        },
        Error::StoreCorrupt { path, detail } => Error::StoreCorrupt {
            path: path.clone(),
            detail: detail.clone(),
        },
        Error::DiskFull { path } => Error::DiskFull { path: path.clone() },
        Error::Store { path, source } => Error::Store {
            path: path.clone(),
            source: Arc::clone(source),
        },
        Error::StoreIo { path, source } => Error::StoreIo {
            path: path.clone(),
            source: io::Error::new(source.kind(), source.to_string()),
        },
        Error::StoreOutcomeUnknown { path, source } => in_doubt(path, Arc::clone(source)),
        Error::StoreHardLink { path, links } => Error::StoreHardLink {
            path: path.clone(),
            links: *links,
        },
        Error::StoreMountedAlone { path } => Error::StoreMountedAlone { path: path.clone() },
        Error::StoreReplaced { path, advice } => Error::StoreReplaced {
            path: path.clone(),
            advice,
        },
        Error::StoreStopped { path } => Error::StoreStopped { path: path.clone() },
        // Other errors refuse single jobs. Should one stop a transaction, it comes from what the file holds.
        other => Error::StoreCorrupt {
            path: path.to_path_buf(),
            detail: other.to_string(),
        },
    }
}
