//! What the store does when it has nothing else to do.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::children::Other;
use super::*;
use crate::store::sqlite::paths::with_suffix;

const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until the file, without its log, holds what this finds there.
fn wait_until_file_has(bed: &Bed, found: impl Fn(&Connection) -> bool) {
    let copy = bed.directory.path().join("copy.db");
    let has = |path: &Path| {
        fs::copy(bed.path(), path).unwrap();
        let connection = Connection::open(path).unwrap();
        found(&connection)
    };
    let started = Instant::now();
    while !has(&copy) {
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn count(connection: &Connection) -> i64 {
    connection
        .query_row("SELECT count(*) FROM revision", [], |row| row.get(0))
        .unwrap_or(0)
}

#[test]
fn the_log_is_moved_into_the_file() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    for expected in [7, 9] {
        while persist(&store, &page, "").revision.id < expected {}
        wait_until_file_has(&bed, |file| count(file) == expected);
    }
    assert!(verify(&store, None).unwrap().is_ok());
}

#[test]
fn the_log_that_a_crash_has_left_is_moved_by_the_next_opener() {
    let bed = Bed::new();
    bed.create();
    let mut other = Other::start("persist", &bed.path());
    assert_eq!(other.hear(), "ready");
    other.go();
    assert_eq!(other.hear(), "persisted");
    drop(other);
    let mut other = Other::start("hold", &bed.path());
    assert_eq!(other.hear(), "holding");
    let _store = bed.open();
    wait_until_file_has(&bed, |file| count(file) == 20);
    other.go();
}

#[test]
fn a_reader_of_an_old_state_is_waited_for() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "");
    let mut reader = Other::start("hold", &bed.path());
    assert_eq!(reader.hear(), "holding");
    let written = || fs::metadata(bed.path()).unwrap().modified().unwrap();
    let before = written();
    persist_many(&store, &page, 10);
    // What has not changed since the reader began is moved, and what has is not.
    while written() == before {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(reader);
    wait_until_file_has(&bed, |file| count(file) == 11);
}

#[test]
fn the_log_is_begun_anew_so_that_no_persist_has_to() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "");
    // https://www.sqlite.org/fileformat2.html#the_write_ahead_log
    let beginnings = || {
        let log = fs::read(with_suffix(&bed.path(), "-wal")).unwrap();
        u32::from_be_bytes(log[12..16].try_into().unwrap())
    };
    let first = beginnings();
    let started = Instant::now();
    while beginnings() == first {
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(20));
    }
    persist(&store, &page, "");
    assert_eq!(beginnings(), first + 1);
    assert!(verify(&store, None).unwrap().is_ok());
}
