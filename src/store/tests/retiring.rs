//! Retired names, and what becomes of their bits.

use super::*;
use crate::bits::Bits;
use crate::feature_table::MAX_FEATURES;
use crate::page::{Edits, Units};
use crate::store::Opening;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A list that leaves no bit: the given names, and others.
fn full(list: &[&str]) -> Vec<String> {
    let others = (list.len()..MAX_FEATURES).map(|bit| format!("other_{bit}"));
    names(list).into_iter().chain(others).collect()
}

/// Without the default names.
fn open(bed: &Bed) -> Store {
    Store::open(&bed.path(), Access::ReadWrite).unwrap()
}

fn attach(store: &Store, features: &[String]) -> crate::feature_table::FeatureTable {
    store.attach(ENV, Some(features)).unwrap().table
}

fn retire(store: &Store, page: &Page, bits: &[usize], forced: bool) -> Result<Entry, Error> {
    let bits = bits.iter().copied().collect();
    try_restore(store, ENV, page, Source::Retire { bits, forced }, None)
}

/// Another process that reads.
fn reader(bed: &Bed) -> Connection {
    let outsider = bed.outsider();
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    outsider
        .query_row("SELECT count(*) FROM feature", [], count)
        .unwrap();
    outsider
}

fn retired(store: &Store) -> Vec<(String, usize)> {
    let retired = store.retired().unwrap().into_iter();
    retired.map(|retired| (retired.name, retired.bit)).collect()
}

fn commit(store: &Store, page: &Page, on: Bits, off: Bits) -> Entry {
    let edits = Edits {
        on,
        off,
        ..Edits::default()
    };
    try_restore(store, ENV, page, Source::Edits(edits), None).unwrap()
}

#[test]
fn a_retired_name_keeps_its_bit_and_comes_back_when_it_is_listed() {
    let bed = Bed::new();
    let store = open(&bed);
    attach(&store, &names(&["a", "b", "c"]));
    let page = page(0);
    let entry = retire(&store, &page, &[1], false).unwrap();
    assert_eq!(entry.revision.reason, "retired b");
    assert_eq!(entry.revision.delta, Some(Units::NONE));
    assert_eq!(retired(&store), [("b".to_owned(), 1)]);
    let table = attach(&store, &names(&["c", "d"]));
    assert_eq!(table.names(), ["a", "b", "c", "d"]);
    assert_eq!(table.retired(), Bits::only(1));
    // Twice is once.
    retire(&store, &page, &[1], false).unwrap();
    assert_eq!(attach(&store, &[]).changes(), table.changes());

    let table = attach(&store, &names(&["b"]));
    assert_eq!((table.bit("b"), table.retired()), (Some(1), Bits::NONE));
    retire(&store, &page, &[1, 2], false).unwrap();
    let source = Source::Revive {
        bits: Bits::only(2),
    };
    let entry = try_restore(&store, ENV, &page, source, None).unwrap();
    assert_eq!(entry.revision.reason, "revived c");
    assert_eq!(retired(&store), [("b".to_owned(), 1)]);
    // Who only reads cannot bring it back.
    drop(store);
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    assert_eq!(attach(&reader, &names(&["b"])).retired(), Bits::only(1));
}

#[test]
fn a_feature_that_is_on_anywhere_is_not_retired() {
    let bed = Bed::new();
    let store = open(&bed);
    attach(&store, &names(&["a", "b"]));
    let (here, elsewhere) = (page(0), page(0b10));
    ask(
        &store,
        persist_job("staging", &elsewhere, elsewhere.take_snapshot(), "", None),
    )
    .unwrap();
    let error = retire(&store, &here, &[0, 1], false).unwrap_err();
    assert_eq!(code(&error), "ERR_FEATURE_ON");
    assert!(error.to_string().contains("b (on in staging;"), "{error}");
    // What is live and was not persisted counts, too.
    set(&here, 0b01);
    let error = retire(&store, &here, &[0], false).unwrap_err();
    assert!(
        error.to_string().contains("a (on in the live state;"),
        "{error}"
    );
    assert!(retired(&store).is_empty());
    assert!(history(&store, ENV, 9, None).is_empty());
    retire(&store, &here, &[0, 1], true).unwrap();
    assert_eq!(retired(&store).len(), 2);
    assert_eq!(here.snapshot().state.flags.first_bank(), 0b01);
}

