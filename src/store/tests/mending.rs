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

/// Leaves the page as a process does that is killed when its last commit is on disk and not live.
fn leave_commit(page: &Page, flags: u32, contains: u64) {
    page.change(&state(flags), Units::ALL, contains).unwrap();
    page.mark_commit();
}

#[test]
fn a_commit_that_is_on_disk_only_is_put_on_the_live_state() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b011));
    persist(&store, &page, "the target");
    set(&page, 0b100);
    persist(&store, &page, "");
    try_rollback(&store, &page, Some(1), None).unwrap();
    assert_eq!(page.contains(), 3);
    leave_commit(&page, 0b100, 2);
    store.keep(ENV, &page).unwrap();
    assert_eq!((page.snapshot().state, page.contains()), (state(0b011), 3));
    assert!(!page.is_unfinished());

    // From then on the store looks by itself.
    leave_commit(&page, 0b100, 2);
    let started = Instant::now();
    while page.is_unfinished() {
        assert!(started.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    assert_eq!((page.snapshot().state, page.contains()), (state(0b011), 3));
}

#[test]
fn a_whole_change_that_a_killed_process_began_is_completed_from_the_journal() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b01));
    persist(&store, &page, "");
    page.leave_change(&state(0b10), Units::ALL, 1);
    store.keep(ENV, &page).unwrap();
    assert!(!page.is_unfinished());
    assert_eq!((page.snapshot().state, page.contains()), (state(0b10), 1));
}

#[test]
fn a_mark_without_a_commit_changes_nothing() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    page.mark_commit();
    store.keep(ENV, &page).unwrap();
    assert!(!page.is_unfinished());
    assert_eq!(page.snapshot().state, state(0b1));
    persist(&store, &page, "");
    set(&page, 0b11);
    page.mark_commit();
    store.keep(ENV, &page).unwrap();
    assert!(!page.is_unfinished());
    assert_eq!(page.snapshot().state, state(0b11));
}

#[test]
fn the_next_commit_completes_the_last_one_first() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b01));
    persist(&store, &page, "");
    let given = (state(0b100), 0b100);
    try_apply(&store, &page, given, None).unwrap();
    leave_commit(&page, 0b01, 1);
    let entry = try_apply(&store, &page, (state(0b10), 0b10), None).unwrap();
    assert_eq!(flags(&entry), 0b111);
    assert!(!page.is_unfinished());
    assert_eq!((page.snapshot().state, page.contains()), (state(0b111), 3));
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
    let frozen = lock_as_another_process(&path, false).unwrap().unwrap();
    page.mark_commit();

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
    assert!(page.is_unfinished());
    assert!(rollbacks.try_recv().is_err());

    drop(frozen);
    let (to, answer) = rollbacks.recv_timeout(PATIENCE).unwrap();
    assert_eq!((to, answer.unwrap().value.revision.id), (first.id, 6));
    assert!(!page.is_unfinished());
    assert_eq!(page.snapshot().state, state(0b01));
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
    let frozen = lock_as_another_process(&path, false).unwrap().unwrap();
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

#[test]
#[cfg(unix)]
fn a_live_state_that_is_far_behind_is_merged_all_the_same() {
    // More than are read ahead of the transaction, and more than are put on a live state at once.
    const REVISIONS: u32 = 250;
    let bed = Bed::in_memory();
    let store = bed.open();
    let path = bed.directory.path().join("live");
    let (page, other) = (live_page(&path), page(0));
    persist(&store, &page, "");
    other.change(&state(0), Units::NONE, 1).unwrap();
    // Until it lets go, nothing can be put on the live state.
    let frozen = lock_as_another_process(&path, false).unwrap().unwrap();
    for round in 1..=REVISIONS {
        // Bits 0 to 3 are the page's, 4 to 7 the other one's.
        set(&page, round % 0x10);
        persist(&store, &page, "");
        let theirs = (round % 0x10) << 4;
        other
            .change(&state(theirs), Units::of_first_bank(0xf0), other.contains())
            .unwrap();
        persist(&store, &other, "");
    }
    assert_eq!(page.contains(), 1);
    set(&page, 0b101);
    let theirs = (REVISIONS % 0x10) << 4;
    assert_eq!(flags(&persist(&store, &page, "")), theirs | 0b101);
    assert_eq!(page.snapshot().state, state(0b101));
    drop(frozen);
    store.keep(ENV, &page).unwrap();
    assert_eq!(flags(&persist(&store, &page, "")), theirs | 0b101);
    assert_eq!(page.snapshot().state, state(theirs | 0b101));
    assert_eq!(page.contains(), u64::from(2 * REVISIONS + 3));
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
        snapshot: page.take_snapshot().into(),
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
    let older = page.take_snapshot();
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
    let in_between = page.take_snapshot();
    set(&page, 0b11);
    persist_unless_same(&store, &page);
    // Another process is slower.
    ask(&store, persist_job(ENV, &page, in_between, "late", None)).unwrap();
    assert_eq!(effective(&store, ENV).unwrap().state, state(0b11));
}

#[test]
#[cfg(unix)]
fn a_process_that_is_stopped_in_a_whole_change_holds_up_neither_snapshots_nor_the_disk() {
    let bed = Bed::new();
    let store = bed.open();
    let path = bed.directory.path().join("live");
    let page = live_page(&path);
    store.keep(ENV, &page).unwrap();
    set(&page, 0b01);
    persist(&store, &page, "");
    page.leave_change(&state(0b10), Units::ALL, 1);
    let stopped = lock_as_another_process(&path, true).unwrap().unwrap();

    // What it is about to do is the state that is persisted.
    assert_eq!(flags(&persist(&store, &page, "")), 0b10);
    let edits = Edits {
        on: Bits::of_first_bank(0b100),
        ..Edits::default()
    };
    let error = page.edit(&edits).unwrap_err();
    assert!(
        matches!(error, Error::LiveFileBusy { waited_ms: 250, .. }),
        "{error}"
    );
    // A commit would have to be live with the rest of what it is about to do.
    let error = try_restore(&store, ENV, &page, Source::Edits(edits.clone()), None).unwrap_err();
    assert!(matches!(error, Error::LiveFileBusy { .. }), "{error}");

    drop(stopped);
    assert!(page.edit(&edits).unwrap());
    assert_eq!(page.snapshot().state, state(0b110));
    assert!(!page.is_unfinished());
}
