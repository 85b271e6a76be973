//! What `verify` finds: on edits that other programs make of the file, byte by byte and row by row.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::params;
use rusqlite::types::Value;

use super::*;
use crate::store::hex;

/// A small generator, so that a run can be repeated from its seed.
struct Random(u64);

impl Random {
    /// From the environment, or a new one, which is printed.
    fn new() -> Self {
        let seed = std::env::var("CONFIG13_SEED").map_or_else(
            |_| {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                u64::try_from(since.as_nanos() & u128::from(u64::MAX)).unwrap()
            },
            |seed| seed.parse().unwrap(),
        );
        println!("repeat with CONFIG13_SEED={seed}");
        Self(seed)
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A history of two environments with every kind of revision, in a closed file.
fn history_of(bed: &Bed, persists: u32) {
    let store = bed.open();
    let (staging, production) = (page(0b1), page(0b10));
    for number in 0..persists {
        let (environment, page) = match number % 3 {
            0 => ("staging", &staging),
            _ => (ENV, &production),
        };
        let mut state = state_with_rows(number & 0x7ff, 1 + u8::try_from(number % 255).unwrap());
        if number % 7 == 0 {
            state.rollouts[3] = u16::try_from(number).unwrap();
        }
        page.change(&state, Units::ALL, page.contains()).unwrap();
        persist_in(&store, environment, page, &format!("change {number}"));
        if number % 10 == 9 {
            try_rollback(&store, &production, None, None).unwrap();
        }
        if number % 15 == 14 {
            try_promote(&store, "staging", ENV, &production).unwrap();
        }
    }
    drop(store);
    bed.wait_until_closed();
    assert_eq!(bed.files(), ["config.db"]);
}

fn verify_file(path: &Path, expected_head: Option<[u8; 32]>) -> Result<Verification, Error> {
    let store = Store::open(path, Access::ReadWrite)?;
    let verification = verify(&store, expected_head);
    drop(store);
    open_stores::wait_until_closed(path);
    verification
}

/// What is wrong, as text; an error counts.
fn found(path: &Path, expected_head: Option<[u8; 32]>) -> Option<String> {
    match verify_file(path, expected_head) {
        Ok(verification) if verification.is_ok() => None,
        Ok(verification) => Some(format!("{:?}", verification.breaches)),
        Err(error) => {
            assert!(
                matches!(
                    error.code().as_ref(),
                    "ERR_STORE_CORRUPT" | "ERR_NOT_A_DATABASE"
                ),
                "{error}"
            );
            Some(error.to_string())
        }
    }
}

fn heads(path: &Path) -> Vec<(String, i64, i64, [u8; 32])> {
    Connection::open(path)
        .unwrap()
        .prepare("SELECT name, revisions, last, digest FROM environment ORDER BY name")
        .unwrap()
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// The file offsets of every cell that holds a revision, from SQLite's own account of its pages.
fn cells(path: &Path) -> Vec<std::ops::Range<usize>> {
    let connection = Connection::open(path).unwrap();
    let size: u32 = connection
        .pragma_query_value(None, "page_size", |row| row.get(0))
        .unwrap();
    let pages: Vec<u32> = connection
        .prepare("SELECT pageno FROM dbstat WHERE name = 'revision' AND pagetype = 'leaf'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let bytes = fs::read(path).unwrap();
    let mut cells = Vec::new();
    for page in pages {
        let start = usize::try_from((page - 1) * size).unwrap();
        let u16_at = |at: usize| usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
        assert_eq!(bytes[start], 13, "a leaf of a table");
        for cell in 0..u16_at(start + 3) {
            let at = start + u16_at(start + 8 + 2 * cell);
            let (payload, length) = varint(&bytes[at..]);
            let (_, id_length) = varint(&bytes[at + length..]);
            cells.push(at..at + length + id_length + payload);
        }
    }
    cells
}

fn varint(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(8) {
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (value, place + 1);
        }
    }
    panic!("no revision needs nine bytes");
}

/// Every value of every revision, as any reader sees it; `None` when it cannot be read.
fn contents(path: &Path) -> Option<Vec<Vec<Value>>> {
    let connection = Connection::open(path).ok()?;
    let mut statement = connection
        .prepare("SELECT * FROM revision ORDER BY id")
        .ok()?;
    let columns = statement.column_count();
    let rows = statement
        .query_map([], |row| {
            (0..columns).map(|column| row.get(column)).collect()
        })
        .ok()?;
    rows.collect::<rusqlite::Result<_>>().ok()
}

#[test]
fn a_whole_history_is_found_whole() {
    let bed = Bed::new();
    let store = bed.open();
    let nothing = verify(&store, None).unwrap();
    assert!(nothing.is_ok());
    assert_eq!((nothing.revisions, nothing.environments.len()), (0, 0));
    drop(store);
    bed.wait_until_closed();

    history_of(&bed, 60);
    let heads = heads(&bed.path());
    let verification = verify_file(&bed.path(), None).unwrap();
    assert_eq!(verification.breaches, []);
    assert_eq!(verification.revisions, 60 + 6 + 4);
    let mut seen: Vec<_> = verification
        .environments
        .iter()
        .map(|environment| {
            (
                environment.name.as_str(),
                environment.revisions,
                environment.head,
            )
        })
        .collect();
    seen.sort_unstable();
    let said: Vec<_> = heads
        .iter()
        .map(|(name, revisions, _, digest)| (name.as_str(), revisions.unsigned_abs(), *digest))
        .collect();
    assert_eq!(seen, said);

    // A digest that somebody kept: of the head or of an earlier revision.
    let store = bed.open();
    for entry in history(&store, ENV, 100, None) {
        assert!(verify(&store, Some(entry.revision.digest)).unwrap().is_ok());
    }
    let foreign = history(&store, "staging", 1, None)
        .remove(0)
        .revision
        .digest;
    for unknown in [foreign, [7; 32]] {
        let breaches = verify(&store, Some(unknown)).unwrap().breaches;
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].problem.contains(&hex(&unknown)), "{breaches:?}");
        assert_eq!(breaches[0].environment.as_deref(), Some(ENV));
    }
}

#[test]
fn a_thousand_random_edits_are_all_found() {
    let bed = Bed::in_memory();
    history_of(&bed, 60);
    let mut random = Random::new();
    let (original, cells) = (fs::read(bed.path()).unwrap(), cells(&bed.path()));
    let values = contents(&bed.path()).unwrap();
    assert_eq!(cells.len(), values.len());
    let offsets: Vec<usize> = cells.into_iter().flatten().collect();
    let path = bed.directory.path().join("edited.db");
    let edit = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        let changed = Connection::open(&path).unwrap().execute(sql, parameters);
        assert!(changed.unwrap() > 0, "{sql}");
    };
    let mut of_no_effect = 0;
    for number in 0..1000 {
        fs::write(&path, &original).unwrap();
        let (name, _, last, head) = heads(&path)[random.below(2)].clone();
        let ids: Vec<i64> = Connection::open(&path)
            .unwrap()
            .prepare(
                "SELECT r.id FROM revision r JOIN environment e ON e.id = r.environment
                 WHERE e.name = ?1 ORDER BY r.id",
            )
            .unwrap()
            .query_map([&name], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let what = match number % 10 {
            0..6 => {
                let offset = offsets[random.below(offsets.len())];
                let flip = u8::try_from(1 + random.below(255)).unwrap();
                let mut edited = original.clone();
                edited[offset] ^= flip;
                fs::write(&path, &edited).unwrap();
                if found(&path, None).is_none() {
                    // Only what no reader can tell: the type byte of an empty column has codes for the same NULL, and
                    // that of the id, which is kept elsewhere, is not looked at.
                    let (before, after) = (original[offset], edited[offset]);
                    assert_eq!(contents(&path).as_ref(), Some(&values), "byte {offset}");
                    assert!(before == 0 && (8..14).contains(&after), "byte {offset}");
                    of_no_effect += 1;
                    continue;
                }
                format!("byte {offset} ^ {flip}")
            }
            6 => {
                let id = ids[random.below(ids.len())];
                edit("DELETE FROM revision WHERE id = ?1", params![id]);
                format!("revision {id} deleted")
            }
            7 => {
                // With a head that fits, as somebody would who knows the schema.
                let id = ids[random.below(ids.len() - 1)];
                edit("DELETE FROM revision WHERE id = ?1", params![id]);
                edit(
                    "UPDATE environment SET revisions = revisions - 1 WHERE name = ?1",
                    params![name],
                );
                format!("revision {id} deleted and not counted")
            }
            8 => {
                let place = random.below(ids.len() - 1);
                let other = place + 1 + random.below(ids.len() - place - 1);
                let (one, other) = (ids[place], ids[other]);
                let connection = Connection::open(&path).unwrap();
                for (from, to) in [(one, 1_000_000), (other, one), (1_000_000, other)] {
                    connection
                        .execute("UPDATE revision SET id = ?2 WHERE id = ?1", [from, to])
                        .unwrap();
                }
                format!("revisions {one} and {other} exchanged")
            }
            _ => {
                let cut = 1 + random.below(ids.len() - 1);
                let (end, kept) = (ids[ids.len() - cut - 1], ids.len() - cut);
                edit(
                    "DELETE FROM revision WHERE id > ?1 AND environment = (SELECT id FROM environment WHERE name = ?2)",
                    params![end, name],
                );
                let what = format!("{name} cut after {end} of {last}");
                assert!(found(&path, None).is_some(), "{what}, with the old head");
                edit(
                    "UPDATE environment SET last = ?1, revisions = ?2, effective = ?1,
                       digest = (SELECT digest FROM revision WHERE id = ?1) WHERE name = ?3",
                    params![end, i64::try_from(kept).unwrap(), name],
                );
                if name == ENV {
                    assert!(
                        found(&path, Some(head)).is_some(),
                        "{what}, with a forged head"
                    );
                }
                continue;
            }
        };
        assert!(found(&path, None).is_some(), "{what}");
    }
    println!("{of_no_effect} of 600 edited bytes were of no effect");
}

#[test]
fn the_first_broken_revision_is_named_with_the_reason() {
    let bed = Bed::new();
    history_of(&bed, 9);
    let edits: [(&str, i64, &str, &str); 12] = [
        (
            "UPDATE revision SET reason = 'x' WHERE id = 5",
            5,
            ENV,
            "between 3 and it",
        ),
        (
            "UPDATE revision SET created_at = created_at + 1 WHERE id = 4",
            4,
            "staging",
            "edited",
        ),
        (
            "DELETE FROM revision WHERE id = 5",
            6,
            ENV,
            "between 3 and it",
        ),
        ("DELETE FROM revision WHERE id = 2", 3, ENV, "before it"),
        (
            "UPDATE revision SET environment = 99 WHERE id = 3",
            3,
            "",
            "environment number 99",
        ),
        (
            "UPDATE environment SET last = 3 WHERE name = 'production'",
            9,
            ENV,
            "last revision is 3",
        ),
        (
            "UPDATE environment SET last = 12 WHERE name = 'production'",
            12,
            ENV,
            "missing",
        ),
        (
            "UPDATE environment SET revisions = 9 WHERE name = 'production'",
            9,
            ENV,
            "counts 9",
        ),
        (
            "UPDATE environment SET digest = zeroblob(32) WHERE name = 'production'",
            9,
            ENV,
            "another digest",
        ),
        (
            "UPDATE environment SET effective = 3 WHERE name = 'production'",
            3,
            ENV,
            "last persisted state",
        ),
        (
            "UPDATE feature SET name = 'renamed' WHERE bit = 2",
            1,
            "staging",
            "feature table",
        ),
        (
            "UPDATE environment SET name = 'other' WHERE name = 'production'",
            2,
            "other",
            "edited",
        ),
    ];
    for (sql, revision, environment, reason) in edits {
        let other = Bed::new();
        let path = other.path();
        fs::copy(bed.path(), &path).unwrap();
        let changed = Connection::open(&path)
            .unwrap()
            .execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}"));
        changed.unwrap();
        let verification = verify_file(&path, None).unwrap();
        let first = verification
            .breaches
            .first()
            .unwrap_or_else(|| panic!("{sql}"));
        assert_eq!(
            first.revision,
            Some(revision),
            "{sql}: {:?}",
            verification.breaches
        );
        assert_eq!(
            first.environment.as_deref().unwrap_or(""),
            environment,
            "{sql}"
        );
        assert!(first.problem.contains(reason), "{sql}: {}", first.problem);
    }
}

