//! Pages in a memory-mapped file, for configurations that several processes share.
//!
//! # Initialization
//!
//! Every process that has the file mapped holds a shared lock on it, for as long as the mapping lives. A process that
//! gets the exclusive lock is alone, and so may initialize: it clears the header, fills the page, publishes the header
//! last, and only then turns its lock into a shared one, which lets others in. An initializer that is killed leaves a file without a header, which the
//! next one fills again.
//!
//! # Trust
//!
//! A file is hostile until it is checked: it must be a regular file of this user, not reached through a link, on a
//! local file system, fully allocated (a hole on a full disk would be a SIGBUS), and hold a valid header and table.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, Weak};
use std::thread::{sleep, yield_now};
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;

use super::doorbells::Doorbells;
use super::feature_table;
use super::layout::LIVE_SIZE;
use super::mapping::{self, Lock, Mapping, Range, io_error};
use super::{Edits, Page, PageMemory, Persisted, State};
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::file_id::{self, FileId};
use crate::ownership::Owner;
use crate::sync::lock;

/// How long opening waits for a process that initializes the file, and a change for another one's.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a taken lock is tried again.
pub(crate) const LOCK_RETRY: Duration = Duration::from_millis(1);

/// How often a taken journal is tried again before the thread sleeps.
const JOURNAL_TRIES: u32 = 50;

/// What a live file starts with when no other process has it open.
#[derive(Debug)]
pub struct Initial {
    /// The state of the page.
    pub state: State,
    /// The features that the state's flags belong to.
    pub table: FeatureTable,
    /// What was persisted last; `None` while nothing was.
    pub persisted: Option<Persisted>,
}

/// A mapped live file, with the lock that tells other processes it is in use.
#[derive(Debug)]
pub struct LiveFile {
    // Fields drop in this order: the lock goes after the mapping.
    mapping: Mapping,
    file: File,
    path: PathBuf,
    /// For the threads of this process, which share the file's locks.
    order: Mutex<()>,
    journal: Mutex<()>,
    doorbells: Doorbells,
    /// The page's identity when this process opened it, which does not change while any process has the file open.
    page_id: OnceLock<u64>,
}

impl LiveFile {
    fn map(path: &Path, file: File) -> Result<Self, Error> {
        let metadata = file.metadata().map_err(io_error(path))?;
        Ok(Self {
            mapping: Mapping::new(&file).map_err(io_error(path))?,
            file,
            path: path.to_path_buf(),
            order: Mutex::default(),
            journal: Mutex::default(),
            doorbells: Doorbells::beside(path, &metadata),
            page_id: OnceLock::new(),
        })
    }

    /// Lets others in: the lock is turned into a shared one, without a moment in between at which there is none. `false`
    /// when the system was interrupted.
    fn share_lock(&self) -> Result<bool, Error> {
        mapping::try_lock_file(&self.file, Lock::Shared).map_err(io_error(&self.path))
    }

    pub(super) const fn doorbells(&self) -> &Doorbells {
        &self.doorbells
    }

    /// Remembers the page's identity once it is initialized.
    pub(super) fn note_page_id(&self, id: u64) {
        self.page_id.get_or_init(|| id);
    }

    pub(super) fn noted_page_id(&self) -> Option<u64> {
        self.page_id.get().copied()
    }

    /// The path, if it does not lead to this file any more.
    pub(super) fn lost_path(&self) -> Option<&Path> {
        let is_lost = file_id::of(&self.file).map_or(true, |id| !is_at(&self.path, id));
        is_lost.then_some(&*self.path)
    }

    pub(super) const fn base(&self) -> NonNull<u8> {
        self.mapping.base()
    }

