//! Steps from one schema to the next.

use super::opening::{WAIT, refuse_untouched};
use super::*;
use crate::store::sqlite::connection::open_with;
use crate::store::sqlite::schema::{STEPS, Step};

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
        open_with(&bed.path(), access, false, WAIT, &steps)
    };

    let error = open(Access::ReadWrite, &[add_column, fail]).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE");
    assert_eq!(version(), 1);
    let error = open(Access::ReadOnly, &[add_column]).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_PATH");
    assert!(error.to_string().contains("without readOnly"), "{error}");

    // Were a step to run twice, adding the column would fail.
    open(Access::ReadWrite, &[add_column]).unwrap();
    assert_eq!(version(), 2);
    open(Access::ReadWrite, &[add_column, fill_column]).unwrap();
    open(Access::ReadWrite, &[add_column, fill_column]).unwrap();
    open(Access::ReadOnly, &[add_column, fill_column]).unwrap();
    assert_eq!(version(), 3);
    let kept: (i64, String) = bed
        .outsider()
        .query_row("SELECT id, mood FROM revision", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kept, (revision.id, "good".to_owned()));
    refuse_untouched(&bed, "ERR_NEWER_SCHEMA");
}
