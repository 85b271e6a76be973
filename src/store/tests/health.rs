//! What health checks ask.

use std::time::Duration;

use super::children::Other;
use super::*;
use crate::store::{FileState, HistoryEnd};

fn end(store: &Store) -> HistoryEnd {
    ask(store, |reply| Job::HistoryEnd {
        environment: ENV.to_owned(),
        page: page(0),
        reply,
    })
    .unwrap()
    .value
}

fn files_of(store: &Store) -> FileState {
    let (sender, receiver) = channel();
    let reply = store.reply(move |answer| sender.send(answer).unwrap());
    store.look_at_files(ENV.to_owned(), reply).unwrap();
    receiver.recv().unwrap().unwrap().value
}

#[test]
fn failures_of_the_database_are_noted_until_one_succeeds() {
    let bed = Bed::new();
    bed.create();
    let store =
        Store::open_within(&bed.path(), Access::ReadWrite, Duration::from_millis(50)).unwrap();
    store.attach(ENV, None).unwrap();
    let page = page(0b1);
    assert_eq!(store.activity(), crate::store::Activity::default());
    persist(&store, &page, "");
    let first = store.activity();
    assert!(first.last_persist.is_some() && first.failure.is_none());

    let mut other = Other::start("lock for writing", &bed.path());
    assert_eq!(other.hear(), "locked");
    ask(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "", None),
    )
    .unwrap_err();
    let failed = store.activity();
    assert_eq!(failed.last_persist, first.last_persist);
    let failure = failed.failure.unwrap();
    assert_eq!(failure.code, "ERR_STORE_BUSY");
    assert!(failure.at >= first.last_persist.unwrap());
    drop(other);

    // A refusal is neither a failure nor a success: what failed before is still not persisted.
    let refused = |expected: i64| persist_job(ENV, &page, page.take_snapshot(), "", Some(expected));
    ask(&store, refused(77)).unwrap_err();
    assert_eq!(store.activity().failure.as_ref(), Some(&failure));

    persist(&store, &page, "");
    let second = store.activity();
    assert_eq!(second.failure, None);
    ask(&store, refused(78)).unwrap_err();
    assert_eq!(store.activity(), second);
}

#[test]
fn the_end_of_the_history_is_compared() {
    let (bed, page) = (Bed::new(), page(0b1));
    let store = bed.open();
    let well = |revision| HistoryEnd {
        revision,
        problem: None,
        page_problem: None,
    };
    assert_eq!(end(&store), well(None));
    for _ in 0..5 {
        persist(&store, &page, "");
    }
    assert_eq!(end(&store), well(Some(5)));
    for keep in [4, 3, 2] {
        try_prune(&store, ENV, keep).unwrap();
        assert_eq!(end(&store), well(Some(5)));
    }
    persist(&store, &page, "");
    assert_eq!(end(&store), well(Some(6)));
    drop(store);
    bed.wait_until_closed();

    let original = std::fs::read(bed.path()).unwrap();
    for (sql, problem) in [
        (
            "UPDATE environment SET last = 9",
            "last revision is 9, but the newest one is 6",
        ),
        (
            "UPDATE environment SET digest = zeroblob(32)",
            "another digest than revision 6",
        ),
        (
            "UPDATE revision SET digest = zeroblob(32) WHERE id = 6",
            "another digest",
        ),
        ("DELETE FROM revision WHERE id = 6", "the newest one is 5"),
        ("DELETE FROM revision", "the newest one is 0"),
    ] {
        std::fs::write(bed.path(), &original).unwrap();
        assert!(bed.outsider().execute(sql, []).unwrap() > 0);
        let store = Store::open(&bed.path(), Access::ReadOnly).unwrap();
        let found = end(&store).problem.unwrap_or_default();
        assert!(found.contains(problem), "{sql}: {found}");
        drop(store);
        bed.wait_until_closed();
    }

    // With an anchor at the end.
    std::fs::write(bed.path(), &original).unwrap();
    let store = bed.open();
    try_prune(&store, ENV, 1).unwrap();
    assert_eq!(end(&store), well(Some(6)));
    drop(store);
    bed.wait_until_closed();
    let edit = "UPDATE anchor SET actor = 'somebody' WHERE after = 6";
    assert_eq!(bed.outsider().execute(edit, []).unwrap(), 1);
    let store = bed.open();
    assert!(end(&store).problem.is_some());
}

#[test]
fn the_files_are_looked_at_without_the_store() {
    let (bed, page) = (Bed::new(), page(0b1));
    let store = bed.open();
    persist(&store, &page, "");
    // The store is busy until it is told to go on.
    let (go, wait) = channel::<()>();
    store.push(Task::Run(Box::new(move |_| wait.recv().unwrap())));
    store.wake();
    let found = files_of(&store);
    assert_eq!(found.replaced, None);
    assert!(found.log_bytes > 0);
    assert!(found.free_bytes.is_some_and(|bytes| bytes > 0));
    go.send(()).unwrap();
    barrier(&store);
}