#[test]
fn a_bit_is_given_to_another_name_when_no_other_is_left() {
    let bed = Bed::new();
    let store = open(&bed);
    attach(&store, &full(&["a", "b", "c"]));
    let first = page(0);
    commit(&store, &first, Bits::of_first_bank(0b101), Bits::NONE);
    retire(&store, &first, &[1], false).unwrap();
    retire(&store, &first, &[0, 2], true).unwrap();
    drop((first, store));
    bed.wait_until_closed();

    let store = open(&bed);
    let table = attach(&store, &names(&["new", "a"]));
    // The longest retired; `a` was listed again.
    assert_eq!(
        table.names().iter().take(3).collect::<Vec<_>>(),
        ["a", "new", "c"]
    );
    assert_eq!((table.epoch(), table.retired()), (1, Bits::only(2)));
    // Nothing was on, so nothing had to be switched off.
    assert_eq!(history(&store, ENV, 9, None).len(), 3);
    drop(store);
    bed.wait_until_closed();

    let store = open(&bed);
    let table = attach(&store, &names(&["newer"]));
    assert_eq!((table.bit("newer"), table.epoch()), (Some(2), 2));
    let freed = history(&store, ENV, 1, None).remove(0);
    assert_eq!(freed.revision.reason, "bits of retired features freed");
    assert_eq!(freed.revision.epoch, 1);
    assert_eq!(freed.revision.delta, Some(Units::of_first_bank(0b100)));
    assert_eq!(freed.revision.state.flags.first_bank(), 0b001);

    // The history means the names of its time, and nothing of them goes back to the new ones.
    let second = page(0b110);
    second.has_all_until(freed.revision.id.cast_unsigned());
    assert_eq!(table.former_at(0), [(1, "b"), (2, "c")]);
    let back = try_rollback(&store, &second, Some(1), None).unwrap();
    assert_eq!((back.revision.epoch, flags(&back)), (2, 0b001));
    assert_eq!(second.snapshot().state.flags.first_bank(), 0b111);
    assert!(verify(&store, None).unwrap().is_ok());
    drop(store);
    bed.wait_until_closed();

    // A table that says something else is found.
    let outsider = bed.outsider();
    outsider
        .execute("UPDATE former SET name = 'x' WHERE bit = 1", [])
        .unwrap();
    drop(outsider);
    let breaches = verify(&open(&bed), None).unwrap().breaches;
    assert!(
        breaches[0]
            .problem
            .contains("are not those it was made with"),
        "{breaches:?}"
    );
}

#[test]
fn a_bit_stays_while_anybody_has_the_database_open() {
    let bed = Bed::new();
    let store = open(&bed);
    attach(&store, &full(&["a"]));
    let page = page(0);
    retire(&store, &page, &[0], false).unwrap();
    let lists_another = || {
        let table = attach(&store, &names(&["new"]));
        (table.bit("new"), table.bit("a"))
    };
    // Another config of this process.
    let handle = store.clone();
    assert_eq!(lists_another(), (None, Some(0)));
    drop(handle);
    // Another process, that only reads.
    let outsider = reader(&bed);
    assert_eq!(lists_another(), (None, Some(0)));
    drop(outsider);
    assert_eq!(lists_another(), (Some(0), None));
    // Others can open it again.
    assert_eq!(
        bed.outsider()
            .query_row("SELECT name FROM feature WHERE bit = 0", [], |row| row
                .get::<_, String>(
                0
            ))
            .unwrap(),
        "new"
    );
}

#[test]
fn what_was_said_of_a_name_goes_with_it() {
    let bed = Bed::new();
    let store = open(&bed);
    let declared = |name: &str, enabled| crate::declaration::Declaration {
        name: name.to_owned(),
        notes: crate::declaration::Notes {
            owner: Some(format!("of {name}")),
            ..Default::default()
        },
        enabled,
        rollout: None,
    };
    let declare = |store: &Store, features, declaration| {
        store
            .attach_as(Opening {
                environment: ENV.to_owned(),
                features: Some(features),
                declarations: vec![declaration],
                actor: "tester".to_owned(),
                is_alone: false,
            })
            .unwrap()
    };
    declare(&store, full(&["a"]), declared("a", false));
    retire(&store, &page(0), &[0], false).unwrap();
    drop(store);
    bed.wait_until_closed();
    let store = open(&bed);
    let opened = declare(&store, names(&["new"]), declared("new", true));
    assert_eq!(opened.table.bit("new"), Some(0));
    assert_eq!(store.notes(0).unwrap().owner.unwrap(), "of new");
    // It is seeded, although a name with its bit was declared before.
    assert!(opened.is_seeded);
    assert_eq!(opened.revision.unwrap().state.flags, Bits::only(0));
}

