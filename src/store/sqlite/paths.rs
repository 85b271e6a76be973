//! Where SQLite keeps its files.

use std::path::{Path, PathBuf};

/// A file beside the database: its name with `suffix`.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
