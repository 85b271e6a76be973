//! The feature table of the file.

use super::*;
use crate::feature_table::{DEFAULT_FEATURES, MAX_FEATURES};

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn the_table_only_grows() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    let attach = |list: &[&str]| store.attach(ENV, Some(&names(list))).unwrap().table;
    assert_eq!(attach(&["a", "b", "c"]).names(), ["a", "b", "c"]);
    assert_eq!(attach(&["c", "x", "a"]).names(), ["a", "b", "c", "x"]);
    assert_eq!(attach(&["b"]).names(), ["a", "b", "c", "x"]);
    assert_eq!(attach(&[]).names(), ["a", "b", "c", "x"]);
    // Without a list, the table is used as it is.
    let table = store.attach(ENV, None).unwrap().table;
    assert_eq!(table.names(), ["a", "b", "c", "x"]);
    // Other jobs tell, too.
    assert_eq!(barrier(&store).table, table);
    drop(store);
    assert_eq!(bed.open().attach(ENV, None).unwrap().table, table);
}

#[test]
fn the_defaults_go_into_an_empty_table() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    assert!(barrier(&store).table.names().is_empty());
    let table = store.attach(ENV, None).unwrap().table;
    assert_eq!(table.names(), DEFAULT_FEATURES);
}

#[test]
fn a_33rd_name_has_no_bit() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    let most: Vec<String> = (1..MAX_FEATURES).map(|n| format!("f{n}")).collect();
    store.attach(ENV, Some(&most)).unwrap();
    let error = store.attach(ENV, Some(&names(&["bad name"]))).unwrap_err();
    assert_eq!(code(&error), "ERR_INVALID_FEATURE_NAME");
    assert_eq!(store.attach(ENV, None).unwrap().table.names(), most);
    let table = store
        .attach(ENV, Some(&names(&["one", "two"])))
        .unwrap()
        .table;
    assert_eq!(table.bit("one"), Some(MAX_FEATURES - 1));
    assert_eq!(table.bit("two"), None);
    // Those who only read need not register what cannot be.
    drop(store);
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    assert_eq!(
        reader.attach(ENV, Some(&names(&["two"]))).unwrap().table,
        table
    );
}

#[test]
fn known_names_need_no_lock_and_new_ones_do() {
    let bed = Bed::new();
    let wait = std::time::Duration::from_millis(50);
    let store = Store::open_within(&bed.path(), Access::ReadWrite, wait).unwrap();
    store.attach(ENV, Some(&names(&["a", "b"]))).unwrap();
    let outsider = bed.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.attach(ENV, Some(&names(&["b", "a"]))).unwrap();
    let error = store.attach(ENV, Some(&names(&["c"]))).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_BUSY");
    outsider
        .execute_batch("INSERT INTO feature VALUES (2, 'theirs'); COMMIT")
        .unwrap();
    let table = store.attach(ENV, Some(&names(&["c"]))).unwrap().table;
    assert_eq!(table.names(), ["a", "b", "theirs", "c"]);
}

#[test]
fn a_revision_is_checked_and_described_by_the_table_of_its_time() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    store.attach(ENV, Some(&names(&["a"]))).unwrap();
    let page = page(0b10);
    let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
    let error = ask(&store, job).unwrap_err();
    assert_eq!(code(&error), "ERR_INVALID_STATE");
    // Another process registers the second name.
    bed.outsider()
        .execute_batch("INSERT INTO feature VALUES (1, 'theirs')")
        .unwrap();
    let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
    let answer = ask(&store, job).unwrap();
    assert_eq!(answer.table.names(), ["a", "theirs"]);
    let revision = answer.value.revision;
    assert_eq!(revision.known, 0b11);
    assert_eq!(revision.state.record.registry_hash, answer.table.hash());
}

#[test]
fn a_table_that_cannot_be_right_is_damage() {
    for sql in [
        "DELETE FROM feature WHERE bit = 3",
        "UPDATE feature SET name = 'not a name' WHERE bit = 3",
    ] {
        let bed = Bed::new();
        let (store, page) = (bed.open(), page(0));
        bed.outsider().execute_batch(sql).unwrap();
        let attached = store.attach(ENV, None).map(drop).unwrap_err();
        let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
        let persisted = ask(&store, job).map(drop).unwrap_err();
        for error in [attached, persisted] {
            assert_eq!(code(&error), "ERR_STORE_CORRUPT");
            assert!(error.to_string().contains("config.db"), "{error}");
        }
    }
}
