//! Copies of a database in use.

use std::fs;
use std::path::Path;

use super::children::Other;
use super::*;
use crate::store::{BackedUp, Backup};

fn step(store: &Store, backup: &Arc<Backup>) -> Result<Progress<BackedUp>, Error> {
    ask(store, |reply| Job::Backup {
        backup: Arc::clone(backup),
        reply,
    })
    .map(|answer| answer.value)
}

fn back_up(store: &Store, path: &Path, overwrite: bool) -> Result<BackedUp, Error> {
    let backup = Arc::new(Backup::new(path.to_path_buf(), overwrite, 100));
    loop {
        if let Some(done) = step(store, &backup)?.outcome {
            return Ok(done);
        }
    }
}

/// Persists so many revisions in one transaction.
fn fill(store: &Store, page: &Page, count: u32) {
    let jobs: Vec<_> = (0..count)
        .map(|_| {
            submit(
                store,
                persist_job(ENV, page, page.take_snapshot(), "many", None),
            )
        })
        .collect();
    store.wake();
    for job in jobs {
        job.recv().unwrap().unwrap();
    }
}

fn count(path: &Path) -> u64 {
    let store = Store::open(path, Access::ReadOnly).unwrap();
    let verification = verify(&store, None).unwrap();
    assert_eq!(verification.breaches, []);
    drop(store);
    open_stores::wait_until_closed(path);
    verification.revisions
}

#[test]
fn a_backup_is_a_whole_database_by_itself() {
    let (bed, page) = (Bed::new(), page(0b1));
    let store = bed.open();
    fill(&store, &page, 500);
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("copy.db");
    let done = back_up(&store, &target, false).unwrap();
    assert_eq!(done.path, target.canonicalize().unwrap());
    assert_eq!(
        (done.bytes, done.revisions),
        (fs::metadata(&target).unwrap().len(), 500)
    );
    // Alone in its directory, and with no trace of a log: it can be read where nothing can be written.
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    assert_eq!(fs::read(&target).unwrap()[18..20], [1, 1]);
    assert_eq!(count(&target), 500);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);

    // It goes on from there, as a history of its own.
    let copy = Store::open(&target, Access::ReadWrite).unwrap();
    assert_eq!(persist(&copy, &page, "").revision.id, 501);
    assert_eq!(persist(&store, &page, "").revision.id, 501);
}

#[test]
fn persists_go_on_while_pages_are_copied() {
    let (bed, page) = (Bed::in_memory(), page(0b1));
    let store = bed.open();
    fill(&store, &page, 20_000);
    let target = bed.directory.path().join("copy.db");
    let backup = Arc::new(Backup::new(target.clone(), false, 20));
    let mut persisted = 0;
    let done = loop {
        let progress = step(&store, &backup).unwrap();
        assert!(progress.done <= progress.total);
        if let Some(done) = progress.outcome {
            break done;
        }
        assert!(
            !target.exists(),
            "half a backup has the name of a whole one"
        );
        persist(&store, &page, "meanwhile");
        persisted += 1;
    };
    assert!(persisted > 10, "{persisted} persists");
    // With what was persisted on the way.
    assert_eq!(done.revisions, 20_000 + persisted);
    assert_eq!(count(&target), done.revisions);
}

/// Each change by another process makes SQLite start again. That has an end.
#[test]
fn writers_of_other_processes_do_not_hold_it_up_for_ever() {
    let (bed, page) = (Bed::in_memory(), page(0b1));
    let store = bed.open();
    fill(&store, &page, 20_000);
    let mut other = Other::start("write often", &bed.path());
    assert_eq!(other.hear(), "ready");
    let backup = Arc::new(Backup::new(bed.directory.path().join("copy.db"), false, 20));
    let mut steps = 0;
    while step(&store, &backup).unwrap().outcome.is_none() {
        steps += 1;
        assert!(steps < 1000);
        other.go();
        assert_eq!(other.hear(), "written");
    }
    assert!(steps >= 4, "{steps} steps");
    assert_eq!(count(&bed.directory.path().join("copy.db")), 20_000 + steps);
}

