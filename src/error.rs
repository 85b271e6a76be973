//! Every way the core can fail. Each error has a stable code, and a message that says what failed,
//! with which value or path, and what to do about it.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error as ThisError;

pub(crate) mod printable;

use printable::{short, text};

/// What is behind an error that several jobs share.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A failure of the core. [`Error::code`] is stable; messages may improve.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum Error {
    /// A record was given with another length than 13 bytes.
    #[error("Buffer must be exactly 13 bytes")]
    BufferLength {
        /// The length that was given.
        got: usize,
    },

    /// A state with fields out of range was to be persisted.
    #[error("The state is not valid, so nothing was persisted: {}. Correct it, then persist again", .problems.join("; "))]
    InvalidState {
        /// What is out of range.
        problems: Vec<String>,
    },

    /// A feature name breaks the naming rule.
    #[error(
        "Invalid feature name: \"{}\" (a letter, then up to 62 letters, digits, '_', '.' or '-')",
        short(.name)
    )]
    FeatureName {
        /// The name as given.
        name: String,
    },

    /// A feature is listed twice.
    #[error("Duplicate feature name: {} (list each feature once)", short(.name))]
    DuplicateFeature {
        /// The repeated name.
        name: String,
    },

    /// A list has more features than there are bits.
    #[error(
        "No bit left for feature {}: all {most} have names already. Keep the new one in another database",
        short(.name)
    )]
    TooManyFeatures {
        /// The first name without a bit.
        name: String,
        /// How many bits there are.
        most: usize,
    },

    /// A feature was to be retired that is on.
    #[error(
        "Features that are on are not retired: {} (on in {}; switch them off there first, or use force)",
        names(.features), names(.places)
    )]
    FeatureOn {
        /// The features that are on.
        features: Vec<String>,
        /// The environments in which they are, or the live state.
        places: Vec<String>,
    },

    /// The names of a database were to be moved that other programs have open.
    #[error("The database {} is open in other programs, which know its names (stop all of them first)", text(.path.display()))]
    StoreInUse {
        /// The database.
        path: PathBuf,
    },

    /// No revision of the environment has that number.
    #[error(
        "Revision {revision} does not exist in environment {} (getHistory() lists the revisions)",
        short(.environment)
    )]
    RevisionNotFound {
        /// The number that was asked for.
        revision: i64,
        /// The environment that was searched.
        environment: String,
    },

    /// The revision was removed.
    #[error(
        "Revision {revision} is not in environment {} any more: its revisions up to {until} were pruned \
         (getHistory() lists those that are left)",
        short(.environment)
    )]
    RevisionPruned {
        /// The number that was asked for.
        revision: i64,
        /// The environment that was searched.
        environment: String,
        /// The last revision that was removed.
        until: i64,
    },

    /// The history cannot be pruned, since what would go is not what it was.
    #[error(
        "The history of environment {} is broken at revision {revision}: {}. It was not pruned, since \
         that would remove the evidence. verify() lists all that is wrong",
        short(.environment), text(.problem)
    )]
    HistoryBroken {
        /// The first revision that does not fit.
        revision: i64,
        /// Its environment.
        environment: String,
        /// What is wrong.
        problem: String,
    },

    /// A backup cannot be made there.
    #[error("Cannot back up to {}: {}. Nothing was written", text(.path.display()), text(.reason))]
    Backup {
        /// The target as given.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },

    /// A rollback has nothing to go back to.
    #[error(
        "Nothing to roll back to in environment {}: no revision precedes the current one",
        short(.environment)
    )]
    NoPredecessor {
        /// The environment.
        environment: String,
    },

    /// Promotion from an environment that holds nothing.
    #[error("Environment {} has no persisted state to promote (persist it there first)", short(.environment))]
    NothingToPromote {
        /// The environment named as the source.
        environment: String,
    },

    /// `ifRevision` named another revision than the last one.
    #[error(
        "Environment {} is at revision {actual}, not {expected}: someone persisted in between. \
         Read the history, then try again",
        short(.environment)
    )]
    RevisionConflict {
        /// The environment.
        environment: String,
        /// What the caller believed to be the last revision.
        expected: i64,
        /// The last revision, 0 when there is none.
        actual: i64,
    },

    /// The store was opened for reading only.
    #[error("{} was opened with readOnly, so it cannot be changed", text(.path.display()))]
    ReadOnly {
        /// The database file.
        path: PathBuf,
    },

    /// The path cannot hold a database, such as a directory.
    #[error("Cannot use {} as a database: {reason}", text(.path.display()))]
    StorePath {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: &'static str,
    },

    /// A database was to be opened that has to exist, but there is none.
    #[error("No database at {} (open it without readOnly and fileMustExist to create it)", text(.path.display()))]
    StoreNotFound {
        /// The path as given.
        path: PathBuf,
    },

    /// The operating system refuses access.
    #[error("No permission to use the database {} (check the permissions of the file and its directory)", text(.path.display()))]
    StorePermission {
        /// The database file.
        path: PathBuf,
        /// What the system or SQLite said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A file beside the database is in the way, or cannot be made.
    #[error("No permission to use the database {}: {}", text(.path.display()), text(.reason))]
    StoreObstacle {
        /// The database file.
        path: PathBuf,
        /// Which file, whose it is, and what to do.
        reason: String,
    },

    /// The file is something else than a SQLite database.
    #[error("{} is not a SQLite database (choose another persistPath, or move that file away)", text(.path.display()))]
    NotADatabase {
        /// The path as given.
        path: PathBuf,
    },

    /// The file is another program's SQLite database.
    #[error(
        "{} is the SQLite database of another program (application_id 0x{application_id:08x}). \
         Choose another persistPath",
        text(.path.display())
    )]
    ForeignDatabase {
        /// The path as given.
        path: PathBuf,
        /// The id found in its header.
        application_id: i32,
    },

    /// A later version of this package wrote the file.
    #[error(
        "{} has schema version {found}, but this version of 13byte-config knows {supported} at most. \
         Update 13byte-config; the file was not touched",
        text(.path.display())
    )]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
        /// The newest schema version this crate knows.
        supported: i32,
    },

    /// Another process kept the database locked for longer than the time-out.
    #[error(
        "{} stayed locked by another process for {waited_ms} ms. Nothing was written; \
         find the process that holds it open in a transaction, then try again",
        text(.path.display())
    )]
    StoreBusy {
        /// The database file.
        path: PathBuf,
        /// How long the operation waited, in milliseconds.
        waited_ms: u64,
    },

    /// A program began to write to the database while it was read, and what was read may not be whole.
    #[error("A program began to write to {} while it was read. Try again", text(.path.display()))]
    StoreStirred {
        /// The database file.
        path: PathBuf,
    },

    /// The database is damaged.
    #[error("The database {} is damaged: {}. Restore it from a backup", text(.path.display()), text(.detail))]
    StoreCorrupt {
        /// The database file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },

    /// No space is left for the database or a live file.
    #[error("No space left for {}. Nothing was written; free some space, then try again", text(.path.display()))]
    DiskFull {
        /// The file.
        path: PathBuf,
    },

    /// The file of the database has several names, each with a log of its own.
    #[error(
        "The database {} has {links} names (hard links). Its -wal is found by one of them only, so programs that use the \
         others would lose what is persisted. Keep one name (find them with: find DIRECTORY -samefile {}) and use \
         backup() for copies",
        text(.path.display()),
        text(.path.display())
    )]
    StoreHardLink {
        /// The database file.
        path: PathBuf,
        /// How many names it has.
        links: u64,
    },

    /// The file of the database is mounted alone, without what belongs beside it.
    #[error(
        "The database {} is mounted alone, as a single file. Its -wal, -shm and live state would stay in this container, \
         and with them what is persisted. Mount the directory that holds the database instead",
        text(.path.display())
    )]
    StoreMountedAlone {
        /// The database file.
        path: PathBuf,
    },

    /// The database or a file beside it was deleted or replaced while it was in use.
    #[error(
        "{} was deleted or replaced while it was in use, so this was not done: {advice}",
        text(.path.display())
    )]
    StoreReplaced {
        /// The database, or its `-wal` or `-shm`.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },

    /// The disk failed while a transaction was committed, and reading it again did not tell either.
    #[error(
        "The database {} failed while it committed ({}), and whether this was written is unknown. \
         Read the history before you try again",
        text(.path.display()), text(.source)
    )]
    StoreOutcomeUnknown {
        /// The database file.
        path: PathBuf,
        /// What SQLite said of the commit, shared by all jobs of the transaction.
        #[source]
        source: Cause,
    },

    /// Any other failure of SQLite or the file system under it.
    #[error("The database {} failed: {}. Nothing was written; check the disk, then try again", text(.path.display()), text(.source))]
    Store {
        /// The database file.
        path: PathBuf,
        /// What SQLite said, shared by all jobs of a transaction that failed.
        #[source]
        source: Cause,
    },

    /// The operating system failed to look at or create the database file.
    #[error("Cannot access the database {}: {} ({})", text(.path.display()), text(.source), remedy(.source, "check the disk and the directory"))]
    StoreIo {
        /// The path as given.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// The operating system refused to start the store's thread.
    #[error("Cannot start the thread of the store: {source}")]
    Thread {
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// The store's thread has ended, so it cannot answer.
    #[error("The store of {} gave up on this operation after an internal error. Everything acknowledged is on disk; \
         try again, and restart the process if it happens again", text(.path.display()))]
    StoreStopped {
        /// The database file.
        path: PathBuf,
    },

    /// The file system refused something about a live file.
    #[error("The live file {} failed: {} ({})", text(.path.display()), text(.source), remedy(.source, "check the directory and its permissions"))]
    LiveFile {
        /// The live file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },

    /// The sockets beside a live file, by which processes tell each other of changes.
    #[error("The doorbells in {} cannot be used: {reason}", .directory.display())]
    Doorbells {
        /// Their directory.
        directory: PathBuf,
        /// What is wrong with it, or what the system said.
        reason: String,
    },

    /// A live file that cannot be trusted.
    #[error("The live file {} cannot be used: {}. Close every process that uses it, then move it away", text(.path.display()), text(.reason))]
    LiveFileInvalid {
        /// The live file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// A live file that belongs to another user.
    #[error("No permission to use the live file {}: {}", text(.path.display()), text(.reason))]
    LiveFilePermission {
        /// The live file.
        path: PathBuf,
        /// Whose it is, and what to do.
        reason: String,
    },

    /// A live file whose features have other bits than in the database.
    #[error(
        "The live file {} has the features {}, but the database has {}: the database was replaced while \
         processes use the live file. Close them, then start again",
        text(.path.display()), names(.live), names(.stored)
    )]
    LiveFileMismatch {
        /// The live file.
        path: PathBuf,
        /// Its names, in bit order.
        live: Vec<String>,
        /// The names of the database, in bit order.
        stored: Vec<String>,
    },

    /// Another process kept a live file locked for longer than the time-out.
    #[error("The live file {} stayed locked by another process for {waited_ms} ms. Find that process, then try again", text(.path.display()))]
    LiveFileBusy {
        /// The live file.
        path: PathBuf,
        /// How long the operation waited, in milliseconds.
        waited_ms: u64,
    },

    /// A live file on a file system that does not share memory between processes.
    #[error(
        "The live file {} is on a network file system, whose memory is not shared. Put the database on a local disk",
        text(.path.display())
    )]
    LiveFileRemote {
        /// The live file.
        path: PathBuf,
    },

    /// Live state was to be joined, but no process uses it.
    #[error(
        "No program uses the live state of {} (start one that opens it with enableClusterSync, or omit liveMustExist)",
        text(.path.display())
    )]
    NotLive {
        /// The live file.
        path: PathBuf,
    },

    /// The platform has no support for what was asked.
    #[error("{what} is not supported on this platform")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
    },

    /// The JavaScript runtime keeps its buffers in memory of its own, so live state cannot be shared with it.
    #[error(
        "This runtime allows no buffers over memory that it did not allocate, as Electron since version 21: use \
         13byte-config in a process of Node or Bun"
    )]
    OutsideBuffers,

    /// No random bytes for a page id.
    #[error("The operating system gave no random bytes for a page id: {source}")]
    Random {
        /// What the system said.
        #[source]
        source: getrandom::Error,
    },

    /// What a live state goes back to was pruned, so it cannot be told from it what is the state's own.
    #[error(
        "Cannot persist: the live state goes back to {} of {environment}, which was pruned, so its own changes cannot be told \
         from those of others. load() the last persisted state and make them again",
        if *.revision == 0 { "the beginning".to_owned() } else { format!("revision {}", .revision) }
    )]
    BasePruned {
        /// The environment.
        environment: String,
        /// The revision; 0 for what was before the first.
        revision: i64,
    },

    /// The JavaScript runtime refused an operation.
    #[error("The JavaScript runtime refused to {operation}: {}", text(.detail))]
    Runtime {
        /// What was asked of it.
        operation: &'static str,
        /// The status it answered with.
        detail: String,
    },

    /// A page number that this thread does not hold.
    #[error("State page {handle} is not open in this thread")]
    PageNotOpen {
        /// The number as given.
        handle: u32,
    },
}

