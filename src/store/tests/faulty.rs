//! A disk that fails when it is told to: a SQLite VFS that is the default one but for writing and syncing.

#![expect(
    unsafe_code,
    reason = "a VFS is a table of C functions that SQLite calls with raw pointers"
)]

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex};

use once_cell::sync::Lazy;
use rusqlite::ffi::{
    SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

use crate::sync::lock;

const NAME: &CStr = c"config13-faulty";

/// What SQLite is about to do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Write,
    Sync,
}

/// Looks at what is about to be done with a file, and has it done (`None`) or fail with a code.
pub(super) type Script = dyn Fn(Operation, &Path) -> Option<c_int> + Send + Sync;

/// By directory.
static SCRIPTS: Lazy<Mutex<HashMap<PathBuf, Arc<Script>>>> = Lazy::new(Mutex::default);

/// Our tables of methods, by the address of those they stand for.
static TABLES: Lazy<Mutex<HashMap<usize, &'static sqlite3_io_methods>>> = Lazy::new(Mutex::default);

/// The files that are open, by the address of SQLite's object.
static FILES: Lazy<Mutex<HashMap<usize, Opened>>> = Lazy::new(Mutex::default);

struct Opened {
    path: PathBuf,
    /// Those of the default VFS.
    methods: &'static sqlite3_io_methods,
}

/// Has a script decide about the files in this directory whose connections are opened from now on.
pub(super) fn set_script(directory: &Path, script: Arc<Script>) {
    lock(&SCRIPTS).insert(directory.canonicalize().unwrap(), script);
}

/// The VFS to open this database with, if there is a script for it.
pub(super) fn name_for(database: &Path) -> Option<&'static CStr> {
    script_for(database).map(|_| {
        Lazy::force(&VFS);
        NAME
    })
}

fn script_for(file: &Path) -> Option<Arc<Script>> {
    lock(&SCRIPTS).get(file.parent()?).map(Arc::clone)
}

struct Default {
    vfs: *mut sqlite3_vfs,
    methods: sqlite3_vfs,
}

// SAFETY: SQLite's VFS objects are made to be used by all threads, and nothing here changes them.
unsafe impl Send for Default {}
// SAFETY: as for `Send`.
unsafe impl Sync for Default {}

static VFS: Lazy<Default> = Lazy::new(|| {
    // SAFETY: a null name asks for the default; the object lives as long as the process.
    let vfs = unsafe { sqlite3_vfs_find(ptr::null()) };
    // SAFETY: the default VFS exists.
    let methods = unsafe { *vfs };
    let ours = sqlite3_vfs {
        zName: NAME.as_ptr(),
        xOpen: Some(open),
        ..methods
    };
    // SAFETY: the object is leaked, so it lives as long as the process; its methods keep SQLite's rules.
    let status = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 0) };
    assert_eq!(status, SQLITE_OK);
    Default { vfs, methods }
});

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let default_open = VFS.methods.xOpen.unwrap();
    // SAFETY: what SQLite passed is passed on, with the default VFS, whose files are as large as ours.
    let status = unsafe { default_open(VFS.vfs, name, file, flags, out_flags) };
    if status != SQLITE_OK || name.is_null() {
        return status;
    }
    // SAFETY: SQLite passes a C string, which was just opened.
    let path = Path::new(OsStr::from_bytes(
        unsafe { CStr::from_ptr(name) }.to_bytes(),
    ));
    // SAFETY: the default VFS has opened the file.
    let methods = unsafe { (*file).pMethods };
    // SAFETY: its tables of methods are static.
    let methods: &'static sqlite3_io_methods = unsafe { &*methods };
    let ours: &'static sqlite3_io_methods = lock(&TABLES)
        .entry(std::ptr::from_ref(methods).addr())
        .or_insert_with(|| {
            Box::leak(Box::new(sqlite3_io_methods {
                xClose: Some(close),
                xWrite: Some(write),
                xSync: Some(sync),
                ..*methods
            }))
        });
    // SAFETY: the object is SQLite's, and the table lives as long as the process.
    unsafe { (*file).pMethods = ours };
    let path = path.to_path_buf();
    lock(&FILES).insert(file.addr(), Opened { path, methods });
    status
}

/// What the script says, and the methods of the default VFS.
fn ask(
    file: *mut sqlite3_file,
    operation: Operation,
) -> (Option<c_int>, &'static sqlite3_io_methods) {
    let (path, methods) = {
        let files = lock(&FILES);
        let Opened { path, methods } = &files[&file.addr()];
        (path.clone(), *methods)
    };
    let script = script_for(&path);
    let verdict = script.and_then(|script| script(operation, &path));
    (verdict, methods)
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    match ask(file, Operation::Write) {
        (Some(code), _) => code,
        // SAFETY: what SQLite passed is passed on.
        (None, methods) => unsafe { methods.xWrite.unwrap()(file, bytes, length, offset) },
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    match ask(file, Operation::Sync) {
        (Some(code), _) => code,
        // SAFETY: what SQLite passed is passed on.
        (None, methods) => unsafe { methods.xSync.unwrap()(file, flags) },
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let opened = lock(&FILES).remove(&file.addr()).unwrap();
    // SAFETY: what SQLite passed is passed on.
    unsafe { opened.methods.xClose.unwrap()(file) }
}
