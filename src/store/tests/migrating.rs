//! Steps from one schema to the next.

use super::opening::{WAIT, refuse_untouched};
use super::*;
use crate::store::schema::{self, STEPS, Step};

fn add_column(transaction: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE revision ADD COLUMN mood TEXT")
}

fn fill_column(transaction: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("UPDATE revision SET mood = 'good'")
}

fn fail(transaction: &rusqlite::Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("SELECT * FROM no_such_table")
}

#[test]
fn later_steps_run_once_and_all_or_nothing() {
    let bed = Bed::new();
    let store = bed.open();
    let revision = persist(&store, &page(0b1), "").revision;
    drop(store);
    bed.wait_until_closed();
    let version = || -> i32 {
        bed.outsider()
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    let open = |access, later: &[Step]| {
        let steps = [STEPS, later].concat();
        schema::open_with(&bed.path(), access, false, WAIT, &steps)
    };

    let error = open(Access::ReadWrite, &[add_column, fail]).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE");
    assert_eq!(version(), 2);
    let error = open(Access::ReadOnly, &[add_column]).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_PATH");
    assert!(error.to_string().contains("without readOnly"), "{error}");

    // Were a step to run twice, adding the column would fail.
    open(Access::ReadWrite, &[add_column]).unwrap();
    assert_eq!(version(), 3);
    open(Access::ReadWrite, &[add_column, fill_column]).unwrap();
    open(Access::ReadWrite, &[add_column, fill_column]).unwrap();
    open(Access::ReadOnly, &[add_column, fill_column]).unwrap();
    assert_eq!(version(), 4);
    let kept: (i64, String) = bed
        .outsider()
        .query_row("SELECT id, mood FROM revision", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kept, (revision.id, "good".to_owned()));
    refuse_untouched(&bed, "ERR_NEWER_SCHEMA");
}

/// Files of version 1 have no anchors. What they hold stays, and they can be pruned.
#[test]
fn a_file_of_the_first_version_is_taken_over() {
    let (bed, old) = (Bed::new(), Bed::new());
    let store = bed.open();
    let page = page(0);
    for flags in 1..=5 {
        set(&page, flags);
        persist(&store, &page, "");
    }
    let before = history(&store, ENV, 9, None);
    drop(store);
    bed.wait_until_closed();

    std::fs::write(old.path(), "").unwrap();
    drop(schema::open_with(&old.path(), Access::ReadWrite, false, WAIT, &STEPS[..1]).unwrap());
    let outsider = old.outsider();
    outsider
        .execute("ATTACH ?1 AS new", [bed.path().to_str().unwrap()])
        .unwrap();
    for table in ["feature", "environment", "revision"] {
        let copy = format!("INSERT INTO main.{table} SELECT * FROM new.{table}");
        outsider.execute_batch(&copy).unwrap();
    }
    let tables = "SELECT count(*) FROM main.sqlite_schema WHERE name = 'anchor'";
    let anchors: i64 = outsider.query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(anchors, 0);
    outsider.close().unwrap();

    let error = Store::open(&old.path(), Access::ReadOnly).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_PATH");
    let store = old.open();
    assert_eq!(history(&store, ENV, 9, None), before);
    assert!(verify(&store, None).unwrap().is_ok());
    assert_eq!(try_prune(&store, ENV, 2).unwrap().0, 3);
    assert!(verify(&store, None).unwrap().is_ok());
}