/// A stable name for each kind of error, the same in every release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ErrorCode(&'static str);

impl AsRef<str> for ErrorCode {
    fn as_ref(&self) -> &str {
        self.0
    }
}

impl Error {
    /// Whether the history answers that the caller asked for something it does not have, such as another last revision.
    /// That is ordinary work of several editors: nothing has failed.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::RevisionConflict { .. }
                | Self::RevisionNotFound { .. }
                | Self::RevisionPruned { .. }
                | Self::NoPredecessor { .. }
                | Self::NothingToPromote { .. }
        )
    }

    /// The stable code of this error.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode(match self {
            Self::BufferLength { .. } => "ERR_BUFFER_LENGTH",
            Self::InvalidState { .. } => "ERR_INVALID_STATE",
            Self::FeatureName { .. } => "ERR_INVALID_FEATURE_NAME",
            Self::DuplicateFeature { .. } => "ERR_DUPLICATE_FEATURE",
            Self::TooManyFeatures { .. } => "ERR_TOO_MANY_FEATURES",
            Self::FeatureOn { .. } => "ERR_FEATURE_ON",
            Self::StoreInUse { .. } => "ERR_STORE_IN_USE",
            Self::RevisionNotFound { .. } => "ERR_REVISION_NOT_FOUND",
            Self::RevisionPruned { .. } => "ERR_REVISION_PRUNED",
            Self::HistoryBroken { .. } => "ERR_HISTORY_BROKEN",
            Self::Backup { .. } => "ERR_BACKUP",
            Self::NoPredecessor { .. } => "ERR_NOTHING_TO_ROLL_BACK",
            Self::NothingToPromote { .. } => "ERR_NOTHING_TO_PROMOTE",
            Self::RevisionConflict { .. } => "ERR_REVISION_CONFLICT",
            Self::ReadOnly { .. } => "ERR_READ_ONLY",
            Self::StorePath { .. } => "ERR_STORE_PATH",
            Self::StoreNotFound { .. } => "ERR_STORE_NOT_FOUND",
            Self::StorePermission { .. } | Self::StoreObstacle { .. } => "ERR_STORE_PERMISSION",
            Self::NotADatabase { .. } => "ERR_NOT_A_DATABASE",
            Self::ForeignDatabase { .. } => "ERR_FOREIGN_DATABASE",
            Self::NewerSchema { .. } => "ERR_NEWER_SCHEMA",
            Self::StoreBusy { .. } | Self::StoreStirred { .. } => "ERR_STORE_BUSY",
            Self::StoreCorrupt { .. } => "ERR_STORE_CORRUPT",
            Self::DiskFull { .. } => "ERR_DISK_FULL",
            Self::StoreHardLink { .. } => "ERR_STORE_HARD_LINK",
            Self::StoreMountedAlone { .. } => "ERR_STORE_MOUNTED_ALONE",
            Self::StoreReplaced { .. } => "ERR_STORE_REPLACED",
            Self::StoreOutcomeUnknown { .. } => "ERR_STORE_OUTCOME_UNKNOWN",
            Self::Store { .. } => "ERR_STORE",
            Self::StoreIo { .. } => "ERR_STORE_IO",
            Self::Thread { .. } => "ERR_THREAD",
            Self::StoreStopped { .. } => "ERR_STORE_STOPPED",
            Self::LiveFile { .. } | Self::Doorbells { .. } => "ERR_LIVE_FILE",
            Self::LiveFileInvalid { .. } => "ERR_LIVE_FILE_INVALID",
            Self::LiveFilePermission { .. } => "ERR_LIVE_FILE_PERMISSION",
            Self::LiveFileMismatch { .. } => "ERR_LIVE_FILE_MISMATCH",
            Self::LiveFileBusy { .. } => "ERR_LIVE_FILE_BUSY",
            Self::LiveFileRemote { .. } => "ERR_LIVE_FILE_REMOTE",
            Self::NotLive { .. } => "ERR_NOT_LIVE",
            Self::Unsupported { .. } | Self::OutsideBuffers => "ERR_UNSUPPORTED",
            Self::Random { .. } => "ERR_RANDOM",
            Self::BasePruned { .. } => "ERR_BASE_PRUNED",
            Self::Runtime { .. } => "ERR_RUNTIME",
            Self::PageNotOpen { .. } => "ERR_PAGE_NOT_OPEN",
        })
    }
}

/// Names from a file may be anything.
fn names(list: &[String]) -> String {
    list.iter()
        .map(|each| short(each).to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// What helps where the system refused a file, for reasons that have nothing to do with its permissions.
fn remedy(source: &std::io::Error, otherwise: &'static str) -> &'static str {
    if is_out_of_descriptors(source) {
        "no file descriptors are left: raise the limit, ulimit -n, or find out what keeps so many files open"
    } else if source.kind() == std::io::ErrorKind::InvalidFilename {
        "the name is too long for the file system: choose a shorter path or environment"
    } else {
        otherwise
    }
}

/// Whether a file could not be opened for lack of descriptors, in the process or in the system.
pub(crate) fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    #[cfg(unix)]
    let limits = [libc::EMFILE, libc::ENFILE];
    // ERROR_TOO_MANY_OPEN_FILES
    #[cfg(not(unix))]
    let limits = [4];
    error
        .raw_os_error()
        .is_some_and(|code| limits.contains(&code))
}
