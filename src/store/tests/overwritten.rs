//! Files whose contents are others than the store has left there: copied over, cut short, set back.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::children::Other;
use super::*;
use crate::feature_table::{DEFAULT_FEATURES, FeatureTable};
use crate::page::{Initial, open_live};
use crate::store::HistoryEnd;
use crate::store::sqlite::paths::with_suffix;

fn try_persist(store: &Store, page: &Page) -> Result<i64, String> {
    let job = persist_job(ENV, page, page.take_snapshot(), "", None);
    ask(store, job)
        .map(|answer| answer.value.revision.id)
        .map_err(|error| code(&error))
}

fn try_history(store: &Store) -> Result<usize, String> {
    ask(store, |reply| Job::History {
        environment: ENV.to_owned(),
        limit: 1,
        before: None,
        reply,
    })
    .map(|answer| answer.value.len())
    .map_err(|error| code(&error))
}

/// As `cp` does: the file stays the same one.
fn copy_over(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

const REPLACED: &str = "ERR_STORE_REPLACED";

/// A store with 100 revisions in `backup`, and 600 more; some of those in the log alone.
fn with_backup(bed: &Bed) -> (Store, Page, Vec<u8>) {
    let (store, page) = (bed.open(), page(1));
    persist_many(&store, &page, 100);
    checkpoint(&store);
    let backup = fs::read(bed.path()).unwrap();
    persist_many(&store, &page, 600);
    checkpoint(&store);
    persist(&store, &page, "in the log");
    (store, page, backup)
}

#[test]
fn nothing_is_acknowledged_on_a_file_that_was_copied_over() {
    let bed = Bed::new();
    let (store, page, backup) = with_backup(&bed);
    copy_over(&bed.path(), &backup);
    for _ in 0..3 {
        assert_eq!(try_persist(&store, &page), Err(REPLACED.to_owned()));
        assert_eq!(try_history(&store), Err(REPLACED.to_owned()));
    }
    drop(store);
    bed.wait_until_closed();
    assert!(
        fs::read(bed.path()).unwrap() == backup,
        "the log was moved into it"
    );
    // Nor later, until the log is gone.
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    assert_eq!(code(&store.attach(ENV, None).unwrap_err()), REPLACED);
    assert_eq!(try_persist(&store, &page), Err(REPLACED.to_owned()));
    drop(store);
    bed.wait_until_closed();
    for suffix in ["-wal", "-shm"] {
        fs::remove_file(with_suffix(&bed.path(), suffix)).unwrap();
    }
    let store = bed.open();
    assert_eq!(try_persist(&store, &page), Ok(101));
    assert!(verify(&store, None).unwrap().is_ok());
}

#[test]
fn a_store_that_closes_does_not_move_its_log_into_a_file_that_was_copied_over() {
    let bed = Bed::new();
    let (store, _, backup) = with_backup(&bed);
    copy_over(&bed.path(), &backup);
    drop(store);
    bed.wait_until_closed();
    assert!(fs::read(bed.path()).unwrap() == backup);
}

#[test]
fn a_file_that_was_cut_short_is_noticed() {
    for part in [0, 2] {
        let bed = Bed::new();
        let (store, page, _) = with_backup(&bed);
        let size = fs::metadata(bed.path()).unwrap().len();
        let file = OpenOptions::new().write(true).open(bed.path()).unwrap();
        file.set_len(size / 4 * part).unwrap();
        for _ in 0..3 {
            assert_eq!(
                try_persist(&store, &page),
                Err(REPLACED.to_owned()),
                "{part}"
            );
        }
    }
}

#[test]
fn what_was_acknowledged_and_is_gone_is_reported_even_if_the_file_is_sound() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist_many(&store, &page, 10);
    drop(store);
    bed.wait_until_closed();
    let backup = fs::read(bed.path()).unwrap();
    let store = bed.open();
    persist_many(&store, &page, 400);
    drop(store);
    bed.wait_until_closed();
    // Nothing is in the log, and all that this store knows is what it has found.
    let store = bed.open();
    copy_over(&bed.path(), &backup);
    assert_eq!(try_persist(&store, &page), Err(REPLACED.to_owned()));
    assert_eq!(try_persist(&store, &page), Ok(11));
    assert!(verify(&store, None).unwrap().is_ok());
}

