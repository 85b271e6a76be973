//! Registering the features of a configuration.

use std::sync::Arc;

use crate::error::Error;
use crate::store::reply::Answer;
use crate::store::rows::contents::Trace;
use crate::store::rows::features;
use crate::store::rows::revision::Revision;
use crate::store::sqlite::connection::Access;
use crate::store::worker::Worker;

impl Worker {
    /// Registers the features, and finds the revision in effect in the environment.
    pub fn attach(
        &mut self,
        access: Access,
        environment: &str,
        features: Option<&[String]>,
    ) -> Result<Answer<Option<Revision>>, Error> {
        let path = Arc::clone(&self.shared.path);
        let answer = self.with(access, |connection| {
            let (value, table) =
                features::attach(connection, &path, access, environment, features)?;
            Ok(Answer { value, table })
        })?;
        self.learn(&answer.table);
        if let (Some(database), Some(revision)) = (&mut self.database, &answer.value) {
            database.contents.know(Trace::of_revision(revision));
        }
        Ok(answer)
    }
}
