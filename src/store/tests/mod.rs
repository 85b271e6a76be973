//! Tests of the store on real files.

mod backing_up;
mod children;
mod digests;
#[cfg(unix)]
mod doubt;
mod environments;
mod faults;
#[cfg(unix)]
mod faulty;
mod features;
mod health;
mod lifecycle;
#[cfg(target_os = "linux")]
mod locks;
mod measuring;
mod mending;
mod merging;
mod migrating;
mod model;
mod opening;
#[cfg(unix)]
mod overwritten;
mod persisting;
mod persisting_now;
#[cfg(unix)]
pub(super) mod power_loss;
mod pruning;
mod quiet;
#[cfg(unix)]
mod replaced;
mod restoring;
mod retiring;
#[cfg(unix)]
mod still;
mod verifying;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rusqlite::Connection;
use tempfile::TempDir;

use super::job::Task;
use super::{
    Access, Answer, Entry, Job, Persist, Progress, Prune, Pruned, Reply, Restore, Revision, Source,
    Store, Verification, Verifier, open_stores,
};
use crate::bits::Bits;
use crate::error::Error;
use crate::page::{Arena, Edits, Page, Snapshot, State, Units};
use crate::record::{DEFAULT_TERMINAL, Terminal};

const ENV: &str = "production";

/// A place for a database.
struct Bed {
    directory: TempDir,
}

impl Bed {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        Self { directory }
    }

    /// A place in memory where there is one, for tests that would mostly wait for the disk.
    fn in_memory() -> Self {
        let directory = TempDir::new_in("/dev/shm")
            .or_else(|_| TempDir::new())
            .unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.db")
    }

    /// The store, with the default features registered.
    fn open(&self) -> Store {
        let store = Store::open(&self.path(), Access::ReadWrite).unwrap();
        store.attach(ENV, None).unwrap();
        store
    }

    /// Makes the database and closes it again.
    fn create(&self) {
        drop(self.open());
        self.wait_until_closed();
    }

    /// Waits until the store's thread has closed the file, after the last handle is gone.
    fn wait_until_closed(&self) {
        open_stores::wait_until_closed(&self.path());
    }

    /// Another program's connection.
    fn outsider(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Names of the files beside and including the database.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn state(flags: u32) -> State {
    State::with_flags(flags)
}

fn state_with_rows(flags: u32, rows: u8) -> State {
    let mut state = state(flags);
    state.terminal = Terminal {
        rows,
        ..DEFAULT_TERMINAL
    };
    state
}

/// A page of its own.
fn page(flags: u32) -> Page {
    let mut arena = Arena::default();
    let handle = arena.allocate(&state(flags), 0, true).unwrap();
    arena.page(handle).unwrap().clone()
}

fn set(page: &Page, flags: u32) {
    page.change(&state(flags), Units::ALL, page.contains())
        .unwrap();
}

type Pending<T> = Receiver<Result<Answer<T>, Error>>;

/// Queues a job without waking the store.
fn submit<T: Send + 'static>(store: &Store, job: impl FnOnce(Reply<T>) -> Job) -> Pending<T> {
    let (sender, receiver) = channel();
    let reply = store.reply(move |answer| drop(sender.send(answer)));
    store.submit(job(reply));
    receiver
}

fn ask<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(Reply<T>) -> Job,
) -> Result<Answer<T>, Error> {
    let pending = submit(store, job);
    store.wake();
    pending.recv().unwrap()
}

fn persist_job(
    environment: &str,
    page: &Page,
    snapshot: impl Into<Box<Snapshot>>,
    reason: &str,
    if_revision: Option<i64>,
) -> impl FnOnce(Reply<Entry>) -> Job {
    let (environment, page) = (environment.to_owned(), page.clone());
    let (reason, actor) = (reason.to_owned(), "tester".to_owned());
    let snapshot = snapshot.into();
    move |reply| {
        Job::Persist(Persist {
            environment,
            page,
            snapshot,
            reason,
            actor,
            unless_same: false,
            if_revision,
            reply,
        })
    }
}

fn persist_in(store: &Store, environment: &str, page: &Page, reason: &str) -> Entry {
    let job = persist_job(environment, page, page.take_snapshot(), reason, None);
    ask(store, job).unwrap().value
}

fn persist(store: &Store, page: &Page, reason: &str) -> Entry {
    persist_in(store, ENV, page, reason)
}

