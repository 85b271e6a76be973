//! Load, rollback and comparison.

use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::page::layout::FULL_ROLLOUT;

#[test]
fn repeating_a_rollback_walks_back() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    for flags in [0b001, 0b010, 0b100] {
        set(&page, flags);
        persist(&store, &page, "");
    }
    let fourth = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!(fourth.revision.id, 4);
    assert_eq!(fourth.revision.restored_from, Some(2));
    assert_eq!(fourth.revision.parent, Some(1));
    assert_eq!(fourth.revision.reason, "rollback to revision 2");
    assert_eq!(flags(&fourth), 0b010);
    assert_eq!(fourth.previous, Some(state(0b100)));
    assert_eq!(page.snapshot().state, state(0b010));

    let fifth = try_rollback(&store, &page, None, Some(4)).unwrap();
    assert_eq!(fifth.revision.restored_from, Some(1));
    assert_eq!(fifth.revision.parent, None);
    assert_eq!(page.snapshot().state, state(0b001));

    let error = try_rollback(&store, &page, None, None).unwrap_err();
    assert_eq!(code(&error), "ERR_NOTHING_TO_ROLL_BACK");
    assert_eq!(page.snapshot().state, state(0b001));
    assert_eq!(effective(&store, ENV).unwrap().id, 5);
}

#[test]
fn a_rollback_names_its_target() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    persist(&store, &page, "");
    persist_in(&store, "other", &super::page(0b1), "");
    set(&page, 0b10);
    persist(&store, &page, "");
    for unknown in [2, 99, 0, -1, i64::MIN] {
        let error = try_rollback(&store, &page, Some(unknown), None).unwrap_err();
        assert_eq!(code(&error), "ERR_REVISION_NOT_FOUND", "{unknown}");
    }
    let error = try_rollback(&store, &page, Some(1), Some(1)).unwrap_err();
    assert_eq!(code(&error), "ERR_REVISION_CONFLICT");
    assert_eq!(page.snapshot().state, state(0b10));
    let entry = try_rollback(&store, &page, Some(1), Some(3)).unwrap();
    assert_eq!((entry.revision.id, flags(&entry)), (4, 0b1));
    let error = try_rollback(&store, &super::page(0), None, Some(0)).unwrap_err();
    assert_eq!(code(&error), "ERR_REVISION_CONFLICT");
}

#[test]
fn a_snapshot_taken_before_a_rollback_does_not_undo_it() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    persist(&store, &page, "");
    set(&page, 0b10);
    persist(&store, &page, "");
    let stale = page.take_snapshot();
    let rolled_back = try_rollback(&store, &page, None, None).unwrap();
    ask(&store, persist_job(ENV, &page, stale, "late", None)).unwrap();
    let last = effective(&store, ENV).unwrap();
    assert_eq!((last.id, last.state), (4, rolled_back.revision.state));
    assert_eq!(last.delta, Some(Units::NONE));
}

#[test]
fn features_that_a_revision_did_not_know_keep_their_state() {
    let bed = Bed::new();
    let store = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    store
        .attach(ENV, Some(&["a".to_owned(), "b".to_owned()]))
        .unwrap();
    let page = page(0b11);
    persist(&store, &page, "");
    store.attach(ENV, Some(&["c".to_owned()])).unwrap();
    let mut later = state(0b101);
    later.rollouts[2] = 500;
    page.change(&later, Units::ALL, page.contains()).unwrap();
    persist(&store, &page, "");

    let entry = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!(flags(&entry), 0b111);
    assert_eq!(entry.revision.names, 3);
    assert_eq!(entry.revision.state.rollouts[2], 500);
    let live = page.snapshot().state;
    assert_eq!(
        (live.flags.first_bank(), live.rollouts),
        (0b111, entry.revision.state.rollouts)
    );

    // A flag that no feature owns stays where it is, and out of the history.
    set(&page, 1 << 20);
    let entry = try_rollback(&store, &page, Some(1), None).unwrap();
    assert_eq!(flags(&entry), 0b111);
    assert_eq!(page.snapshot().state.flags.first_bank(), 1 << 20 | 0b11);

    // Loading spares unknown features, too.
    let other = super::page(0b1000_0000);
    let loaded = load(&store, ENV, &other).unwrap();
    assert_eq!(loaded.revision, entry.revision);
    assert_eq!(
        other.snapshot().state.flags.first_bank(),
        0b1000_0000 | 0b111
    );
}

#[test]
fn a_given_state_becomes_a_revision_and_the_page() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b001));
    persist(&store, &page, "");
    set(&page, 0b011);
    let mut given = state(0b100);
    given.rollouts[0] = 10;
    given.rollouts[1] = 11;
    given.terminal.rows = 99;
    given.registry_hashes[0] = 7;
    let entry = try_apply(&store, &page, (given, 0b101), Some(1)).unwrap();
    // A flip that nobody persisted is not part of it, and stays.
    assert_eq!((entry.revision.id, flags(&entry)), (2, 0b100));
    assert_eq!(
        entry.revision.delta,
        Some(Units::with_terminal(Bits::of_first_bank(0b101)))
    );
    assert_eq!(entry.revision.reason, "set to a given state");
    assert_eq!(entry.revision.actor, "tester");
    assert_eq!(
        (entry.revision.parent, entry.revision.restored_from),
        (Some(1), None)
    );
    assert_eq!(entry.previous, Some(state(0b001)));
    assert_ne!(entry.revision.state.registry_hashes[0], 7);
    let live = page.snapshot().state;
    assert_eq!(live.flags.first_bank(), 0b110);
    assert_eq!(live.terminal.rows, 99);
    assert_eq!(live.rollouts[..3], [10, FULL_ROLLOUT, FULL_ROLLOUT]);
    assert_eq!(live.rollouts, entry.revision.state.rollouts);
    assert!(!page.is_unfinished());
    assert_eq!(effective(&store, ENV), Some(entry.revision));
}

