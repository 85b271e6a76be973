//! Handles, the thread, and what happens when things go wrong on it.

use std::sync::Arc;
use std::sync::mpsc::channel;

use super::*;
#[cfg(target_os = "linux")]
use crate::store::sqlite::paths::with_suffix;

/// How often this process has the database open.
#[cfg(target_os = "linux")]
fn descriptors(path: &std::path::Path) -> usize {
    let path = path.canonicalize().unwrap();
    std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(Result::ok)
        .filter(|entry| std::fs::read_link(entry.path()).is_ok_and(|target| target == path))
        .count()
}

#[test]
fn handles_of_many_threads_share_one_connection() {
    const THREADS: i64 = 8;
    const EACH: i64 = 40;
    let bed = Bed::new();
    let keep = bed.open();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let store = bed.open();
                assert!(Arc::ptr_eq(&store.handle, &keep.handle));
                let page = page(0b1);
                let mut last = 0;
                for _ in 0..EACH {
                    let id = persist(&store, &page, "").revision.id;
                    assert!(id > last);
                    last = id;
                }
            });
        }
    });
    #[cfg(target_os = "linux")]
    assert_eq!(descriptors(&with_suffix(&bed.path(), "-wal")), 1);
    let listed = ids(&history(&keep, ENV, 10_000, None));
    assert_eq!(listed, (1..=THREADS * EACH).rev().collect::<Vec<_>>());
}

#[test]
fn the_last_handle_leaves_no_work_undone() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let job = || persist_job(ENV, &page, page.take_snapshot(), "", None);
    let pending: Vec<_> = (0..100).map(|_| submit(&store, job())).collect();
    // Never woken.
    drop(store);
    let store = bed.open();
    assert_eq!(history(&store, ENV, 1_000, None).len(), 100);
    for answer in pending {
        answer.recv().unwrap().unwrap();
    }
}

#[test]
fn opening_and_closing_in_many_threads_loses_nothing() {
    let bed = Bed::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let store = bed.open();
                    drop(submit(
                        &store,
                        persist_job(ENV, &page(0), page(0).take_snapshot(), "", None),
                    ));
                }
            });
        }
    });
    let store = bed.open();
    assert_eq!(history(&store, ENV, 1_000, None).len(), 100);
    #[cfg(target_os = "linux")]
    assert_eq!(descriptors(&bed.path()), 1);
}

#[test]
fn a_reader_becomes_a_writer_when_one_comes() {
    let bed = Bed::new();
    bed.create();
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    let writer = bed.open();
    assert!(Arc::ptr_eq(&reader.handle, &writer.handle));
    #[cfg(target_os = "linux")]
    assert_eq!(descriptors(&bed.path()), 1);
    let page = page(0);
    persist(&writer, &page, "");
    assert_eq!(history(&reader, ENV, 9, None).len(), 1);
    // The handle's own word still counts, in order with the others' jobs.
    let job = || persist_job(ENV, &page, page.take_snapshot(), "", None);
    let pending = [&writer, &reader, &writer].map(|store| submit(store, job()));
    writer.wake();
    let outcomes = pending.map(|answer| answer.recv().unwrap().map_err(|error| code(&error)));
    assert_eq!(outcomes[0].as_ref().unwrap().value.revision.id, 2);
    assert_eq!(outcomes[1].as_ref().unwrap_err(), "ERR_READ_ONLY");
    assert_eq!(outcomes[2].as_ref().unwrap().value.revision.id, 3);
}

#[test]
fn a_writer_that_is_refused_leaves_the_reader_its_connection() {
    let bed = Bed::new();
    bed.create();
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    let set_version = |version: i32| {
        bed.outsider()
            .pragma_update(None, "user_version", version)
            .unwrap();
    };
    set_version(99);
    let error = Store::open(&bed.path(), Access::ReadWrite).unwrap_err();
    assert_eq!(code(&error), "ERR_NEWER_SCHEMA");
    let error = reader.attach(ENV, None).unwrap_err();
    assert_eq!(code(&error), "ERR_NEWER_SCHEMA");
    set_version(1);
    reader.attach(ENV, None).unwrap();
    persist(&bed.open(), &page(0), "");
}

