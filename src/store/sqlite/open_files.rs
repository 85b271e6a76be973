//! The files that a connection has open, and whether their paths still lead to them.
//!
//! What SQLite commits goes to the files that it has open. If one of them was deleted or replaced meanwhile,
//! those commits are lost.

use std::io;
use std::path::{Path, PathBuf};

use super::paths::with_suffix;
use super::syscalls;
use crate::file_id::{self, FileId};

/// The database, its log and its index. All three matter: without the index, other processes make another one, and then
/// neither side knows of the other's locks.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// The files of a database as its connection has opened them. Nothing is known of them where the platform does not let
/// open files be deleted.
#[derive(Clone, Debug, Default)]
pub struct OpenFiles(Vec<(PathBuf, FileId)>);

impl OpenFiles {
    /// Opens a connection on this thread, and records which files it opened.
    pub fn of<T>(database: &Path, open: impl FnOnce() -> T) -> (T, Self) {
        let paths = SUFFIXES.map(|suffix| with_suffix(database, suffix));
        let (result, opened) = syscalls::observe_opening(&paths, open);
        (result, Self(opened))
    }

    /// The first of the files that was deleted or replaced. A few microseconds.
    pub fn replaced(&self) -> Option<&Path> {
        let found = self.0.iter().find(|file| look(file) != Now::Same);
        found.map(|(path, _)| path.as_path())
    }

    /// Whether the log was deleted, and nothing else happened: no program has written to the database since,
    /// because any that opens it creates a log, and does not remove it while this connection has its lock.
    pub fn only_log_is_missing(&self) -> bool {
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
    match file_id::at(path) {
        Ok(found) if found == *id => Now::Same,
        Ok(_) => Now::Other,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Now::Missing,
            // What else may keep us from looking says nothing about the file.
            _ => Now::Same,
        },
    }
}
