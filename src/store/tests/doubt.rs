//! Commits on a disk that fails: what is acknowledged is there for good, and what is refused is not.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use rusqlite::ffi::{SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE};

use super::children::Other;
use super::faulty::{Operation, set_script};
use super::*;
use crate::store::sqlite::paths::with_suffix;

/// A database on a disk that can be told to fail.
struct Disk {
    bed: Bed,
    /// How often the next such operations on the log fail.
    failures: Arc<AtomicU32>,
}

impl Disk {
    fn failing(operation: Operation, code: i32) -> Self {
        let bed = Bed::new();
        let failures = Arc::new(AtomicU32::new(0));
        let left = Arc::clone(&failures);
        let script = move |what: Operation, file: &Path| {
            let is_meant = what == operation && file.to_string_lossy().ends_with("-wal");
            let fails = is_meant
                && left
                    .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1))
                    .is_ok();
            fails.then_some(code)
        };
        set_script(bed.directory.path(), Arc::new(script));
        Self { bed, failures }
    }

    fn fail(&self, times: u32) {
        self.failures.store(times, SeqCst);
    }
}

fn try_persist(store: &Store, page: &Page, reason: &str) -> Result<Entry, Error> {
    let job = persist_job(ENV, page, page.take_snapshot(), reason, None);
    ask(store, job).map(|answer| answer.value)
}

fn reasons(store: &Store) -> Vec<String> {
    let entries = history(store, ENV, 100, None);
    entries
        .into_iter()
        .map(|entry| entry.revision.reason)
        .collect()
}

/// What a machine finds that crashes now: the database and its log, without the index that was in memory.
fn after_a_crash(bed: &Bed) -> Vec<String> {
    let copy = Bed::new();
    for suffix in ["", "-wal"] {
        let (from, to) = (
            with_suffix(&bed.path(), suffix),
            with_suffix(&copy.path(), suffix),
        );
        std::fs::copy(from, to).unwrap();
    }
    reasons(&copy.open())
}

#[test]
fn what_a_failed_sync_leaves_whole_is_made_durable_and_acknowledged() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    disk.fail(1);
    assert_eq!(try_persist(&store, &page, "two").unwrap().revision.id, 2);
    assert_eq!(reasons(&store), ["two", "one"]);
    // It does not depend on the log that could not be synced.
    let mut database = std::fs::read(disk.bed.path()).unwrap();
    let lone = Bed::new();
    // As a database that was never in WAL mode, since there is no log.
    database[18] = 1;
    database[19] = 1;
    std::fs::write(lone.path(), database).unwrap();
    assert_eq!(reasons(&lone.open()), ["two", "one"]);
    assert_eq!(persist(&store, &page, "three").revision.id, 3);
    assert_eq!(after_a_crash(&disk.bed), ["three", "two", "one"]);
}

#[test]
fn a_rollback_whose_sync_failed_holds_in_memory_as_on_disk() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    set(&page, 2);
    persist(&store, &page, "two");
    disk.fail(1);
    let entry = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!((entry.revision.id, flags(&entry)), (3, 1));
    assert_eq!(page.snapshot().state.flags.first_bank(), 1);
    set(&page, 2);
    disk.fail(u32::MAX);
    let unknown = try_rollback(&store, &page, Some(1), None).unwrap_err();
    assert_eq!(code(&unknown), "ERR_STORE_OUTCOME_UNKNOWN");
    assert_eq!(
        page.snapshot().state.flags.first_bank(),
        2,
        "memory is as it was"
    );
    disk.fail(0);
    persist(&store, &page, "works");
}

#[test]
fn a_disk_that_goes_on_failing_leaves_the_outcome_unknown() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    disk.fail(u32::MAX);
    let unknown = try_persist(&store, &page, "two").unwrap_err();
    assert_eq!(code(&unknown), "ERR_STORE_OUTCOME_UNKNOWN");
    let path = disk.bed.path();
    assert!(
        unknown
            .to_string()
            .starts_with(&format!("The database {} failed", path.display()))
    );
    // All of a transaction are told.
    let pending: Vec<_> = ["three", "four"]
        .into_iter()
        .map(|reason| {
            submit(
                &store,
                persist_job(ENV, &page, page.take_snapshot(), reason, None),
            )
        })
        .collect();
    store.wake();
    for pending in pending {
        let unknown = pending.recv().unwrap().unwrap_err();
        assert_eq!(code(&unknown), "ERR_STORE_OUTCOME_UNKNOWN");
    }
    // Once it works again so does the store, without a restart.
    disk.fail(0);
    persist(&store, &page, "five");
    let found = reasons(&store);
    assert_eq!(
        (found.first(), found.last()),
        (Some(&"five".to_owned()), Some(&"one".to_owned()))
    );
    assert_eq!(after_a_crash(&disk.bed), found);
}

