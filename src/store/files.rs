//! A look at the files of a configuration from outside: what they are, whose they are, and what they are on. It opens
//! none of them and changes nothing, so it works whatever state they are in.

use std::fs::{self, Metadata};
use std::path::Path;

use super::open_stores::directory_of;
use super::sqlite::paths::with_suffix;
use crate::file_system::FileSystem;
use crate::ownership::{self, Owner};
use crate::page;
use crate::real_path::real_path;

/// What was found out of one of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which file.
    pub name: &'static str,
    /// Whether anything is wrong.
    pub status: Status,
    /// What was found.
    pub message: String,
    /// What to do, unless nothing is wrong.
    pub fix: Option<String>,
}

/// How well a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is wrong.
    Ok,
    /// It works, but needs attention.
    Degraded,
    /// Something does not work.
    Failed,
}

impl Status {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }
}

const SIDE_FILES: [(&str, &str); 3] = [
    ("database-wal", "-wal"),
    ("database-shm", "-shm"),
    ("database-journal", "-journal"),
];

/// Checks the database, its directory and its file system, SQLite's files beside it, and the live file and the
/// doorbells of an environment.
#[must_use]
pub fn examine(database: &Path, environment: &str) -> Vec<Finding> {
    let Ok(metadata) = fs::metadata(database) else {
        return vec![
            directory(directory_of(database)),
            failed(
                "database",
                format!("There is no file {}", database.display()),
                "Check the path; a program creates the database when it opens a config",
            ),
        ];
    };
    // Symbolic links are followed, and what belongs to a database is beside the file itself.
    let path = &real_path(database).unwrap_or_else(|_| database.to_path_buf());
    if !metadata.is_file() {
        let message = format!("{} is not a regular file", path.display());
        return vec![failed("database", message, "Name the database itself")];
    }
    let parent = directory_of(path);
    let live = page::live_path(path, environment);
    let owner = Owner::of_path(path);
    let mut findings = vec![main_file(path, &metadata, owner), directory(parent)];
    findings.extend(file_system(parent, FileSystem::of_directory(parent).ok()));
    findings.extend(SIDE_FILES.map(|(name, suffix)| side_file(name, path, suffix, owner)));
    findings.extend(live_files(&live, &metadata, owner));
    findings
}

fn main_file(path: &Path, metadata: &Metadata, owner: Option<Owner>) -> Finding {
    const NAME: &str = "database";
    let size = format!("{} has {} bytes", path.display(), metadata.len());
    let Some(owner) = owner else {
        return ok(NAME, size);
    };
    if let Some(obstacle) = ownership::obstacle(path) {
        let message = format!("This process may not read and write the database: {obstacle}");
        return failed(NAME, message, "Run this as its owner, or change its mode");
    }
    let described = format!("{size} and {}", owner.described());
    if !owner.lets_everyone_write() {
        return ok(NAME, described);
    }
    let message = format!("{described}: every user may change flags, history and digests");
    degraded(NAME, message, format!("chmod o-w {}", path.display()))
}

fn directory(path: &Path) -> Finding {
    const NAME: &str = "directory";
    let shown = path.display();
    if !path.is_dir() {
        let fix = "Create it; databases are created, directories are not";
        return failed(NAME, format!("There is no directory {shown}"), fix);
    }
    if ownership::may_create_in(path) {
        return ok(
            NAME,
            format!("SQLite can create its -wal and -shm in {shown}"),
        );
    }
    let message = format!(
        "This process may not create files in {shown}, where SQLite needs its -wal and -shm"
    );
    failed(NAME, message, "Run this as its owner, or change its mode")
}

fn file_system(directory: &Path, found: Option<FileSystem>) -> Option<Finding> {
    const NAME: &str = "file-system";
    let shown = directory.display();
    Some(match found? {
        FileSystem::Local => ok(NAME, format!("{shown} is on a local file system")),
        FileSystem::Remote(name) => failed(
            NAME,
            format!("{shown} is on {name}, where locks and shared memory do not work reliably"),
            "Put the database on a local disk",
        ),
        FileSystem::Temporary(name, what) => degraded(
            NAME,
            format!("{shown} is on {name}, which {what}"),
            "Put the database on a disk or a volume that is kept",
        ),
    })
}