/// A chain that is right in itself, made with the store's own digests, and points where it must not.
#[test]
fn links_to_what_is_not_there_are_found() {
    type Edit = fn(&mut Revision);
    let bed = Bed::new();
    history_of(&bed, 9);
    let original = fs::read(bed.path()).unwrap();
    let edits: [(Edit, &str); 6] = [
        (|r| r.parent = Some(r.id), "its parent"),
        (|r| r.parent = Some(1), "its parent"),
        (|r| r.restored_from = Some(r.id + 1), "restores"),
        (|r| r.state.terminal.rows = 0, "rows"),
        (|r| r.names = 20, "knows 20 features"),
        (|r| r.state.registry_hashes[0] ^= 1, "feature table"),
    ];
    for (edit, reason) in edits {
        fs::write(bed.path(), &original).unwrap();
        let store = bed.open();
        let newest = history(&store, ENV, 2, None);
        let (mut revision, before) = (newest[0].revision.clone(), newest[1].revision.digest);
        edit(&mut revision);
        revision.digest = revision.digest_after(&before);
        drop(store);
        bed.wait_until_closed();
        let connection = bed.outsider();
        connection
            .execute(
                "UPDATE revision SET parent = ?2, restored_from = ?3, record = ?4, names = ?5, digest = ?6
                 WHERE id = ?1",
                params![
                    revision.id,
                    revision.parent,
                    revision.restored_from,
                    revision.state.encode(1),
                    revision.names,
                    revision.digest
                ],
            )
            .unwrap();
        connection
            .execute(
                "UPDATE environment SET digest = ?2 WHERE name = ?1",
                params![ENV, revision.digest],
            )
            .unwrap();
        drop(connection);
        let breaches = verify_file(&bed.path(), None).unwrap().breaches;
        assert_eq!(breaches.len(), 1, "{reason}: {breaches:?}");
        assert_eq!(breaches[0].revision, Some(revision.id));
        assert!(breaches[0].problem.contains(reason), "{breaches:?}");
    }
}

