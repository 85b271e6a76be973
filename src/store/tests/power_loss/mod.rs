//! Power loss: every acknowledged revision is there, wherever the power goes.
//!
//! A recording VFS notes each write, truncation, sync and deletion of a run of commits and checkpoints, and when each
//! revision was acknowledged. Then, for a cut after every single event, the disk is laid out as a power loss may leave
//! it: what was synced is there, and of all else nothing, everything, or any part. Each of these must open, pass
//! SQLite's integrity check, have an unbroken chain, and hold everything that was acknowledged before the cut.
//!
//! `CONFIG13_POWER_LOSS_IMAGES` sets how many random images each cut gets.

mod disk;
mod log;
mod vfs;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rusqlite::OpenFlags;

use super::digests;
use super::*;
use disk::{Disk, Luck};
use log::{Acknowledged, Event, Log};

/// Opens a database as the store does, by way of the recording VFS if its directory is recorded, or of
/// the faulty one if there is a script for it.
pub(in super::super) fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    match vfs::name_for(path).or_else(|| super::faulty::name_for(path)) {
        Some(name) => Connection::open_with_flags_and_vfs(path, flags, name),
        None => Connection::open_with_flags(path, flags),
    }
}

/// The store itself creates the database and syncs the directory: SQLite does not see it.
pub(in super::super) fn note_created(path: &Path) {
    if let Some((log, name)) = vfs::find(path) {
        log.open(&name);
        log.push(Event::DirectorySynced);
    }
}

/// What a recorded connection is to do otherwise than the product's.
type Tamper = fn(&Connection);

fn as_it_is(_: &Connection) {}

/// A store whose files are recorded.
struct Recording {
    bed: Bed,
    log: Arc<Log>,
    tamper: Tamper,
}

impl Recording {
    /// In a directory with these files, which the log knows of already.
    fn new(log: Log, files: &disk::Image, tamper: Tamper) -> Self {
        let bed = Bed::in_memory();
        disk::lay_out(files, bed.directory.path());
        let log = Arc::new(log);
        vfs::record(bed.directory.path(), &log);
        Self { bed, log, tamper }
    }

    fn open(&self) -> Store {
        let store = self.bed.open();
        let tamper = self.tamper;
        on_connection(&store, move |connection| {
            // Small, so that there are many checkpoints, each followed by a log that starts over.
            connection
                .pragma_update(None, "wal_autocheckpoint", 12)
                .unwrap();
            tamper(connection);
        });
        store
    }

    fn close(&self, store: Store) {
        drop(store);
        self.bed.wait_until_closed();
    }

    /// Queues a job whose revision is noted as acknowledged when it is answered.
    fn submit(&self, store: &Store, job: impl FnOnce(Reply<Entry>) -> Job) -> Receiver<()> {
        let (sender, receiver) = channel();
        let log = Arc::clone(&self.log);
        let reply = store.reply(move |answer: Result<Answer<Entry>, Error>| {
            let revision = answer.unwrap().value.revision;
            log.acknowledge(revision.id, revision.digest);
            sender.send(()).unwrap();
        });
        store.submit(job(reply));
        receiver
    }

    /// Single and grouped persists in three environments, rollbacks and promotions.
    fn work(&self, store: &Store, rounds: u32) {
        let pages = [page(0), page(0), page(0)];
        let environments = [ENV, "staging", "dev"];
        for round in 0..rounds {
            let mut pending = Vec::new();
            for job in 0..[1, 5, 2][round as usize % 3] {
                let index = (round + job) as usize % pages.len();
                set(&pages[index], round << 3 & 0x7ff | job);
                // Some revisions fill several pages of the file, others a part of one.
                let reason = "because ".repeat(if job == 1 { 900 } else { 1 });
                let (environment, page) = (environments[index], &pages[index]);
                let job = persist_job(environment, page, page.take_snapshot(), &reason, None);
                pending.push(self.submit(store, job));
            }
            if round % 4 == 1 {
                let job = restore_job(environments[0], &pages[0], Source::Earlier(None), None);
                pending.push(self.submit(store, job));
            }
            if round % 4 == 2 {
                let source = Source::Environment(environments[1].to_string());
                let job = restore_job(environments[2], &pages[2], source, None);
                pending.push(self.submit(store, job));
            }
            store.wake();
            for answer in pending {
                answer.recv().unwrap();
            }
        }
    }
}

