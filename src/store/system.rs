//! What SQLite asks of the operating system, where the store wants it asked in another way.
//!
//! # Locks
//!
//! POSIX record locks belong to the process: whoever in it closes a descriptor of the database, be it another SQLite or
//! a mere copy of the file, drops those of the store. Another SQLite then believes that it is alone with the database,
//! removes the `-wal`, and what the store commits from then on is lost. On Linux there are locks that belong to the open
//! file description instead, so that nobody else can drop them; SQLite is given an `fcntl` that asks for these. They
//! conflict with POSIX locks, so both kinds of programs still exclude each other, even within a process.
//!
//! The owner being the description, a second connection of **this** SQLite to the same file would be at odds with what
//! SQLite remembers of the locks of its process. There never is one: a file has one thread with one connection.
//!
//! # Opened files
//!
//! SQLite does not tell which file it has open, and a path may lead to another one by the time one looks. So its `open`
//! takes down what it opened.

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

use super::file_id::FileId;

/// Whether SQLite took the replacements, which is tried once, before the first connection.
static REPLACED: Lazy<bool> = Lazy::new(platform::replace);

/// To be called before a connection is opened.
pub(super) fn prepare() -> Result<(), rusqlite::Error> {
    if *REPLACED {
        Ok(())
    } else {
        let refused = ffi::Error::new(ffi::SQLITE_INTERNAL);
        let why = "SQLite did not take the replacements of system calls".to_owned();
        Err(rusqlite::Error::SqliteFailure(refused, Some(why)))
    }
}

/// Which of these files SQLite opens on this thread while `open` runs.
pub(super) fn observe_opening<T>(
    paths: &[PathBuf],
    open: impl FnOnce() -> T,
) -> (T, Vec<(PathBuf, FileId)>) {
    platform::observe_opening(paths, open)
}

pub(super) use platform::is_out_of_space;

#[cfg(unix)]
mod platform {
    use std::cell::RefCell;
    use std::ffi::{CStr, OsStr, c_char, c_int, c_uint, c_void};
    use std::fs::File;
    use std::mem::{ManuallyDrop, transmute};
    use std::os::fd::FromRawFd;
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::ptr;

    use rusqlite::{Connection, ffi};

    use crate::store::file_id::{FileId, identify};

    type Open = unsafe extern "C" fn(*const c_char, c_int, c_int) -> c_int;
    /// What SQLite keeps every system call as.
    type SystemCall = unsafe extern "C" fn();

