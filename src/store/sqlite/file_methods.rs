//! What the files of a connection can do that SQLite's interface for statements does not offer.

#![expect(
    unsafe_code,
    reason = "SQLite's interface for files is C, and no crate wraps it"
)]

use std::ffi::{c_int, c_void};
use std::ptr;

use rusqlite::{Connection, ffi};

/// What a system says, other than that the disk is full, when a file must not become larger.
#[cfg(unix)]
const NO_SPACE: [c_int; 2] = [libc::EDQUOT, libc::EFBIG];
/// `ERROR_DISK_QUOTA_EXCEEDED` and `ERROR_FILE_TOO_LARGE`.
#[cfg(windows)]
const NO_SPACE: [c_int; 2] = [1295, 223];

/// Whether a write that SQLite calls an error of the disk failed for lack of space: by a quota or a limit on the
/// size of files, which SQLite does not tell from other reasons.
pub fn is_out_of_space(connection: &Connection) -> bool {
    // SAFETY: the connection is open, and no other thread uses it meanwhile.
    let handle = unsafe { connection.handle() };
    [
        ffi::SQLITE_FCNTL_FILE_POINTER,
        ffi::SQLITE_FCNTL_JOURNAL_POINTER,
    ]
    .into_iter()
    .filter_map(|which| last_error(handle, which))
    .any(|error| NO_SPACE.contains(&error))
}

/// Does something while no connection moves the log into the database. `None` if one is at it, or if this
/// connection may not keep others from it.
pub fn without_checkpoints<T>(connection: &Connection, work: impl FnOnce() -> T) -> Option<T> {
    // https://www.sqlite.org/walformat.html#locks
    const CHECKPOINTER: c_int = 1;
    const TAKE: c_int = ffi::SQLITE_SHM_LOCK | ffi::SQLITE_SHM_EXCLUSIVE;
    const GIVE_BACK: c_int = ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_EXCLUSIVE;
    // SAFETY: the connection is open, and no other thread uses it meanwhile.
    let handle = unsafe { connection.handle() };
    let file = file_of(handle, ffi::SQLITE_FCNTL_FILE_POINTER)?;
    let lock = methods_of(file)?.xShmLock?;
    // SAFETY: the method is that of this file, which has a shared index from its first transaction on.
    let status = unsafe { lock(file, CHECKPOINTER, 1, TAKE) };
    let result = (status == ffi::SQLITE_OK).then(work);
    if result.is_some() {
        // SAFETY: as above; it was taken there. Giving it back does not fail.
        let _status = unsafe { lock(file, CHECKPOINTER, 1, GIVE_BACK) };
    }
    result
}

/// Does something while no other connection, of any process, has the database open: in WAL mode each has a shared lock on the
/// file from its first transaction until it is closed. `None` if there is another one.
pub fn alone<T>(connection: &mut Connection, work: impl FnOnce(&mut Connection) -> T) -> Option<T> {
    // SAFETY: the connection is open, and no other thread uses it meanwhile.
    let handle = unsafe { connection.handle() };
    let file = file_of(handle, ffi::SQLITE_FCNTL_FILE_POINTER)?;
    let (lock, unlock) = (methods_of(file)?.xLock?, methods_of(file)?.xUnlock?);
    // SAFETY: the method is that of this file, on which the connection has a shared lock since it has read.
    let status = unsafe { lock(file, ffi::SQLITE_LOCK_EXCLUSIVE) };
    let result = (status == ffi::SQLITE_OK).then(|| work(connection));
    // A lock that was not obtained may leave one that keeps others from opening the database.
    // SAFETY: as above. Going back to what it had does not fail.
    let _status = unsafe { unlock(file, ffi::SQLITE_LOCK_SHARED) };
    result
}

/// One of the files of a connection, which lives as long as that.
fn file_of(handle: *mut ffi::sqlite3, which: c_int) -> Option<*mut ffi::sqlite3_file> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    let target: *mut c_void = ptr::from_mut(&mut file).cast();
    // SAFETY: the handle is that of an open connection, and the operation stores a pointer to a file.
    let status = unsafe { ffi::sqlite3_file_control(handle, ptr::null(), which, target) };
    (status == ffi::SQLITE_OK && !file.is_null()).then_some(file)
}

fn methods_of<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a ffi::sqlite3_io_methods> {
    // SAFETY: one of SQLite's files, from `file_of`.
    let methods = unsafe { file.as_ref() }?.pMethods;
    // SAFETY: null while the file is not open, else one of SQLite's static tables.
    unsafe { methods.as_ref() }
}

/// What the system said when SQLite last failed on one of the files.
fn last_error(handle: *mut ffi::sqlite3, which: c_int) -> Option<c_int> {
    let file = file_of(handle, which)?;
    let control = methods_of(file)?.xFileControl?;
    let mut error: c_int = 0;
    let target: *mut c_void = ptr::from_mut(&mut error).cast();
    // SAFETY: the methods are those of this file, and the operation stores a number.
    let found = unsafe { control(file, ffi::SQLITE_FCNTL_LAST_ERRNO, target) };
    (found == ffi::SQLITE_OK).then_some(error)
}
