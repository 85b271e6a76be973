//! The stores that this process has open, by file.

use std::any::Any;
use std::collections::HashMap;
use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use once_cell::sync::Lazy;

use super::queue::Latch;
use super::shared::Shared;
use super::sqlite::errors::{
    CREATE_AGAIN, IS_DIRECTORY, PART_IS_FILE, RESTORE, UNFIT_NAME, check_length, from_io,
};
use crate::error::Error;
use crate::file_id::{self, FileId};
use crate::file_system::sync_directory;
use crate::real_path::real_path;
use crate::sync::lock;

struct Slot {
    /// The store's handles, of whatever type: it is made above this module.
    handle: Weak<dyn Any + Send + Sync>,
    shared: Arc<Shared>,
}

impl Slot {
    /// Whether the store has handles, or its thread has still to close the file.
    fn is_in_use(&self) -> bool {
        self.handle.strong_count() > 0 || !self.shared.ended.is_set()
    }

    fn is_of(&self, shared: &Shared) -> bool {
        Arc::ptr_eq(&self.shared.ended, &shared.ended)
    }
}

static OPEN: Lazy<Mutex<HashMap<FileId, Slot>>> = Lazy::new(Mutex::default);

/// The handle of the file's store. If there is none, `start` makes one, whose thread waits for its predecessor's end
/// before it opens the file. A missing file is created, empty, if it may be.
pub fn handle<Handle: Any + Send + Sync>(
    path: &Path,
    may_create: bool,
    busy: Duration,
    start: impl FnOnce(&Arc<Shared>, Option<Arc<Latch>>) -> Result<Handle, Error>,
) -> Result<Arc<Handle>, Error> {
    let mut open = lock(&OPEN);
    open.retain(|_, slot| slot.is_in_use());
    let metadata = locate(path, may_create)?;
    let real_path = real_path(path).map_err(|source| from_io(path, source))?;
    check_length(path, &real_path)?;
    expect_one_name(&real_path, &metadata)?;
    let id = file_id::at(&real_path).map_err(|source| from_io(path, source))?;
    let slot = open.get(&id);
    let mut predecessor = slot.map(|slot| Arc::clone(&slot.shared.ended));
    if let Some(slot) = slot
        && let Some(handle) = slot.handle.upgrade().and_then(|handle| handle.downcast().ok())
        // A thread that panicked has ended before its handles.
        && !slot.shared.ended.is_set()
    {
        if is_at(&slot.shared.path, &id) {
            return Ok(handle);
        }
        if slot.shared.is_open() {
            let path = slot.shared.path.to_path_buf();
            let advice =
                "a config of this process still has it open under that path; close it first";
            return Err(Error::StoreReplaced { path, advice });
        }
        // Its file was deleted, and the system has given the number to this one since.
        predecessor = None;
    }
    let shared = Arc::new(Shared::new(real_path.into(), busy));
    // The last handle may be gone while its thread still works off the queue.
    let handle = Arc::new(start(&shared, predecessor)?);
    let of_any_type: Arc<dyn Any + Send + Sync> = Arc::clone(&handle) as _;
    let slot = Slot {
        handle: Arc::downgrade(&of_any_type),
        shared,
    };
    open.insert(id, slot);
    Ok(handle)
}

/// Whether this process has a store of the file open, under any name.
pub fn is_open(path: &Path) -> bool {
    let Ok(id) = file_id::at(path) else {
        return false;
    };
    lock(&OPEN)
        .get(&id)
        .is_some_and(|slot| !slot.shared.ended.is_set())
}

/// Whether the path leads to this file.
fn is_at(path: &Path, id: &FileId) -> bool {
    file_id::at(path).is_ok_and(|found| found == *id)
}

