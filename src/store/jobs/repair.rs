//! Bringing live states up to the database: what others have persisted, and what killed processes left half-made.

use crate::error::Error;
use crate::page::{Page, Persisted};
use crate::store::rows::merge::Since;
use crate::store::rows::{pages, revision};
use crate::store::worker::Worker;
use crate::watch;

impl Worker {
    /// Adds a live page to those that [`Worker::repair_pages`] looks after: once, since every other holder counts as a
    /// user of the page.
    pub fn keep(&mut self, environment: String, page: Page) {
        if !self.live_pages.iter().any(|(_, known)| known.is(&page)) {
            self.live_pages.push((environment, page));
        }
    }

    /// Brings the live state up to what is in effect, unless its lock is taken: then the holder does so. Nothing has to be put
    /// on if it has all until a revision already.
    pub fn catch_up(&mut self, environment: &str, page: &Page, has_all_until: Option<u64>) {
        let Ok(_exclusive) = page.try_lock_exclusively() else {
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
    /// have persisted, and this page has committed, since what it contains. The caller holds the page's lock.
    pub fn synchronize(&mut self, environment: &str, page: &Page) -> Result<(), Error> {
        page.complete_change();
        let (page_id, contains) = (page.id(), page.contains().cast_signed());
        let found = self.read(|connection| {
            let Some(effective) = revision::effective(connection, environment)? else {
                return Ok(None);
            };
            let written = pages::read(connection, page_id)?;
            let since = Since::read(
                connection,
                environment,
                contains,
                written.revision,
                effective.id,
                &effective.state,
            )?;
            Ok(Some((effective, since, written.ticket)))
        })?;
        let Some((effective, since, ticket)) = found.value else {
            page.clear_mark();
            return Ok(());
        };
        page.reach_ticket(ticket);
        let live = page.snapshot().state;
        if let Some(since) = since
            && effective.id > contains
        {
            let target = since.put_on(&live, page_id);
            let revision = effective.id.cast_unsigned();
            let units = target.differences(&live);
            if units.is_empty() {
                page.has_all_until(revision);
            } else {
                page.change(&target, units, revision);
                watch::announce(page);
            }
            page.note_persisted(&Persisted {
                revision,
                state: effective.state,
            });
        }
        page.clear_mark();
        Ok(())
    }

    /// Completes what killed processes began, on the live pages that this process has. A process that is still working
    /// on its change holds the lock; it may be frozen, so it is not waited for, and the next look tries again.
    pub fn repair_pages(&mut self) {
        self.live_pages
            .retain(|(_, page)| page.is_shared_elsewhere());
        for (environment, page) in self.live_pages.clone() {
            if page.is_unfinished() {
                self.catch_up(&environment, &page, None);
            }
        }
    }
}
