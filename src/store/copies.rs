//! Backups under way: copying the database while it is in use.
//!
//! The copy is made under another name beside the target, a number of pages for each job, so that persists go on. It
//! gets the target's name when it is whole and on disk.

#![expect(
    unsafe_code,
    reason = "a copy reads through the connection beside which it is kept"
)]

use std::ffi::c_int;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Weak};

use rusqlite::{Connection, OpenFlags};

use super::open_stores::is_open;
use super::reply::Progress;
use super::sqlite::errors::Fault;
use super::sqlite::online_backup::{Copied, OnlineCopy};
use super::sqlite::paths::with_suffix;
use crate::error::Error;
use crate::file_system::{sync, sync_directory};
use crate::ownership::{Owner, adopt};
use crate::real_path::real_path;

/// After so many pages the copy is synced, so that no single sync takes long.
const PAGES_BETWEEN_SYNCS: u64 = 4096;

/// How often writers of other processes may make the copy start again. Then it is done in one step, which they wait
/// for.
const MAX_RESTARTS: u32 = 3;

/// A backup under way, as its callers hold it.
#[derive(Debug)]
pub struct Backup {
    path: PathBuf,
    overwrite: bool,
    pages_per_step: u32,
    is_cancelled: AtomicBool,
}

impl Backup {
    /// A backup to `path`, which is replaced with `overwrite`, in steps of so many pages.
    #[must_use]
    pub const fn new(path: PathBuf, overwrite: bool, pages_per_step: u32) -> Self {
        Self {
            path,
            overwrite,
            pages_per_step,
            is_cancelled: AtomicBool::new(false),
        }
    }

    /// The next step takes everything back instead.
    pub fn cancel(&self) {
        self.is_cancelled.store(true, Relaxed);
    }

    fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Backup {
            path: self.path.clone(),
            reason: reason.into(),
        }
    }

    fn failed(&self, error: &io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
                path: self.path.clone(),
            },
            io::ErrorKind::NotFound => self.refuse("its directory does not exist"),
            _ => self.refuse(error.to_string()),
        }
    }
}

/// A finished backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The file, with the links of its directory resolved.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// How many revisions it has, of all environments.
    pub revisions: u64,
}

/// The backups of a connection.
#[derive(Debug, Default)]
pub struct Copies(Vec<Running>);

#[derive(Debug)]
struct Running {
    /// Gone when no caller will continue the backup.
    backup: Weak<Backup>,
    copy: OnlineCopy,
    file: Partial,
    copied: u64,
    synced: u64,
    restarts: u32,
}

/// The file of an unfinished backup, which goes with it.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
    file: File,
    target: PathBuf,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After the renaming there is nothing under this name. If it cannot be removed, its name says what it is.
        for suffix in ["", "-journal", "-wal", "-shm"] {
            let _gone = fs::remove_file(with_suffix(&self.path, suffix));
        }
    }
}

impl Copies {
    /// Copies the next pages of `source`, whose file is at `path`. The result comes with the last of them, or never if
    /// the backup was cancelled.
    ///
    /// # Safety
    ///
    /// These copies must be dropped before `source` is closed.
    pub unsafe fn step(
        &mut self,
        source: &Connection,
        path: &Path,
        backup: &Arc<Backup>,
    ) -> Result<Progress<BackedUp>, Fault> {
        let running = self.take(backup);
        if backup.is_cancelled.load(Relaxed) {
            return Ok(Progress {
                done: 0,
                total: 0,
                outcome: None,
            });
        }
        let mut running = match running {
            Some(running) => running,
            // SAFETY: the new copy is dropped here or kept with the others.
            None => unsafe { Running::begin(source, path, backup) }?,
        };
        let copied = running.step(backup)?;
        let outcome = if copied.has_ended {
            Some(running.finish(backup)?)
        } else {
            self.0.push(running);
            None
        };
        Ok(Progress {
            done: copied.pages,
            total: copied.total,
            outcome,
        })
    }

    fn take(&mut self, backup: &Arc<Backup>) -> Option<Running> {
        let is_wanted = |copy: &Running| std::ptr::eq(copy.backup.as_ptr(), Arc::as_ptr(backup));
        let place = self.0.iter().position(is_wanted)?;
        Some(self.0.swap_remove(place))
    }

    /// Removes the backups that no caller will continue, such as that of a thread that was terminated.
    pub fn drop_abandoned(&mut self) {
        self.0.retain(|copy| copy.backup.strong_count() > 0);
    }
}

impl Running {
    /// # Safety
    ///
    /// It must be dropped before `source` is closed.
    unsafe fn begin(source: &Connection, path: &Path, backup: &Arc<Backup>) -> Result<Self, Fault> {
        let file = Partial::create(backup, path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let destination = Connection::open_with_flags(&file.path, flags)?;
        // It counts only once it is whole, so it needs neither a journal nor SQLite's syncs.
        destination.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
        )?;
        Ok(Self {
            backup: Arc::downgrade(backup),
            // SAFETY: the caller promises it.
            copy: unsafe { OnlineCopy::begin(source, destination) }?,
            file,
            copied: 0,
            synced: 0,
            restarts: 0,
        })
    }

