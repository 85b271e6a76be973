//! Opening a configuration.

use std::sync::Arc;

use crate::declaration::Notes;
use crate::error::Error;
use crate::store::rows::contents::Trace;
use crate::store::rows::features::{self, Retired};
use crate::store::rows::opening::{self, Opened, Opening};
use crate::store::sqlite::connection::Access;
use crate::store::worker::Worker;

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
