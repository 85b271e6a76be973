//! What live files need of the operating system: mapping, locks and checks. The only module that calls it for pages.

use std::io;
use std::path::Path;

use crate::error::Error;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::{
    FileIdentity, Mapping, allocate, check_replaceable, give_to, identity, identity_of_path, open,
    try_lock_file, try_lock_range, unlock_range,
};
#[cfg(unix)]
pub use unix::{cluster_path, examine};

#[cfg(not(unix))]
mod unsupported;
#[cfg(not(unix))]
pub(super) use unsupported::{
    FileIdentity, Mapping, allocate, check_replaceable, give_to, identity, identity_of_path, open,
    try_lock_file, try_lock_range, unlock_range,
};
#[cfg(not(unix))]
pub use unsupported::{cluster_path, examine};

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