#[test]
fn a_snapshot_taken_before_a_given_state_does_not_undo_it() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    let stale = page.take_snapshot();
    let applied = try_apply(&store, &page, (state(0b10), u32::MAX), None).unwrap();
    ask(&store, persist_job(ENV, &page, stale, "late", None)).unwrap();
    let last = effective(&store, ENV).unwrap();
    assert_eq!((last.id, last.state), (2, applied.revision.state));
}

#[test]
fn a_given_state_that_the_last_revision_holds_is_not_recorded_again() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let first = try_apply(&store, &page, (state(0b10), 0b10), Some(0)).unwrap();
    assert_eq!(first.revision.id, 1);
    let again = try_apply(&store, &page, (state(0b10), 0b10), Some(1)).unwrap();
    assert_eq!(again, first);
    // It is applied all the same to a page that holds something else.
    set(&page, 0b01);
    let back = try_apply(&store, &page, (state(0b10), u32::MAX), None).unwrap();
    assert_eq!(back, first);
    assert_eq!(page.snapshot().state, state(0b10));
    // So it is to another page.
    let other = super::page(0);
    let generation = other.generation().load(SeqCst);
    assert_eq!(
        try_apply(&store, &other, (state(0b10), u32::MAX), None).unwrap(),
        first
    );
    assert_eq!(other.snapshot().state, state(0b10));
    assert_eq!(other.generation().load(SeqCst), generation + 1);
    // A revision that is not in effect does not count.
    set(&page, 0b100);
    let stale = page.take_snapshot();
    set(&page, 0b10);
    let second = persist(&store, &page, "").revision;
    ask(&store, persist_job(ENV, &page, stale, "late", None)).unwrap();
    let third = try_apply(&store, &page, (state(0b100), u32::MAX), None).unwrap();
    assert_eq!((second.id, third.revision.id), (2, 4));
}

#[test]
fn a_given_state_that_is_refused_changes_nothing() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    persist(&store, &page, "");
    let before = page.snapshot();
    let mut beyond = state(0b1);
    beyond.rollouts[1] = FULL_ROLLOUT + 1;
    let mut rows = state(0b1);
    rows.terminal.rows = 0;
    for invalid in [beyond, rows] {
        let error = try_apply(&store, &page, (invalid, 0b11), None).unwrap_err();
        assert_eq!(code(&error), "ERR_INVALID_STATE");
    }
    let error = try_apply(&store, &page, (state(0b10), 0b11), Some(0)).unwrap_err();
    assert_eq!(code(&error), "ERR_REVISION_CONFLICT");
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    let error = try_apply(&reader, &page, (state(0b10), 0b11), None).unwrap_err();
    assert_eq!(code(&error), "ERR_READ_ONLY");
    assert_eq!(page.snapshot(), before);
    assert_eq!(history(&store, ENV, 10, None).len(), 1);
    // What no feature owns is not taken.
    let entry = try_apply(&store, &page, (state(1 << 20 | 0b10), u32::MAX), None);
    assert_eq!(code(&entry.unwrap_err()), "ERR_INVALID_STATE");
}

#[test]
fn load_sets_the_page_to_the_last_persisted_state() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    let before = page.snapshot();
    assert_eq!(load(&store, ENV, &page), None);
    assert_eq!(page.snapshot(), before);
    persist(&store, &page, "");
    set(&page, 0b10);
    persist(&store, &page, "");
    set(&page, 0b100);
    let entry = load(&store, ENV, &page).unwrap();
    assert_eq!((entry.revision.id, entry.previous), (2, Some(state(0b1))));
    assert_eq!(page.snapshot().state, state(0b10));
}

#[test]
fn comparing_needs_two_revisions_of_the_environment() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    let first = persist(&store, &page, "").revision;
    persist_in(&store, "other", &super::page(0b1), "");
    let third = persist(&store, &page, "").revision;
    let compare = |from, to| {
        ask(&store, |reply| Job::Compare {
            environment: ENV.to_owned(),
            from,
            to,
            reply,
        })
    };
    assert_eq!(compare(3, 1).unwrap().value, (third.clone(), first.clone()));
    assert_eq!(compare(1, 1).unwrap().value, (first.clone(), first));
    for (from, to, missing) in [(2, 1, 2), (1, 9, 9)] {
        let error = compare(from, to).unwrap_err();
        assert_eq!(code(&error), "ERR_REVISION_NOT_FOUND");
        assert!(error.to_string().contains(&format!("Revision {missing} ")));
    }
}

#[test]
fn a_failed_rollback_leaves_the_page_alone() {
    let bed = Bed::new();
    let wait = std::time::Duration::from_millis(50);
    let store = Store::open_within(&bed.path(), Access::ReadWrite, wait).unwrap();
    store.attach(ENV, None).unwrap();
    let page = page(0b1);
    persist(&store, &page, "");
    set(&page, 0b10);
    persist(&store, &page, "");
    let outsider = bed.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = try_rollback(&store, &page, None, None).unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_BUSY");
    assert_eq!(page.snapshot().state, state(0b10));
    outsider.execute_batch("ROLLBACK").unwrap();
    try_rollback(&store, &page, None, None).unwrap();
    assert_eq!(page.snapshot().state, state(0b1));
}
