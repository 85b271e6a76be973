//! Load, rollback and comparison.

use super::*;

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
    persist_in(&store, "other", &page, "");
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
    let stale = page.snapshot();
    let rolled_back = try_rollback(&store, &page, None, None).unwrap();
    ask(&store, persist_job(ENV, &page, stale, "late", None)).unwrap();
    assert_eq!(effective(&store, ENV), Some(rolled_back.revision));
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
    page.apply(&later, u32::MAX, 0);
    persist(&store, &page, "");

    let entry = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!(flags(&entry), 0b111);
    assert_eq!(entry.revision.known, 0b111);
    assert_eq!(entry.revision.state.rollouts[2], 500);
    let live = page.snapshot().state;
    assert_eq!(
        (live.record.feature_flags, live.rollouts),
        (0b111, entry.revision.state.rollouts)
    );

    // A flag that no feature owns stays where it is, and out of the history.
    set(&page, 1 << 20);
    let entry = try_rollback(&store, &page, Some(1), None).unwrap();
    assert_eq!(flags(&entry), 0b11);
    assert_eq!(page.snapshot().state.record.feature_flags, 1 << 20 | 0b11);

    // Loading spares unknown features, too.
    let other = super::page(0b1000_0000);
    let loaded = load(&store, ENV, &other).unwrap();
    assert_eq!(loaded.revision, entry.revision);
    assert_eq!(
        other.snapshot().state.record.feature_flags,
        0b1000_0000 | 0b11
    );
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
    persist_in(&store, "other", &page, "");
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
