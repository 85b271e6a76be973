//! Opening databases that somebody has tampered with.

#![expect(
    unsafe_code,
    reason = "two limits of SQLite are set by its C functions"
)]

use std::ffi::{c_int, c_void};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use config13::error::Error;
use config13::page::{Arena, FULL_ROLLOUTS, Page, State};
use config13::record::Record;
use config13::store::{Access, Answer, Entry, Job, Persist, Reply, Restore, Source, Store};
use rusqlite::types::Value;
use rusqlite::{Connection, ffi};

use super::{Input, directory, expect_no_panic};

/// Far above what anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

const ENVIRONMENT: &str = "production";

/// First byte: 0, edits of the file; 1, edits of the file and of its log, which have revisions each; 2, the rest is the
/// whole file; 3, other values in its tables; 4, SQL that its owner might run in it.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let path = directory().join("config.db");
    match input.byte() % 5 {
        0 => {
            let mut contents = database(&path);
            input.edit(&mut contents);
            fs::write(&path, contents).expect("a database");
        }
        1 => {
            let (mut contents, mut log) = with_log(&path);
            let for_log = usize::from(input.number());
            Input(input.take(for_log)).edit(&mut log);
            input.edit(&mut contents);
            fs::write(&path, contents).expect("a database");
            fs::write(beside(&path, "-wal"), log).expect("a log");
        }
        2 => fs::write(&path, input.take(usize::MAX)).expect("a file"),
        3 => {
            fs::write(&path, database(&path)).expect("a database");
            set_values(&path, &mut input);
        }
        _ => {
            fs::write(&path, database(&path)).expect("a database");
            let sql = String::from_utf8_lossy(input.take(usize::MAX));
            let connection = owner(&path);
            // Most of it is not even SQL.
            let _refused = connection.execute_batch(&sql);
        }
    }
    for access in [Access::ReadOnly, Access::ReadWrite] {
        exercise(&path, access);
    }
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _not_there = fs::remove_file(beside(&path, suffix));
    }
}

fn exercise(path: &Path, access: Access) {
    let store = match Store::open(path, access) {
        Ok(store) => store,
        Err(error) => return expect_no_panic(&error),
    };
    let page = page();
    let attached = store.attach(ENVIRONMENT, None);
    if let Err(error) = attached {
        expect_no_panic(&error);
    }
    let history = ask(&store, |reply| Job::History {
        environment: ENVIRONMENT.to_owned(),
        limit: 3,
        before: None,
        reply,
    });
    if let Ok(history) = history {
        assert!(history.value.len() <= 3);
        let ids: Vec<i64> = history
            .value
            .iter()
            .map(|entry| entry.revision.id)
            .collect();
        assert!(ids.is_sorted_by(|left, right| left > right), "{ids:?}");
    }
    let _outcome = ask(&store, |reply| Job::Load {
        environment: ENVIRONMENT.to_owned(),
        page: page.clone(),
        reply,
    });
    let _outcome = ask(&store, |reply| Job::Compare {
        environment: ENVIRONMENT.to_owned(),
        from: 1,
        to: 2,
        reply,
    });
    let _outcome = ask(&store, |reply| persist(ENVIRONMENT, &page, reply));
    for to in [None, Some(1)] {
        let source = Source::Earlier(to);
        let _outcome = ask(&store, |reply| restore(&page, source, reply));
    }
    let source = Source::Environment("staging".to_owned());
    let _outcome = ask(&store, |reply| restore(&page, source, reply));
    close(store);
}

fn persist(environment: &str, page: &Page, reply: Reply<Entry>) -> Job {
    Job::Persist(Persist {
        environment: environment.to_owned(),
        page: page.clone(),
        snapshot: page.take_snapshot().into(),
        reason: "because".to_owned(),
        actor: "fuzzer".to_owned(),
        unless_same: false,
        if_revision: None,
        reply,
    })
}

fn restore(page: &Page, source: Source, reply: Reply<Entry>) -> Job {
    Job::Restore(Restore {
        environment: ENVIRONMENT.to_owned(),
        page: page.clone(),
        source,
        reason: None,
        actor: "fuzzer".to_owned(),
        if_revision: None,
        reply,
    })
}

fn ask<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(Reply<T>) -> Job,
) -> Result<Answer<T>, Error> {
    let (sender, receiver) = channel();
    let reply = store.reply(move |answer| drop(sender.send(answer)));
    store.submit(job(reply));
    store.wake();
    let answer = receiver
        .recv_timeout(PATIENCE)
        .expect("every job is answered");
    if let Err(error) = &answer {
        expect_no_panic(error);
        assert!(!error.to_string().is_empty());
    }
    answer
}

fn close(store: Store) {
    let (sender, receiver) = channel();
    let reply = store.reply(move |answer: Result<Answer<()>, Error>| {
        sender.send(answer.is_ok()).expect("somebody waits");
    });
    store.close(reply);
    assert_eq!(receiver.recv_timeout(PATIENCE), Ok(true));
}

