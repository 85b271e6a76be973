//! What SQLite asks of the operating system, where the store wants it asked in another way.
//!
//! # Locks
//!
//! POSIX record locks belong to the process: closing any descriptor of the database in the process, such as that of
//! another SQLite or of a copy of the file, drops those of the store. Another SQLite then believes that it is alone with the database,
//! removes the `-wal`, and what the store commits from then on is lost. Linux and macOS have locks that belong to the
//! open file description instead, so that no other descriptor can drop them; SQLite is given an `fcntl` that asks for
//! these. They conflict with POSIX locks, so both kinds of programs still exclude each other, even within a process.
//!
//! The owner being the description, a second connection of **this** SQLite to the same file would be at odds with what
//! SQLite remembers of the locks of its process. There never is one: a file has one thread with one connection.
//!
//! # Files beside the database
//!
//! SQLite's `open` makes `-wal`, `-shm` and `-journal` for who opens the database, also a colleague who only looks, or
//! root in a container that may not give files away. The owner of the database could not use them. So they are made for
//! the owner, or not at all.
//!
//! # Opened files
//!
//! SQLite does not say which file it has open, and a path may lead to another file by the time it is checked. So its
//! `open` records what it opened.

#![cfg_attr(
    unix,
    expect(
        unsafe_code,
        reason = "SQLite's interface for replacing system calls is C"
    )
)]

use std::path::PathBuf;

use once_cell::sync::Lazy;
use rusqlite::ffi;

use crate::file_id::FileId;

/// Whether SQLite took the replacements, which is tried once, before the first connection.
static REPLACED: Lazy<bool> = Lazy::new(platform::replace);

/// To be called before a connection is opened.
pub fn prepare() -> Result<(), rusqlite::Error> {
    if *REPLACED {
        Ok(())
    } else {
        let refused = ffi::Error::new(ffi::SQLITE_INTERNAL);
        let why = "SQLite did not take the replacements of system calls".to_owned();
        Err(rusqlite::Error::SqliteFailure(refused, Some(why)))
    }
}

/// Which of these files SQLite opens on this thread while `open` runs.
pub fn observe_opening<T>(
    paths: &[PathBuf],
    open: impl FnOnce() -> T,
) -> (T, Vec<(PathBuf, FileId)>) {
    platform::observe_opening(paths, open)
}

/// Whether the connection that this thread opens from now on only reads. Then it makes no files beside a database of
/// another user.
pub fn set_reader(is_reader: bool) {
    platform::set_reader(is_reader);
}

pub use platform::{has_locks_of_process, last_open_error, lock_shared};