#[test]
fn a_backup_that_is_given_up_leaves_nothing() {
    let (bed, page) = (Bed::in_memory(), page(0b1));
    let store = bed.open();
    fill(&store, &page, 5_000);
    let partial = |bed: &Bed| {
        bed.files()
            .iter()
            .filter(|name| name.starts_with("copy"))
            .count()
    };
    let begin = || {
        let backup = Arc::new(Backup::new(bed.directory.path().join("copy.db"), false, 10));
        assert!(step(&store, &backup).unwrap().outcome.is_none());
        assert_eq!(partial(&bed), 1, "{:?}", bed.files());
        backup
    };
    // Cancelled.
    let backup = begin();
    backup.cancel();
    assert_eq!(step(&store, &backup).unwrap().outcome, None);
    assert_eq!(partial(&bed), 0, "{:?}", bed.files());
    // Forgotten by whoever asked for it, and noticed with whatever is asked next.
    drop(begin());
    persist(&store, &page, "");
    barrier(&store);
    assert_eq!(partial(&bed), 0, "{:?}", bed.files());
    drop(begin());
    drop(store);
    bed.wait_until_closed();
    assert_eq!(bed.files(), ["config.db"]);
}

#[test]
#[cfg(unix)]
fn a_backup_is_for_those_whom_its_database_is_for() {
    use std::os::unix::fs::PermissionsExt;

    let bed = Bed::new();
    let store = bed.open();
    persist(&store, &page(0b1), "");
    fs::set_permissions(bed.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let target = bed.directory.path().join("copy.db");
    back_up(&store, &target, false).unwrap();
    let mode = fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

/// That no backup is made there, for this reason, and that nothing is left.
fn expect_refusal(bed: &Bed, store: &Store, name: &str, overwrite: bool, reason: &str) {
    let before = bed.files();
    let error = back_up(store, &bed.directory.path().join(name), overwrite).unwrap_err();
    assert_eq!(code(&error), "ERR_BACKUP", "{name}: {error}");
    assert!(error.to_string().contains(reason), "{name}: {error}");
    assert_eq!(bed.files(), before, "{name}");
}

#[test]
fn places_that_cannot_be_used_are_refused() {
    let (bed, page) = (Bed::new(), page(0b1));
    let store = bed.open();
    persist(&store, &page, "");
    let place = |name: &str| bed.directory.path().join(name);
    fs::write(place("existing"), "mine").unwrap();
    fs::write(place("crashed-wal"), "frames").unwrap();
    fs::create_dir(place("directory")).unwrap();
    fs::hard_link(bed.path(), place("hard")).unwrap();
    let places = [
        ("existing", false, "overwrite"),
        ("config.db", true, "has open"),
        ("hard", true, "has open"),
        ("config.db-wal", true, "part of the database"),
        ("config.db-shm", true, "part of the database"),
        ("config.db-live-production", true, "part of the database"),
        ("directory", true, "directory"),
        ("crashed", false, "-wal"),
        ("missing/copy.db", false, "does not exist"),
        ("..", true, "file"),
    ];
    for (name, overwrite, reason) in places {
        expect_refusal(&bed, &store, name, overwrite, reason);
    }
    assert_eq!(fs::read_to_string(place("existing")).unwrap(), "mine");
    assert_eq!(
        back_up(&store, &place("existing"), true).unwrap().revisions,
        1
    );
    assert_eq!(count(&place("existing")), 1);
    assert_eq!(persist(&store, &page, "").revision.id, 2);
}

#[test]
#[cfg(unix)]
fn what_is_no_regular_file_is_not_replaced() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    use std::os::unix::net::UnixListener;

    let bed = Bed::new();
    let store = bed.open();
    persist(&store, &page(0b1), "");
    let place = |name: &str| bed.directory.path().join(name);
    fs::write(place("existing"), "mine").unwrap();
    symlink(bed.path(), place("link")).unwrap();
    symlink(place("existing"), place("other-link")).unwrap();
    symlink("/dev/null", place("link-to-a-device")).unwrap();
    let _socket = UnixListener::bind(place("socket")).unwrap();
    let fifo = std::process::Command::new("mkfifo")
        .arg(place("fifo"))
        .status();
    assert!(fifo.unwrap().success());
    for (name, reason) in [
        ("link", "has open"),
        ("other-link", "symbolic link"),
        ("link-to-a-device", "symbolic link"),
        ("socket", "not a regular file"),
        ("fifo", "not a regular file"),
    ] {
        expect_refusal(&bed, &store, name, true, reason);
    }
    assert!(place("other-link").is_symlink());
    for name in ["socket", "fifo"] {
        let kind = fs::symlink_metadata(place(name)).unwrap().file_type();
        assert!(kind.is_socket() || kind.is_fifo(), "{name}");
    }
    assert_eq!(fs::read_to_string(place("existing")).unwrap(), "mine");
}
