//! Readers of a database that no program has open.

use super::children::Other;
use super::*;
use crate::store::database::Database;
use crate::store::sqlite::still::Still;

fn read(bed: &Bed) -> Database {
    let busy = std::time::Duration::from_millis(50);
    Database::open(&bed.path(), Access::ReadOnly, true, busy).unwrap()
}

#[test]
fn a_reader_makes_no_files() {
    let bed = Bed::new();
    persist(&bed.open(), &page(0b1), "one");
    bed.wait_until_closed();
    assert_eq!(bed.files(), ["config.db"]);
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    assert_eq!(history(&reader, ENV, 9, None).len(), 1);
    assert_eq!(bed.files(), ["config.db"]);
    drop(reader);
    bed.wait_until_closed();
    assert_eq!(bed.files(), ["config.db"]);
}

#[test]
fn a_reader_follows_those_who_begin_to_write() {
    let bed = Bed::new();
    bed.create();
    let reader = Store::open(&bed.path(), Access::ReadOnly).unwrap();
    assert_eq!(history(&reader, ENV, 9, None), []);
    let mut writer = Other::start("write often", &bed.path());
    assert_eq!(writer.hear(), "ready");
    for count in 1..4 {
        writer.go();
        assert_eq!(writer.hear(), "written");
        assert_eq!(history(&reader, ENV, 9, None).len(), count);
    }
    drop(writer);
    assert_eq!(history(&reader, ENV, 9, None).len(), 3);
}

/// Without this, a look at the files would not tell whether something was written between two looks.
#[test]
fn a_writer_that_came_and_went_leaves_its_log_to_a_reader() {
    let bed = Bed::new();
    bed.create();
    let database = read(&bed);
    assert!(database.still.is_some());
    assert!(!database.is_stirred());
    let writer = bed.outsider();
    writer.pragma_update(None, "wal_autocheckpoint", 1).unwrap();
    writer.pragma_update(None, "user_version", 1).unwrap();
    assert!(database.is_stirred());
    drop(writer);
    assert!(database.is_stirred());
    // It does not take the file for still a second time.
    drop(database);
    assert!(read(&bed).still.is_none());
}

#[test]
fn what_is_not_still_is_read_as_ever() {
    let bed = Bed::new();
    bed.create();
    let busy = std::time::Duration::from_millis(20);
    let begin = || Still::begin(&bed.path(), busy).unwrap();
    assert!(begin().is_some());
    let writer = bed.open();
    assert!(begin().is_none(), "there is a log");
    drop(writer);
    bed.wait_until_closed();
    // A rollback journal says nothing of what is under way.
    bed.outsider()
        .pragma_update(None, "journal_mode", "DELETE")
        .unwrap();
    assert!(begin().is_none());
}

#[test]
fn any_name_can_be_opened() {
    let directory = TempDir::new().unwrap();
    for name in ["100% sure?.db", "a#b&c=d.db", "größe ü.db", "file:x.db"] {
        let path = directory.path().join(name);
        drop(Store::open(&path, Access::ReadWrite).unwrap());
        open_stores::wait_until_closed(&path);
        let busy = std::time::Duration::from_millis(50);
        let database = Database::open(&path, Access::ReadOnly, true, busy).unwrap();
        assert!(database.still.is_some(), "{name}");
    }
}
