//! Files that are deleted or replaced while the store has them open.

use super::children::Other;
use super::*;
use crate::store::sqlite::paths::with_suffix;

fn try_persist(store: &Store, page: &Page) -> Result<Entry, Error> {
    let job = persist_job(ENV, page, page.take_snapshot(), "", None);
    ask(store, job).map(|answer| answer.value)
}

fn refused(store: &Store, page: &Page) -> String {
    code(&try_persist(store, page).unwrap_err())
}

/// Puts another database in the place of this one, with these features.
fn replace(bed: &Bed, features: &[&str]) {
    let other = Bed::new();
    let names: Vec<String> = features.iter().map(ToString::to_string).collect();
    let store = Store::open(&other.path(), Access::ReadWrite).unwrap();
    store
        .attach(ENV, (!names.is_empty()).then_some(&names))
        .unwrap();
    drop(store);
    other.wait_until_closed();
    remove(bed);
    std::fs::copy(other.path(), bed.path()).unwrap();
}

fn remove(bed: &Bed) {
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(with_suffix(&bed.path(), suffix)).unwrap();
    }
}

#[test]
fn a_file_that_is_gone_refuses_one_operation_and_no_more() {
    for suffix in ["-wal", "-shm"] {
        let bed = Bed::new();
        let (store, page) = (bed.open(), page(1));
        persist(&store, &page, "one");
        assert_eq!(store.replaced(), None);
        let file = with_suffix(&bed.path(), suffix);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(store.replaced().as_ref(), Some(&file));
        assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED", "{suffix}");
        assert_eq!(store.replaced(), None);
        persist(&store, &page, "two");
        assert_eq!(ids(&history(&store, ENV, 10, None)), [2, 1]);
        // Reading meets it as well.
        std::fs::remove_file(&file).unwrap();
        let read = ask(&store, |reply| Job::Load {
            environment: ENV.to_owned(),
            page: page.clone(),
            reply,
        });
        assert_eq!(code(&read.unwrap_err()), "ERR_STORE_REPLACED");
        assert!(load(&store, ENV, &page).is_some());
    }
}

#[test]
fn a_deleted_database_is_not_made_anew_and_works_again_once_restored() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    checkpoint(&store);
    let backup = std::fs::read(bed.path()).unwrap();
    remove(&bed);
    for _ in 0..3 {
        assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
    }
    assert_eq!(bed.files(), Vec::<String>::new());
    std::fs::write(bed.path(), "").unwrap();
    assert_eq!(
        refused(&store, &page),
        "ERR_STORE_REPLACED",
        "an empty file is no database"
    );
    std::fs::write(bed.path(), backup).unwrap();
    assert_eq!(persist(&store, &page, "two").revision.id, 2);
    // It is the same store for whoever opens it now.
    let other = bed.open();
    assert_eq!(persist(&other, &page, "three").revision.id, 3);
    assert_eq!(commits(&store), commits(&other));
}

#[test]
fn the_database_in_place_of_another_is_used_if_its_features_fit() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    replace(&bed, &[]);
    assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
    assert_eq!(persist(&store, &page, "one again").revision.id, 1);

    replace(&bed, &["x", "y"]);
    for _ in 0..3 {
        assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
    }
    // Whoever opens it anew gets it.
    let fresh = Store::open(&bed.path(), Access::ReadWrite).unwrap();
    assert_eq!(fresh.attach(ENV, None).unwrap().table.names(), ["x", "y"]);
    persist(&fresh, &page, "another one's");
    assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
}

#[test]
fn a_file_that_another_store_has_by_now_is_left_to_it() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    replace(&bed, &[]);
    let fresh = bed.open();
    assert_eq!(persist(&fresh, &page, "one again").revision.id, 1);
    for _ in 0..3 {
        assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
    }
    assert_eq!(persist(&fresh, &page, "two").revision.id, 2);
}

#[test]
fn a_renamed_database_is_not_opened_twice() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    let renamed = bed.directory.path().join("renamed.db");
    std::fs::rename(bed.path(), &renamed).unwrap();
    let refusal = Store::open(&renamed, Access::ReadWrite).unwrap_err();
    assert_eq!(code(&refusal), "ERR_STORE_REPLACED");
    assert_eq!(refused(&store, &page), "ERR_STORE_REPLACED");
    // Now it is closed.
    assert!(Store::open(&renamed, Access::ReadWrite).is_ok());
}

#[test]
fn a_log_without_a_name_does_not_go_over_what_others_wrote() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    checkpoint(&store);
    persist(&store, &page, "without a name soon");
    std::fs::remove_file(with_suffix(&bed.path(), "-wal")).unwrap();
    std::fs::remove_file(with_suffix(&bed.path(), "-shm")).unwrap();
    let mut other = Other::start("persist", &bed.path());
    assert_eq!(other.hear(), "ready");
    other.go();
    assert_eq!(other.hear(), "persisted");
    drop(other);
    drop(store);
    bed.wait_until_closed();
    let store = bed.open();
    assert_eq!(
        ids(&history(&store, ENV, 100, None)),
        (1..=21).rev().collect::<Vec<_>>()
    );
    assert!(verify(&store, None).unwrap().is_ok());
}

#[test]
fn a_log_whose_database_was_replaced_is_not_moved_into_the_new_one() {
    let bed = Bed::new();
    let (store, page) = (bed.open(), page(1));
    persist(&store, &page, "one");
    replace(&bed, &[]);
    let before = std::fs::read(bed.path()).unwrap();
    drop(store);
    // The slot of the store is that of a file which is gone, so its end shows in the list of descriptors alone.
    let descriptors = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap();
        let targets = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        targets
            .filter(|target| target.starts_with(bed.directory.path()))
            .count()
    };
    while cfg!(target_os = "linux") && descriptors() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(std::fs::read(bed.path()).unwrap(), before);
}