    /// Keeps other threads and processes from changing the table, and what puts revisions in order, until the guard goes.
    /// Fails with [`Error::LiveFileBusy`] when they have it for longer than `wait`; without one the lock is tried once.
    pub(super) fn lock_order(&self, wait: Duration) -> Result<LockGuard<'_>, Error> {
        self.lock(Range::Order, wait)
    }

    /// Keeps other threads and processes from whole changes until the guard goes, which must be soon.
    pub(super) fn lock_journal(&self, wait: Duration) -> Result<LockGuard<'_>, Error> {
        for _ in 0..JOURNAL_TRIES {
            if let Some(guard) = self.try_lock(Range::Journal)? {
                return Ok(guard);
            }
            yield_now();
        }
        self.lock(Range::Journal, wait)
    }

    fn lock(&self, range: Range, wait: Duration) -> Result<LockGuard<'_>, Error> {
        let deadline = Instant::now() + wait;
        loop {
            if let Some(guard) = self.try_lock(range)? {
                return Ok(guard);
            }
            if Instant::now() >= deadline {
                return Err(busy(&self.path, wait));
            }
            sleep(LOCK_RETRY);
        }
    }

    fn try_lock(&self, range: Range) -> Result<Option<LockGuard<'_>>, Error> {
        let threads = match range {
            Range::Journal => &self.journal,
            _ => &self.order,
        };
        let thread = match threads.try_lock() {
            Ok(thread) => thread,
            // A panic while the lock was held leaves nothing half-made that the next holder would not complete.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        let is_locked = mapping::try_lock_range(&self.file, range).map_err(io_error(&self.path))?;
        Ok(is_locked.then_some(LockGuard {
            file: &self.file,
            range,
            _thread: thread,
        }))
    }
}

/// While it lives, no other thread or process has the lock.
#[derive(Debug)]
pub struct LockGuard<'file> {
    file: &'file File,
    range: Range,
    _thread: MutexGuard<'file, ()>,
}

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        mapping::unlock_range(self.file, self.range);
    }
}

/// The live pages of this process: the same file is the same mapping, however many threads open it.
static OPEN: Lazy<Mutex<HashMap<FileId, Weak<PageMemory>>>> = Lazy::new(Mutex::default);

/// Opens the live file at `path`, and fills it with what `initial` gives if no process has it open.
///
/// `table` holds the features that the caller wants. Those that the file lacks are appended to its table, off and
/// rolled out to everyone; what it has already keeps its bits. With a `database` the caller's table, which is that of
/// the database, decides which bit a name has, and a file that disagrees is refused. The file belongs to its owner.
pub fn open(
    path: &Path,
    table: &FeatureTable,
    database: Option<&Path>,
    initial: impl Fn() -> Result<Initial, Error>,
) -> Result<Page, Error> {
    open_within(LOCK_TIMEOUT, path, table, database, initial)
}

/// [`open`], with another time to wait for a process that initializes the file, or for an invalid file to become valid.
pub fn open_within(
    wait: Duration,
    path: &Path,
    table: &FeatureTable,
    database: Option<&Path>,
    initial: impl Fn() -> Result<Initial, Error>,
) -> Result<Page, Error> {
    register(
        map_once(wait, path, database, Some(&initial))?,
        path,
        table,
        database.is_some(),
    )
}

/// As [`open`], but only if another process, or another config of this one, has the file open. Nothing is made, and
/// nothing is filled.
pub fn join(path: &Path, table: &FeatureTable, database: Option<&Path>) -> Result<Page, Error> {
    let never = None::<&fn() -> Result<Initial, Error>>;
    register(
        map_once(LOCK_TIMEOUT, path, database, never)?,
        path,
        table,
        database.is_some(),
    )
}

fn register(
    page: Page,
    path: &Path,
    table: &FeatureTable,
    owned_elsewhere: bool,
) -> Result<Page, Error> {
    let known = page.add_features(table.names(), |_, _| Edits::default())?;
    if owned_elsewhere && page.epoch() != table.epoch() {
        let (live, stored) = (page.epoch(), table.epoch());
        return Err(Error::LiveFileInvalid {
            path: path.to_path_buf(),
            reason: format!("its names are of epoch {live}, and those of the database of {stored}"),
        });
    }
    if owned_elsewhere && !known.names().starts_with(table.names()) {
        return Err(Error::LiveFileMismatch {
            path: path.to_path_buf(),
            live: known.names().to_vec(),
            stored: table.names().to_vec(),
        });
    }
    if page.lacks_changes_of(table) {
        let _order = page.lock_order(LOCK_TIMEOUT)?;
        page.announce_names(table);
    }
    Ok(page)
}

