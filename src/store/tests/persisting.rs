//! Persisting, group commit, and which revision is in effect.

use std::time::Duration;

use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::store::rows::contents::TICK;

#[test]
fn ten_persists_give_ten_revisions_in_order() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let pending: Vec<_> = (0..10)
        .map(|number| {
            set(&page, number);
            let reason = format!("reason {number}");
            submit(
                &store,
                persist_job(ENV, &page, page.take_snapshot(), &reason, None),
            )
        })
        .collect();
    assert_eq!(commits(&store), 0, "nothing happens before the wake-up");
    store.wake();
    for (number, answer) in (0..).zip(pending) {
        let entry = answer.recv().unwrap().unwrap().value;
        let revision = &entry.revision;
        assert_eq!(revision.id, i64::from(number) + 1);
        assert_eq!(revision.reason, format!("reason {number}"));
        assert_eq!(revision.actor, "tester");
        assert_eq!(flags(&entry), number);
        assert_eq!(revision.parent, (number > 0).then_some(number.into()));
        let previous = entry.previous.map(|state| state.flags.first_bank());
        assert_eq!(previous, number.checked_sub(1));
    }
    assert_eq!(commits(&store), 1, "one turn shares a transaction");
    let listed = history(&store, ENV, 100, None);
    assert_eq!(ids(&listed), (1..=10).rev().collect::<Vec<_>>());
}

#[test]
fn a_thousand_queued_persists_share_few_transactions() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    let pending: Vec<_> = (0..1_000)
        .map(|_| {
            submit(
                &store,
                persist_job(ENV, &page, page.take_snapshot(), "", None),
            )
        })
        .collect();
    store.wake();
    for (id, answer) in (1..).zip(pending) {
        let entry = answer.recv().unwrap().unwrap().value;
        assert_eq!(entry.revision.id, id);
    }
    assert!(commits(&store) <= 20, "{} transactions", commits(&store));
}

#[test]
fn a_revision_reads_back_as_it_was_answered() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1001));
    let mut wanted = state_with_rows(0b1001, 99);
    wanted.rollouts[3] = 2_550;
    page.change(&wanted, Units::ALL, page.contains()).unwrap();
    let now = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        i64::try_from(since.unwrap().as_millis()).unwrap()
    };
    let before = now();
    let entry = persist(&store, &page, "ein Grund — mit Ümlauten \u{0}\u{1f980}");
    assert!((before..=now()).contains(&entry.revision.created_at));
    assert_eq!(entry.revision.state, wanted);
    assert_eq!(history(&store, ENV, 1, None), std::slice::from_ref(&entry));
    drop(store);
    assert_eq!(effective(&bed.open(), ENV), Some(entry.revision));
}

#[test]
fn an_invalid_state_fails_alone() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let mut invalid = page.take_snapshot();
    invalid.state.flags = Bits::of_first_bank(1 << 31);
    invalid.state.terminal.rows = 0;
    let valid = || page.take_snapshot();
    let first = submit(&store, persist_job(ENV, &page, valid(), "first", None));
    let second = submit(&store, persist_job(ENV, &page, invalid, "second", None));
    let third = submit(&store, persist_job(ENV, &page, valid(), "third", None));
    store.wake();
    assert_eq!(first.recv().unwrap().unwrap().value.revision.id, 1);
    let error = second.recv().unwrap().unwrap_err();
    assert_eq!(code(&error), "ERR_INVALID_STATE");
    assert!(error.to_string().contains("Invalid rows: 0"), "{error}");
    assert_eq!(third.recv().unwrap().unwrap().value.revision.id, 2);
    assert_eq!(commits(&store), 1);
    assert_eq!(history(&store, ENV, 10, None).len(), 2);
}

#[test]
fn if_revision_sees_the_rows_before_it_in_the_queue() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    let expect = |expected| {
        submit(
            &store,
            persist_job(ENV, &page, page.take_snapshot(), "", Some(expected)),
        )
    };
    let pending = [expect(1), expect(0), expect(0), expect(1), expect(1)];
    store.wake();
    let outcomes = pending.map(|answer| {
        answer
            .recv()
            .unwrap()
            .map(|answer| answer.value.revision.id)
            .map_err(|error| (code(&error), error.to_string()))
    });
    assert_eq!(outcomes[1], Ok(1));
    assert_eq!(outcomes[3], Ok(2));
    for (index, expected, actual) in [(0, 1, 0), (2, 0, 1), (4, 1, 2)] {
        let (code, message) = outcomes[index].clone().unwrap_err();
        assert_eq!(code, "ERR_REVISION_CONFLICT");
        assert!(
            message.contains(&format!("at revision {actual}, not {expected}")),
            "{message}"
        );
    }
}

