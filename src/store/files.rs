//! The stores that this process has open, by file.

use std::collections::HashMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;

use super::failure::{IS_DIRECTORY, from_io};
use super::queue::{Latch, lock};
use super::{Access, Handle, Shared, thread};
use crate::error::Error;

/// What makes two paths the same file.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = std::path::PathBuf;

struct Slot {
    handle: Weak<Handle>,
    /// Set once the store's thread has closed the file.
    ended: Arc<Latch>,
}

static OPEN: Lazy<Mutex<HashMap<FileId, Slot>>> = Lazy::new(Mutex::default);

/// The handle of the file's store, with a thread that has yet to open it if there was none. A missing file is
/// created, empty, when it is to be written.
pub(super) fn handle(path: &Path, access: Access, busy: Duration) -> Result<Arc<Handle>, Error> {
    let mut open = lock(&OPEN);
    open.retain(|_, slot| slot.handle.strong_count() > 0 || !slot.ended.is_set());
    let metadata = locate(path, access)?;
    let real_path = fs::canonicalize(path).map_err(|source| from_io(path, source))?;
    let id = identify(&metadata, &real_path);
    let before = open.get(&id);
    if let Some(handle) = before.and_then(|slot| slot.handle.upgrade()) {
        return Ok(handle);
    }
    let shared = Arc::new(Shared::new(real_path.into(), busy));
    // The last handle may be gone while its thread still works off the queue.
    thread::start(&shared, before.map(|slot| Arc::clone(&slot.ended)))?;
    let ended = Arc::clone(&shared.ended);
    let handle = Arc::new(Handle { shared });
    let slot = Slot {
        handle: Arc::downgrade(&handle),
        ended,
    };
    open.insert(id, slot);
    Ok(handle)
}

/// Whether this process has a store of the file open, under any name.
pub(super) fn is_open(path: &Path) -> bool {
    let (Ok(metadata), Ok(real_path)) = (fs::metadata(path), fs::canonicalize(path)) else {
        return false;
    };
    lock(&OPEN)
        .get(&identify(&metadata, &real_path))
        .is_some_and(|slot| !slot.ended.is_set())
}

/// Finds the file, or creates it. An existing one is not opened: closing it again would drop the locks of a
/// connection that this process may have.
fn locate(path: &Path, access: Access) -> Result<Metadata, Error> {
    let refused = |reason| {
        let path = path.to_path_buf();
        Err(Error::StorePath { path, reason })
    };
    if path.as_os_str().is_empty() {
        return refused("it is empty");
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && access == Access::ReadWrite => {
            match create(path) {
                Ok(metadata) => metadata,
                Err(error) => match (error.kind(), fs::symlink_metadata(path)) {
                    // Another process was faster.
                    (io::ErrorKind::AlreadyExists, Ok(metadata)) if metadata.is_file() => metadata,
                    (io::ErrorKind::AlreadyExists, _) => {
                        return refused("it is a symbolic link to a file that does not exist");
                    }
                    (io::ErrorKind::NotFound, _) => {
                        return refused("its directory does not exist (create it first)");
                    }
                    _ => return Err(from_io(path, error)),
                },
            }
        }
        Err(error) => return Err(from_io(path, error)),
    };
    if metadata.is_dir() {
        refused(IS_DIRECTORY)
    } else if metadata.is_file() {
        Ok(metadata)
    } else {
        refused("it is not a regular file")
    }
}

fn create(path: &Path) -> io::Result<Metadata> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    sync_directory(directory.unwrap_or(Path::new(".")))?;
    #[cfg(all(test, unix))]
    super::tests::power_loss::note_created(path);
    file.metadata()
}

/// Makes the new name durable: what is synced in a file is of no use when the file cannot be found.
#[cfg(unix)]
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    match fs::File::open(directory)?.sync_all() {
        // Not every file system can; then it needs no help.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        result => result,
    }
}

/// There, a new name is as durable as the file.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the counterpart can fail")]
pub(super) fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn identify(metadata: &Metadata, _real_path: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identify(_metadata: &Metadata, real_path: &Path) -> FileId {
    real_path.to_path_buf()
}

/// Waits until the file, whose last handle is gone, is closed.
#[cfg(test)]
pub(super) fn wait_until_closed(path: &Path) {
    let (metadata, real_path) = (fs::metadata(path).unwrap(), fs::canonicalize(path).unwrap());
    let ended = lock(&OPEN)
        .get(&identify(&metadata, &real_path))
        .map(|slot| Arc::clone(&slot.ended));
    if let Some(ended) = ended {
        ended.wait();
    }
}
