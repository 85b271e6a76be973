//! SQLite's online copy of a database, page by page, through the connection that the store has anyway.

#![expect(
    unsafe_code,
    reason = "the copy has to outlive the steps, which its safe wrapper, bound to the source by a lifetime, cannot"
)]

use std::ffi::c_int;
use std::ptr::NonNull;

use rusqlite::{Connection, ffi};

/// A copy under way.
///
/// Synchronization: none. It is made, stepped and dropped by the holder of the store's worker, as the source is.
#[derive(Debug)]
pub struct OnlineCopy {
    // Fields drop in this order: the copy is finished before its destination closes.
    raw: RawCopy,
    destination: Connection,
}

/// What SQLite keeps of a copy, from its beginning to its finish.
#[derive(Debug)]
struct RawCopy(NonNull<ffi::sqlite3_backup>);

// SAFETY: SQLite ties a copy to no thread, only to two connections that one thread at a time may use. It is kept beside
// both of them, in the worker, which has one holder at a time.
unsafe impl Send for RawCopy {}

/// How far a copy has come after a step.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    pub pages: u64,
    pub total: u64,
    pub has_ended: bool,
}

impl OnlineCopy {
    /// Begins to copy all of `source` over `destination`.
    ///
    /// # Safety
    ///
    /// The copy must be dropped before `source` is closed.
    pub unsafe fn begin(source: &Connection, destination: Connection) -> rusqlite::Result<Self> {
        let main = c"main".as_ptr();
        // SAFETY: the connection is open, and stays so until the copy is dropped, as the caller promises.
        let from = unsafe { source.handle() };
        // SAFETY: `destination` is open, and moves into the copy.
        let to = unsafe { destination.handle() };
        // SAFETY: both handles are open and used by the holder of the worker only; the names are NUL-terminated.
        let raw = unsafe { ffi::sqlite3_backup_init(to, main, from, main) };
        let Some(raw) = NonNull::new(raw) else {
            // SAFETY: `to` is open; the code says why the copy could not begin.
            return Err(failure(unsafe { ffi::sqlite3_extended_errcode(to) }));
        };
        let raw = RawCopy(raw);
        Ok(Self { raw, destination })
    }

    /// Copies up to so many pages, or all that are left when `pages` is negative. What is written to the source
    /// through its own connection is written to copied pages, too; when another process writes, it starts again.
    pub fn step(&mut self, pages: c_int) -> rusqlite::Result<Copied> {
        // SAFETY: `raw` is a copy that was begun and not finished, which only `drop` does.
        let code = unsafe { ffi::sqlite3_backup_step(self.raw.0.as_ptr(), pages) };
        if code != ffi::SQLITE_OK && code != ffi::SQLITE_DONE {
            return Err(failure(code));
        }
        // SAFETY: as before.
        let total = unsafe { ffi::sqlite3_backup_pagecount(self.raw.0.as_ptr()) };
        // SAFETY: as before.
        let left = unsafe { ffi::sqlite3_backup_remaining(self.raw.0.as_ptr()) };
        Ok(Copied {
            pages: u64::from(total.saturating_sub(left).max(0).unsigned_abs()),
            total: u64::from(total.max(0).unsigned_abs()),
            has_ended: code == ffi::SQLITE_DONE,
        })
    }

    /// Finishes, and gives the copy as a database: whole if the last step has said so.
    pub fn finish(self) -> Connection {
        let Self { raw, destination } = self;
        drop(raw);
        destination
    }
}

impl Drop for RawCopy {
    fn drop(&mut self) {
        // The last step has reported any failure.
        // SAFETY: the copy was begun, and nothing else finishes it. Source and destination are open still, see
        // `OnlineCopy`.
        let _code = unsafe { ffi::sqlite3_backup_finish(self.0.as_ptr()) };
    }
}

fn failure(code: c_int) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
}