fn map_once(
    wait: Duration,
    path: &Path,
    database: Option<&Path>,
    initial: Option<&impl Fn() -> Result<Initial, Error>>,
) -> Result<Page, Error> {
    // The lock is held while the file is opened, so that two threads never map it twice.
    let mut open_pages = lock(&OPEN);
    open_pages.retain(|_, page| page.strong_count() > 0);
    let mapped = file_id::at_itself(path)
        .ok()
        .and_then(|id| open_pages.get(&id))
        .and_then(Weak::upgrade);
    if let Some(memory) = mapped {
        return Ok(Page(memory));
    }
    let (page, id) = attach_or_initialize(wait, path, database, initial)?;
    open_pages.insert(id, Arc::downgrade(&page.0));
    Ok(page)
}

/// Whether it is this file that is at the path, not another one or a link to it.
fn is_at(path: &Path, id: FileId) -> bool {
    file_id::at_itself(path).is_ok_and(|found| found == id)
}

/// Without `initial`, a file that no process has open is [`Error::NotLive`].
fn attach_or_initialize(
    wait: Duration,
    path: &Path,
    database: Option<&Path>,
    initial: Option<&impl Fn() -> Result<Initial, Error>>,
) -> Result<(Page, FileId), Error> {
    let deadline = Instant::now() + wait;
    let owner = database.and_then(Owner::of_path);
    loop {
        let file = mapping::open(path, initial.is_some(), owner)?;
        let id = file_id::of(&file).map_err(io_error(path))?;
        let is_current = || is_at(path, id);
        let mut problem = None;
        if mapping::try_lock_file(&file, Lock::Exclusive).map_err(io_error(path))? {
            if is_current() {
                let Some(initial) = initial else {
                    let path = path.to_path_buf();
                    return Err(Error::NotLive { path });
                };
                mapping::give_to(&file, owner);
                if let Some(page) = initialize(path, file, initial)? {
                    return Ok((page, id));
                }
            }
        } else if mapping::try_lock_file(&file, Lock::Shared).map_err(io_error(path))? {
            match attach(path, file) {
                Ok(page) if is_current() => return Ok((page, id)),
                Ok(_) => {}
                // The next attempt may find the file initialized by another process.
                Err(error) => problem = Some(error),
            }
        }
        if Instant::now() >= deadline {
            return Err(problem.unwrap_or_else(|| busy(path, wait)));
        }
        sleep(LOCK_RETRY);
    }
}

/// Fills the file while this process is alone with it. `None` when it has to be tried again.
fn initialize(
    path: &Path,
    file: File,
    initial: impl Fn() -> Result<Initial, Error>,
) -> Result<Option<Page>, Error> {
    mapping::check_replaceable(path, &file)?;
    mapping::allocate(path, &file)?;
    let live = LiveFile::map(path, file)?;
    let page = Page(Arc::new(PageMemory::live(live)));
    page.invalidate();
    // No process has the file open, so its contents were left by processes that were killed.
    if let Some(live) = page.0.live_file() {
        live.doorbells().clear();
    }
    let Initial {
        state,
        table,
        persisted,
    } = initial()?;
    feature_table::write(&page, &table);
    page.initialize(&state, persisted.map_or(0, |persisted| persisted.revision))?;
    page.set_epoch(table.epoch());
    if let Some(persisted) = persisted {
        page.note_persisted(&persisted);
    }
    page.note_own_id();
    let shared = page.0.live_file().map_or(Ok(true), LiveFile::share_lock)?;
    Ok((shared && page.check().is_ok()).then_some(page))
}

/// Maps a file that another process has open, after checking all of it.
fn attach(path: &Path, file: File) -> Result<Page, Error> {
    let invalid = |reason: String| Error::LiveFileInvalid {
        path: path.to_path_buf(),
        reason,
    };
    let length = file.metadata().map_err(io_error(path))?.len();
    if length != LIVE_SIZE as u64 {
        return Err(invalid(format!(
            "it has {length} bytes instead of {LIVE_SIZE}"
        )));
    }
    let page = Page(Arc::new(PageMemory::live(LiveFile::map(path, file)?)));
    page.check().map_err(invalid)?;
    feature_table::read(&page).map_err(|error| invalid(error.to_string()))?;
    page.note_own_id();
    Ok(page)
}

/// Locks the order of a live file, or its journal, as another process does, until the file is dropped.
#[cfg(all(test, unix))]
pub(crate) fn lock_as_another_process(path: &Path, journal: bool) -> Result<Option<File>, Error> {
    let file = mapping::open(path, false, None)?;
    let range = if journal {
        Range::Journal
    } else {
        Range::Order
    };
    let is_locked = mapping::try_lock_range(&file, range).map_err(io_error(path))?;
    Ok(is_locked.then_some(file))
}

