//! What does the work of a store: its connection, opened when it is needed, given up when it cannot be trusted, and
//! asked again when a commit leaves a doubt. The jobs are in `jobs/`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::database::Database;
use super::kept::Kept;
use super::open_stores;
use super::queue::Calls;
use super::reply::Answer;
use super::rows::contents::{Contents, Trace};
use super::rows::features;
use super::rows::ledger::Standing;
use super::shared::Shared;
use super::sqlite::connection::{Access, checkpoint};
use super::sqlite::errors::{CREATE_AGAIN, Fault, READ_AGAIN, RESTORE, commit};
use super::sqlite::schema::expect_known;
use crate::error::Error;
use crate::feature_table::FeatureTable;
use crate::sync::lock;

/// What does the work. One thread at a time holds it: the store's own, or that of a caller that waits for the answer.
pub struct Worker {
    pub shared: Arc<Shared>,
    /// Whether a caller waits, for work that can yield.
    pub calls: Calls,
    /// `None` until the first task, and after a failure that left it in doubt.
    pub database: Option<Database>,
    /// Whether it ever was open, so that it has to exist.
    was_open: bool,
    /// What the last connection knew, while there is none.
    contents: Contents,
    /// The pages that this process has open, as far as they have to be looked after.
    pub kept: Vec<Kept>,
    /// Whether this process has persisted something since the pages that follow were last brought up to the database.
    pub has_written: bool,
    /// When the database was last checked for what other processes have persisted, and which of its versions the pages that
    /// follow have.
    pub looked_at_database: Option<Instant>,
    pub followed: Option<i64>,
}

impl Worker {
    pub fn new(shared: Arc<Shared>, calls: Calls) -> Self {
        Self {
            shared,
            calls,
            database: None,
            was_open: false,
            contents: Contents::default(),
            kept: Vec::new(),
            has_written: false,
            looked_at_database: None,
            followed: None,
        }
    }

    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Records a transaction, if it wrote revisions.
    pub fn note_commit(&mut self, revisions: u64, started: Instant) {
        if revisions > 0 {
            self.has_written = true;
            self.shared.meters.commit(revisions, started.elapsed());
        }
    }

    /// Removes the backups that no caller will continue, such as that of a thread that was terminated.
    pub fn drop_abandoned_backups(&mut self) {
        if let Some(database) = &mut self.database {
            database.copies.drop_abandoned();
        }
    }

    /// An answer with the feature table as last seen, where it may not be readable.
    pub fn answer<T>(&self, value: T) -> Answer<T> {
        let table = lock(&self.shared.table).clone();
        Answer { value, table }
    }

    /// The connection, opened or reopened if need be. The first operation that finds files replaced is refused.
    fn database(&mut self, access: Access) -> Result<&mut Database, Error> {
        if let Some(error) = self.replaced() {
            self.give_up();
            return Err(error);
        }
        if self.database.as_ref().is_some_and(Database::is_stirred) {
            self.close();
        }
        self.open(access, false)?;
        let path = &self.shared.path;
        self.database.as_mut().ok_or_else(|| Error::StoreStopped {
            path: path.to_path_buf(),
        })
    }

    /// Opens the database for a new handle, which has read nothing yet that could have been replaced.
    pub fn open_anew(&mut self, access: Access, must_exist: bool) -> Result<(), Error> {
        if self.replaced().is_some() {
            self.give_up();
        }
        self.open(access, must_exist)
    }

    /// Has a connection with this access, unless there is one already.
    fn open(&mut self, access: Access, must_exist: bool) -> Result<(), Error> {
        let before = self.database.as_ref().map(|database| database.access);
        if before.is_some_and(|before| before >= access) {
            return Ok(());
        }
        // The old connection goes first: there is never a second one.
        self.close();
        self.connect(access, must_exist).inspect_err(|_| {
            if let Some(before) = before {
                // Readers can go on. If that fails, the next operation says why.
                let _next_time = self.connect(before, must_exist);
            }
        })
    }