/// A new database, persists, a restart, and more persists.
fn record(tamper: Tamper) -> Vec<Event> {
    let recording = Recording::new(Log::default(), &disk::Image::new(), tamper);
    for _ in 0..2 {
        let store = recording.open();
        recording.work(&store, 8);
        recording.close(store);
    }
    recording.log.events()
}

/// What the images of a log were found to be.
#[derive(Debug, Default)]
struct Findings {
    cuts: usize,
    images: usize,
    /// Images that differ from all before.
    checked: usize,
    acknowledged: usize,
    /// Images in which an acknowledged revision is missing, and how many are at most.
    with_loss: usize,
    worst_loss: usize,
    /// What is wrong otherwise, with the first few images.
    damaged: Vec<String>,
}

fn random_images(default: u64) -> u64 {
    std::env::var("CONFIG13_POWER_LOSS_IMAGES").map_or(default, |count| count.parse().unwrap())
}

/// Cuts the power after each event from `first` on, with as many random images beside the two extreme ones.
fn cut(events: &[Event], first: usize, random: u64) -> Findings {
    let bed = Bed::in_memory();
    let mut findings = Findings::default();
    let mut seen = HashSet::new();
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut disk = Disk::default();
    for (place, event) in events.iter().enumerate() {
        disk.apply(event);
        if let Event::Acknowledged(revision) = event {
            acknowledged.push(*revision);
        }
        if place < first {
            continue;
        }
        findings.cuts += 1;
        let lucks = (0..random).map(|index| Luck::Random {
            chance: [128, 230, 26][usize::try_from(index % 3).unwrap()],
            seed: u64::try_from(place).unwrap() << 16 | index,
        });
        for luck in [Luck::None, Luck::All].into_iter().chain(lucks) {
            findings.images += 1;
            let image = disk.image(luck);
            let mut hasher = DefaultHasher::new();
            (&image, acknowledged.len()).hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            findings.checked += 1;
            disk::lay_out(&image, bed.directory.path());
            match examine(&bed, &acknowledged) {
                Ok(0) => {}
                Ok(lost) => {
                    findings.with_loss += 1;
                    findings.worst_loss = findings.worst_loss.max(lost);
                }
                Err(damage) => findings
                    .damaged
                    .push(format!("after event {place}, {luck:?}: {damage}")),
            }
        }
    }
    findings.acknowledged = acknowledged.len();
    findings
}

/// Opens what a power loss left, and counts the acknowledged revisions that are missing.
fn examine(bed: &Bed, acknowledged: &[Acknowledged]) -> Result<usize, String> {
    let store = Store::open(&bed.path(), Access::ReadWrite).map_err(|error| error.to_string())?;
    let attached = store
        .attach(ENV, None)
        .map(drop)
        .map_err(|error| error.to_string());
    drop(store);
    bed.wait_until_closed();
    attached?;

    let outsider = bed.outsider();
    let found: String = outsider
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .map_err(|error| error.to_string())?;
    if found != "ok" {
        return Err(found);
    }
    let heads: Vec<(String, i64, Vec<u8>)> = outsider
        .prepare("SELECT name, revisions, digest FROM environment")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (environment, revisions, digest) in heads {
        let walked = digests::walk(&outsider, &environment);
        if walked != Ok((revisions, digest)) {
            return Err(format!("{environment}: the chain is {walked:?}"));
        }
    }
    let mut find = outsider
        .prepare("SELECT digest FROM revision WHERE id = ?1")
        .unwrap();
    let lost = acknowledged.iter().filter(|revision| {
        let digest: Result<[u8; 32], _> = find.query_row([revision.id], |row| row.get(0));
        digest.ok() != Some(revision.digest)
    });
    Ok(lost.count())
}

