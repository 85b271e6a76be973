//! Copying the database to another file, a step for each job.

use std::sync::Arc;

use crate::error::Error;
use crate::store::copies::{BackedUp, Backup};
use crate::store::reply::{Answer, Progress};
use crate::store::sqlite::connection::Access;
use crate::store::worker::Worker;

impl Worker {
    /// Copies the next pages.
    pub fn back_up(&mut self, backup: &Arc<Backup>) -> Result<Answer<Progress<BackedUp>>, Error> {
        let path = self.path().to_path_buf();
        let value =
            self.with_database(Access::ReadOnly, |database| database.back_up(&path, backup))?;
        Ok(self.answer(value))
    }
}
