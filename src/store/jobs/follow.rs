//! The pages that a store looks after: live ones, on which other processes may be killed, and those that follow what others
//! persist.

use std::time::{Duration, Instant};

use crate::page::Page;
use crate::store::kept::Kept;
use crate::store::worker::Worker;

/// How often pages are checked for changes that killed processes left half-made.
const LOOK_AT_PAGES: Duration = Duration::from_secs(1);

/// How often the database is checked for what other processes have persisted, while a page follows that.
const LOOK_AT_DATABASE: Duration = Duration::from_millis(250);

impl Worker {
    /// Looks after a page from now on.
    pub fn keep(&mut self, environment: String, page: Page, follows: bool) {
        let page_id = page.id();
        let is_it = |kept: &&mut Kept| kept.page.is(&page) && kept.page_id == page_id;
        if let Some(kept) = self.kept.iter_mut().find(is_it) {
            kept.follows |= follows;
        } else {
            self.kept.push(Kept {
                environment,
                page,
                page_id,
                follows,
            });
        }
        // Something may have been persisted since it was opened.
        self.has_written |= follows;
    }

    /// How long the pages can be left alone.
    pub fn pause_of_pages(&self) -> Option<Duration> {
        let follows = self.kept.iter().any(|kept| kept.follows);
        let pause = if follows {
            LOOK_AT_DATABASE
        } else {
            LOOK_AT_PAGES
        };
        (!self.kept.is_empty()).then_some(pause)
    }

    /// Whether something that this process has persisted is yet to be put on pages that follow.
    pub fn is_followed_late(&self) -> bool {
        self.has_written && self.kept.iter().any(|kept| kept.follows)
    }

    /// Completes what killed processes began, and puts on the pages that follow what was persisted. A process that is still
    /// working on its change holds the lock; it may be frozen, so it is not waited for, and the next look tries again.
    pub fn look_after_pages(&mut self) {
        self.kept.retain(|kept| {
            if kept.follows {
                kept.page.is_in_use_as(kept.page_id)
            } else {
                kept.page.is_shared_elsewhere()
            }
        });
        for Kept {
            environment, page, ..
        } in self.kept.clone()
        {
            if page.is_unfinished() {
                self.catch_up(&environment, &page, None);
            }
        }
        self.follow_others();
    }

    fn follow_others(&mut self) {
        let followers: Vec<Kept> = self
            .kept
            .iter()
            .filter(|kept| kept.follows)
            .cloned()
            .collect();
        let is_due = self.has_written
            || self
                .looked_at_database
                .is_none_or(|at| at.elapsed() >= LOOK_AT_DATABASE);
        // That a file was replaced is for an operation to say, which the caller hears of.
        if followers.is_empty() || !is_due || self.replaced().is_some() {
            return;
        }
        self.looked_at_database = Some(Instant::now());
        let version = self.data_version();
        if !self.has_written && version.is_some() && version == self.followed {
            return;
        }
        let up_to_date = followers.iter().all(|kept| {
            let Ok(_exclusive) = kept.page.try_lock_order() else {
                return false;
            };
            self.synchronize(&kept.environment, &kept.page).is_ok()
        });
        if up_to_date {
            self.has_written = false;
            // Read before: what was committed since is looked at once more. A new connection counts anew.
            self.followed = version;
        }
    }

    /// Goes up with every commit of another connection. `None` without a connection, or when it cannot be read.
    fn data_version(&self) -> Option<i64> {
        let connection = &self.database.as_ref()?.connection;
        let version = connection.pragma_query_value(None, "data_version", |row| row.get(0));
        version.ok()
    }
}