fn count(events: &[Event], what: fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| what(event)).count()
}

#[test]
fn nothing_acknowledged_is_lost_wherever_the_power_goes() {
    let events = record(as_it_is);
    // The log of the second life starts over at least this often, and so do checkpoints.
    let restarts = count(
        &events,
        |event| matches!(event, Event::Written { offset: 0, bytes, .. } if bytes.len() == 32),
    );
    assert!(restarts >= 6, "{restarts} checkpoints");
    let findings = cut(&events, 0, random_images(2));
    println!("synchronous=FULL: {restarts} logs, {findings:?}");
    assert_eq!(findings.damaged, [""; 0]);
    assert_eq!(findings.with_loss, 0, "{findings:?}");
    assert!(findings.acknowledged > 40 && findings.cuts > 300);
}

#[test]
fn nothing_acknowledged_is_lost_when_a_killed_process_left_a_log() {
    let events = record(as_it_is);
    let kills = [1, 3, 5].map(|fifth| events.len() * fifth / 6);
    for kill in kills {
        let before = &events[..kill];
        let mut disk = Disk::default();
        for event in before {
            disk.apply(event);
        }
        let recording = Recording::new(Log::after(before), &disk.image(Luck::All), as_it_is);
        let store = recording.open();
        recording.work(&store, 3);
        let findings = cut(&recording.log.events(), kill, random_images(2));
        recording.close(store);
        println!("killed after event {kill}: {findings:?}");
        assert_eq!(findings.damaged, [""; 0]);
        assert_eq!(findings.with_loss, 0, "{findings:?}");
    }
}

#[test]
fn with_synchronous_normal_acknowledged_revisions_are_lost() {
    let events = record(|connection| {
        connection
            .pragma_update(None, "synchronous", "NORMAL")
            .unwrap();
    });
    let findings = cut(&events, 0, random_images(0));
    println!("synchronous=NORMAL: {findings:?}");
    // Whole all the same: it is only what was acknowledged that is not there.
    assert_eq!(findings.damaged, [""; 0]);
    assert!(findings.with_loss > 10, "{findings:?}");
}

#[test]
fn the_examination_notices_a_sync_that_is_left_out() {
    let events = record(as_it_is);
    let without = |left_out: fn(&Event) -> bool| -> Vec<Event> {
        let kept = events.iter().filter(|event| !left_out(event));
        kept.cloned().collect()
    };
    let no_contents = without(|event| matches!(event, Event::Synced { .. }));
    let no_names = without(|event| matches!(event, Event::DirectorySynced));
    for events in [no_contents, no_names] {
        let findings = cut(&events, events.len() - 20, 0);
        assert!(
            findings.with_loss + findings.damaged.len() > 0,
            "{findings:?}"
        );
    }
}

/// SQLite itself would take back what is in the file, but it is looked at before SQLite gets it.
#[test]
fn a_first_page_that_was_written_in_part_is_taken_back() {
    let events = record(as_it_is);
    let mut disk = Disk::default();
    for event in &events {
        if matches!(event, Event::Written { inode: 0, .. }) {
            break;
        }
        disk.apply(event);
    }
    let mut image = disk.image(Luck::None);
    let names: Vec<&str> = image.keys().map(String::as_str).collect();
    assert_eq!(names, ["config.db", "config.db-journal"]);
    let bed = Bed::in_memory();
    for part in [&b"SQL"[..], &[0; 4096]] {
        image.insert("config.db".to_owned(), part.to_vec());
        disk::lay_out(&image, bed.directory.path());
        assert_eq!(examine(&bed, &[]), Ok(0));

        // Without the journal it is anybody's.
        image.insert("config.db-journal".to_owned(), b"notes".to_vec());
        disk::lay_out(&image, bed.directory.path());
        let error = Store::open(&bed.path(), Access::ReadWrite).unwrap_err();
        assert_eq!(code(&error), "ERR_NOT_A_DATABASE");
        image.insert(
            "config.db-journal".to_owned(),
            disk.image(Luck::None).remove("config.db-journal").unwrap(),
        );
    }
}