#[test]
fn a_copy_that_the_log_completes_is_no_harm() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist_many(&store, &page, 100);
    checkpoint(&store);
    let backup = fs::read(bed.path()).unwrap();
    persist_many(&store, &page, 100);
    copy_over(&bed.path(), &backup);
    assert_eq!(try_persist(&store, &page), Ok(201));
    drop(store);
    bed.wait_until_closed();
    let store = bed.open();
    assert_eq!(history(&store, ENV, 1_000, None).len(), 201);
    assert!(verify(&store, None).unwrap().is_ok());
}

#[test]
fn what_others_write_and_remove_is_no_harm() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    let mut other = Other::start("write often", &bed.path());
    assert_eq!(other.hear(), "ready");
    for round in 0..6 {
        persist_many(&store, &page, 50);
        other.go();
        assert_eq!(other.hear(), "written");
        try_prune(&store, ENV, 20).unwrap();
        bed.outsider()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .unwrap();
        if round == 3 {
            bed.outsider().execute_batch("VACUUM").unwrap();
        }
    }
    assert!(verify(&store, None).unwrap().is_ok());
}

fn opens_live(bed: &Bed) -> (Page, std::path::PathBuf) {
    let path = with_suffix(&bed.path(), "-live-production");
    let table = FeatureTable::new(DEFAULT_FEATURES).unwrap();
    let page = open_live(&path, &table, None, || {
        Ok(Initial {
            state: state(0),
            table: FeatureTable::new(DEFAULT_FEATURES)?,
            persisted: None,
        })
    });
    (page.unwrap(), path)
}

fn end(store: &Store, page: &Page) -> HistoryEnd {
    ask(store, |reply| Job::HistoryEnd {
        environment: ENV.to_owned(),
        page: page.clone(),
        reply,
    })
    .unwrap()
    .value
}

/// A live page with a few revisions, over which its own first bytes were written.
fn set_back(bed: &Bed, store: &Store) -> Page {
    let (page, path) = opens_live(bed);
    set(&page, 0b1);
    persist(store, &page, "early");
    let copy = fs::read(&path).unwrap();
    for flags in 2..10 {
        set(&page, flags);
        persist(store, &page, "later");
    }
    assert_eq!(end(store, &page).page_problem, None);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&copy, 0).unwrap();
    assert_eq!(page.snapshot().state, state(0b1));
    let problem = end(store, &page).page_problem.unwrap();
    assert_eq!(
        problem,
        "it is older than revision 9, which was persisted from it"
    );
    page
}

#[test]
fn what_a_page_persists_that_was_set_back_is_in_effect() {
    let bed = Bed::new();
    let store = bed.open();
    let page = set_back(&bed, &store);
    set(&page, 0b11);
    let entry = persist(&store, &page, "after");
    assert_eq!(effective(&store, ENV), Some(entry.revision));
    assert_eq!(end(&store, &page).page_problem, None);
    set(&page, 0b111);
    let entry = persist(&store, &page, "and after that");
    assert_eq!(effective(&store, ENV), Some(entry.revision));
}

#[test]
fn a_page_that_was_set_back_can_be_loaded_and_rolled_back() {
    let bed = Bed::new();
    let store = bed.open();
    let page = set_back(&bed, &store);
    load(&store, ENV, &page).unwrap();
    assert_eq!(page.snapshot().state, state(9));
    assert_eq!(end(&store, &page).page_problem, None);

    let bed = Bed::new();
    let store = bed.open();
    let page = set_back(&bed, &store);
    let entry = try_rollback(&store, &page, Some(3), None).unwrap();
    assert_eq!(effective(&store, ENV), Some(entry.revision));
    assert_eq!(end(&store, &page).page_problem, None);
}

#[test]
fn another_life_written_over_a_page_is_noticed() {
    let bed = Bed::new();
    let store = bed.open();
    let (page, path) = opens_live(&bed);
    let copy = fs::read(&path).unwrap();
    drop(page);
    let (page, path) = opens_live(&bed);
    persist(&store, &page, "of this life");
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&copy, 0).unwrap();
    let problem = end(&store, &page).page_problem.unwrap();
    assert_eq!(problem, "it holds another life of the configuration");
}