#[test]
fn compacting_forgets_retired_names_and_moves_the_last_ones() {
    let bed = Bed::new();
    let store = open(&bed);
    let declared = crate::declaration::Declaration {
        name: "e".to_owned(),
        notes: crate::declaration::Notes {
            owner: Some("somebody".to_owned()),
            ..Default::default()
        },
        ..Default::default()
    };
    store
        .attach_as(Opening {
            environment: ENV.to_owned(),
            features: Some(names(&["a", "b", "c", "d", "e"])),
            declarations: vec![declared],
            actor: "tester".to_owned(),
            is_alone: false,
        })
        .unwrap();
    let first = page(0);
    commit(&store, &first, Bits::of_first_bank(0b1_1011), Bits::NONE);
    let edits = Edits {
        off: Bits::only(3),
        rollouts: vec![(4, 700)],
        ..Edits::default()
    };
    try_restore(&store, ENV, &first, Source::Edits(edits), None).unwrap();
    let elsewhere = page(0);
    let edits = Edits {
        on: Bits::only(0),
        ..Edits::default()
    };
    try_restore(&store, "staging", &elsewhere, Source::Edits(edits), None).unwrap();
    retire(&store, &first, &[1, 2], true).unwrap();
    // Nobody else may have it open.
    let handle = store.clone();
    let error = store.compact("tester").unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_IN_USE");
    drop(handle);
    let outsider = reader(&bed);
    assert_eq!(
        code(&store.compact("tester").unwrap_err()),
        "ERR_STORE_IN_USE"
    );
    drop(outsider);

    let compacted = store.compact("tester").unwrap();
    assert_eq!(compacted.forgotten, ["b", "c"]);
    assert_eq!(compacted.table.names(), ["a", "d", "e"]);
    assert_eq!(
        (compacted.table.epoch(), compacted.table.retired()),
        (1, Bits::NONE)
    );
    assert_eq!(store.table(), compacted.table);
    assert_eq!(store.notes(2).unwrap().owner.unwrap(), "somebody");
    let entries = history(&store, ENV, 9, None);
    let (moved, freed) = (&entries[0], &entries[1]);
    assert_eq!(moved.revision.reason, "names moved to other bits");
    assert_eq!((moved.revision.epoch, moved.previous_epoch), (1, 0));
    assert_eq!((moved.revision.names, freed.revision.names), (3, 5));
    assert_eq!(flags(moved), 0b101);
    assert_eq!(moved.revision.state.rollouts[2], 700);
    assert_eq!(flags(freed), 0b1_0001);
    // Where nothing moved, nothing was written.
    assert_eq!(history(&store, "staging", 9, None).len(), 1);
    assert!(verify(&store, None).unwrap().is_ok());
    // Twice is once.
    assert!(store.compact("tester").unwrap().forgotten.is_empty());
    drop(store);
    bed.wait_until_closed();

    let store = open(&bed);
    let table = attach(&store, &names(&["f"]));
    assert_eq!(table.names(), ["a", "d", "e", "f"]);
    // Going back takes names for what they were: `d` was on, and nobody had said anything of `e` but its switch.
    let second = page(0b1000);
    second.has_all_until(moved.revision.id.cast_unsigned());
    let back = try_rollback(&store, &second, Some(1), None).unwrap();
    assert_eq!(flags(&back), 0b0111);
    assert_eq!(back.revision.state.rollouts[2], crate::page::FULL_ROLLOUT);
    assert_eq!(second.snapshot().state.flags.first_bank(), 0b1111);
    let third = page(0);
    let promoted = try_promote(&store, "staging", ENV, &third).unwrap();
    assert_eq!(flags(&promoted), 0b0001);
    assert!(verify(&store, None).unwrap().is_ok());
}
