//! The files that a connection has open, and whether their paths still lead to them.
//!
//! What SQLite commits goes to the files that it has open. If one of them was deleted or replaced meanwhile, nobody will
//! ever find it there.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::schema::with_suffix;
use super::system;

/// What makes two paths the same file.
#[cfg(unix)]
pub(super) type FileId = (u64, u64);
#[cfg(not(unix))]
pub(super) type FileId = PathBuf;

#[cfg(unix)]
pub(super) fn identify(metadata: &Metadata, _real_path: &Path) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identify(_metadata: &Metadata, real_path: &Path) -> FileId {
    real_path.to_path_buf()
}

/// The database, its log and its index. All three matter: without the index, other processes make another one, and then
/// neither side knows of the other's locks.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of a database as its connection has opened them. Nothing is known of them where the platform does not let
/// open files be deleted.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenFiles(Vec<(PathBuf, FileId)>);

impl OpenFiles {
    /// Opens a connection on this thread, and takes down which files that opened.
    pub(super) fn of<T>(database: &Path, open: impl FnOnce() -> T) -> (T, Self) {
        let paths = SUFFIXES.map(|suffix| with_suffix(database, suffix));
        let (result, opened) = system::observe_opening(&paths, open);
        (result, Self(opened))
    }

    /// The first of the files that was deleted or replaced. A few microseconds.
    pub(super) fn replaced(&self) -> Option<&Path> {
        let found = self.0.iter().find(|file| look(file) != Now::Same);
        found.map(|(path, _)| path.as_path())
    }

    /// Whether the log was deleted, and nothing else happened: nobody has written to the database since, because whoever
    /// opens it makes a log, and does not remove it while this connection has its lock.
    pub(super) fn only_log_is_missing(&self) -> bool {
        let now: Vec<Now> = self.0.iter().map(look).collect();
        now == [Now::Same, Now::Missing, Now::Same]
    }
}

/// What a path leads to now.
#[derive(PartialEq, Eq)]
enum Now {
    Same,
    Other,
    Missing,
}

fn look((path, id): &(PathBuf, FileId)) -> Now {
    match fs::metadata(path) {
        Ok(metadata) if identify(&metadata, path) == *id => Now::Same,
        Ok(_) => Now::Other,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Now::Missing,
            // What else may keep us from looking says nothing about the file.
            _ => Now::Same,
        },
    }
}
