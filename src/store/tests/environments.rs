//! Several environments in one file.

use super::*;

#[test]
fn environments_have_histories_of_their_own() {
    let bed = Bed::new();
    let store = bed.open();
    let (one, two) = (page(0b1), page(0b10));
    assert_eq!(persist_in(&store, "one", &one, "").revision.id, 1);
    let entry = persist_in(&store, "two", &two, "");
    assert_eq!(entry.revision.id, 2);
    assert_eq!((entry.revision.parent, entry.previous), (None, None));
    assert_eq!(persist_in(&store, "one", &one, "").revision.parent, Some(1));
    assert_eq!(ids(&history(&store, "one", 9, None)), [3, 1]);
    assert_eq!(ids(&history(&store, "two", 9, None)), [2]);
    assert_eq!(effective(&store, "two").unwrap().state, state(0b10));
    assert_eq!(effective(&store, "three"), None);
    assert_eq!(load(&store, "three", &one), None);
    // Attaching and looking leave no trace.
    on_connection(&store, |connection| {
        let count: i64 = connection
            .query_row("SELECT count(*) FROM environment", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 2);
    });
}

#[test]
fn promotion_copies_the_state_in_effect() {
    let bed = Bed::new();
    let store = bed.open();
    let (staging, production) = (page(0b101), page(0b10));
    let error = try_promote(&store, "staging", ENV, &production).unwrap_err();
    assert_eq!(code(&error), "ERR_NOTHING_TO_PROMOTE");
    assert!(error.to_string().contains("staging"), "{error}");

    persist_in(&store, "staging", &staging, "");
    persist(&store, &production, "");
    let entry = try_promote(&store, "staging", ENV, &production).unwrap();
    let revision = &entry.revision;
    assert_eq!((revision.id, flags(&entry)), (3, 0b101));
    assert_eq!(revision.environment, ENV);
    assert_eq!(revision.reason, "promoted from staging revision 1");
    assert_eq!(revision.restored_from, Some(1));
    assert_eq!(revision.parent, Some(2));
    assert_eq!(revision.page_id, production.snapshot().page_id);
    assert_eq!(entry.previous, Some(state(0b10)));
    assert_eq!(production.snapshot().state, state(0b101));
    assert_eq!(ids(&history(&store, "staging", 9, None)), [1]);

    // Rolling back a promotion returns to what it replaced.
    let back = try_rollback(&store, &production, None, None).unwrap();
    assert_eq!(back.revision.restored_from, Some(2));
    assert_eq!(production.snapshot().state, state(0b10));
}

#[test]
fn promotion_fills_an_environment_that_was_empty() {
    let bed = Bed::new();
    let store = bed.open();
    let (staging, production) = (page(0b101), page(0));
    persist_in(&store, "staging", &staging, "");
    let entry = try_promote(&store, "staging", ENV, &production).unwrap();
    assert_eq!((entry.revision.parent, entry.previous), (None, None));
    assert_eq!(effective(&store, ENV), Some(entry.revision));
}