    fn connect(&mut self, access: Access, must_exist: bool) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        open_stores::claim(&shared)?;
        // A database that was emptied under us must not come back to life as a new one.
        let was_open = self.was_open;
        let replaced = |advice| {
            let path = shared.path.to_path_buf();
            Error::StoreReplaced { path, advice }
        };
        let opened = Database::open(&shared.path, access, must_exist || was_open, shared.busy);
        let mut database = opened.map_err(|error| match error {
            Error::StoreNotFound { .. } if was_open => replaced(RESTORE),
            error => error,
        })?;
        database.contents = self.contents.for_reopening();
        let started = Instant::now();
        let table = features::read(&database.connection).map_err(|fault| {
            let error = fault.into_error(&shared.path, started.elapsed());
            not_damaged(&mut database, &shared.path, error)
        })?;
        if !table.names().starts_with(lock(&shared.table).names()) {
            // Bits would get other names.
            drop(database);
            open_stores::disown(&shared);
            return Err(replaced(CREATE_AGAIN));
        }
        *lock(&shared.files) = Some(database.files.clone());
        self.was_open = true;
        shared.meters.opened();
        self.database = Some(database);
        Ok(())
    }

    /// Closes the connection, if there is one.
    pub fn close(&mut self) {
        if let Some(database) = self.database.take() {
            self.contents = database.contents.clone();
        }
        self.followed = None;
        *lock(&self.shared.files) = None;
    }

    /// Closes the connection, and goes on with whatever the files hold by the next time.
    fn give_up(&mut self) {
        self.abandon();
        self.contents = Contents::default();
    }

    /// Closes the connection without touching the database once more.
    fn abandon(&mut self) {
        if let Some(database) = &self.database {
            // It cannot fail on an open connection. If it did, closing would do what it always does.
            let _told = database.leave_log();
        }
        self.close();
    }

    pub fn replaced(&self) -> Option<Error> {
        let path = self.database.as_ref()?.files.replaced()?.to_path_buf();
        let advice = READ_AGAIN;
        Some(Error::StoreReplaced { path, advice })
    }

    /// Remembers a feature table that was read, and tells the live pages what was retired. Names are only ever added while the
    /// database is open.
    pub fn learn(&mut self, table: &FeatureTable) {
        let age = |table: &FeatureTable| (table.names().len(), table.changes());
        let mut known = lock(&self.shared.table);
        if age(table) <= age(&known) && table.changes() <= known.changes() {
            return;
        }
        let has_changes = table.changes() > known.changes();
        known.clone_from(table);
        drop(known);
        if !has_changes {
            return;
        }
        for Kept { page, .. } in &self.kept {
            // Otherwise whoever has the lock, or opens the page next, tells it.
            if let Ok(_exclusive) = page.try_lock_order() {
                page.announce_names(table);
            }
        }
    }

    /// Works on the connection, and turns what SQLite says into an error that names the file and the time waited.
    ///
    /// `work` is done again if a program began to write while it read, see [`still`](super::sqlite::still).
    pub fn with<T>(
        &mut self,
        access: Access,
        work: impl Fn(&mut Connection) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        match self.with_database(access, |database| work(&mut database.connection)) {
            Err(Error::StoreStirred { .. }) => {
                self.with_database(access, |database| work(&mut database.connection))
            }
            result => result,
        }
    }

    /// As [`Worker::with`], for work that needs more than the connection, or cannot be done twice.
    pub fn with_database<T>(
        &mut self,
        access: Access,
        work: impl FnOnce(&mut Database) -> Result<T, Fault>,
    ) -> Result<T, Error> {
        let path = Arc::clone(&self.shared.path);
        let database = self.database(access)?;
        // Of another process perhaps, which has ended without moving it.
        database.has_log |= access == Access::ReadWrite;
        let started = Instant::now();
        let worked = work(database);
        if database.is_stirred() {
            self.close();
            let path = path.to_path_buf();
            return Err(Error::StoreStirred { path });
        }
        let fault = match worked {
            Ok(value) => return Ok(value),
            Err(fault) => fault.with_reason(&database.connection, &path),
        };
        let is_spoilt = fault.spoils_connection();
        let error = not_damaged(database, &path, fault.into_error(&path, started.elapsed()));
        let connection = &database.connection;
        if matches!(error, Error::DiskFull { .. }) {
            // The next transaction then has the log's own space, even if none is freed. There may be no room for this
            // either; the caller gets the error of the full disk anyway.
            let _as_far_as_possible = checkpoint(connection);
        }
        if is_spoilt {
            self.abandon();
        }
        Err(error)
    }

    /// Writes in one transaction, and answers only when it is known to be on disk, in the files that their paths lead
    /// to. Where that is in doubt, the file is opened again and read.
    ///
    /// `work` gets what the last transaction has kept for it, and keeps something for the next one. It returns with its
    /// result how to find the transaction, if it wrote anything.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Option<Standing>) -> Result<(T, Option<Trace>), Fault>,
    ) -> Result<T, Error> {
        let mut done = None;
        let path = Arc::clone(&self.shared.path);
        let outcome = self.with_database(Access::ReadWrite, |database| {
            let mut standing = database.standing.take();
            let behavior = TransactionBehavior::Immediate;
            let transaction = database.connection.transaction_with_behavior(behavior)?;
            expect_known(&transaction, &path)?;
            database.contents.expect_whole(&transaction, &path)?;
            done = Some(work(&transaction, &mut standing)?);
            commit(transaction)?;
            // Not before: of a transaction that was taken back nothing is true.
            database.standing = standing;
            Ok(())
        });
        let doubt = match outcome {
            Ok(()) => self.replaced(),
            Err(error) => Some(error),
        };
        match (done, doubt) {
            (Some((value, trace)), None) => self.acknowledge(trace).map(|()| value),
            (
                Some((value, Some(trace))),
                Some(doubt @ (Error::StoreOutcomeUnknown { .. } | Error::StoreReplaced { .. })),
            ) => self
                .settle(trace, doubt)
                .and_then(|()| self.acknowledge(Some(trace)))
                .map(|()| value),
            (_, Some(error)) => {
                let refused = Err(error);
                self.give_up_overwritten(&refused);
                refused
            }
            (None, None) => Err(Error::StoreStopped {
                path: self.path().to_path_buf(),
            }),
        }
    }

    /// Sees to it that what was committed can be found in the files as they are now.
    fn acknowledge(&mut self, trace: Option<Trace>) -> Result<(), Error> {
        let path = Arc::clone(&self.shared.path);
        let Some(database) = &mut self.database else {
            return Ok(());
        };
        if let Some(trace) = trace {
            database.contents.know(trace);
        }
        // When it cannot be read, the next operation says why; what was committed is on disk.
        if let Err(Fault::Refused(error)) = database.expect_whole(&path) {
            self.give_up();
            return Err(error);
        }
        Ok(())
    }

    /// One operation is refused when the file was overwritten; the next one finds what is there then.
    pub fn give_up_overwritten<T>(&mut self, outcome: &Result<T, Error>) {
        if matches!(outcome, Err(Error::StoreReplaced { .. })) {
            self.give_up();
        }
    }

    /// Finds out whether a transaction is in the database, and sees to it that the answer stays true.
    fn settle(&mut self, trace: Trace, doubt: Error) -> Result<(), Error> {
        self.abandon();
        let found = self.with(Access::ReadWrite, |connection| confirm(connection, trace));
        match (found, doubt) {
            (Ok(true), _) => Ok(()),
            (Ok(false), Error::StoreOutcomeUnknown { path, source }) => {
                Err(Error::Store { path, source })
            }
            (Ok(false), replaced)
            // There is no such file any more, so nothing is in it.
            | (Err(Error::StoreReplaced { .. }), replaced @ Error::StoreReplaced { .. }) => {
                Err(replaced)
            }
            (Err(_), unknown @ Error::StoreOutcomeUnknown { .. }) => Err(unknown),
            (Err(_), doubt) => Err(Error::StoreOutcomeUnknown {
                path: self.path().to_path_buf(),
                source: Arc::new(doubt),
            }),
        }
    }

    /// Reads in one transaction, so that the answer is consistent.
    pub fn read<T>(
        &mut self,
        query: impl Fn(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        let answer = self.look(query);
        self.give_up_overwritten(&answer);
        answer
    }

    /// As [`Worker::read`], for a query that cannot be made twice.
    pub fn read_once<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        let answer = self.look_once(query);
        self.give_up_overwritten(&answer);
        answer
    }

    /// As [`Worker::read`], but what is refused because files were overwritten is refused to the next operation, too.
    pub fn look<T>(
        &mut self,
        query: impl Fn(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        match self.look_once(&query) {
            Err(Error::StoreStirred { .. }) => self.look_once(query),
            answer => answer,
        }
    }

    fn look_once<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        let path = self.path().to_path_buf();
        let answer = self.with_database(Access::ReadOnly, |database| {
            let transaction = database.connection.transaction()?;
            expect_known(&transaction, &path)?;
            database.contents.expect_whole(&transaction, &path)?;
            Ok(Answer {
                table: features::read(&transaction)?,
                value: query(&transaction)?,
            })
        })?;
        self.learn(&answer.table);
        Ok(answer)
    }
}

