//! What else can go wrong around a store that is open.

use super::children::Other;
use super::*;
use crate::store::sqlite::paths::with_suffix;

#[test]
fn a_later_version_that_migrates_meanwhile_is_noticed() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    let set_version = |version: i32| {
        let outsider = bed.outsider();
        outsider
            .pragma_update(None, "user_version", version)
            .unwrap();
    };
    set_version(99);
    let job = persist_job(ENV, &page, page.take_snapshot(), "two", None);
    assert_eq!(code(&ask(&store, job).unwrap_err()), "ERR_NEWER_SCHEMA");
    let refused = try_rollback(&store, &page, Some(1), None).unwrap_err();
    assert_eq!(code(&refused), "ERR_NEWER_SCHEMA");
    let read = ask(&store, |reply| Job::Load {
        environment: ENV.to_owned(),
        page: page.clone(),
        reply,
    });
    assert_eq!(code(&read.unwrap_err()), "ERR_NEWER_SCHEMA");
    // And that it went back.
    set_version(i32::try_from(crate::store::sqlite::schema::STEPS.len()).unwrap());
    assert_eq!(persist(&store, &page, "two").revision.id, 2);
}

#[test]
fn a_reader_makes_the_log_grow_and_nothing_fails() {
    const LIMIT: u64 = 4 << 20;
    let bed = Bed::in_memory();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    let mut reader = Other::start("hold", &bed.path());
    assert_eq!(reader.hear(), "holding");
    let log = with_suffix(&bed.path(), "-wal");
    let size = || std::fs::metadata(&log).unwrap().len();
    let reason = "x".repeat(100_000);
    let mut revisions = 1;
    while size() < 3 * LIMIT {
        revisions = persist(&store, &page, &reason).revision.id;
    }
    assert_eq!(history(&store, ENV, 1, None).len(), 1);
    reader.go();
    drop(reader);
    // One moves the log into the database, the next begins it anew, and cuts it.
    for _ in 0..3 {
        revisions += 1;
        assert_eq!(persist(&store, &page, "on").revision.id, revisions);
    }
    assert!(size() <= LIMIT, "{} bytes", size());
    assert_eq!(
        history(&store, ENV, 1000, None).len(),
        usize::try_from(revisions).unwrap()
    );
}

#[test]
fn a_clock_that_goes_backwards_changes_no_order() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(0));
    for flags in 1..=3 {
        set(&page, flags);
        persist(&store, &page, &format!("{flags}"));
    }
    // As if those had been made by a clock that was a century ahead.
    let ahead = "UPDATE revision SET created_at = created_at + 3155760000000";
    assert_eq!(bed.outsider().execute(ahead, []).unwrap(), 3);
    set(&page, 4);
    let newest = persist(&store, &page, "4").revision;
    let entries = history(&store, ENV, 10, None);
    assert_eq!(ids(&entries), [4, 3, 2, 1]);
    assert!(newest.created_at < entries[1].revision.created_at);
    assert_eq!(effective(&store, ENV).unwrap().id, 4);
    set(&page, 0);
    assert_eq!(flags(&load(&store, ENV, &page).unwrap()), 4);
    let back = try_rollback(&store, &page, None, None).unwrap();
    assert_eq!((back.revision.id, flags(&back)), (5, 3));
    assert_eq!(effective(&store, ENV).unwrap().id, 5);
}
