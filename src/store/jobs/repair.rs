//! Completing changes of whole states that killed processes left half-made on a live page.

use crate::error::Error;
use crate::page::{Page, Persisted};
use crate::store::rows::revision::find;
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

    /// Completes a whole-state change that a killed process began. The caller holds the page's lock.
    pub fn redo(&mut self, environment: &str, page: &Page) -> Result<(), Error> {
        let pending = page.pending();
        if pending == 0 {
            return Ok(());
        }
        let found =
            self.read(|connection| Ok(find(connection, environment, pending.cast_signed())?))?;
        if let Some(revision) = found.value {
            page.apply(&revision.state, revision.known, pending);
            page.reach_generation(revision.generation);
            page.note_persisted(&Persisted {
                revision: pending,
                state: revision.state,
            });
            watch::announce(page);
        } else {
            // It was committed before it was begun, so the database was replaced since.
            page.forget_pending();
        }
        Ok(())
    }

    /// Completes what killed processes began, on the live pages that this process has. A process that is still working
    /// on its change holds the lock; it may be frozen, so it is not waited for, and the next look tries again.
    pub fn repair_pages(&mut self) {
        self.live_pages
            .retain(|(_, page)| page.is_shared_elsewhere());
        for (environment, page) in self.live_pages.clone() {
            if page.pending() != 0
                && let Ok(_exclusive) = page.try_lock_exclusively()
            {
                // When the database cannot be read, the next look a second later tries again.
                let _next_time = self.redo(&environment, &page);
            }
        }
    }
}
