//! Opening a configuration.

use std::sync::Arc;

use crate::declaration::Notes;
use crate::error::Error;
use crate::store::rows::compacting::{Compacted, compact};
use crate::store::rows::contents::Trace;
use crate::store::rows::features::{self, Retired};
use crate::store::rows::opening::{self, Opened, Opening};
use crate::store::sqlite::connection::Access;
use crate::store::sqlite::file_methods;
use crate::store::worker::Worker;
use crate::sync::lock;

impl Worker {
    /// Registers the features, and finds the revision in effect in the environment.
    pub fn attach(&mut self, access: Access, opening: &Opening) -> Result<Opened, Error> {
        let path = Arc::clone(&self.shared.path);
        let opened = self.with(access, |connection| {
            opening::attach(connection, &path, access, opening)
        })?;
        self.learn(&opened.table);
        // For pages that follow.
        self.has_written |= opened.is_seeded;
        if let (Some(database), Some(revision)) = (&mut self.database, &opened.revision) {
            database.contents.know(Trace::of_revision(revision));
        }
        Ok(opened)
    }

    /// Forgets the retired names, if no other program has the database open, and no other handle of this process.
    pub fn compact(&mut self, actor: &str, is_alone: bool) -> Result<Compacted, Error> {
        let in_use = Error::StoreInUse {
            path: self.path().to_path_buf(),
        };
        if !is_alone {
            return Err(in_use);
        }
        let compacted = self.with(Access::ReadWrite, |connection| {
            file_methods::alone(connection, |connection| compact(connection, actor)).transpose()
        })?;
        let compacted = compacted.ok_or(in_use)?;
        lock(&self.shared.table).clone_from(&compacted.table);
        Ok(compacted)
    }

    /// The retired names.
    pub fn retired(&mut self) -> Result<Vec<Retired>, Error> {
        let found = self.look(|connection| Ok(features::read_retired(connection)?))?;
        self.learn(&found.table);
        Ok(found.value)
    }

    /// What programs have said of the feature with this bit.
    pub fn notes(&mut self, bit: usize) -> Result<Notes, Error> {
        let found = self.look(|connection| Ok(features::read_notes(connection, bit)?))?;
        self.learn(&found.table);
        Ok(found.value)
    }
}