#[test]
fn what_was_refused_does_not_come_back_after_a_crash() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    // Another process keeps the index of the log in memory, in which the failed transaction is not.
    let mut other = Other::start("hold", &disk.bed.path());
    assert_eq!(other.hear(), "holding");
    disk.fail(1);
    let refused = try_persist(&store, &page, "two").unwrap_err();
    assert_eq!(code(&refused), "ERR_STORE");
    assert_eq!(reasons(&store), ["one"]);
    assert_eq!(after_a_crash(&disk.bed), ["one"]);
    assert_eq!(persist(&store, &page, "three").revision.id, 2);
}

#[test]
fn what_could_not_be_written_is_not_there() {
    for (failure, expected) in [
        (SQLITE_IOERR_WRITE, "ERR_STORE"),
        (SQLITE_FULL, "ERR_DISK_FULL"),
    ] {
        let disk = Disk::failing(Operation::Write, failure);
        let (store, page) = (disk.bed.open(), page(1));
        persist(&store, &page, "one");
        // A transaction of two frames: each has a header and a page, and any of the writes may fail.
        for step in 0..4 {
            let disk = &disk;
            let skip = Arc::new(AtomicU32::new(step));
            let script = move |what: Operation, file: &Path| {
                let is_meant = what == Operation::Write && file.to_string_lossy().ends_with("-wal");
                let passes = |left: u32| left.checked_sub(1);
                (is_meant && skip.fetch_update(SeqCst, SeqCst, passes).is_err()).then_some(failure)
            };
            set_script(disk.bed.directory.path(), Arc::new(script));
            let refused = try_persist(&store, &page, "no").unwrap_err();
            assert_eq!(code(&refused), expected, "write {step}: {refused}");
            assert_eq!(after_a_crash(&disk.bed), reasons(&store));
            set_script(disk.bed.directory.path(), Arc::new(|_, _| None));
            persist(&store, &page, "yes");
        }
        assert_eq!(reasons(&store), ["yes", "yes", "yes", "yes", "one"]);
    }
}

/// Has something done to the files while the log is synced: after the look before the transaction.
fn in_the_middle(bed: &Bed, act: impl Fn(&Path) + Send + Sync + 'static) {
    let is_done = AtomicU32::new(0);
    let database: PathBuf = bed.path();
    let script = move |what: Operation, file: &Path| {
        let is_log = file.to_string_lossy().ends_with("-wal");
        if what == Operation::Sync && is_log && is_done.fetch_add(1, SeqCst) == 0 {
            act(&database);
        }
        None
    };
    set_script(bed.directory.path(), Arc::new(script));
}

#[test]
fn a_commit_into_a_log_without_a_name_is_not_acknowledged() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    checkpoint(&store);
    let log = with_suffix(&disk.bed.path(), "-wal");
    // As another SQLite does that believes to be the last one.
    in_the_middle(&disk.bed, |path| {
        std::fs::remove_file(with_suffix(path, "-wal")).unwrap();
        std::fs::remove_file(with_suffix(path, "-shm")).unwrap();
    });
    let refused = try_persist(&store, &page, "two").unwrap_err();
    assert!(
        matches!(&refused, Error::StoreReplaced { path, .. } if *path == log),
        "{refused}"
    );
    assert_eq!(store.replaced(), None, "opened again");
    persist(&store, &page, "three");
    assert_eq!(reasons(&store), ["three", "one"]);
    assert_eq!(after_a_crash(&disk.bed), ["three", "one"]);
}

#[test]
fn a_log_that_somebody_deletes_is_saved() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    in_the_middle(&disk.bed, |path| {
        std::fs::remove_file(with_suffix(path, "-wal")).unwrap();
    });
    assert_eq!(try_persist(&store, &page, "two").unwrap().revision.id, 2);
    assert_eq!(after_a_crash(&disk.bed), ["two", "one"]);
}

#[test]
fn a_commit_while_the_index_is_deleted_is_found_in_the_log() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    persist(&store, &page, "one");
    in_the_middle(&disk.bed, |path| {
        std::fs::remove_file(with_suffix(path, "-shm")).unwrap();
    });
    assert_eq!(try_persist(&store, &page, "two").unwrap().revision.id, 2);
    assert_eq!(reasons(&store), ["two", "one"]);
    assert_eq!(after_a_crash(&disk.bed), ["two", "one"]);
}

#[test]
fn a_commit_into_a_database_that_was_replaced_meanwhile_is_not_acknowledged() {
    let disk = Disk::failing(Operation::Sync, SQLITE_IOERR_FSYNC);
    let (store, page) = (disk.bed.open(), page(1));
    let backup = with_suffix(&disk.bed.path(), "-backup");
    persist(&store, &page, "one");
    on_connection(&store, |connection| {
        connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
    });
    std::fs::copy(disk.bed.path(), &backup).unwrap();
    in_the_middle(&disk.bed, move |path| {
        std::fs::rename(&backup, path).unwrap();
    });
    let refused = try_persist(&store, &page, "two");
    // The log is in place, so with it the transaction is in the new file, too: then it is acknowledged with reason.
    match refused {
        Ok(_) => assert_eq!(after_a_crash(&disk.bed), ["two", "one"]),
        Err(refused) => {
            assert_eq!(code(&refused), "ERR_STORE_REPLACED");
            assert_eq!(after_a_crash(&disk.bed), ["one"]);
        }
    }
}
