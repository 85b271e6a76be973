//! The store's connection to its database, and what is known of the two.

#![expect(
    unsafe_code,
    reason = "backups read through the connection beside which they are kept"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::copies::{BackedUp, Backup, Copies};
use super::reply::Progress;
use super::rows::contents::{Contents, TICK};
use super::rows::ledger::Standing;
use super::sqlite::connection::{Access, Opened, checkpoint, open};
use super::sqlite::errors::Fault;
use super::sqlite::open_files::OpenFiles;
use super::sqlite::still::Still;
use crate::error::Error;

/// How long the store has nothing to do before the log is moved into the database.
pub const QUIET: Duration = Duration::from_secs(1);

/// The connection, and what it may do.
#[derive(Debug)]
pub struct Database {
    // Fields are dropped in this order: the copies read through the connection.
    pub copies: Copies,
    pub connection: Connection,
    pub access: Access,
    pub files: OpenFiles,
    /// Set while the connection reads a database that no program writes to.
    pub still: Option<Still>,
    pub contents: Contents,
    /// What the last transaction knew.
    pub standing: Option<Standing>,
    /// Whether the log may hold something that the file does not.
    pub has_log: bool,
}

impl Database {
    /// Opens the file, see [`open`].
    pub fn open(
        path: &Path,
        access: Access,
        must_exist: bool,
        busy: Duration,
    ) -> Result<Self, Error> {
        let Opened {
            connection,
            files,
            still,
        } = open(path, access, must_exist, busy)?;
        Ok(Self {
            copies: Copies::default(),
            connection,
            access,
            files,
            still,
            contents: Contents::default(),
            standing: None,
            has_log: false,
        })
    }

    /// Copies the next pages to the file of a backup.
    pub fn back_up(
        &mut self,
        path: &Path,
        backup: &Arc<Backup>,
    ) -> Result<Progress<BackedUp>, Fault> {
        // SAFETY: `copies` is declared before `connection`, so it is dropped before that closes.
        unsafe { self.copies.step(&self.connection, path, backup) }
    }

    /// Whether a program has begun to write since it was opened as still, so that what was read may be torn.
    pub fn is_stirred(&self) -> bool {
        self.still.as_ref().is_some_and(Still::is_over)
    }

    /// Keeps what is in the log from being moved into the database when the connection closes.
    pub fn leave_log(&self) -> rusqlite::Result<bool> {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.connection.set_db_config(setting, true)
    }

    /// After how long without work something is left to do, if anything is.
    pub fn when_to_tidy(&self) -> Option<Duration> {
        if self.has_log {
            return Some(QUIET);
        }
        self.contents.is_unsettled().then_some(2 * TICK)
    }

    /// Compares the contents of the files if need be, in a transaction of its own.
    pub fn expect_whole(&mut self, path: &Path) -> Result<(), Fault> {
        if self.contents.may_differ(path) {
            let transaction = self.connection.transaction()?;
            self.contents.expect_whole(&transaction, path)?;
        }
        Ok(())
    }

    /// Whether closing moves the log into the file.
    fn moves_log(&self) -> bool {
        let setting = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        self.access == Access::ReadWrite && self.connection.db_config(setting) == Ok(false)
    }

    /// Whether the log does not belong to the file as it is now.
    fn has_foreign_log(&mut self) -> bool {
        let path = self.connection.path().map(PathBuf::from);
        path.is_some_and(|path| self.expect_whole(&path).is_err())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.files.replaced().is_none() {
            if self.moves_log() && self.has_foreign_log() {
                let _told = self.leave_log();
            }
            return;
        }
        if self.files.only_log_is_missing() && !self.has_foreign_log() {
            // What was acknowledged is still in it, and this is the last chance to save that.
            let _as_far_as_possible = checkpoint(&self.connection);
        }
        // Others may have written to the database since, and what is in the log would go over it. It cannot fail on an
        // open connection, and there is no caller to report it to.
        let _told = self.leave_log();
    }
}