fn page() -> Page {
    let mut arena = Arena::default();
    let record = Record {
        feature_flags: 0b101,
        ..Record::default()
    };
    let state = State::of_record(record, FULL_ROLLOUTS);
    let handle = arena.allocate(&state, 0, true).expect("a page");
    arena.page(handle).expect("the page").clone()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A database of this package with three revisions in two environments, made once.
fn database(path: &Path) -> Vec<u8> {
    thread_local! {
        static MADE: std::cell::RefCell<Option<Vec<u8>>> = const { std::cell::RefCell::new(None) };
    }
    MADE.with_borrow_mut(|made| {
        made.get_or_insert_with(|| {
            let store = Store::open(path, Access::ReadWrite).expect("a new database");
            store.attach(ENVIRONMENT, None).expect("a feature table");
            let (page, staging) = (page(), page());
            for (environment, page) in [
                (ENVIRONMENT, &page),
                ("staging", &staging),
                (ENVIRONMENT, &page),
            ] {
                let answer = ask(&store, |reply| persist(environment, page, reply));
                answer.expect("a revision");
            }
            close(store);
            fs::read(path).expect("the database")
        })
        .clone()
    })
}

/// The same, with a log that has one revision more.
fn with_log(path: &Path) -> (Vec<u8>, Vec<u8>) {
    thread_local! {
        static LOG: std::cell::RefCell<Option<Vec<u8>>> = const { std::cell::RefCell::new(None) };
    }
    let contents = database(path);
    let log = LOG.with_borrow_mut(|log| {
        log.get_or_insert_with(|| {
            fs::write(path, &contents).expect("a database");
            let store = Store::open(path, Access::ReadWrite).expect("the database");
            store.attach(ENVIRONMENT, None).expect("a feature table");
            ask(&store, |reply| persist(ENVIRONMENT, &page(), reply)).expect("a revision");
            let log = fs::read(beside(path, "-wal")).expect("a log");
            close(store);
            log
        })
        .clone()
    });
    (contents, log)
}

/// A connection that may do anything, as another program of the owner may.
fn owner(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("the database");
    connection
        .execute_batch(
            "PRAGMA ignore_check_constraints = 1; PRAGMA foreign_keys = 0; PRAGMA writable_schema = 1; \
             PRAGMA hard_heap_limit = 50000000;",
        )
        .expect("settings");
    limit(&connection);
    connection
}

/// What it runs must end, and must not leave this directory.
fn limit(connection: &Connection) {
    unsafe extern "C" fn is_over(_context: *mut c_void) -> c_int {
        1
    }
    // SAFETY: the connection is open while it is borrowed.
    let handle = unsafe { connection.handle() };
    // SAFETY: as above; the function keeps to its signature and uses no context.
    unsafe { ffi::sqlite3_progress_handler(handle, 200_000, Some(is_over), std::ptr::null_mut()) };
    // SAFETY: as above.
    unsafe { ffi::sqlite3_limit(handle, ffi::SQLITE_LIMIT_ATTACHED, 0) };
}

/// Sets columns of rows to values of any type: (table and column, row, type, value).
fn set_values(path: &Path, input: &mut Input<'_>) {
    const COLUMNS: [(&str, &str); 28] = [
        ("page", "id"),
        ("page", "ticket"),
        ("page", "revision"),
        ("page", "written_at"),
        ("feature", "bit"),
        ("feature", "name"),
        ("environment", "id"),
        ("environment", "name"),
        ("environment", "revisions"),
        ("environment", "last"),
        ("environment", "effective"),
        ("environment", "digest"),
        ("revision", "id"),
        ("revision", "environment"),
        ("revision", "record"),
        ("revision", "rollouts"),
        ("revision", "known"),
        ("revision", "reason"),
        ("revision", "actor"),
        ("revision", "created_at"),
        ("revision", "parent"),
        ("revision", "restored_from"),
        ("revision", "kind"),
        ("revision", "delta"),
        ("revision", "ticket"),
        ("revision", "page_id"),
        ("revision", "digest"),
        ("revision", "rowid"),
    ];
    let connection = owner(path);
    while !input.is_empty() {
        let (table, column) = COLUMNS[usize::from(input.byte()) % COLUMNS.len()];
        let row = input.byte() % 4;
        let value = match input.byte() % 5 {
            0 => Value::Null,
            1 => Value::Integer(i64::from_le_bytes(input.array())),
            2 => Value::Integer(i64::from(input.byte()) - 100),
            3 => {
                let length = usize::from(input.byte());
                Value::Text(String::from_utf8_lossy(input.take(length)).into_owned())
            }
            _ => {
                let length = usize::from(input.byte());
                Value::Blob(input.take(length).to_vec())
            }
        };
        // STRICT refuses other types.
        let _refused = connection.execute(
            &format!("UPDATE {table} SET {column} = ?1 WHERE rowid = (SELECT rowid FROM {table} LIMIT 1 OFFSET ?2)"),
            rusqlite::params![value, row],
        );
    }
}