#[test]
fn a_failed_transaction_fails_all_its_jobs_and_the_next_one_works() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    persist(&store, &page, "before");
    // SQLite refuses to grow the file, as on a full disk.
    on_connection(&store, |connection| {
        let pages: i64 = connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        connection
            .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
            .unwrap();
    });
    let reason = "x".repeat(3_000);
    let pending: Vec<_> = (0..50)
        .map(|_| {
            submit(
                &store,
                persist_job(ENV, &page, page.take_snapshot(), &reason, None),
            )
        })
        .collect();
    store.wake();
    for answer in pending {
        let error = answer.recv().unwrap().unwrap_err();
        assert_eq!(code(&error), "ERR_DISK_FULL");
        assert!(error.to_string().contains("config.db"), "{error}");
    }
    assert_eq!(commits(&store), 1);
    assert_eq!(history(&store, ENV, 100, None).len(), 1);
    on_connection(&store, |connection| {
        connection
            .pragma_update_and_check(None, "max_page_count", 1_000_000, |_| Ok(()))
            .unwrap();
    });
    assert_eq!(persist(&store, &page, &reason).revision.id, 2);
}

#[test]
fn a_lock_held_too_long_is_reported_and_passes() {
    let bed = Bed::new();
    let wait = Duration::from_millis(150);
    let store = Store::open_within(&bed.path(), Access::ReadWrite, wait).unwrap();
    store.attach(ENV, None).unwrap();
    let page = page(0);
    let outsider = bed.outsider();
    outsider.execute_batch("BEGIN IMMEDIATE").unwrap();
    let jobs = || persist_job(ENV, &page, page.take_snapshot(), "", None);
    let pending = [submit(&store, jobs()), submit(&store, jobs())];
    store.wake();
    for answer in pending {
        let error = answer.recv().unwrap().unwrap_err();
        let Error::StoreBusy { waited_ms, .. } = error else {
            panic!("{error}");
        };
        assert!((100..5_000).contains(&waited_ms), "{waited_ms} ms");
    }
    // Reading and attaching with known names need no lock.
    assert!(history(&store, ENV, 1, None).is_empty());
    assert_eq!(store.attach(ENV, None).unwrap().table.names()[0], "debug");
    outsider.execute_batch("ROLLBACK").unwrap();
    assert_eq!(persist(&store, &page, "").revision.id, 1);
}

/// A snapshot with this ticket.
fn at(page: &Page, ticket: u64, flags: u32) -> Snapshot {
    page.reach_ticket(ticket);
    Snapshot {
        state: state(flags),
        ticket,
        ..page.snapshot()
    }
}

fn persist_at(store: &Store, page: &Page, ticket: u64, flags: u32) -> i64 {
    let job = persist_job(ENV, page, at(page, ticket, flags), "", None);
    ask(store, job).unwrap().value.revision.id
}

#[test]
fn an_older_snapshot_never_hides_a_newer_one() {
    let bed = Bed::new();
    let (store, first) = (bed.open(), page(0));
    let in_effect = || effective(&store, ENV).unwrap().id;
    assert_eq!(persist_at(&store, &first, 7, 1), 1);
    assert_eq!(persist_at(&store, &first, 5, 2), 2);
    assert_eq!(in_effect(), 1, "the slow, older snapshot is only history");
    assert_eq!(persist_at(&store, &first, 8, 3), 3);
    assert_eq!(in_effect(), 3);
    let second = page(0);
    assert_eq!(persist_at(&store, &second, 1, 4), 4);
    assert_eq!(in_effect(), 4, "of another page");
    // The parent is what was in effect, not what was last.
    let listed = history(&store, ENV, 10, None);
    let parents: Vec<_> = listed.iter().map(|entry| entry.revision.parent).collect();
    assert_eq!(parents, [Some(3), Some(1), Some(1), None]);
    let effects: Vec<_> = listed
        .iter()
        .map(|entry| entry.revision.delta.is_some())
        .collect();
    assert_eq!(effects, [true, true, false, true]);
    // The order within one transaction is the same.
    let pending: Vec<_> = [12, 11]
        .map(|ticket| {
            submit(
                &store,
                persist_job(ENV, &second, at(&second, ticket, 0), "", None),
            )
        })
        .into();
    store.wake();
    for answer in pending {
        answer.recv().unwrap().unwrap();
    }
    assert_eq!(in_effect(), 5);
}

