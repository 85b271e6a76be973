//! The jobs that only read.

use crate::error::Error;
use crate::page::{Page, Persisted, Units};
use crate::store::reply::Answer;
use crate::store::rows::revision::{Entry, Revision, effective};
use crate::store::rows::{listing, pages};
use crate::store::worker::Worker;
use crate::watch;

impl Worker {
    /// Sets the page to the last persisted state of the environment, if there is one. The caller holds the page's order
    /// lock.
    pub fn load(&mut self, environment: &str, page: &Page) -> Result<Answer<Option<Entry>>, Error> {
        page.complete_change()?;
        let page_id = page.id();
        let Answer { value, table } = self.read(|connection| {
            let effective = effective(connection, environment)?;
            let entry = effective
                .map(|revision| listing::with_previous(connection, revision))
                .transpose()?;
            Ok((entry, pages::read(connection, page_id)?))
        })?;
        let (entry, written) = value;
        if let Some(Entry { revision, .. }) = &entry {
            page.reach_ticket(written.ticket);
            let id = revision.id.cast_unsigned();
            let (state, known) = revision.in_terms_of(&table);
            page.change(&state, Units::with_terminal(known), id)?;
            page.clear_mark();
            page.note_persisted(&Persisted {
                revision: id,
                state,
            });
            watch::announce(page);
        }
        Ok(Answer {
            value: entry,
            table,
        })
    }

    /// Lists revisions, newest first.
    pub fn history(
        &mut self,
        environment: &str,
        limit: u32,
        before: Option<i64>,
    ) -> Result<Answer<Vec<Entry>>, Error> {
        self.read(|connection| Ok(listing::list(connection, environment, limit, before)?))
    }

    /// Names of the environments that have a history.
    pub fn environments(&mut self) -> Result<Answer<Vec<String>>, Error> {
        self.read(|connection| Ok(listing::environments(connection)?))
    }

    /// Looks up two revisions of the environment.
    pub fn compare(
        &mut self,
        environment: &str,
        from: i64,
        to: i64,
    ) -> Result<Answer<(Revision, Revision)>, Error> {
        self.read(|connection| {
            let find = |id| listing::require(connection, environment, id);
            Ok((find(from)?, find(to)?))
        })
    }
}
