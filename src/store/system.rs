//! What SQLite asks of the operating system, where the store wants it asked in another way.
//!
//! POSIX record locks belong to the process: whoever in it closes a descriptor of the database, be it another SQLite or
//! a mere copy of the file, drops those of the store. Another SQLite then believes that it is alone with the database,
//! removes the `-wal`, and what the store commits from then on is lost. On Linux there are locks that belong to the open
//! file description instead, so that nobody else can drop them; SQLite is given an `fcntl` that asks for these. They
//! conflict with POSIX locks, so both kinds of programs still exclude each other, even within a process.
//!
//! The owner being the description, a second connection of **this** SQLite to the same file would be at odds with what
//! SQLite remembers of the locks of its process. There never is one: a file has one thread with one connection.

#![cfg_attr(
    target_os = "linux",
    expect(
        unsafe_code,
        reason = "SQLite's interface for replacing system calls is C"
    )
)]

use once_cell::sync::Lazy;
use rusqlite::ffi;

/// Whether SQLite took the replacements, which is tried once, before the first connection.
static REPLACED: Lazy<bool> = Lazy::new(replace);

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

#[cfg(target_os = "linux")]
fn replace() -> bool {
    use std::ffi::c_int;
    use std::mem::transmute;
    use std::ptr;

    unsafe extern "C" {
        fn config13_fcntl(file: c_int, command: c_int, ...) -> c_int;
    }

    // SAFETY: a null name asks for the default VFS. SQLite initializes itself here if need be.
    let vfs = unsafe { ffi::sqlite3_vfs_find(ptr::null()) };
    // SAFETY: SQLite keeps its own VFSs for ever, and nothing writes to them while this process has no connection,
    // which `REPLACED` upholds.
    let Some(set) = unsafe { vfs.as_ref() }.and_then(|vfs| vfs.xSetSystemCall) else {
        return false;
    };
    let fcntl: unsafe extern "C" fn(c_int, c_int, ...) -> c_int = config13_fcntl;
    // SAFETY: SQLite keeps all replacements as one type of function, and casts each back to its own before it calls:
    // for "fcntl" that is `int(*)(int,int,...)`.
    let fcntl = unsafe {
        transmute::<unsafe extern "C" fn(c_int, c_int, ...) -> c_int, unsafe extern "C" fn()>(fcntl)
    };
    // SAFETY: the VFS is the one that the function belongs to, the name is a C string, and the replacement stays for as
    // long as the addon, which is never unloaded while it has a connection.
    let status = unsafe { set(vfs, c"fcntl".as_ptr(), Some(fcntl)) };
    status == ffi::SQLITE_OK
}

/// Elsewhere the locks stay as they are.
#[cfg(not(target_os = "linux"))]
fn replace() -> bool {
    true
}