#[test]
fn persists_go_on_while_the_history_is_checked() {
    let bed = Bed::in_memory();
    let (store, page) = (bed.open(), page(0b1));
    persist_many(&store, &page, 20_000);
    let verifier = Arc::new(Verifier::new(ENV.to_owned(), None));
    let mut slices: u64 = 0;
    let verification = loop {
        let progress = verify_slice(&store, &verifier).unwrap();
        assert!(progress.done <= progress.total);
        if let Some(verification) = progress.outcome {
            break verification;
        }
        slices += 1;
        persist(&store, &page, "meanwhile");
    };
    assert!(verification.is_ok(), "{verification:?}");
    assert!(slices > 2, "{slices} slices");
    // Those from before the first slice, all of them and no others.
    assert_eq!(verification.revisions, 20_000);
    let after = verify(&store, None).unwrap();
    assert_eq!(after.revisions, 20_000 + slices);
}

/// Whoever waits interrupts SQLite's own check, which still ends.
#[test]
fn the_check_of_the_structure_gives_way_and_ends() {
    let bed = Bed::in_memory();
    history_of(&bed, 3000);
    let store = bed.open();
    let ended = AtomicBool::new(false);
    let slices = || {
        let verifier = Arc::new(Verifier::new(ENV.to_owned(), None));
        let mut slices = 0;
        loop {
            let progress = verify_slice(&store, &verifier).unwrap();
            // Those from the last revision on.
            slices += u32::from(progress.done == progress.total && progress.done > 0);
            if let Some(verification) = progress.outcome {
                assert_eq!(verification.breaches, []);
                return slices;
            }
        }
    };
    // The end of the walk, and one attempt.
    assert_eq!(slices(), 2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(SeqCst) {
                store.wake();
            }
        });
        // On a busy machine the other thread may miss the moment.
        let interrupted = (0..50).map(|_| slices()).find(|slices| *slices > 2);
        ended.store(true, SeqCst);
        let slices = interrupted.expect("no check gave way");
        assert!(slices <= 2 + 5, "{slices} slices");
    });
}

