//! Where a path leads to.

use std::io;
use std::path::{Path, PathBuf};

/// The path without links, as people write it.
#[cfg(unix)]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    std::fs::canonicalize(path)
}

/// The path without links, as people write it: the standard library's starts with `\\?\`, which some programs do not
/// understand.
#[cfg(windows)]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    dunce::canonicalize(path)
}
