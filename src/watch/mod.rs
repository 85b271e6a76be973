//! Tells listeners that a page has changed, whoever changed it.
//!
//! Writers do it, and only when asked: a listener sets a mark on the page before it looks, and the writer who takes the
//! mark tells everybody. Listeners of this process are called back, those of other processes have a
//! [doorbell](crate::page::Doorbell).
//!
//! Changes are coalesced: a listener that has not looked yet is not told again, and while no listener has looked,
//! nobody sets the mark, so that a burst of flips costs one wake-up. The last state is never missed, since whoever looks
//! sets the mark *before* looking.

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

/// Whether a listener has been told of a change and has not looked yet.
#[derive(Debug)]
pub struct Delivery {
    under_way: AtomicBool,
    /// The moment of the change that it has been told of. Written by whoever sets `under_way`, and read before that is
    /// taken back.
    changed_at: AtomicU64,
    lag: Arc<Lag>,
}

impl Delivery {
    /// The listener is about to look at the page: of changes from here on it has to be told again.
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

/// Calls `notify` from the thread of whoever changes the page and takes the mark, but not again before
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

/// Tells everyone of a change that was counted, if anybody waits for one.
pub fn announce(page: &Page) {
    if protocol::must_wake(page.sleepers()) {
        wake(page);
    }
}

/// Tells everyone who listens to the page. The caller has taken its mark.
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