fn busy(path: &Path, waited: Duration) -> Error {
    Error::LiveFileBusy {
        path: path.to_path_buf(),
        waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::cell::Cell;
    use std::fs;
    use std::os::unix::fs::{FileExt, PermissionsExt, symlink};

    use super::*;
    use crate::page::FULL_ROLLOUTS;
    use crate::page::layout::NAMES;

    fn initial(flags: u32) -> Initial {
        Initial {
            state: State::with_flags(flags),
            table: table(&["a", "b"]),
            persisted: Some(Persisted {
                revision: 5,
                state: State::with_flags(flags),
            }),
        }
    }

    fn table(names: &[&str]) -> FeatureTable {
        FeatureTable::new(names).unwrap()
    }

    fn flags(page: &Page) -> u32 {
        page.snapshot().state.flags.first_bank()
    }

    /// Another process that has the file open, as far as locks go.
    fn hold(path: &Path, lock: Lock) -> File {
        let file = mapping::open(path, true, None).unwrap();
        assert!(mapping::try_lock_file(&file, lock).unwrap());
        file
    }

    #[test]
    fn the_first_opener_initializes_and_the_next_one_shares() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.db-live-test");
        let first = open(&path, &table(&["a", "b"]), None, || Ok(initial(0b10))).unwrap();
        let called = Cell::new(false);
        let second = open(&path, &table(&["b", "c"]), None, || {
            called.set(true);
            Ok(initial(0))
        })
        .unwrap();
        assert!(!called.get());
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_eq!(second.table().unwrap().unwrap().names(), ["a", "b", "c"]);
        assert_eq!(flags(&second), 0b10);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_that_others_hold_is_attached_to_and_keeps_its_state() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let page = open(&path, &table(&["a"]), None, || Ok(initial(1))).unwrap();
        let id = page.snapshot().page_id;
        let other_process = File::open(&path).unwrap();
        assert!(mapping::try_lock_file(&other_process, Lock::Shared).unwrap());
        drop(page);
        let again = open(&path, &table(&["a"]), None, || Ok(initial(0))).unwrap();
        assert_eq!((flags(&again), again.snapshot().page_id), (1, id));
        drop((again, other_process));
        let restarted = open(&path, &table(&["a"]), None, || Ok(initial(0))).unwrap();
        assert_eq!(flags(&restarted), 0);
        assert_ne!(restarted.snapshot().page_id, id);
    }

    #[test]
    fn a_registered_name_starts_off_and_rolled_out_to_everyone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let page = open(&path, &table(&["a"]), None, || {
            let mut initial = initial(0b111);
            initial.state.rollouts[2] = 5;
            Ok(initial)
        })
        .unwrap();
        let longest = "n".repeat(63);
        open(&path, &table(&[&longest]), None, || Ok(initial(0))).unwrap();
        let names = page.table().unwrap().unwrap();
        assert_eq!(names.names(), ["a", "b", &longest]);
        let state = page.snapshot().state;
        assert_eq!(state.flags.first_bank(), 0b011);
        assert_eq!(state.rollouts, FULL_ROLLOUTS);
    }

    #[test]
    fn a_table_that_disagrees_with_the_database_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let page = open(&path, &table(&["a", "b"]), Some(&path), || Ok(initial(0))).unwrap();
        let error = open(&path, &table(&["b", "a"]), Some(&path), || Ok(initial(0))).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE_MISMATCH");
        // A database that lags behind the file agrees with it.
        open(&path, &table(&["a"]), Some(&path), || Ok(initial(0))).unwrap();
        assert_eq!(page.table().unwrap().unwrap().names(), ["a", "b"]);
    }

    #[test]
    fn what_is_not_a_live_file_is_refused_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let precious = "a letter to a friend ".repeat(200);
        fs::write(&path, &precious).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = open(&path, &table(&["a"]), None, || Ok(initial(0))).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE_INVALID");
        assert_eq!(fs::read_to_string(&path).unwrap(), precious);
    }

    #[test]
    fn links_directories_and_files_open_to_others_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("target");
        fs::write(&target, "").unwrap();
        let link = directory.path().join("link");
        symlink(&target, &link).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o666)).unwrap();
        for (path, code) in [
            (link.as_path(), "ERR_LIVE_FILE_INVALID"),
            (target.as_path(), "ERR_LIVE_FILE_INVALID"),
            (directory.path(), "ERR_LIVE_FILE"),
            (&directory.path().join("missing/live"), "ERR_LIVE_FILE"),
        ] {
            let error = open(path, &table(&["a"]), None, || Ok(initial(0))).unwrap_err();
            assert_eq!(error.code().as_ref(), code, "{error}");
        }
    }

    #[test]
    fn a_file_in_use_that_is_damaged_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let damages: [(u64, &[u8]); 6] = [
            (0, b"???"),
            (24, &[9, 0, 0, 0]),
            (40, &[0; 8]),
            // The mark of the third bank, and the number of the last.
            (2 * 128, b"???"),
            (7 * 128 + 15, &[6]),
            (NAMES as u64, &[255, b'x']),
        ];
        for (offset, bytes) in damages {
            drop(open(&path, &table(&["a"]), None, || Ok(initial(1))).unwrap());
            let other_process = hold(&path, Lock::Shared);
            other_process.write_all_at(bytes, offset).unwrap();
            let before = fs::read(&path).unwrap();
            let error = attach(&path, mapping::open(&path, true, None).unwrap()).unwrap_err();
            assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE_INVALID", "{offset}");
            assert_eq!(fs::read(&path).unwrap(), before);
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, [0; 100]).unwrap();
        let error = attach(&path, mapping::open(&path, true, None).unwrap()).unwrap_err();
        assert!(
            error.to_string().contains("100 bytes instead of 18432"),
            "{error}"
        );
    }

    #[test]
    fn names_of_another_epoch_than_the_databases_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let database = directory.path().join("config.db");
        let names = table(&["a"]);
        let page = open(&path, &names, Some(&database), || Ok(initial(1))).unwrap();
        page.set_epoch(5);
        let error = open(&path, &names, Some(&database), || Ok(initial(1))).unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE_INVALID");
        assert!(
            error
                .to_string()
                .contains("of epoch 5, and those of the database of 0"),
            "{error}"
        );
        page.set_epoch(0);
        open(&path, &names, Some(&database), || Ok(initial(1))).unwrap();
    }

    #[test]
    fn a_process_that_stays_alone_with_the_file_is_not_waited_for_forever() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let other_process = hold(&path, Lock::Exclusive);
        let wait = Duration::from_millis(20);
        let attempt = || open_within(wait, &path, &table(&["a"]), None, || Ok(initial(1)));
        let error = attempt().unwrap_err();
        assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE_BUSY");
        assert!(error.to_string().contains("for 20 ms"), "{error}");
        drop(other_process);
        assert_eq!(flags(&attempt().unwrap()), 1);
    }

    #[test]
    fn a_killed_initializer_leaves_a_file_that_the_next_one_fills() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let killed = open(&path, &table(&["a"]), None, || {
            Err(Error::Unsupported { what: "dying here" })
        });
        assert_eq!(killed.unwrap_err().code().as_ref(), "ERR_UNSUPPORTED");
        let page = open(&path, &table(&["a"]), None, || Ok(initial(1))).unwrap();
        assert_eq!(flags(&page), 1);
    }

    #[test]
    fn joining_makes_and_fills_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("live");
        let not_live = || {
            let error = join(&path, &table(&["a"]), None).unwrap_err();
            assert_eq!(error.code().as_ref(), "ERR_NOT_LIVE", "{error}");
        };
        not_live();
        assert!(!path.exists());
        drop(open(&path, &table(&["a"]), None, || Ok(initial(1))).unwrap());
        let left = fs::read(&path).unwrap();
        not_live();
        assert_eq!(fs::read(&path).unwrap(), left);
        let other_process = hold(&path, Lock::Shared);
        assert_eq!(flags(&join(&path, &table(&["a"]), None).unwrap()), 1);
        drop(other_process);
        let page = open(&path, &table(&["a"]), None, || Ok(initial(2))).unwrap();
        assert_eq!(flags(&join(&path, &table(&["a"]), None).unwrap()), 2);
        drop(page);
    }
}
