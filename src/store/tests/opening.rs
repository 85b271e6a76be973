//! Opening: what is accepted, what is refused, and that a refused file stays as it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::children::Other;
use super::*;
use crate::store::sqlite::schema::APPLICATION_ID;

pub(super) const WAIT: Duration = Duration::from_millis(100);

fn refuse(path: &Path, access: Access) -> (String, String) {
    let error = Store::open_within(path, access, WAIT).unwrap_err();
    (code(&error), error.to_string())
}

/// Checks that neither access opens the file, and that it and its directory stay as they were.
pub(super) fn refuse_untouched(bed: &Bed, expected: &str) -> String {
    let before = (fs::read(bed.path()).unwrap(), bed.files());
    let messages = [Access::ReadWrite, Access::ReadOnly].map(|access| {
        let (code, message) = refuse(&bed.path(), access);
        assert_eq!(code, expected, "{message}");
        message
    });
    assert_eq!(bed.files(), before.1);
    assert!(
        fs::read(bed.path()).unwrap() == before.0,
        "the file changed"
    );
    messages[0].clone()
}

#[test]
fn a_new_file_gets_the_schema() {
    let bed = Bed::new();
    let store = bed.open();
    assert_eq!(
        store.path(),
        bed.directory
            .path()
            .canonicalize()
            .unwrap()
            .join("config.db")
    );
    let number = |pragma| -> i32 {
        bed.outsider()
            .pragma_query_value(None, pragma, |row| row.get(0))
            .unwrap()
    };
    assert_eq!(number("application_id"), APPLICATION_ID);
    assert_eq!(number("user_version"), 1);
    on_connection(&store, |connection| {
        let mode: String = connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        let synchronous: i32 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        assert_eq!((mode.as_str(), synchronous), ("wal", 2));
    });
}

#[test]
fn an_empty_file_is_new() {
    let bed = Bed::new();
    fs::write(bed.path(), "").unwrap();
    assert_eq!(
        refuse(&bed.path(), Access::ReadOnly).0,
        "ERR_STORE_NOT_FOUND"
    );
    assert_eq!(fs::read(bed.path()).unwrap(), b"");
    persist(&bed.open(), &page(0), "");
}

#[test]
fn paths_that_cannot_be_a_database() {
    let bed = Bed::new();
    let directory = bed.directory.path();
    fs::write(directory.join("file"), "").unwrap();
    for (path, access, wanted, hint) in [
        (
            directory.to_owned(),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "is a directory",
        ),
        (
            directory.to_owned(),
            Access::ReadOnly,
            "ERR_STORE_PATH",
            "is a directory",
        ),
        (
            directory.join("no/such.db"),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "directory does not exist",
        ),
        (
            directory.join("file/in.db"),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "not a directory",
        ),
        (
            directory.join("a".repeat(300)),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "too long",
        ),
        (
            PathBuf::from(""),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "empty",
        ),
        (
            PathBuf::from("a\0b"),
            Access::ReadWrite,
            "ERR_STORE_PATH",
            "NUL",
        ),
        (
            bed.path(),
            Access::ReadOnly,
            "ERR_STORE_NOT_FOUND",
            "without readOnly",
        ),
        (
            directory.join("no/such.db"),
            Access::ReadOnly,
            "ERR_STORE_NOT_FOUND",
            "No database",
        ),
    ] {
        let (code, message) = refuse(&path, access);
        assert_eq!(code, wanted, "{message}");
        assert!(message.contains(hint), "{message}");
    }
    assert_eq!(bed.files(), ["file"]);
}

#[cfg(unix)]
#[test]
fn links_lead_to_one_store_or_are_refused() {
    use std::os::unix::fs::symlink;
    let bed = Bed::new();
    let link = bed.directory.path().join("link.db");
    symlink(bed.path(), &link).unwrap();
    let (code, message) = refuse(&link, Access::ReadWrite);
    assert_eq!(code, "ERR_STORE_PATH");
    assert!(message.contains("symbolic link"), "{message}");
    let store = bed.open();
    let linked = Store::open(&link, Access::ReadWrite).unwrap();
    assert_eq!(linked.path(), store.path());
    persist(&linked, &page(0), "");
    assert_eq!(history(&store, ENV, 9, None).len(), 1);

    let (code, message) = refuse(Path::new("/dev/null"), Access::ReadWrite);
    assert_eq!(code, "ERR_STORE_PATH", "{message}");
}