#[test]
fn a_file_in_place_of_a_deleted_one_is_another_store() {
    let bed = Bed::new();
    let old = bed.open();
    persist(&old, &page(0), "");
    for name in bed.files() {
        std::fs::remove_file(bed.directory.path().join(name)).unwrap();
    }
    let new = bed.open();
    assert!(!Arc::ptr_eq(&old.handle, &new.handle));
    assert_eq!(history(&new, ENV, 9, None), []);
}

#[test]
fn a_panic_settles_what_was_asked_and_spares_the_rest() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    persist(&store, &page, "");
    let (sender, receiver) = channel();
    let reply = store.reply::<()>(move |answer| drop(sender.send(answer)));
    on_connection(&store, move |connection| {
        let _answered_by_the_unwinding = reply;
        connection
            .execute_batch("BEGIN IMMEDIATE; DELETE FROM revision")
            .unwrap();
        panic!("on purpose, in the middle of a transaction");
    });
    let error = receiver.recv().unwrap().unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_STOPPED");
    assert_eq!(persist(&store, &page, "").revision.id, 2);
    assert_eq!(history(&store, ENV, 9, None).len(), 2);
}

#[test]
fn a_panic_in_a_callback_spares_its_neighbours() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let job = || persist_job(ENV, &page, page.take_snapshot(), "", None);
    let first = submit(&store, job());
    let reply = store.reply(|_| panic!("on purpose, in a callback"));
    store.submit(job()(reply));
    let third = submit(&store, job());
    store.wake();
    assert_eq!(first.recv().unwrap().unwrap().value.revision.id, 1);
    assert_eq!(third.recv().unwrap().unwrap().value.revision.id, 3);
    // Even while another panic unwinds.
    let reply = store.reply::<()>(|_| panic!("on purpose, in a callback"));
    on_connection(&store, move |_| {
        let _answered_by_the_unwinding = reply;
        panic!("on purpose");
    });
}

#[test]
fn a_reply_that_is_dropped_answers() {
    let bed = Bed::new();
    let store = bed.open();
    let (sender, receiver) = channel();
    drop(store.reply::<()>(move |answer| {
        sender.send(answer).unwrap();
    }));
    let error = receiver.recv().unwrap().unwrap_err();
    assert_eq!(code(&error), "ERR_STORE_STOPPED");
    assert!(receiver.recv().is_err(), "answered once");
}

#[test]
fn the_last_handle_may_go_on_the_stores_own_thread() {
    let bed = Bed::new();
    let store = bed.open();
    let (sender, receiver) = channel();
    let held = store.clone();
    let reply = store.reply(move |answer| {
        drop(held);
        sender.send(answer.map(drop)).unwrap();
    });
    store.clone().close(reply);
    drop(store);
    receiver.recv().unwrap().unwrap();
    persist(&bed.open(), &page(0), "");
}

#[test]
fn closing_answers_after_everything_before_it() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let (sender, receiver) = channel();
    for number in 0..20 {
        let sender = sender.clone();
        let reply = store.reply(move |_| sender.send(number).unwrap());
        store.submit(persist_job(ENV, &page, page.take_snapshot(), "", None)(
            reply,
        ));
    }
    let reply = store.reply(move |_| sender.send(20).unwrap());
    store.clone().close(reply);
    assert_eq!(
        receiver.iter().collect::<Vec<_>>(),
        (0..=20).collect::<Vec<_>>()
    );
    persist(&store, &page, "the other handle still works");
}

#[test]
fn closing_the_last_handle_answers_when_the_file_is_closed() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    persist(&store, &page, "");
    let path = bed.path();
    let (sender, receiver) = channel();
    let reply = store.reply(move |_| {
        // SQLite removes its log when the last connection of all closes.
        let log = crate::store::sqlite::paths::with_suffix(&path, "-wal");
        sender.send(log.exists()).unwrap();
    });
    store.close(reply);
    assert!(!receiver.recv().unwrap());
}
