//! The jobs that only read.

use rusqlite::Connection;

use super::failure::Fault;
use super::thread::Worker;
use super::{Access, Answer, Entry, Revision, features, revision, schema};
use crate::error::Error;
use crate::page::{Page, Persisted};
use crate::watch;

impl Worker {
    /// Sets the page to the last persisted state of the environment, if there is one. The caller holds the page's lock.
    pub(super) fn load(
        &mut self,
        environment: &str,
        page: &Page,
    ) -> Result<Answer<Option<Entry>>, Error> {
        self.redo(environment, page)?;
        let answer = self.read(|connection| {
            let effective = revision::effective(connection, environment)?;
            Ok(effective
                .map(|revision| revision::with_previous(connection, revision))
                .transpose()?)
        })?;
        if let Some(Entry { revision, .. }) = &answer.value {
            let id = revision.id.cast_unsigned();
            page.apply(&revision.state, revision.known, id);
            if revision.page_id == page.id() {
                page.reach_generation(revision.generation);
            }
            page.note_persisted(&Persisted {
                revision: id,
                state: revision.state,
            });
            watch::announce(page);
        }
        Ok(answer)
    }

    /// Lists revisions, newest first.
    pub(super) fn history(
        &mut self,
        environment: &str,
        limit: u32,
        before: Option<i64>,
    ) -> Result<Answer<Vec<Entry>>, Error> {
        self.read(|connection| Ok(revision::list(connection, environment, limit, before)?))
    }

    /// Names of the environments that have a history.
    pub(super) fn environments(&mut self) -> Result<Answer<Vec<String>>, Error> {
        self.read(|connection| {
            let mut names = connection.prepare("SELECT name FROM environment ORDER BY name")?;
            let names = names.query_map([], |row| row.get(0))?;
            Ok::<_, Fault>(names.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Looks up two revisions of the environment.
    pub(super) fn compare(
        &mut self,
        environment: &str,
        from: i64,
        to: i64,
    ) -> Result<Answer<(Revision, Revision)>, Error> {
        self.read(|connection| {
            let find = |id| revision::require(connection, environment, id);
            Ok((find(from)?, find(to)?))
        })
    }

    /// Reads in one transaction, so that all of the answer is of one moment.
    pub(super) fn read<T>(
        &mut self,
        query: impl Fn(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        let answer = self.look(query);
        self.give_up_overwritten(&answer);
        answer
    }

    /// As [`Worker::read`], for a query that cannot be made twice.
    pub(super) fn read_once<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<Answer<T>, Error> {
        let answer = self.look_once(query);
        self.give_up_overwritten(&answer);
        answer
    }

    /// As [`Worker::read`], but what is refused because files were overwritten is refused to the next operation, too.
    pub(super) fn look<T>(
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
            schema::expect_known(&transaction, &path)?;
            database.contents.expect_whole(&transaction, &path)?;
            Ok(Answer {
                registry: features::read(&transaction)?,
                value: query(&transaction)?,
            })
        })?;
        self.learn(&answer.registry);
        Ok(answer)
    }
}