/// Ensures that this is the only store of the file that its path leads to now. Must be called each time before the file
/// is opened.
pub fn claim(shared: &Shared) -> Result<(), Error> {
    let replaced = |advice| {
        let path = shared.path.to_path_buf();
        Err(Error::StoreReplaced { path, advice })
    };
    let mut open = lock(&OPEN);
    let metadata = match fs::metadata(&shared.path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return replaced(RESTORE),
        metadata => metadata.map_err(|source| from_io(&shared.path, source))?,
    };
    expect_one_name(&shared.path, &metadata)?;
    let id = file_id::at(&shared.path).map_err(|source| from_io(&shared.path, source))?;
    match open.get(&id) {
        Some(slot) if slot.is_of(shared) => Ok(()),
        Some(slot) if slot.is_in_use() => replaced(CREATE_AGAIN),
        _ => {
            let Some((_, slot)) = open.extract_if(|_, slot| slot.is_of(shared)).next() else {
                return replaced(CREATE_AGAIN);
            };
            open.insert(id, slot);
            Ok(())
        }
    }
}

/// Leaves the file to others. It cannot be claimed again.
pub fn disown(shared: &Shared) {
    lock(&OPEN).retain(|_, slot| !slot.is_of(shared));
}

/// Finds the file, or creates it. An existing one is not opened: closing it again would drop the locks of a
/// connection that this process may have.
fn locate(path: &Path, may_create: bool) -> Result<Metadata, Error> {
    let refused = |reason| {
        let path = path.to_path_buf();
        Err(Error::StorePath { path, reason })
    };
    if path.as_os_str().is_empty() {
        return refused("it is empty");
    }
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound && leads_through_file(path) => {
            return refused(PART_IS_FILE);
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => {
            check_new_length(path)?;
            match create(path) {
                Ok(metadata) => metadata,
                Err(error) => match (error.kind(), fs::symlink_metadata(path)) {
                    // Another process was faster.
                    (io::ErrorKind::AlreadyExists, Ok(metadata)) if metadata.is_file() => metadata,
                    (io::ErrorKind::AlreadyExists, _) => {
                        return refused("it is a symbolic link to a file that does not exist");
                    }
                    // A name that is too long is not found by every Windows.
                    (io::ErrorKind::NotFound, _)
                        if cfg!(windows) && directory_of(path).is_dir() =>
                    {
                        return refused(UNFIT_NAME);
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

/// Whether a part of the path is a file, which Windows only calls a path that it does not find.
fn leads_through_file(path: &Path) -> bool {
    let there = directory_of(path)
        .ancestors()
        .find_map(|part| fs::metadata(part).ok());
    there.is_some_and(|part| !part.is_dir())
}

/// As [`check_length`], for a file that is not there yet.
fn check_new_length(path: &Path) -> Result<(), Error> {
    match (real_path(directory_of(path)), path.file_name()) {
        (Ok(directory), Some(name)) => check_length(path, &directory.join(name)),
        // Creating it says what is wrong.
        _ => Ok(()),
    }
}

/// The directory of a file, which is the working directory for a name alone.
pub fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Refuses a file whose log would not be the same for every program that uses it: SQLite puts the log beside the name by
/// which the file was opened, and so does this package with live state. The path has no symbolic links.
pub fn expect_one_name(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    let links = file_id::count_links(path, metadata).map_err(|source| from_io(path, source))?;
    if links > 1 {
        let path = path.to_path_buf();
        return Err(Error::StoreHardLink { path, links });
    }
    if file_id::is_mount_point(path) {
        let path = path.to_path_buf();
        return Err(Error::StoreMountedAlone { path });
    }
    Ok(())
}

fn create(path: &Path) -> io::Result<Metadata> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    sync_directory(directory_of(path))?;
    #[cfg(all(test, unix))]
    crate::store::tests::power_loss::note_created(path);
    file.metadata()
}

/// Waits until the file, whose last handle is gone, is closed.
#[cfg(test)]
pub fn wait_until_closed(path: &Path) {
    let id = file_id::at(path).unwrap();
    let ended = lock(&OPEN)
        .get(&id)
        .map(|slot| Arc::clone(&slot.shared.ended));
    if let Some(ended) = ended {
        ended.wait();
    }
}