/// As many revisions of a page as they are asked for at once.
fn persist_many(store: &Store, page: &Page, count: usize) {
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

fn restore_job(
    environment: &str,
    page: &Page,
    source: Source,
    if_revision: Option<i64>,
) -> impl FnOnce(Reply<Entry>) -> Job {
    let (environment, page) = (environment.to_owned(), page.clone());
    move |reply| {
        Job::Restore(Restore {
            environment,
            page,
            source,
            reason: None,
            actor: "tester".to_owned(),
            if_revision,
            reply,
        })
    }
}

fn try_restore(
    store: &Store,
    environment: &str,
    page: &Page,
    source: Source,
    if_revision: Option<i64>,
) -> Result<Entry, Error> {
    ask(store, restore_job(environment, page, source, if_revision)).map(|answer| answer.value)
}

fn try_rollback(
    store: &Store,
    page: &Page,
    to: Option<i64>,
    if_revision: Option<i64>,
) -> Result<Entry, Error> {
    try_restore(store, ENV, page, Source::Earlier(to), if_revision)
}

fn try_promote(store: &Store, from: &str, to: &str, page: &Page) -> Result<Entry, Error> {
    let source = Source::Environment(from.to_owned());
    try_restore(store, to, page, source, None)
}

fn try_apply(
    store: &Store,
    page: &Page,
    (state, known): (State, u32),
    if_revision: Option<i64>,
) -> Result<Entry, Error> {
    let source = Source::Given {
        state: Box::new(state),
        known: Bits::of_first_bank(known),
    };
    try_restore(store, ENV, page, source, if_revision)
}

fn load(store: &Store, environment: &str, page: &Page) -> Option<Entry> {
    ask(store, |reply| Job::Load {
        environment: environment.to_owned(),
        page: page.clone(),
        reply,
    })
    .unwrap()
    .value
}

fn history(store: &Store, environment: &str, limit: u32, before: Option<i64>) -> Vec<Entry> {
    ask(store, |reply| Job::History {
        environment: environment.to_owned(),
        limit,
        before,
        reply,
    })
    .unwrap()
    .value
}

/// Checks the history, slice by slice.
fn verify(store: &Store, expected_head: Option<[u8; 32]>) -> Result<Verification, Error> {
    verify_in(store, ENV, expected_head)
}

fn verify_in(
    store: &Store,
    environment: &str,
    expected_head: Option<[u8; 32]>,
) -> Result<Verification, Error> {
    let verifier = Arc::new(Verifier::new(environment.to_owned(), expected_head));
    loop {
        if let Some(verification) = verify_slice(store, &verifier)?.outcome {
            return Ok(verification);
        }
    }
}

fn verify_slice(store: &Store, verifier: &Arc<Verifier>) -> Result<Progress<Verification>, Error> {
    ask(store, |reply| Job::Verify {
        verifier: Arc::clone(verifier),
        reply,
    })
    .map(|answer| answer.value)
}

/// Prunes, slice by slice, and returns how many revisions were removed.
fn try_prune(store: &Store, environment: &str, keep: u32) -> Result<(u64, Pruned), Error> {
    let mut removed = 0;
    loop {
        let progress = prune_slice(store, environment, keep)?;
        removed += progress.done;
        if let Some(pruned) = progress.outcome {
            return Ok((removed, pruned));
        }
    }
}

fn prune_slice(store: &Store, environment: &str, keep: u32) -> Result<Progress<Pruned>, Error> {
    ask(store, |reply| Job::Prune {
        prune: Prune {
            environment: environment.to_owned(),
            page: page(0),
            keep,
            actor: "cleaner".to_owned(),
        },
        reply,
    })
    .map(|answer| answer.value)
}

/// Waits until everything queued before is done.
fn barrier(store: &Store) -> Answer<()> {
    let (sender, receiver) = channel();
    let reply = store.reply(move |answer| sender.send(answer).unwrap());
    store.clone().close(reply);
    receiver.recv().unwrap().unwrap()
}

/// Runs something on the store's own connection, and waits until it is done.
fn on_connection(store: &Store, run: impl FnOnce(&mut Connection) + Send + 'static) {
    store.push(Task::Run(Box::new(run)));
    barrier(store);
}

/// Moves what is in the log into the database.
#[cfg(unix)]
fn checkpoint(store: &Store) {
    on_connection(store, |connection| {
        connection
            .query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
            .unwrap();
    });
}

/// Transactions so far that wrote revisions.
fn commits(store: &Store) -> u64 {
    store.metrics(ENV).commits.count
}

fn effective(store: &Store, environment: &str) -> Option<Revision> {
    store.attach(environment, None).unwrap().value
}

fn code(error: &Error) -> String {
    error.code().as_ref().to_owned()
}

fn flags(entry: &Entry) -> u32 {
    entry.revision.state.flags.first_bank()
}

fn ids(entries: &[Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.revision.id).collect()
}
