//! What live files need of the operating system: mapping, locks and checks. The only module that calls it for pages.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::layout::{LIVE_SIZE, MAGIC};
use super::live_path::{FOLDS_CASE, escaped, live_path};
use crate::error::Error;
use crate::file_system::FileSystem;
use crate::real_path::real_path;

#[cfg_attr(windows, path = "mapping/windows.rs")]
#[cfg_attr(unix, path = "mapping/unix.rs")]
mod platform;

pub use platform::examine;
pub(super) use platform::{
    Mapping, allocate, give_to, open, try_lock_file, try_lock_range, unlock_range,
};

/// What is locked: one byte each, so that no lock is in the way of another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Range {
    /// That the file is in use.
    Use = 0,
    /// The order of revisions, and the table.
    Order = 1,
    /// The journal.
    Journal = 2,
}

/// How a file is locked as a whole.
#[derive(Clone, Copy, Debug)]
pub enum Lock {
    /// Together with other shared holders.
    Shared,
    /// Alone.
    Exclusive,
}

/// What the system said of a live file, as an error.
pub(super) fn io_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull {
            path: path.to_path_buf(),
        },
        _ => Error::LiveFile {
            path: path.to_path_buf(),
            source,
        },
    }
}

/// Where processes that share `name` but no database keep their live file: a directory that is this user's alone, and
/// with `create` is made when missing. Without a name, processes with the same working directory share.
pub fn cluster_path(name: Option<&str>, environment: &str, create: bool) -> Result<PathBuf, Error> {
    let directory = platform::cluster_directory(create)?;
    let name = if let Some(name) = name {
        format!("cluster-{}", escaped(name, FOLDS_CASE))
    } else {
        let here = std::env::current_dir()
            .and_then(|here| real_path(&here))
            .map_err(io_error(Path::new(".")))?;
        let hash = Sha256::digest(here.as_os_str().as_encoded_bytes());
        let start = hash
            .iter()
            .take(8)
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        format!("directory-{start:016x}")
    };
    Ok(live_path(directory.join(name), environment))
}

/// Refuses a file of another machine.
fn check_local(path: &Path, file: &File) -> Result<(), Error> {
    if let FileSystem::Remote(_) = FileSystem::of_file(file).map_err(io_error(path))? {
        return Err(Error::LiveFileRemote {
            path: path.to_path_buf(),
        });
    }
    Ok(())
}

fn invalid(path: &Path, reason: impl Into<String>) -> Error {
    Error::LiveFileInvalid {
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

fn something_else(path: &Path, length: u64) -> Error {
    invalid(path, format!("it holds {length} bytes of something else"))
}

/// Refuses a length that no live file has. An initializer that was killed may leave an empty one.
fn check_length(path: &Path, length: u64) -> Result<(), Error> {
    if [0, LIVE_SIZE as u64].contains(&length) {
        return Ok(());
    }
    Err(something_else(path, length))
}

/// Refuses to initialize over something that is not a live file: it must be empty, or start as one does, or with the
/// zeros that an initializer that was killed leaves.
pub(super) fn check_replaceable(path: &Path, file: &File) -> Result<(), Error> {
    let length = file.metadata().map_err(io_error(path))?.len();
    let mut start = [0; MAGIC.len()];
    let read = platform::read_start(file, &mut start).map_err(io_error(path))?;
    let ours = read == 0 || start == MAGIC || start == [0; MAGIC.len()];
    if ours && length <= LIVE_SIZE as u64 {
        return Ok(());
    }
    Err(something_else(path, length))
}
