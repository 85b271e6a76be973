//! Bringing live states up to the database: what others have persisted, and what killed processes left half-made.

use crate::error::Error;
use crate::page::{Page, Persisted};
use crate::store::rows::merge::{merge, merge_foreign};
use crate::store::rows::{listing, pages, revision};
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

    /// Puts what others have persisted on the live state after a revision of the page, unless its lock is taken: then the
    /// holder does so. With `is_plain` nothing has to be put on.
    pub fn catch_up(&mut self, environment: &str, page: &Page, revision: u64, is_plain: bool) {
        let Ok(_exclusive) = page.try_lock_exclusively() else {
            return;
        };
        if is_plain && !page.is_unfinished() {
            page.has_all_until(revision);
            return;
        }
        // When the database cannot be read, the next revision, or a look a second later, tries again.
        let _next_time = self.synchronize(environment, page);
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
            let base = listing::base(connection, environment, contains)?;
            let written = pages::read(connection, page_id)?;
            let since = if written.revision <= contains {
                None
            } else {
                Some(revision::since(
                    connection,
                    environment,
                    contains,
                    effective.id,
                )?)
            };
            Ok(Some((effective, base, since, written.ticket)))
        })?;
        let Some((effective, base, since, ticket)) = found.value else {
            page.clear_mark();
            return Ok(());
        };
        page.reach_ticket(ticket);
        let live = page.snapshot().state;
        if let Some(base) = base
            && effective.id > contains
        {
            let target = since.map_or_else(
                || merge_foreign(&live, &base, &effective.state),
                |since| merge(&live, &base, &since, page_id),
            );
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
            if page.is_unfinished()
                && let Ok(_exclusive) = page.try_lock_exclusively()
            {
                // When the database cannot be read, the next look a second later tries again.
                let _next_time = self.synchronize(&environment, &page);
            }
        }
    }
}
