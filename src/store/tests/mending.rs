//! What killed processes leave half-made, and what need not be persisted again.

use std::time::{Duration, Instant};

use super::*;
#[cfg(unix)]
use crate::feature_table::FeatureTable;
#[cfg(unix)]
use crate::page::{Initial, LOCK_TIMEOUT, lock_as_another_process, open_live};
#[cfg(unix)]
use std::{path::Path, sync::mpsc::channel};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_change_that_a_killed_process_began_is_completed() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b011));
    let revision = persist(&store, &page, "the target").revision;
    // The process was killed after it had turned off what was to go off.
    set(&page, 0b000);
    page.leave_pending(revision.id.cast_unsigned());
    store.keep(ENV, &page).unwrap();
    assert_eq!(page.snapshot().state, state(0b011));
    assert_eq!(page.pending(), 0);

    // From then on the store looks by itself.
    set(&page, 0b000);
    page.leave_pending(revision.id.cast_unsigned());
    let started = Instant::now();
    while page.pending() != 0 {
        assert!(started.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!(page.snapshot().state, state(0b011));
}

#[test]
fn a_change_to_a_revision_that_is_gone_is_forgotten() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    page.leave_pending(99);
    store.keep(ENV, &page).unwrap();
    assert_eq!((page.pending(), page.snapshot().state), (0, state(0b1)));
}

#[test]
fn the_next_whole_state_change_completes_the_last_one_first() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b01));
    persist(&store, &page, "");
    set(&page, 0b10);
    let second = persist(&store, &page, "").revision;
    set(&page, 0b00);
    page.leave_pending(second.id.cast_unsigned());
    let entry = try_rollback(&store, &page, Some(1), None).unwrap();
    assert_eq!(flags(&entry), 0b01);
    assert_eq!((page.pending(), page.snapshot().state), (0, state(0b01)));
}

#[test]
#[cfg(unix)]
fn a_process_that_is_frozen_in_a_rollback_holds_up_no_other_work() {
    let bed = Bed::new();
    let store = bed.open();
    let path = bed.directory.path().join("live");
    let page = live_page(&path);
    set(&page, 0b01);
    let first = persist(&store, &page, "").revision;
    set(&page, 0b11);
    let frozen = lock_as_another_process(&path).unwrap().unwrap();
    page.leave_pending(first.id.cast_unsigned());

    let started = Instant::now();
    store.keep(ENV, &page).unwrap();
    let (sender, rollbacks) = channel();
    for to in [first.id, 999] {
        let sender = sender.clone();
        let reply = store.reply(move |answer| sender.send((to, answer)).unwrap());
        let job = restore_job(ENV, &page, Source::Earlier(Some(to)), None);
        store.submit(job(reply));
    }
    store.wake();
    for revision in 2..=5 {
        assert_eq!(persist(&store, &page, "").revision.id, revision);
    }
    assert!(started.elapsed() < LOCK_TIMEOUT);
    assert_eq!(page.pending(), 1);
    assert!(rollbacks.try_recv().is_err());

    drop(frozen);
    let (to, answer) = rollbacks.recv_timeout(PATIENCE).unwrap();
    assert_eq!((to, answer.unwrap().value.revision.id), (first.id, 6));
    assert_eq!((page.pending(), page.snapshot().state), (0, state(0b01)));
    // In the order in which they were asked for.
    let (to, answer) = rollbacks.recv_timeout(PATIENCE).unwrap();
    let error = answer.unwrap_err();
    assert_eq!((to, error.code().as_ref()), (999, "ERR_REVISION_NOT_FOUND"));
}

#[test]
#[cfg(unix)]
fn what_waits_for_a_frozen_process_is_answered_before_the_store_ends() {
    let bed = Bed::new();
    let store = bed.open();
    let path = bed.directory.path().join("live");
    let page = live_page(&path);
    let frozen = lock_as_another_process(&path).unwrap().unwrap();
    let (sender, loaded) = channel();
    store.submit(Job::Load {
        environment: ENV.to_owned(),
        page: page.clone(),
        reply: store.reply(move |answer| sender.send(answer).unwrap()),
    });
    let (sender, closed) = channel();
    let reply = store.reply(move |_| sender.send(()).unwrap());
    store.close(reply);
    assert!(closed.try_recv().is_err());
    let error = loaded.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert!(
        matches!(
            error,
            Error::LiveFileBusy {
                waited_ms: 5_000..,
                ..
            }
        ),
        "{error}"
    );
    closed.recv_timeout(PATIENCE).unwrap();
    drop(frozen);
}

#[cfg(unix)]
fn live_page(path: &Path) -> Page {
    let table = FeatureTable::default();
    open_live(path, &table, None, || {
        Ok(Initial {
            state: state(0),
            table: table.clone(),
            persisted: None,
        })
    })
    .unwrap()
}

/// As an automatic persist does.
fn persist_unless_same(store: &Store, page: &Page) -> Entry {
    let job = Persist {
        environment: ENV.to_owned(),
        page: page.clone(),
        snapshot: page.snapshot(),
        reason: "auto".to_owned(),
        actor: "tester".to_owned(),
        unless_same: true,
        if_revision: None,
        reply: store.reply(|_| {}),
    };
    ask(store, |reply| Job::Persist(Persist { reply, ..job }))
        .unwrap()
        .value
}

#[test]
fn what_the_last_revision_holds_already_is_not_persisted_again() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b01));
    let first = persist_unless_same(&store, &page);
    assert_eq!(first.revision.id, 1);
    assert_eq!(persist_unless_same(&store, &page), first);
    set(&page, 0b10);
    assert_eq!(persist_unless_same(&store, &page).revision.id, 2);
    set(&page, 0b01);
    // The same as an earlier revision, but not as the last.
    assert_eq!(persist_unless_same(&store, &page).revision.id, 3);
    // The same as the last one, of which the state is no longer in effect.
    let older = page.snapshot();
    set(&page, 0b11);
    persist(&store, &page, "");
    ask(&store, persist_job(ENV, &page, older, "late", None)).unwrap();
    set(&page, 0b01);
    assert_eq!(persist_unless_same(&store, &page).revision.id, 6);
}

#[test]
fn a_state_that_came_back_is_not_hidden_by_one_from_in_between() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b11));
    let _id = crate::page::offers::offer(&page);
    persist(&store, &page, "");
    set(&page, 0b01);
    let in_between = page.snapshot();
    set(&page, 0b11);
    persist_unless_same(&store, &page);
    // Another process is slower.
    ask(&store, persist_job(ENV, &page, in_between, "late", None)).unwrap();
    assert_eq!(effective(&store, ENV).unwrap().state, state(0b11));
}
