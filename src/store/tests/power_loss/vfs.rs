//! A SQLite VFS that hands everything on to the default one, and notes what changes files.
//!
//! `-shm` is not seen: it is an index that SQLite builds anew.
//!
//! # Directories
//!
//! SQLite syncs a directory inside of `xSync` and `xDelete`. What opens a directory in that VFS is only that sync, so a
//! look at the opening tells of it.

#![expect(
    unsafe_code,
    reason = "a VFS is a table of C functions that SQLite calls with raw pointers"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::size_of;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex};

use once_cell::sync::Lazy;
use rusqlite::ffi::{
    SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_syscall_ptr, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::log::{Event, Inode, Log};
use crate::sync::lock;

const NAME: &CStr = c"config13-recording";

/// What is recorded, by directory.
static RECORDINGS: Lazy<Mutex<HashMap<PathBuf, Arc<Log>>>> = Lazy::new(Mutex::default);

thread_local! {
    /// The file that this thread is syncing, until it is known to be synced.
    static SYNCING: RefCell<Option<(Arc<Log>, Inode)>> = const { RefCell::new(None) };
}

/// Records what is done in this directory, from now on.
pub(super) fn record(directory: &Path, log: &Arc<Log>) {
    let directory = directory.canonicalize().unwrap();
    lock(&RECORDINGS).insert(directory, Arc::clone(log));
}

/// The VFS to open this database with, if it is recorded.
pub(super) fn name_for(database: &Path) -> Option<&'static CStr> {
    find(database).map(|_| {
        Lazy::force(&VFS);
        NAME
    })
}

/// The log of the directory that a file is in, and the file's name.
pub(super) fn find(file: &Path) -> Option<(Arc<Log>, String)> {
    let log = lock(&RECORDINGS).get(file.parent()?).map(Arc::clone)?;
    Some((log, file.file_name()?.to_str()?.to_owned()))
}

/// The default VFS, and ours.
struct Registered {
    real: *mut sqlite3_vfs,
    methods: sqlite3_vfs,
    open_directory: OpenDirectory,
}

// SAFETY: SQLite's VFS objects are made to be used by all threads, and nothing here changes them.
unsafe impl Send for Registered {}
// SAFETY: as for `Send`.
unsafe impl Sync for Registered {}

type OpenDirectory = unsafe extern "C" fn(*const c_char, *mut c_int) -> c_int;

static VFS: Lazy<Registered> = Lazy::new(|| {
    // SAFETY: a null name asks for the default; the object lives as long as the process.
    let real = unsafe { sqlite3_vfs_find(ptr::null()) };
    // SAFETY: the default VFS exists.
    let methods = unsafe { *real };
    let mut ours = methods;
    ours.szOsFile += c_int::try_from(size_of::<Recorded>()).unwrap();
    ours.zName = NAME.as_ptr();
    ours.xOpen = Some(open);
    ours.xDelete = Some(delete);
    // SAFETY: the object is leaked, so it lives as long as the process; its methods keep SQLite's rules.
    let status = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) };
    assert_eq!(status, SQLITE_OK);

    let what = c"openDirectory".as_ptr();
    // SAFETY: version 3 of the VFS, which the bundled SQLite has, comes with this method; the name is a C string.
    let found = unsafe { ours.xGetSystemCall.unwrap()(real, what) };
    // SAFETY: SQLite declares this one as `int (*)(const char*, int*)`.
    let open_directory =
        unsafe { std::mem::transmute::<sqlite3_syscall_ptr, Option<OpenDirectory>>(found) };
    // SAFETY: SQLite keeps all of these functions as `void (*)(void)`.
    let observed = unsafe {
        std::mem::transmute::<OpenDirectory, sqlite3_syscall_ptr>(observe_directory_sync)
    };
    // SAFETY: as above; the function does what the one it replaces does.
    let status = unsafe { ours.xSetSystemCall.unwrap()(real, what, observed) };
    assert_eq!(status, SQLITE_OK);
    Registered {
        real,
        methods,
        open_directory: open_directory.unwrap(),
    }
});

/// A file of ours; the default VFS has its own right behind it.
#[repr(C)]
struct Recorded {
    base: sqlite3_file,
    /// From `Box::into_raw`; null for temporary files.
    tape: *mut Tape,
}

struct Tape {
    log: Arc<Log>,
    inode: Inode,
}

/// What the default VFS calls its own file.
fn real(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: SQLite allocates szOsFile bytes, which are ours and then those of the default VFS.
    unsafe { file.cast::<Recorded>().add(1) }.cast()
}

fn real_methods(file: *mut sqlite3_file) -> &'static sqlite3_io_methods {
    // SAFETY: the default VFS has opened the file.
    let methods = unsafe { (*real(file)).pMethods };
    // SAFETY: its tables of methods are static.
    unsafe { &*methods }
}

/// Notes an event of a file.
fn note(file: *mut sqlite3_file, event: impl FnOnce(Inode) -> Event) {
    if let Some(tape) = tape(file) {
        tape.log.push(event(tape.inode));
    }
}

