//! What the store counts and measures of itself.

use std::time::Instant;

use super::*;
use crate::distribution::Summary;

/// What was persisted and what failed, in an environment.
fn persists(store: &Store, environment: &str) -> (u64, u64) {
    let metrics = store.metrics(environment);
    (metrics.persists.count, metrics.failed_persists)
}

/// How many transactions there were, and how many revisions they wrote.
fn commits(store: &Store) -> (u64, u64) {
    let Summary { count, sum, .. } = store.metrics(ENV).commits;
    (count, sum)
}

#[test]
fn persists_are_those_of_their_environment_and_take_their_time() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    let started = Instant::now();
    persist_many(&store, &page, 10);
    persist_in(&store, "other", &page, "");
    let most = started.elapsed().as_nanos();
    assert_eq!(
        (persists(&store, ENV), persists(&store, "other")),
        ((10, 0), (1, 0))
    );
    assert_eq!(persists(&store, "nobody's"), (0, 0));
    assert_eq!(commits(&store), (2, 11));
    let metrics = store.metrics(ENV);
    assert_eq!((metrics.commits.p50, metrics.commits.max), (1, 10));
    for times in [metrics.persists, metrics.commit_times] {
        assert!(times.p50 > 0 && times.p50 <= times.p99 && times.p99 <= times.max);
        assert!(u128::from(times.max) <= most, "{times:?} in {most} ns");
    }
    assert_eq!((metrics.pending, metrics.reopenings), (0, 0));
    assert_eq!(metrics.errors, []);
}

#[test]
fn what_is_refused_alone_fails_alone() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    let snapshot = page.take_snapshot();
    let kept = submit(&store, persist_job(ENV, &page, snapshot, "", None));
    let refused = submit(&store, persist_job(ENV, &page, snapshot, "", Some(9)));
    assert_eq!(store.metrics(ENV).pending, 2);
    store.wake();
    assert!(kept.recv().unwrap().is_ok() && refused.recv().unwrap().is_err());
    assert_eq!(persists(&store, ENV), (1, 0));
    assert!(try_rollback(&store, &page, Some(99), None).is_err());
    let metrics = store.metrics(ENV);
    assert_eq!((metrics.refused_persists, metrics.pending), (1, 0));
    assert_eq!(metrics.errors, [], "a refusal is no failure");
    assert_eq!(commits(&store), (1, 1));
}

#[test]
fn a_state_that_is_not_valid_is_a_failed_persist() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1 << 31));
    ask(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "", None),
    )
    .unwrap_err();
    assert_eq!(persists(&store, ENV), (0, 1));
    let metrics = store.metrics(ENV);
    assert_eq!(metrics.refused_persists, 0);
    assert_eq!(metrics.errors, [("ERR_INVALID_STATE".to_owned(), 1)]);
    assert_eq!(store.activity().failure.unwrap().code, "ERR_INVALID_STATE");
}

#[test]
fn a_persist_without_an_answer_has_failed() {
    let bed = Bed::new();
    let store = bed.open();
    // As when the store's thread panics.
    let mut reply = store.reply::<Entry>(|_| {});
    reply.count_as_persist(ENV);
    drop(reply);
    let metrics = store.metrics(ENV);
    assert_eq!((metrics.failed_persists, metrics.pending), (1, 0));
    assert_eq!(metrics.errors, [("ERR_STORE_STOPPED".to_owned(), 1)]);
}

#[test]
fn a_transaction_that_writes_no_revision_is_none() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    let unless_same = |store: &Store| {
        let (page, snapshot) = (page.clone(), page.take_snapshot());
        ask(store, |reply| {
            Job::Persist(Persist {
                environment: ENV.to_owned(),
                page,
                snapshot: snapshot.into(),
                reason: String::new(),
                actor: "tester".to_owned(),
                unless_same: true,
                if_revision: None,
                reply,
            })
        })
        .unwrap();
    };
    unless_same(&store);
    assert_eq!((persists(&store, ENV), commits(&store)), ((1, 0), (1, 1)));
    unless_same(&store);
    assert_eq!((persists(&store, ENV), commits(&store)), ((2, 0), (1, 1)));
    try_apply(&store, &page, (state(1), 0b1), None).unwrap();
    assert_eq!(commits(&store), (1, 1));
    try_apply(&store, &page, (state(0), 0b1), None).unwrap();
    assert_eq!(commits(&store), (2, 2));
    try_rollback(&store, &page, None, None).unwrap();
    assert_eq!((persists(&store, ENV), commits(&store)), ((2, 0), (3, 3)));
}

#[test]
fn openings_and_sizes_are_those_of_the_files() {
    let bed = Bed::new();
    bed.create();
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    reader.attach(ENV, None).unwrap();
    assert_eq!(reader.metrics(ENV).reopenings, 0);
    let store = bed.open();
    persist_many(&store, &page(1), 3);
    let metrics = store.metrics(ENV);
    assert_eq!(metrics.reopenings, 1, "for the first that writes");
    let size = |suffix: &str| {
        let file = format!("{}{suffix}", bed.path().display());
        std::fs::metadata(file).unwrap().len()
    };
    assert_eq!(metrics.database_bytes, Some(size("")));
    assert_eq!(metrics.log_bytes, Some(size("-wal")));
    assert!(size("-wal") > 0);
    assert_eq!(metrics.free_bytes.is_some(), cfg!(unix));
}
