//! Reading a database that no program has open, without making files beside it.
//!
//! In WAL mode SQLite makes `-wal` and `-shm` for a reader, too, if there are none. They belong to the reader, and may
//! then be of no use to those who write. So while neither exists, a reader has SQLite take the file for immutable,
//! which makes nothing and locks nothing.
//!
//! That is sound as long as no program writes, and is detected if one does. The reader keeps a shared lock on the
//! database, as SQLite's own readers do. Without the exclusive one no program leaves WAL mode, and the last writer that
//! closes does not remove its log. Every writer has a log before it changes anything. So if there is no log after
//! something was read, there was none meanwhile, and what was read is whole.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::errors::from_io;
use super::paths::with_suffix;
use super::syscalls;
use crate::error::Error;
use crate::file_id;

/// How often a taken lock is tried again.
const RETRY: Duration = Duration::from_millis(5);

/// A database without a log, for as long as a reader has it open.
#[derive(Debug)]
pub struct Still {
    path: PathBuf,
    /// Has the lock.
    _file: File,
}

impl Still {
    /// `None` if there is a log, or the database is not in WAL mode: then SQLite reads it in its own way.
    pub fn begin(path: &Path, busy: Duration) -> Result<Option<Self>, Error> {
        let started = Instant::now();
        if has_log(path) {
            return Ok(None);
        }
        let mut file = File::open(path).map_err(|source| from_io(path, source))?;
        while !syscalls::lock_shared(&file).map_err(|source| from_io(path, source))? {
            // The last writer is about to remove its log.
            if started.elapsed() >= busy {
                return Ok(None);
            }
            sleep(RETRY);
        }
        let is_same =
            file_id::of(&file).is_ok_and(|own| file_id::at(path).is_ok_and(|found| found == own));
        let is_still = is_same && is_in_wal_mode(&mut file) && !has_log(path);
        Ok(is_still.then(|| Self {
            path: path.to_path_buf(),
            _file: file,
        }))
    }

    /// Whether a program has begun to write. What was read since the last look may be torn.
    pub fn is_over(&self) -> bool {
        has_log(&self.path)
    }

    /// What SQLite is to open.
    pub fn uri(&self) -> String {
        immutable(&self.path)
    }
}

/// The name by which SQLite opens a file as one that does not change, without its log.
pub fn immutable(path: &Path) -> String {
    use std::fmt::Write;
    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _written = write!(uri, "%{byte:02x}");
        }
    }
    uri.push_str("?immutable=1");
    uri
}

fn has_log(path: &Path) -> bool {
    ["-wal", "-shm"]
        .iter()
        .any(|suffix| with_suffix(path, suffix).exists())
}

/// <https://www.sqlite.org/fileformat2.html#file_format_version_numbers>
fn is_in_wal_mode(file: &mut File) -> bool {
    let mut header = [0; 20];
    file.read_exact(&mut header).is_ok() && header.ends_with(&[2, 2])
}
