//! Persists whose callers block.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use super::*;

fn try_persist_now(store: &Store, page: &Page, reason: &str) -> Result<Entry, Error> {
    let (environment, actor) = (ENV.to_owned(), "tester".to_owned());
    let answer = store.persist_now(|reply| Persist {
        environment,
        page: page.clone(),
        snapshot: page.take_snapshot().into(),
        reason: reason.to_owned(),
        actor,
        unless_same: false,
        if_revision: None,
        reply,
    });
    answer.map(|answer| answer.value)
}

/// Waits until the thread has nothing to do, so that callers do their work themselves.
fn wait_until_idle(store: &Store) {
    barrier(store);
    while store.handle.dispatcher.try_lock().is_err() {
        std::thread::yield_now();
    }
}

fn persist_now(store: &Store, page: &Page) -> i64 {
    try_persist_now(store, page, "now").unwrap().revision.id
}

#[test]
fn what_was_queued_before_comes_first_and_shares_the_transaction() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let other = bed.open();
    let before = commits(&store);
    let job = || persist_job(ENV, &page, page.take_snapshot(), "", None);
    // Never woken.
    let pending = [&store, &other, &store].map(|store| submit(store, job()));
    assert_eq!(persist_now(&store, &page), 4);
    for (answer, expected) in pending.into_iter().zip(1..) {
        assert_eq!(answer.recv().unwrap().unwrap().value.revision.id, expected);
    }
    assert_eq!(commits(&store) - before, 1);
}

#[test]
fn it_waits_for_the_work_that_the_thread_is_at() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let (begun, has_begun) = channel();
    let (end, may_end) = channel::<()>();
    store.push(Task::Run(Box::new(move |_| {
        begun.send(()).unwrap();
        let _nobody_sends = may_end.recv();
    })));
    let behind = submit(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "behind", None),
    );
    store.wake();
    has_begun.recv().unwrap();
    std::thread::scope(|scope| {
        let now = scope.spawn(|| persist_now(&store, &page));
        // Until it waits; each operation without an answer is counted.
        while store.metrics(ENV).pending < 2 {
            std::thread::yield_now();
        }
        end.send(()).unwrap();
        assert_eq!(now.join().unwrap(), 2);
    });
    assert_eq!(behind.recv().unwrap().unwrap().value.revision.id, 1);
}

#[test]
fn many_threads_persist_at_once() {
    const EACH: usize = 25;
    let bed = Bed::new();
    let store = bed.open();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let page = page(0);
                let mut last = 0;
                for _ in 0..EACH {
                    let pending = submit(
                        &store,
                        persist_job(ENV, &page, page.take_snapshot(), "later", None),
                    );
                    let id = persist_now(&store, &page);
                    let earlier = pending.recv().unwrap().unwrap().value.revision.id;
                    assert!(last < earlier && earlier < id);
                    last = id;
                    assert!(persist(&store, &page, "").revision.id > last);
                }
            });
        }
    });
    assert_eq!(history(&store, ENV, 10_000, None).len(), 4 * EACH * 3);
    assert!(verify(&store, None).unwrap().breaches.is_empty());
}

#[test]
fn another_process_is_waited_for_on_the_callers_thread_too() {
    let bed = Bed::new();
    bed.create();
    let wait = Duration::from_millis(60);
    let store = Store::open_within(&bed.path(), Access::ReadWrite, wait).unwrap();
    let page = page(0);
    let outsider = bed.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    wait_until_idle(&store);
    std::thread::scope(|scope| {
        // One that has never used the connection.
        let waited = scope.spawn(|| {
            let started = Instant::now();
            let error = try_persist_now(&store, &page, "").unwrap_err();
            (code(&error), started.elapsed())
        });
        let (code, waited) = waited.join().unwrap();
        assert_eq!(code, "ERR_STORE_BUSY");
        assert!(waited >= wait, "{waited:?}");
    });
    outsider.execute_batch("COMMIT").unwrap();
    assert_eq!(persist_now(&store, &page), 1);
}

#[test]
fn a_handle_that_only_reads_is_refused() {
    let bed = Bed::new();
    let (writer, page) = (bed.open(), page(0));
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    let error = try_persist_now(&reader, &page, "").unwrap_err();
    assert_eq!(code(&error), "ERR_READ_ONLY");
    assert_eq!(persist_now(&writer, &page), 1);
}

#[test]
fn a_panic_on_the_callers_thread_spares_the_caller() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    wait_until_idle(&store);
    // Never woken, so it is the caller who runs it.
    store.push(Task::Run(Box::new(|connection| {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        panic!("on purpose, in the middle of a transaction");
    })));
    let (sender, receiver) = channel();
    let caller = std::thread::current().id();
    let reply = store.reply(move |_| {
        sender.send(std::thread::current().id() == caller).unwrap();
        panic!("on purpose, in a callback");
    });
    store.submit(persist_job(ENV, &page, page.take_snapshot(), "", None)(
        reply,
    ));
    assert_eq!(persist_now(&store, &page), 2);
    assert!(receiver.recv().unwrap(), "on the caller's thread");
    assert_eq!(persist(&store, &page, "").revision.id, 3);
}

#[test]
fn a_handle_that_was_let_go_of_is_answered_all_the_same() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let (sender, receiver) = channel();
    let reply = store.reply::<()>(move |answer| drop(sender.send(answer)));
    store.push(Task::Close(reply));
    assert_eq!(persist_now(&store, &page), 1);
    receiver.recv().unwrap().unwrap();
}

#[test]
fn after_the_end_of_the_thread_everything_is_answered_and_the_file_can_be_opened_anew() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    persist_now(&store, &page);
    store.push(Task::Die);
    let behind = submit(
        &store,
        persist_job(ENV, &page, page.take_snapshot(), "behind", None),
    );
    store.wake();
    let stopped = |error: Error| assert_eq!(code(&error), "ERR_STORE_STOPPED");
    stopped(behind.recv().unwrap().unwrap_err());
    bed.wait_until_closed();
    stopped(try_persist_now(&store, &page, "").unwrap_err());
    stopped(store.attach(ENV, None).unwrap_err());
    let (sender, receiver) = channel();
    store
        .clone()
        .close(store.reply(move |answer| drop(sender.send(answer))));
    stopped(receiver.recv().unwrap().unwrap_err());
    let again = bed.open();
    assert_eq!(persist_now(&again, &page), 2);
    drop(store);
    assert_eq!(persist_now(&again, &page), 3);
}
