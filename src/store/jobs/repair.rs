//! Bringing live states up to the database: what others have persisted, and what killed processes left half-made.

use crate::error::Error;
use crate::page::{Page, Persisted, State, Units};
use crate::store::rows::merge::Since;
use crate::store::rows::pages::{self, Written};
use crate::store::rows::revision::{self, Revision};
use crate::store::worker::Worker;
use crate::watch;

/// A revision that a live state is brought up to.
#[derive(Clone, Copy, Debug)]
pub struct Effective {
    /// Its number, 0 for none.
    pub id: i64,
    /// Its state.
    pub state: State,
    /// What the page has written, up to this revision.
    pub written: Written,
}

/// What others have changed.
#[derive(Clone, Copy, Debug)]
pub struct News {
    /// The live state with that.
    pub state: State,
    /// What is different in it.
    pub units: Units,
    /// The last revision that is in it: of very many it is not the last of all.
    pub until: u64,
}

impl Worker {
    /// Brings the live state up to what is in effect, unless its lock is taken: then the holder does so. Nothing has to be put
    /// on if it has all until a revision already.
    pub fn catch_up(&mut self, environment: &str, page: &Page, has_all_until: Option<u64>) {
        let Ok(_exclusive) = page.try_lock_order() else {
            return;
        };
        match has_all_until {
            Some(revision) if !page.is_unfinished() => page.has_all_until(revision),
            _ => {
                // When the database cannot be read, the next revision, or a look a second later, tries again.
                let _next_time = self.synchronize(environment, page);
            }
        }
    }

    /// Brings the live state up to what is in effect: completes what a killed process has begun, and puts on what others
    /// have persisted, and this page has committed, since what it contains. The caller holds the page's order lock.
    pub fn synchronize(&mut self, environment: &str, page: &Page) -> Result<(), Error> {
        page.complete_change()?;
        let page_id = page.id();
        let found = self.look(|connection| {
            let effective = revision::effective(connection, environment)?;
            Ok((effective, pages::read(connection, page_id)?))
        })?;
        let (effective, written) = found.value;
        // Before its flags: who sees one has to find the name.
        page.announce_names(&found.table);
        if let Some(Revision { id, state, .. }) = effective {
            page.reach_ticket(written.ticket);
            let until = Effective { id, state, written };
            while id > page.contains().cast_signed()
                && let Some(news) = self.news(environment, page, &until)?
            {
                if news.units.is_empty() {
                    page.has_all_until(news.until);
                } else {
                    page.change(&news.state, news.units, news.until)?;
                    watch::announce(page);
                }
                if news.until == id.cast_unsigned() {
                    page.note_persisted(&Persisted {
                        revision: news.until,
                        state,
                    });
                }
            }
        }
        page.clear_mark();
        Ok(())
    }

    /// What is to be put on the live state: what took effect after what it contains, until a revision. `None` if some of
    /// that was pruned. The caller holds the page's order lock.
    pub fn news(
        &mut self,
        environment: &str,
        page: &Page,
        until: &Effective,
    ) -> Result<Option<News>, Error> {
        let contains = page.contains().cast_signed();
        let since = self.look(|connection| {
            let Effective { id, state, written } = until;
            let last_own = written.revision;
            Ok(Since::read(
                connection,
                environment,
                contains,
                last_own,
                *id,
                state,
            )?)
        })?;
        Ok(since.value.map(|since| {
            let live = page.snapshot().state;
            let state = since.put_on(&live, page.id());
            let units = state.differences(&live);
            News {
                state,
                units,
                until: since.until.cast_unsigned(),
            }
        }))
    }
}
