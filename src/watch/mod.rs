//! Notifies listeners of changes of a page by any thread or process.
//!
//! Writers notify, and only on request: a listener sets a mark on the page before it reads the state, and the writer
//! that resets the mark notifies all listeners. Listeners of this process are called back, those of other processes
//! have a [doorbell](crate::page::Doorbell).
//!
//! Changes are coalesced: a listener that has not read the state yet is not notified again, and until a listener has,
//! the mark is not set, so that a burst of flips costs one wake-up. The last state is never missed, since a listener
//! that reads sets the mark *before* looking.

mod protocol;

use std::collections::HashMap;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, ThreadId};

use once_cell::sync::Lazy;

use crate::clock;
use crate::distribution::Lag;
use crate::page::Page;
use crate::sync::lock;

/// Whether a listener has been notified of a change and has not read the state yet.
#[derive(Debug)]
pub struct Delivery {
    under_way: AtomicBool,
    /// The time of the change that it has been notified of. Written by the thread that sets `under_way`, and read
    /// before that is taken back.
    changed_at: AtomicU64,
    lag: Arc<Lag>,
}

impl Delivery {
    /// The listener is about to read the page: it must be notified of changes from here on.
    pub fn looking(&self) {
        self.lag.note(self.changed_at.load(Relaxed));
        self.under_way.store(false, SeqCst);
    }
}

/// Has a listener look at the page soon. `false` when the listener is gone for good.
type Notify = Box<dyn Fn() -> bool + Send + Sync>;

struct Listener {
    page: Page,
    delivery: Arc<Delivery>,
    notify: Notify,
    /// Where it was made and is called.
    thread: ThreadId,
}

/// Listening to a page, until dropped.
pub struct Subscription {
    listener: Arc<Listener>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        remove(&self.listener);
    }
}

/// The listeners of this process, by the address of their page, which they keep: no other page can have it.
static LISTENERS: Lazy<Mutex<HashMap<usize, Vec<Arc<Listener>>>>> = Lazy::new(Mutex::default);

/// Calls `notify` on the thread that changes the page and resets the mark, but not again before
/// [`Delivery::looking`]. `lag` gets how long that takes.
pub fn subscribe<E>(
    page: &Page,
    lag: &Arc<Lag>,
    make_notify: impl FnOnce(Arc<Delivery>) -> Result<Notify, E>,
) -> Result<Subscription, E> {
    let delivery = Arc::new(Delivery {
        under_way: AtomicBool::new(false),
        changed_at: AtomicU64::new(0),
        lag: Arc::clone(lag),
    });
    let listener = Arc::new(Listener {
        page: page.clone(),
        notify: make_notify(Arc::clone(&delivery))?,
        delivery,
        thread: thread::current().id(),
    });
    let mut listeners = listeners();
    let same_page = listeners.entry(address(page)).or_default();
    same_page.push(Arc::clone(&listener));
    Ok(Subscription { listener })
}

/// Notifies waiting listeners of a change that was counted.
pub fn announce(page: &Page) {
    if protocol::must_wake(page.sleepers()) {
        wake(page);
    }
}

/// Notifies all listeners of the page. The caller has reset its mark.
pub fn wake(page: &Page) {
    let changed_at = clock::now();
    // Other processes first, then other threads: they have yet to wake, and this one is awake.
    page.ring(changed_at);
    let mut told = listeners().get(&address(page)).cloned().unwrap_or_default();
    let here = thread::current().id();
    told.sort_by_key(|listener| listener.thread == here);
    // Without the lock: a listener's runtime may hold locks of its own while it ends a subscription.
    for listener in told {
        if listener.delivery.under_way.swap(true, SeqCst) {
            continue;
        }
        listener.delivery.changed_at.store(changed_at, Relaxed);
        if !(listener.notify)() {
            remove(&listener);
        }
    }
}

fn remove(listener: &Arc<Listener>) {
    let mut listeners = listeners();
    let address = address(&listener.page);
    if let Some(same_page) = listeners.get_mut(&address) {
        same_page.retain(|other| !Arc::ptr_eq(other, listener));
        if same_page.is_empty() {
            listeners.remove(&address);
        }
    }
}

fn address(page: &Page) -> usize {
    page.as_ptr() as usize
}

fn listeners() -> MutexGuard<'static, HashMap<usize, Vec<Arc<Listener>>>> {
    lock(&LISTENERS)
}

#[cfg(test)]
mod tests;