/// A file of SQLite's: every user of the database must be able to use it.
fn side_file(name: &'static str, database: &Path, suffix: &str, owner: Option<Owner>) -> Finding {
    let path = with_suffix(database, suffix);
    let shown = path.display();
    let (Some(owner), Some(found)) = (owner, Owner::of_path(&path)) else {
        let what = if path.exists() {
            "There is a"
        } else {
            "There is no"
        };
        return ok(name, format!("{what} file {shown}"));
    };
    let fix = owner.advice(&path);
    // Users without access to the database do not need it.
    let is_user = ownership::obstacle(database).is_none();
    if let Some(obstacle) = ownership::obstacle(&path).filter(|_| is_user) {
        return failed(name, obstacle, fix);
    }
    if found.serves(owner) {
        return ok(name, format!("{shown} {}", found.described()));
    }
    let message = format!(
        "{shown} {}, and the database {}, so some users of the database may not use it",
        found.described(),
        owner.described()
    );
    degraded(name, message, fix)
}

fn live_files(path: &Path, database: &Metadata, owner: Option<Owner>) -> Vec<Finding> {
    const LIVE: &str = "live-file-permissions";
    let (live, found) = match page::examine_live_file(path, owner) {
        Ok(Some(metadata)) => {
            let described = Owner::of_path(path).map_or(String::new(), Owner::described);
            let message = format!("{} {described}", path.display());
            (ok(LIVE, message), Some(metadata))
        }
        Ok(None) => {
            let message = format!(
                "There is no {}: no program with enableClusterSync has run",
                path.display()
            );
            (ok(LIVE, message), None)
        }
        Err(error) => {
            return vec![failed(LIVE, error.to_string(), "See the message")];
        }
    };
    let doorbells = match page::examine_doorbells(path, found.as_ref().unwrap_or(database)) {
        Ok(None) => None,
        Ok(Some((directory, count))) => {
            let message = format!("Listeners in {}: {count}", directory.display());
            Some(ok("doorbells", message))
        }
        Err(error) => Some(failed(
            "doorbells",
            format!("{error}. Processes cannot notify each other of changes"),
            "Give the directory to the owner of the live file, with mode 700, or remove it",
        )),
    };
    std::iter::once(live).chain(doorbells).collect()
}

const fn ok(name: &'static str, message: String) -> Finding {
    Finding {
        name,
        status: Status::Ok,
        message,
        fix: None,
    }
}

fn degraded(name: &'static str, message: String, fix: impl Into<String>) -> Finding {
    Finding {
        name,
        status: Status::Degraded,
        message,
        fix: Some(fix.into()),
    }
}