    thread_local! {
        /// The files that are waited for, with what they were when SQLite last opened them.
        static OBSERVED: RefCell<Vec<(PathBuf, Option<FileId>)>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn replace() -> bool {
        // SAFETY: a null name asks for the default VFS. SQLite initializes itself here if need be.
        let vfs = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
        // SAFETY: SQLite keeps its own VFSs for ever, and nothing writes to them while this process has no connection,
        // which `REPLACED` upholds.
        let Some(set) = unsafe { vfs.as_ref() }.and_then(|vfs| vfs.xSetSystemCall) else {
            return false;
        };
        let replace = |name: &CStr, call: SystemCall| {
            // SAFETY: the VFS is the one that the function belongs to, the name is a C string, and the replacement stays
            // for as long as the addon, which is never unloaded while it has a connection.
            let status = unsafe { set(vfs, name.as_ptr(), Some(call)) };
            status == ffi::SQLITE_OK
        };
        // SAFETY: SQLite casts it back to `int(*)(const char*,int,int)` before it calls.
        let open = unsafe { transmute::<Open, SystemCall>(open) };
        replace(c"open", open) && replace_fcntl(replace)
    }

    #[cfg(target_os = "linux")]
    fn replace_fcntl(replace: impl Fn(&CStr, SystemCall) -> bool) -> bool {
        type Fcntl = unsafe extern "C" fn(c_int, c_int, ...) -> c_int;
        unsafe extern "C" {
            fn config13_fcntl(file: c_int, command: c_int, ...) -> c_int;
        }
        // SAFETY: SQLite casts it back to `int(*)(int,int,...)` before it calls.
        let fcntl = unsafe { transmute::<Fcntl, SystemCall>(config13_fcntl) };
        replace(c"fcntl", fcntl)
    }

    /// Elsewhere the locks stay as they are.
    #[cfg(not(target_os = "linux"))]
    fn replace_fcntl(_replace: impl Fn(&CStr, SystemCall) -> bool) -> bool {
        true
    }

    /// Stands for SQLite's own one, which does nothing more than the first line.
    unsafe extern "C" fn open(path: *const c_char, flags: c_int, mode: c_int) -> c_int {
        // SAFETY: what SQLite passed is passed on.
        let descriptor = unsafe { libc::open(path, flags, mode.cast_unsigned() as c_uint) };
        if descriptor >= 0 {
            // SAFETY: the system has just accepted it as a C string.
            let path = unsafe { CStr::from_ptr(path) };
            note(Path::new(OsStr::from_bytes(path.to_bytes())), descriptor);
        }
        descriptor
    }

    fn note(path: &Path, descriptor: c_int) {
        // At the end of a thread there is nothing left to note in; a panic must not reach SQLite.
        let _not_any_more = OBSERVED.try_with(|observed| {
            if let Ok(mut observed) = observed.try_borrow_mut()
                && let Some((_, id)) = observed.iter_mut().find(|(wanted, _)| wanted == path)
            {
                // SAFETY: the descriptor was just opened, and is not closed here.
                let file = ManuallyDrop::new(unsafe { File::from_raw_fd(descriptor) });
                *id = file
                    .metadata()
                    .ok()
                    .map(|metadata| identify(&metadata, path));
            }
        });
    }

    pub(super) fn observe_opening<T>(
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

    /// Whether a write that SQLite calls an error of the disk failed for lack of space: by a quota or a limit on the
    /// size of files, which SQLite does not tell from other reasons.
    pub(in super::super) fn is_out_of_space(connection: &Connection) -> bool {
        // SAFETY: the connection is open, and nobody else uses it meanwhile.
        let handle = unsafe { connection.handle() };
        [
            ffi::SQLITE_FCNTL_FILE_POINTER,
            ffi::SQLITE_FCNTL_JOURNAL_POINTER,
        ]
        .into_iter()
        .filter_map(|which| last_error(handle, which))
        .any(|error| error == libc::EDQUOT || error == libc::EFBIG)
    }

    /// What the system said when SQLite last failed on one of the files.
    fn last_error(handle: *mut ffi::sqlite3, which: c_int) -> Option<c_int> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        let target: *mut c_void = ptr::from_mut(&mut file).cast();
        // SAFETY: the handle is that of an open connection, and both operations store a pointer to a file.
        let status = unsafe { ffi::sqlite3_file_control(handle, ptr::null(), which, target) };
        // SAFETY: SQLite's file, or null, which lives as long as the connection.
        let methods = unsafe { file.as_ref() }?.pMethods;
        // SAFETY: null while the file is not open, else one of SQLite's static tables.
        let control = unsafe { methods.as_ref() }?.xFileControl?;
        let mut error: c_int = 0;
        let target: *mut c_void = ptr::from_mut(&mut error).cast();
        // SAFETY: the methods are those of this file, and the operation stores a number.
        let found = unsafe { control(file, ffi::SQLITE_FCNTL_LAST_ERRNO, target) };
        (status == ffi::SQLITE_OK && found == ffi::SQLITE_OK).then_some(error)
    }
}

/// Files that are open cannot be deleted, so there is nothing to observe.
#[cfg(not(unix))]
mod platform {
    use std::path::PathBuf;

    use rusqlite::Connection;

    use crate::store::file_id::FileId;

    pub(super) fn replace() -> bool {
        true
    }

    pub(super) fn observe_opening<T>(
        _paths: &[PathBuf],
        open: impl FnOnce() -> T,
    ) -> (T, Vec<(PathBuf, FileId)>) {
        (open(), Vec::new())
    }

    pub(in super::super) fn is_out_of_space(_connection: &Connection) -> bool {
        false
    }
}