    fn step(&mut self, backup: &Backup) -> Result<Copied, Fault> {
        let pages = c_int::try_from(backup.pages_per_step).unwrap_or(c_int::MAX);
        let pages = if self.restarts < MAX_RESTARTS {
            pages
        } else {
            -1
        };
        let copied = self.copy.step(pages).map_err(|error| {
            match error.sqlite_error_code() {
                // The file that grows is the copy.
                Some(rusqlite::ErrorCode::DiskFull) => Fault::Refused(Error::DiskFull {
                    path: backup.path.clone(),
                }),
                _ => Fault::Sql(error),
            }
        })?;
        // A step that gets no further began from the first page.
        if copied.pages <= self.copied && !copied.has_ended {
            self.restarts += 1;
            self.synced = 0;
        }
        self.copied = copied.pages;
        if copied.pages.saturating_sub(self.synced) >= PAGES_BETWEEN_SYNCS {
            self.synced = copied.pages;
            sync(&self.file.file).map_err(|error| backup.failed(&error))?;
        }
        Ok(copied)
    }

    /// Makes the copy a file of its own that needs no other, and gives it its name.
    fn finish(self, backup: &Backup) -> Result<BackedUp, Fault> {
        let Self { copy, file, .. } = self;
        let destination = copy.finish();
        // The pages say that there is a log beside them.
        destination.execute_batch("PRAGMA journal_mode = DELETE")?;
        let revisions: i64 =
            destination.query_row("SELECT count(*) FROM revision", [], |row| row.get(0))?;
        destination.close().map_err(|(_, error)| error)?;
        let bytes = file.publish(backup)?;
        Ok(BackedUp {
            path: file.target.clone(),
            bytes,
            revisions: revisions.unsigned_abs(),
        })
    }
}

impl Partial {
    /// An empty file beside the target, after all that would forbid the target.
    fn create(backup: &Backup, source: &Path) -> Result<Self, Error> {
        let name = backup
            .path
            .file_name()
            .ok_or_else(|| backup.refuse("it does not name a file"))?;
        let directory = backup
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = real_path(directory.unwrap_or(Path::new(".")))
            .map_err(|error| backup.failed(&error))?;
        let target = directory.join(name);
        check_target(backup, &target, source)?;
        let (path, file) = create_beside(&target).map_err(|error| backup.failed(&error))?;
        let partial = Self { path, file, target };
        // Users who may not read the history must not read it in the copy.
        if let Some(owner) = Owner::of_path(source) {
            adopt(&partial.file, owner).map_err(|error| backup.failed(&error))?;
        }
        Ok(partial)
    }

    /// Syncs the copy and gives it the target's name.
    fn publish(&self, backup: &Backup) -> Result<u64, Error> {
        sync(&self.file).map_err(|error| backup.failed(&error))?;
        // What was there at the beginning may be something else by now.
        check_replaceable(backup, &self.target)?;
        let publish = || {
            let bytes = self.file.metadata()?.len();
            if backup.overwrite {
                fs::rename(&self.path, &self.target)?;
            } else {
                // Unlike renaming, this fails if the target was created meanwhile.
                fs::hard_link(&self.path, &self.target)?;
                fs::remove_file(&self.path)?;
            }
            sync_directory(self.target.parent().unwrap_or(Path::new(".")))?;
            Ok(bytes)
        };
        publish().map_err(|error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => backup.refuse(EXISTS),
            _ => backup.failed(&error),
        })
    }
}

const EXISTS: &str = "it exists (pass overwrite: true to replace it)";

fn check_target(backup: &Backup, target: &Path, source: &Path) -> Result<(), Error> {
    let beside = ["-wal", "-shm", "-journal"].map(|suffix| with_suffix(source, suffix));
    let live = with_suffix(source, "-live-");
    let text = target.as_os_str().as_encoded_bytes();
    if is_open(target) || target == source {
        return Err(backup.refuse("it is a database that this process has open"));
    }
    if beside.iter().any(|file| file == target)
        || text.starts_with(live.as_os_str().as_encoded_bytes())
    {
        return Err(backup.refuse("it is a part of the database"));
    }
    check_replaceable(backup, target)?;
    for suffix in ["-wal", "-journal"] {
        if fs::metadata(with_suffix(target, suffix)).is_ok_and(|log| log.len() > 0) {
            // SQLite would take it for the log of the copy.
            return Err(backup.refuse(format!(
                "another database was there, of which {suffix} is left or in use (choose another name)"
            )));
        }
    }
    Ok(())
}

/// Only a regular file is replaced, and only when that was asked for. A device, a FIFO, a socket or a link at that path
/// is there for another purpose.
fn check_replaceable(backup: &Backup, target: &Path) -> Result<(), Error> {
    let kind = match fs::symlink_metadata(target) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(backup.failed(&error)),
    };
    if kind.is_dir() {
        Err(backup.refuse("it is a directory"))
    } else if kind.is_symlink() {
        Err(backup.refuse("it is a symbolic link (name the file that it leads to)"))
    } else if !kind.is_file() {
        Err(backup.refuse("it is not a regular file (choose another name)"))
    } else if !backup.overwrite {
        Err(backup.refuse(EXISTS))
    } else {
        Ok(())
    }
}

/// A new file with a unique name.
fn create_beside(target: &Path) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Relaxed);
        let suffix = format!(".partial-{}-{count}", std::process::id());
        let path = with_suffix(target, &suffix);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // A user who could open it now could read it later.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            file => return file.map(|file| (path, file)),
        }
    }
}