fn failed(name: &'static str, message: String, fix: impl Into<String>) -> Finding {
    Finding {
        status: Status::Failed,
        ..degraded(name, message, fix)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;

    /// A database in a directory of its own.
    struct Bed {
        _directory: tempfile::TempDir,
        database: PathBuf,
    }

    impl Bed {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let database = fs::canonicalize(directory.path())
                .unwrap()
                .join("config.db");
            fs::write(&database, "any bytes").unwrap();
            Self {
                _directory: directory,
                database,
            }
        }

        fn beside(&self, suffix: &str) -> PathBuf {
            with_suffix(&self.database, suffix)
        }

        fn find(&self, name: &str) -> Finding {
            let findings = examine(&self.database, "eu-1");
            let found = findings.into_iter().find(|finding| finding.name == name);
            found.unwrap_or_else(|| panic!("no finding about {name}"))
        }
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_database_that_is_no_database_is_examined_and_left_as_it_is() {
        let bed = Bed::new();
        let names: Vec<_> = examine(&bed.database, "eu-1")
            .into_iter()
            .filter(|finding| finding.name != "file-system")
            .map(|finding| {
                assert_eq!((finding.status, finding.fix), (Status::Ok, None));
                finding.name
            })
            .collect();
        assert_eq!(
            names,
            [
                "database",
                "directory",
                "database-wal",
                "database-shm",
                "database-journal",
                "live-file-permissions",
            ]
        );
        let link = bed.beside("-link");
        symlink(&bed.database, &link).unwrap();
        let through = examine(&link, "eu-1");
        assert_eq!(
            through,
            examine(&bed.database, "eu-1"),
            "a link is followed"
        );
        assert_eq!(fs::read(&bed.database).unwrap(), b"any bytes");
        assert_eq!(
            fs::read_dir(directory_of(&bed.database)).unwrap().count(),
            2
        );
    }

    #[test]
    fn what_is_missing_or_something_else_is_said() {
        let bed = Bed::new();
        let missing = examine(&bed.beside("/nowhere/config.db"), "eu-1");
        let names: Vec<_> = missing.iter().map(|finding| finding.name).collect();
        assert_eq!(names, ["directory", "database"]);
        assert!(
            missing
                .iter()
                .all(|finding| finding.status == Status::Failed && finding.fix.is_some())
        );
        let [directory] = <[_; 1]>::try_from(examine(directory_of(&bed.database), "eu-1")).unwrap();
        assert_eq!(
            (directory.name, directory.status),
            ("database", Status::Failed)
        );
    }

    #[test]
    fn modes_that_let_others_in_or_lock_them_out_are_found() {
        let bed = Bed::new();
        set_mode(&bed.database, 0o666);
        assert_eq!(bed.find("database").status, Status::Degraded);
        fs::write(bed.beside("-wal"), "").unwrap();
        set_mode(&bed.beside("-wal"), 0o600);
        let wal = bed.find("database-wal");
        assert_eq!(wal.status, Status::Degraded, "{wal:?}");
        assert!(wal.fix.unwrap().contains("chown"));
        set_mode(&bed.beside("-wal"), 0o666);
        assert_eq!(bed.find("database-wal").status, Status::Ok);
    }

    #[test]
    fn a_live_file_is_held_against_what_opening_it_asks_for() {
        let bed = Bed::new();
        // `-` is `~` in its name.
        let live = bed.beside("-live-eu~1");
        let status = |content: &[u8], mode| {
            fs::write(&live, content).unwrap();
            set_mode(&live, mode);
            bed.find("live-file-permissions").status
        };
        assert_eq!(status(b"", 0o600), Status::Ok);
        assert_eq!(status(b"", 0o620), Status::Failed, "others may write to it");
        assert_eq!(status(b"x", 0o600), Status::Failed, "something else");
        assert_eq!(status(&vec![0; page::layout::LIVE_SIZE], 0o600), Status::Ok);
        fs::remove_file(&live).unwrap();
        symlink(&bed.database, &live).unwrap();
        assert_eq!(
            bed.find("live-file-permissions").status,
            Status::Failed,
            "a link"
        );
    }

    #[test]
    fn doorbells_are_counted_in_a_directory_that_is_the_owners_alone() {
        let bed = Bed::new();
        let directory = bed.beside("-live-eu~1-doorbells");
        fs::create_dir(&directory).unwrap();
        set_mode(&directory, 0o700);
        fs::write(directory.join("0123456789abcdef"), "").unwrap();
        fs::write(directory.join("another file"), "").unwrap();
        let found = bed.find("doorbells");
        assert_eq!(found.status, Status::Ok);
        assert!(found.message.ends_with(": 1"), "{}", found.message);
        set_mode(&directory, 0o755);
        assert_eq!(bed.find("doorbells").status, Status::Failed);
    }

    #[test]
    fn file_systems_that_do_not_serve_are_named() {
        let found = |kind| file_system(Path::new("/data"), Some(kind)).unwrap();
        assert_eq!(found(FileSystem::Local).status, Status::Ok);
        let remote = found(FileSystem::Remote("NFS"));
        assert_eq!(remote.status, Status::Failed);
        assert!(
            remote.message.starts_with("/data is on NFS, "),
            "{}",
            remote.message
        );
        let temporary = found(FileSystem::Temporary("tmpfs", "is empty after a restart"));
        assert_eq!(temporary.status, Status::Degraded);
        assert_eq!(file_system(Path::new("/data"), None), None);
    }
}