#[test]
fn a_file_with_two_names_is_refused() {
    let bed = Bed::new();
    bed.create();
    let second = bed.directory.path().join("second.db");
    fs::hard_link(bed.path(), &second).unwrap();
    let message = refuse_untouched(&bed, "ERR_STORE_HARD_LINK");
    assert!(message.contains("has 2 names"), "{message}");
    assert_eq!(refuse(&second, Access::ReadOnly).0, "ERR_STORE_HARD_LINK");
    // A store that has it open goes on with the log of the name that it was opened by.
    fs::remove_file(&second).unwrap();
    let store = bed.open();
    fs::hard_link(bed.path(), &second).unwrap();
    persist(&store, &page(0), "");
    assert_eq!(
        refuse(&bed.path(), Access::ReadWrite).0,
        "ERR_STORE_HARD_LINK"
    );
    fs::remove_file(&second).unwrap();
    assert_eq!(history(&bed.open(), ENV, 9, None).len(), 1);
}

#[test]
fn other_files_are_left_alone() {
    for content in [
        &b"hello"[..],
        &[0; 8_192],
        b"SQLite format 3\0 but no more than that",
        &b"garbage ".repeat(1_000),
    ] {
        let bed = Bed::new();
        fs::write(bed.path(), content).unwrap();
        refuse_untouched(&bed, "ERR_NOT_A_DATABASE");
    }
}

#[test]
fn a_damaged_database_is_reported() {
    let bed = Bed::new();
    bed.create();
    let mut bytes = fs::read(bed.path()).unwrap();
    // The page that holds the schema, behind the header.
    bytes[100..4_000].fill(0xff);
    fs::write(bed.path(), &bytes).unwrap();
    let (code, message) = refuse(&bed.path(), Access::ReadWrite);
    assert_eq!(code, "ERR_STORE_CORRUPT", "{message}");
}

#[test]
fn other_programs_databases_are_left_alone() {
    for sql in [
        "CREATE TABLE theirs (x); PRAGMA application_id = 42",
        "PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); PRAGMA application_id = 42",
        "CREATE TABLE theirs (x)",
        "PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)",
        "PRAGMA user_version = 5; VACUUM",
    ] {
        let bed = Bed::new();
        bed.outsider().execute_batch(sql).unwrap();
        let message = refuse_untouched(&bed, "ERR_FOREIGN_DATABASE");
        let id = if sql.contains("42") {
            "0x0000002a"
        } else {
            "0x00000000"
        };
        assert!(message.contains(id), "{message}");
    }
}

#[test]
fn a_newer_file_is_left_alone() {
    for mode in ["WAL", "DELETE"] {
        let bed = Bed::new();
        bed.outsider()
            .execute_batch(&format!(
                "PRAGMA journal_mode = {mode}; CREATE TABLE revision (new); CREATE TABLE other (x);
                 PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2"
            ))
            .unwrap();
        let message = refuse_untouched(&bed, "ERR_NEWER_SCHEMA");
        assert!(message.contains("schema version 2"), "{message}");
        assert!(message.contains("knows 1 at most"), "{message}");
    }
}

/// The header in the file is still the old one; the newer version wrote to the log, then crashed.
#[test]
fn a_newer_file_with_a_crashed_writer_is_left_alone() {
    let bed = Bed::new();
    bed.create();
    let mut other = Other::start("crash", &bed.path());
    assert_eq!(other.hear(), "written");
    drop(other);
    assert_eq!(bed.files(), ["config.db", "config.db-shm", "config.db-wal"]);
    let log = fs::read(bed.directory.path().join("config.db-wal")).unwrap();
    let message = refuse_untouched(&bed, "ERR_NEWER_SCHEMA");
    assert!(message.contains("schema version 77"), "{message}");
    assert_eq!(
        fs::read(bed.directory.path().join("config.db-wal")).unwrap(),
        log
    );
}

#[test]
fn an_impossible_version_is_damage() {
    for version in [0, -1] {
        let bed = Bed::new();
        bed.outsider()
            .execute_batch(&format!(
                "CREATE TABLE x (y); PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version}"
            ))
            .unwrap();
        refuse_untouched(&bed, "ERR_STORE_CORRUPT");
    }
}

