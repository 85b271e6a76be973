//! Tells listeners that a page has changed, whoever changed it.
//!
//! A watcher thread sleeps until a writer wakes it, and then has each listener's thread look at the page. There is
//! one thread for each live file with listeners, and one for all private pages together; without listeners there is
//! none.
//!
//! Changes are coalesced: a listener that has not looked yet is not told again, and while no listener has looked, the
//! watcher does not ask writers to wake it, so that a burst of flips costs one wake-up. The last state is never
//! missed, since whoever looks says so *before* looking.

mod protocol;
mod sleep;
mod watcher;

pub use watcher::{Delivery, Subscription, subscribe};

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use crate::page::Page;

/// What the watcher of the private pages sleeps on: it counts wake-ups. A live page has its sleepers word for that, which
/// writers in other processes reach.
static PRIVATE_WAKES: AtomicU32 = AtomicU32::new(0);

/// Has everyone told of a change that was counted, if a watcher may be asleep.
pub fn announce(page: &Page) {
    if protocol::must_wake(page.sleepers()) {
        wake(page);
    }
}

/// Tells the listeners of this process, and wakes the watchers of all. The caller has taken the page's sleepers mark.
pub fn wake(page: &Page) {
    // Other processes first, which have the longer way. The listeners of this one are told from here, which spares them
    // the way through the watcher's thread; that then has only to mark the page again.
    if page.is_live() {
        wake_watchers(page);
        watcher::tell(page);
    } else {
        watcher::tell(page);
        wake_watchers(page);
    }
}

fn wake_watchers(page: &Page) {
    if page.is_live() {
        sleep::wake_all(page.sleepers());
    } else {
        PRIVATE_WAKES.fetch_add(1, SeqCst);
        sleep::wake_all(&PRIVATE_WAKES);
    }
}