#[cfg(unix)]
mod platform {
    use std::cell::{Cell, RefCell};
    use std::ffi::{CStr, OsStr, c_char, c_int, c_uint};
    use std::fs::File;
    use std::io;
    use std::mem::{ManuallyDrop, transmute};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, fchown};
    use std::path::{Path, PathBuf};
    use std::ptr;

    use rusqlite::ffi;

    use crate::file_id::{self, FileId};
    use crate::ownership::{self, Owner, effective_user};

    type Open = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
    type Fcntl = unsafe extern "C" fn(c_int, c_int, ...) -> c_int;
    /// What SQLite keeps every system call as.
    type SystemCall = unsafe extern "C" fn();

    thread_local! {
        /// The files that are waited for, with what they were when SQLite last opened them.
        static OBSERVED: RefCell<Vec<(PathBuf, Option<FileId>)>> = const { RefCell::new(Vec::new()) };
        /// Whether the connection of this thread only reads.
        static IS_READER: Cell<bool> = const { Cell::new(false) };
        /// What the system said when SQLite last opened a file, 0 if it did.
        static OPEN_ERROR: Cell<c_int> = const { Cell::new(0) };
    }

    /// Why the last file that SQLite wanted to open on this thread could not be.
    pub fn last_open_error() -> Option<io::Error> {
        let error = OPEN_ERROR.get();
        (error != 0).then(|| io::Error::from_raw_os_error(error))
    }

    pub fn replace() -> bool {
        // SAFETY: a null name asks for the default VFS. SQLite initializes itself here if need be.
        let vfs = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        // SAFETY: SQLite keeps its own VFSs for ever, and nothing writes to them while this process has no connection,
        // which `REPLACED` upholds.
        let Some(set) = unsafe { vfs.as_ref() }.and_then(|vfs| vfs.xSetSystemCall) else {
            return false;
        };
        let replace = |name: &CStr, call: SystemCall| {
            // SAFETY: the VFS is the one that the function belongs to, the name is a C string, and the replacement
            // stays for as long as the addon, which is never unloaded while it has a connection.
            let status = unsafe { set(vfs, name.as_ptr(), Some(call)) };
            status == ffi::SQLITE_OK
        };
        // SAFETY: SQLite casts it back to `int(*)(const char*,int,int)` before it calls.
        let open = unsafe { transmute::<Open, SystemCall>(open) };
        // SAFETY: SQLite casts it back to `int(*)(int,int,...)` before it calls.
        let fcntl = unsafe { transmute::<Fcntl, SystemCall>(control) };
        replace(c"open", open) && replace(c"fcntl", fcntl)
    }

    unsafe extern "C" {
        #[link_name = "config13_fcntl"]
        fn control(file: c_int, command: c_int, ...) -> c_int;
        safe fn config13_has_locks_of_process() -> c_int;
    }

    /// Whether the system has refused locks of open file descriptions, so that those of the process are used instead.
    pub fn has_locks_of_process() -> bool {
        config13_has_locks_of_process() != 0
    }

    /// Stands for SQLite's own one, which does no more than `system_open`.
    unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
        // SAFETY: SQLite passes a C string.
        let path = unsafe { CStr::from_ptr(path) };
        let descriptor = open_or_create(path, flags, mode);
        let error = if descriptor >= 0 {
            0
        } else {
            io::Error::last_os_error().raw_os_error().unwrap_or(0)
        };
        // At the end of a thread there is nothing left to note it in.
        let _not_any_more = OPEN_ERROR.try_with(|last| last.set(error));
        if descriptor >= 0 {
            note(Path::new(OsStr::from_bytes(path.to_bytes())), descriptor);
        }
        descriptor
    }

    fn system_open(path: &CStr, flags: c_int, mode: c_int) -> c_int {
        // SAFETY: the path is a C string, and the rest is numbers.
        unsafe { libc::open(path.as_ptr(), flags, mode.cast_unsigned() as c_uint) }
    }

    /// What is made beside a database is made for its owner, or not at all, see [`Owner::serves`].
    fn open_or_create(path: &CStr, flags: c_int, mode: c_int) -> c_int {
        if flags & libc::O_CREAT == 0 || flags & libc::O_EXCL != 0 {
            return system_open(path, flags, mode);
        }
        // Not with O_CREAT: in a directory such as /tmp, Linux then refuses files of others even to root.
        let without = flags & !libc::O_CREAT;
        let descriptor = system_open(path, without, mode);
        if descriptor >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::NotFound {
            return descriptor;
        }
        let Some(owner) = owner_of_database(path) else {
            return system_open(path, flags, mode);
        };
        let user = effective_user();
        if user != owner.user && user == 0 {
            let file = Path::new(OsStr::from_bytes(path.to_bytes()));
            return match ownership::create(file, owner) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => descriptor,
                _ => system_open(path, without, mode),
            };
        }
        if user != owner.user && IS_READER.get() {
            return descriptor;
        }
        let descriptor = system_open(path, flags, mode);
        share_with_group(descriptor, owner);
        descriptor
    }

    /// The owner of the database that a log, an index or a journal belongs to.
    fn owner_of_database(path: &CStr) -> Option<Owner> {
        let path = path.to_bytes();
        let database = [b"-wal".as_slice(), b"-shm", b"-journal"]
            .iter()
            .find_map(|suffix| path.strip_suffix(*suffix))?;
        Owner::of_path(Path::new(OsStr::from_bytes(database)))
    }

    /// SQLite sees to the mode, and to the group for root alone.
    fn share_with_group(descriptor: c_int, owner: Owner) {
        if descriptor >= 0 {
            // SAFETY: the descriptor was just opened, and is not closed here.
            let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
            if file.metadata().is_ok_and(|own| own.gid() != owner.group) {
                // The owner need not be a member of the group. Then the group stays out.
                let _as_far_as_possible = fchown(&*file, None, Some(owner.group));
            }
        }
    }

    pub fn set_reader(is_reader: bool) {
        IS_READER.set(is_reader);
    }

    /// Takes SQLite's lock of readers, for the open file description where there is such a thing. `false` while
    /// the exclusive lock is held.
    pub fn lock_shared(file: &File) -> io::Result<bool> {
        // https://www.sqlite.org/src/file/src/os.h
        const SHARED_FIRST: libc::off_t = 0x4000_0002;
        const SHARED_SIZE: libc::off_t = 510;
        // SAFETY: `flock` is plain numbers, for which zeros are valid.
        let mut range: libc::flock = unsafe { std::mem::zeroed() };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the constants fit the field on every platform"
        )]
        {
            range.l_type = libc::F_RDLCK as _;
            range.l_whence = libc::SEEK_SET as _;
        }
        range.l_start = SHARED_FIRST;
        range.l_len = SHARED_SIZE;
        // SAFETY: the descriptor is open, and `range` outlives the call.
        let status = unsafe { control(file.as_raw_fd(), libc::F_SETLK, &raw mut range) };
        if status == 0 {
            return Ok(true);
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EAGAIN | libc::EACCES | libc::EINTR) => Ok(false),
            _ => Err(error),
        }
    }

    fn note(path: &Path, descriptor: c_int) {
        // At the end of a thread there is nothing left to note in; a panic must not reach SQLite.
        let _not_any_more = OBSERVED.try_with(|observed| {
            if let Ok(mut observed) = observed.try_borrow_mut()
                && let Some((_, id)) = observed.iter_mut().find(|(wanted, _)| wanted == path)
            {
                // SAFETY: the descriptor was just opened, and is not closed here.
                let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
                *id = file_id::of(&file).ok();
            }
        });
    }

    pub fn observe_opening<T>(
        paths: &[PathBuf],
        open: impl FnOnce() -> T,
    ) -> (T, Vec<(PathBuf, FileId)>) {
        OBSERVED.set(paths.iter().map(|path| (path.clone(), None)).collect());
        let result = open();
        let observed = OBSERVED.take();
        let opened = observed
            .into_iter()
            .filter_map(|(path, id)| id.map(|id| (path, id)));
        (result, opened.collect())
    }
}

/// Files that are open cannot be deleted, so there is nothing to observe.
#[cfg(not(unix))]
mod platform {
    use std::fs::File;
    use std::io;
    use std::path::PathBuf;

    use crate::file_id::FileId;

    pub fn replace() -> bool {
        true
    }

    pub fn observe_opening<T>(
        _paths: &[PathBuf],
        open: impl FnOnce() -> T,
    ) -> (T, Vec<(PathBuf, FileId)>) {
        (open(), Vec::new())
    }

    pub fn set_reader(_is_reader: bool) {}

    /// They belong to handles.
    pub const fn has_locks_of_process() -> bool {
        false
    }

    /// Never, so that SQLite reads in its own way.
    #[expect(clippy::unnecessary_wraps, reason = "the counterpart can fail")]
    pub fn lock_shared(_file: &File) -> io::Result<bool> {
        Ok(false)
    }

    pub fn last_open_error() -> Option<std::io::Error> {
        None
    }
}