fn tape<'a>(file: *mut sqlite3_file) -> Option<&'a Tape> {
    // SAFETY: `open` filled this in.
    let tape = unsafe { (*file.cast::<Recorded>()).tape };
    // SAFETY: null or from `Box::into_raw`, and `close`, which frees it, is the last to be called with the file.
    unsafe { tape.as_ref() }
}

fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    // SAFETY: SQLite passes a C string, or null for a temporary file, that outlives the call.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let default_open = VFS.methods.xOpen.unwrap();
    // SAFETY: what SQLite passed is passed on, with the default VFS and its part of the file.
    let status = unsafe { default_open(VFS.real, name, real(file), flags, out_flags) };
    let mut tape = ptr::null_mut();
    if status == SQLITE_OK
        && let Some((log, name)) = path_of(name).and_then(find)
    {
        let inode = log.open(&name);
        tape = Box::into_raw(Box::new(Tape { log, inode }));
    }
    // SAFETY: the default VFS has filled this in, with null when SQLite is not to close the file.
    let real_methods = unsafe { (*real(file)).pMethods };
    let methods = if real_methods.is_null() {
        ptr::null()
    } else {
        &raw const METHODS
    };
    let base = sqlite3_file { pMethods: methods };
    // SAFETY: SQLite allocated this, see `real`.
    unsafe { file.cast::<Recorded>().write(Recorded { base, tape }) };
    status
}

unsafe extern "C" fn delete(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    sync_directory: c_int,
) -> c_int {
    let found = path_of(name).and_then(find);
    if let Some((log, name)) = found {
        // Before, since the directory is synced inside.
        log.delete(&name);
    }
    let default_delete = VFS.methods.xDelete.unwrap();
    // SAFETY: what SQLite passed is passed on.
    unsafe { default_delete(VFS.real, name, sync_directory) }
}

/// Stands for SQLite's own way to open a directory, which it syncs and closes then.
unsafe extern "C" fn observe_directory_sync(name: *const c_char, descriptor: *mut c_int) -> c_int {
    if let Some((log, _)) = path_of(name).and_then(find) {
        note_synced();
        log.push(Event::DirectorySynced);
    }
    // SAFETY: what SQLite passed is passed on.
    unsafe { (VFS.open_directory)(name, descriptor) }
}

/// The file comes before the directory that is synced in the same call.
fn note_synced() {
    if let Some((log, inode)) = SYNCING.take() {
        log.push(Event::Synced { inode });
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    SYNCING.set(tape(file).map(|tape| (Arc::clone(&tape.log), tape.inode)));
    // SAFETY: what SQLite passed is passed on.
    let status = unsafe { real_methods(file).xSync.unwrap()(real(file), flags) };
    if status == SQLITE_OK {
        note_synced();
    }
    SYNCING.take();
    status
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    // SAFETY: what SQLite passed is passed on.
    let status = unsafe { real_methods(file).xWrite.unwrap()(real(file), bytes, length, offset) };
    // SAFETY: SQLite passes that many bytes.
    let bytes =
        unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(length).unwrap()) };
    if status == SQLITE_OK {
        note(file, |inode| Event::Written {
            inode,
            offset: usize::try_from(offset).unwrap(),
            bytes: bytes.to_vec(),
        });
    }
    status
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    // SAFETY: what SQLite passed is passed on.
    let status = unsafe { real_methods(file).xTruncate.unwrap()(real(file), length) };
    if status == SQLITE_OK {
        note(file, |inode| Event::Truncated {
            inode,
            length: usize::try_from(length).unwrap(),
        });
    }
    status
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: what SQLite passed is passed on.
    let status = unsafe { real_methods(file).xClose.unwrap()(real(file)) };
    // SAFETY: `open` wrote this, and nobody uses the file after it is closed.
    let tape = unsafe { (*file.cast::<Recorded>()).tape };
    if !tape.is_null() {
        // SAFETY: from `Box::into_raw` in `open`, and closed once.
        drop(unsafe { Box::from_raw(tape) });
    }
    status
}

/// Functions that only hand on.
macro_rules! handed_on {
    ($($name:ident = $method:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) $(-> $result)? {
            // SAFETY: what SQLite passed is passed on, with the default VFS's part of the file.
            unsafe { real_methods(file).$method.unwrap()(real(file), $($argument),*) }
        }
    )*};
}

handed_on! {
    read = xRead(bytes: *mut c_void, length: c_int, offset: sqlite3_int64) -> c_int;
    file_size = xFileSize(size: *mut sqlite3_int64) -> c_int;
    take_lock = xLock(level: c_int) -> c_int;
    unlock = xUnlock(level: c_int) -> c_int;
    check_reserved_lock = xCheckReservedLock(result: *mut c_int) -> c_int;
    file_control = xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size = xSectorSize() -> c_int;
    device_characteristics = xDeviceCharacteristics() -> c_int;
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, at: *mut *mut c_void) -> c_int;
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier = xShmBarrier();
    shm_unmap = xShmUnmap(remove: c_int) -> c_int;
}

/// Version 2: without memory-mapped reading and writing of the database, which could not be seen here. It is off by
/// default anyway.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(take_lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