/// What is true of a database that looks damaged: its pages may be those of two databases.
fn not_damaged(database: &mut Database, path: &Path, error: Error) -> Error {
    let looks_damaged = matches!(
        error,
        Error::StoreCorrupt { .. } | Error::NotADatabase { .. }
    );
    match looks_damaged.then(|| database.expect_whole(path)) {
        Some(Err(Fault::Refused(replaced))) => replaced,
        _ => error,
    }
}

/// Whether a transaction that may have been written is there; when this returns, it is so for good.
///
/// After a failed sync the system takes what it could not write for written, so syncing again proves nothing. If the
/// transaction is there, it is therefore moved into the database, and the log begun anew. If it is not, its remains in
/// the log may still become valid when all processes crash and the log is read from its beginning. The next transaction
/// is written over them or, in a new log, makes them void; this one changes nothing else.
fn confirm(connection: &mut Connection, trace: Trace) -> Result<bool, Fault> {
    let is_there: bool = connection.query_row(
        "SELECT EXISTS (SELECT * FROM revision WHERE id = ?1 AND digest = ?2)",
        (trace.id, trace.digest),
        |row| row.get(0),
    )?;
    if is_there {
        let is_busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if is_busy {
            return Err(Fault::Sql(busy()));
        }
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()?;
    Ok(is_there)
}

fn busy() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    rusqlite::Error::SqliteFailure(code, None)
}