#[test]
fn the_order_of_two_snapshots_does_not_depend_on_the_flips_between_them() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b01));
    let first = page.take_snapshot();
    // More flips than the count of changes can hold.
    page.generation().store(u32::MAX - 1, SeqCst);
    set(&page, 0b10);
    page.generation().store(1 << 31, SeqCst);
    let second = page.take_snapshot();
    let (second, first) = (
        submit(&store, persist_job(ENV, &page, second, "second", None)),
        submit(&store, persist_job(ENV, &page, first, "first", None)),
    );
    store.wake();
    first.recv().unwrap().unwrap();
    let second = second.recv().unwrap().unwrap().value.revision;
    assert_eq!(effective(&store, ENV), Some(second));
}

#[test]
fn history_pages_backwards() {
    let bed = Bed::new();
    let (store, page, other) = (bed.open(), page(0), page(0));
    for number in 0..7 {
        set(&page, number);
        persist(&store, &page, "");
        persist_in(&store, "other", &other, "");
    }
    let all = history(&store, ENV, 100, None);
    assert_eq!(ids(&all), [13, 11, 9, 7, 5, 3, 1]);
    let first = history(&store, ENV, 3, None);
    let second = history(&store, ENV, 3, Some(9));
    let third = history(&store, ENV, 3, Some(3));
    assert_eq!([first, second, third].concat(), all);
    assert_eq!(history(&store, ENV, 0, None), []);
    assert_eq!(history(&store, "nowhere", 5, None), []);
    assert_eq!(history(&store, ENV, u32::MAX, Some(i64::MIN)), []);
    for pair in all.windows(2) {
        assert_eq!(pair[0].previous, Some(pair[1].revision.state));
    }
    assert_eq!(all[6].previous, None);
}

#[test]
fn a_revision_takes_at_most_200_bytes_on_disk() {
    const COUNT: u64 = 20_000;
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1011));
    let reason = "enable beta feature for everyone";
    let pending: Vec<_> = (0..COUNT)
        .map(|_| {
            submit(
                &store,
                persist_job(ENV, &page, page.take_snapshot(), reason, None),
            )
        })
        .collect();
    store.wake();
    for answer in pending {
        answer.recv().unwrap().unwrap();
    }
    drop(store);
    bed.wait_until_closed();
    let size = std::fs::metadata(bed.path()).unwrap().len();
    assert!(size / COUNT <= 200, "{} bytes a revision", size / COUNT);
}

/// What one transaction knew is only good for the next one if nobody has changed anything in between.
#[test]
fn a_persist_goes_on_from_what_others_and_other_jobs_have_left() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    persist_many(&store, &page, 2);
    // From then on the store knows the file, and would notice only that it changes.
    std::thread::sleep(2 * TICK);
    persist(&store, &page, "");
    // Another process cuts off the last revision.
    bed.outsider()
        .execute_batch(
            "UPDATE environment SET revisions = 2, last = 2, effective = 2,
               digest = (SELECT digest FROM revision WHERE id = 2);
             DELETE FROM revision WHERE id = 3;",
        )
        .unwrap();
    let entry = persist(&store, &page, "after another process");
    assert_eq!((entry.revision.id, entry.revision.parent), (3, Some(2)));
    // This process numbers on, and then takes that back.
    let number_on = "UPDATE environment SET last = 10";
    on_connection(&store, move |connection| {
        let transaction = connection.transaction().unwrap();
        transaction.execute(number_on, []).unwrap();
        transaction.rollback().unwrap();
    });
    assert_eq!(persist(&store, &page, "after nothing").revision.id, 4);
    assert!(verify(&store, None).unwrap().breaches.is_empty());
    // This process has a revision of another environment only.
    persist_in(&store, "other", &super::page(0), "");
    let entry = persist(&store, &page, "after another environment");
    assert_eq!((entry.revision.id, entry.revision.parent), (6, Some(4)));
    try_prune(&store, ENV, 1).unwrap();
    let entry = persist(&store, &page, "after a pruning");
    assert_eq!((entry.revision.id, entry.revision.parent), (7, Some(6)));
    assert!(verify(&store, None).unwrap().breaches.is_empty());
}

#[test]
fn the_page_tells_whether_it_holds_the_state_in_effect() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0b1));
    let slow = page.take_snapshot();
    set(&page, 0b11);
    assert!(!page.is_persisted());
    persist(&store, &page, "newer");
    assert!(page.is_persisted());
    // It gets a higher number, and does not take effect.
    let slow = ask(&store, persist_job(ENV, &page, slow, "slow", None)).unwrap();
    assert_eq!(slow.value.revision.id, 2);
    assert!(page.is_persisted());
    set(&page, 0b1);
    assert!(!page.is_persisted());
    load(&store, ENV, &page);
    assert_eq!(page.snapshot().state.flags.first_bank(), 0b11);
    assert!(page.is_persisted());
}
