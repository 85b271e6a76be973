//! The feature table of the file.

use super::*;
use crate::declaration::{Declaration, Notes};
use crate::feature_table::{DEFAULT_FEATURES, MAX_FEATURES};
use crate::page::{Edits, FULL_ROLLOUT};
use crate::store::{Kind, Opening};

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
        .execute_batch("INSERT INTO feature (bit, name) VALUES (2, 'theirs'); COMMIT")
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
        .execute_batch("INSERT INTO feature (bit, name) VALUES (1, 'theirs')")
        .unwrap();
    let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
    let answer = ask(&store, job).unwrap();
    assert_eq!(answer.table.names(), ["a", "theirs"]);
    let revision = answer.value.revision;
    assert_eq!(revision.names, 2);
    assert_eq!(revision.state.registry_hashes, answer.table.hashes());
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

/// A feature that starts switched on, for some.
fn declared(name: &str, rollout: Option<u16>) -> Declaration {
    let notes = Notes {
        description: Some(format!("what {name} does")),
        ..Notes::default()
    };
    Declaration {
        name: name.to_owned(),
        notes,
        enabled: true,
        rollout,
    }
}

fn opening(environment: &str, declarations: Vec<Declaration>) -> Opening {
    Opening {
        environment: environment.to_owned(),
        features: Some(names(&["a", "b"])),
        declarations,
        actor: "tester".to_owned(),
        is_alone: false,
    }
}

#[test]
fn a_declared_feature_is_seeded_once_in_each_environment() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    let declare = |environment: &str| {
        let declarations = vec![declared("a", None), declared("b", Some(50))];
        store.attach_as(opening(environment, declarations)).unwrap()
    };
    let opened = declare(ENV);
    assert!(opened.is_seeded);
    let seeds = opened.revision.unwrap();
    assert_eq!(seeds.state.flags.first_bank(), 0b11);
    assert_eq!(seeds.state.rollouts[..3], [FULL_ROLLOUT, 50, FULL_ROLLOUT]);
    assert_eq!(
        (seeds.reason.as_str(), seeds.actor.as_str()),
        ("declared", "tester")
    );
    assert_eq!((seeds.kind, seeds.id), (Kind::Commit, 1));

    // What somebody decides stays.
    let page = page(0b01);
    let job = persist_job(ENV, &page, page.take_snapshot(), "", None);
    ask(&store, job).unwrap();
    let again = declare(ENV);
    assert!(!again.is_seeded);
    assert_eq!(again.revision.unwrap().id, 2);
    assert_eq!(declare("other").revision.unwrap().id, 3);
    assert_eq!(
        store.notes(1).unwrap().description.as_deref(),
        Some("what b does")
    );
}

#[test]
fn a_feature_that_somebody_decided_about_is_described_and_not_seeded() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    store.attach_as(opening(ENV, Vec::new())).unwrap();
    // Somebody switches it on and off again.
    let page = page(0b01);
    ask(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "on", None),
    )
    .unwrap();
    page.edit(&Edits {
        off: Bits::of_first_bank(0b01),
        ..Edits::default()
    })
    .unwrap();
    ask(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "off", None),
    )
    .unwrap();
    let opened = store
        .attach_as(opening(ENV, vec![declared("a", None), declared("b", None)]))
        .unwrap();
    assert!(opened.is_seeded);
    assert_eq!(opened.revision.unwrap().state.flags.first_bank(), 0b10);
    let described = || store.notes(0).unwrap().description.clone().unwrap();
    assert_eq!(described(), "what a does");
    // Those who say nothing leave it; who says something else replaces it.
    store.attach_as(opening(ENV, Vec::new())).unwrap();
    assert_eq!(described(), "what a does");
    let mut other = declared("a", None);
    other.notes.description = Some("something else".to_owned());
    store.attach_as(opening(ENV, vec![other])).unwrap();
    assert_eq!(described(), "something else");
    // A reader changes nothing, and needs no right to.
    drop(store);
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    let opened = reader
        .attach_as(opening("other", vec![declared("a", None)]))
        .unwrap();
    assert!(!opened.is_seeded);
    assert_eq!(
        reader.notes(0).unwrap().description.as_deref(),
        Some("something else")
    );
}