#[test]
fn a_file_locked_by_another_process_is_busy() {
    let bed = Bed::new();
    bed.create();
    let mut other = Other::start("lock", &bed.path());
    assert_eq!(other.hear(), "locked");
    for access in [Access::ReadWrite, Access::ReadOnly] {
        let (code, message) = refuse(&bed.path(), access);
        assert_eq!(code, "ERR_STORE_BUSY", "{message}");
        assert!(message.contains(" ms"), "{message}");
    }
    // Waiting is worth it when the lock goes in time.
    let path = bed.path();
    let waiting = std::thread::spawn(move || Store::open(&path, Access::ReadWrite).map(drop));
    other.go();
    waiting.join().unwrap().unwrap();
}

#[test]
fn processes_that_create_the_file_at_once_all_succeed() {
    for _ in 0..3 {
        let bed = Bed::new();
        let mut others: Vec<_> = (0..4)
            .map(|_| Other::start("persist", &bed.path()))
            .collect();
        for other in &mut others {
            assert_eq!(other.hear(), "ready");
        }
        others.iter_mut().for_each(Other::go);
        for other in &mut others {
            assert_eq!(other.hear(), "persisted");
        }
        let store = bed.open();
        assert_eq!(store.attach(ENV, None).unwrap().table.names().len(), 4);
        let listed = ids(&history(&store, ENV, 1_000, None));
        assert_eq!(listed, (1..=80).rev().collect::<Vec<_>>());
    }
}

/// Root may do anything, so as root a process of another user tries.
#[cfg(unix)]
#[test]
fn missing_permissions_are_named() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let bed = Bed::new();
    bed.create();
    let program = TempDir::new().unwrap();
    let program_file = program.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program_file).unwrap();
    let is_root = fs::metadata(bed.path()).unwrap().uid() == 0;
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(program.path(), 0o755);
    let attempt = |role| {
        let mut command = Command::new(&program_file);
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        Other::spawn(command, role, &bed.path()).hear()
    };
    let directory = bed.directory.path();

    // Neither the file nor its directory can be written.
    mode(directory, 0o555);
    mode(&bed.path(), 0o444);
    let said = attempt("write");
    assert!(said.starts_with("ERR_STORE_PERMISSION "), "{said}");
    assert!(said.contains("config.db"), "{said}");
    assert!(said.contains("mode 444"), "{said}");
    // Reading makes no files, so it needs no more than to read.
    assert_eq!(attempt("read"), "opened");
    // Nothing can be read.
    mode(&bed.path(), 0o000);
    for role in ["write", "read"] {
        let said = attempt(role);
        assert!(said.starts_with("ERR_STORE_PERMISSION "), "{said}");
    }
    // The file could be written, but not the log beside it.
    mode(&bed.path(), 0o666);
    let said = attempt("write");
    assert!(said.starts_with("ERR_STORE_PERMISSION "), "{said}");
    // A new file cannot be created.
    fs::remove_file(bed.path()).unwrap_or_else(|_| {
        mode(directory, 0o755);
        fs::remove_file(bed.path()).unwrap();
        mode(directory, 0o555);
    });
    let said = attempt("write");
    assert!(said.starts_with("ERR_STORE_PERMISSION "), "{said}");
    mode(directory, 0o777);
    assert_eq!(attempt("write"), "opened");
}

#[test]
fn read_only_reads_and_refuses_to_write() {
    let bed = Bed::new();
    let writer = bed.open();
    let page = page(0b1);
    persist(&writer, &page, "");
    set(&page, 0b10);
    let second = persist(&writer, &page, "").revision;
    drop(writer);

    let store = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    assert_eq!(effective(&store, ENV), Some(second));
    assert_eq!(effective(&store, "missing"), None);
    assert_eq!(history(&store, ENV, 9, None).len(), 2);
    store.attach(ENV, Some(&["debug".to_owned()])).unwrap();
    let error = store.attach(ENV, Some(&["unheard_of".to_owned()]));
    assert_eq!(code(&error.unwrap_err()), "ERR_READ_ONLY");
    let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
    let errors = [
        ask(&store, job).map(drop).unwrap_err(),
        try_rollback(&store, &page, None, None).unwrap_err(),
        try_promote(&store, ENV, "other", &page).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(code(&error), "ERR_READ_ONLY");
        assert!(error.to_string().contains("config.db"), "{error}");
    }
    on_connection(&store, |connection| {
        let error = connection.execute("DELETE FROM revision", []).unwrap_err();
        assert_eq!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::ReadOnly)
        );
    });
    assert_eq!(history(&store, ENV, 9, None).len(), 2);
    let other = super::page(0);
    load(&store, ENV, &other).unwrap();
    assert_eq!(other.snapshot().state, state(0b10));
}