#[test]
fn an_edit_behind_the_back_of_an_open_store_is_found() {
    let bed = Bed::new();
    history_of(&bed, 9);
    let store = bed.open();
    // Everything is in the connection's cache now.
    assert_eq!(history(&store, ENV, 100, None).len(), 6);
    assert!(verify(&store, None).unwrap().is_ok());
    history(&store, ENV, 100, None);
    let bytes = fs::read(bed.path()).unwrap();
    let at = bytes
        .windows(8)
        .position(|bytes| bytes == b"change 4")
        .unwrap();
    // Not closed while the store is open: that would drop its locks.
    let mut file = fs::OpenOptions::new().write(true).open(bed.path()).unwrap();
    file.seek(SeekFrom::Start(u64::try_from(at).unwrap()))
        .unwrap();
    file.write_all(b"change 5").unwrap();
    let verification = verify(&store, None).unwrap();
    assert!(!verification.is_ok());
    drop(store);
    bed.wait_until_closed();
}

/// What only SQLite knows, such as an index that leads elsewhere.
#[test]
fn damage_that_no_revision_shows_is_found() {
    let bed = Bed::new();
    history_of(&bed, 30);
    let page: u32 = bed
        .outsider()
        .query_row(
            "SELECT pageno FROM dbstat WHERE name = 'revision_environment'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let mut bytes = fs::read(bed.path()).unwrap();
    // The last byte of the page ends the first entry: the number of its revision.
    let last = usize::try_from(page).unwrap() * 4096 - 1;
    bytes[last] ^= 0x40;
    fs::write(bed.path(), &bytes).unwrap();
    let breaches = verify_file(&bed.path(), None).unwrap().breaches;
    assert!(!breaches.is_empty());
    for breach in breaches {
        assert_eq!((breach.revision, breach.environment), (None, None));
        assert!(
            breach.problem.starts_with("SQLite finds: "),
            "{}",
            breach.problem
        );
    }
}

#[test]
fn a_file_with_a_broken_page_is_reported_and_not_an_error() {
    let bed = Bed::in_memory();
    history_of(&bed, 300);
    let mut bytes = fs::read(bed.path()).unwrap();
    let cells = cells(&bed.path());
    let page = cells[cells.len() / 2].start / 4096 * 4096;
    bytes[page..page + 4096].fill(0xaa);
    fs::write(bed.path(), &bytes).unwrap();
    let verification = verify_file(&bed.path(), None).unwrap();
    assert!(!verification.is_ok());
    let text = format!("{:?}", verification.breaches);
    assert!(text.contains("cannot be read"), "{text}");
}
