//! The watcher threads, and whom they tell.

use std::collections::HashMap;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;

use super::{PRIVATE_WAKES, protocol, sleep, wake_watchers};
use crate::error::Error;
use crate::page::{Page, Snapshot};

/// How often a watcher compares all of the state, for the case that a writer was killed between changing it and
/// counting that.
const FULL_LOOK: Duration = Duration::from_secs(1);

/// Whether a listener has been told of a change and has not looked yet.
#[derive(Debug)]
pub struct Delivery {
    under_way: AtomicBool,
    page: Page,
}

impl Delivery {
    /// The listener is about to look at the page: of changes from here on it has to be told again.
    pub fn looking(&self) {
        self.under_way.store(false, SeqCst);
        // The watcher's mark, on its behalf: it sleeps on, and the next writer wakes it.
        protocol::mark(self.page.sleepers());
    }
}

/// Has a listener look at the page soon. `false` when the listener is gone for good.
type Notify = Box<dyn Fn() -> bool + Send + Sync>;

struct Listener {
    delivery: Arc<Delivery>,
    notify: Notify,
}

/// Listening to a page, until dropped.
pub struct Subscription {
    group: Arc<Group>,
    listener: Arc<Listener>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut members = self.group.members();
        members.remove(&self.listener);
        drop(members);
        self.group.poke();
    }
}

/// The pages that one thread watches.
struct Group {
    members: Mutex<Members>,
    /// The page whose generation the thread sleeps on; `None` for the group of the private pages.
    live: Option<Page>,
}

#[derive(Default)]
struct Members {
    watched: Vec<Watched>,
    has_thread: bool,
}

struct Watched {
    page: Page,
    /// What the listeners were last told of.
    handled: Snapshot,
    listeners: Vec<Arc<Listener>>,
}

/// The groups that have listeners: by the page's address for live pages, 0 for the private ones.
static GROUPS: Lazy<Mutex<HashMap<usize, Arc<Group>>>> = Lazy::new(Mutex::default);

/// Calls `notify` from another thread after each change of the page that happens from now on, but not again before
/// [`Delivery::looking`].
pub fn subscribe<E: From<Error>>(
    page: &Page,
    make_notify: impl FnOnce(Arc<Delivery>) -> Result<Notify, E>,
) -> Result<Subscription, E> {
    let mut groups = lock(&GROUPS);
    let group = Arc::clone(
        groups
            .entry(group_key(page))
            .or_insert_with(|| Arc::new(Group::new(page))),
    );
    let delivery = Arc::new(Delivery {
        under_way: AtomicBool::new(false),
        page: page.clone(),
    });
    let listener = Arc::new(Listener {
        notify: make_notify(Arc::clone(&delivery))?,
        delivery,
    });
    let mut members = group.members();
    if !members.has_thread {
        // It waits for the lock before it looks.
        start(&group)?;
        members.has_thread = true;
    }
    members.add(page, &listener);
    drop(members);
    drop(groups);
    group.poke();
    Ok(Subscription { group, listener })
}

/// Tells the listeners of this process that have to be told of a change of the page.
pub(super) fn tell(page: &Page) {
    let group = lock(&GROUPS).get(&group_key(page)).map(Arc::clone);
    if let Some(group) = group {
        let behind = group.members().find_changes(false);
        group.tell(behind);
    }
}

/// Pages are told apart by address: a group keeps its page, so no other one can have that address.
fn group_key(page: &Page) -> usize {
    if page.is_live() {
        page.as_ptr() as usize
    } else {
        0
    }
}

fn start(group: &Arc<Group>) -> Result<(), Error> {
    let group = Arc::clone(group);
    Builder::new()
        .name("13byte-watch".to_owned())
        .spawn(move || group.run())
        .map(drop)
        .map_err(|source| Error::Thread { source })
}

impl Group {
    fn new(page: &Page) -> Self {
        Self {
            members: Mutex::default(),
            live: page.is_live().then(|| page.clone()),
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        lock(&self.members)
    }

    /// Has the thread look at its members. One that is just about to sleep on a live page may miss this, and then
    /// looks a second later: it is armed already, so all it can miss is that it is no longer needed.
    fn poke(&self) {
        if let Some(page) = &self.live {
            wake_watchers(page);
        } else {
            PRIVATE_WAKES.fetch_add(1, SeqCst);
            sleep::wake_all(&PRIVATE_WAKES);
        }
    }

    /// Ends the group if nobody is left, which lets go of a live page.
    fn end(&self) -> bool {
        let mut groups = lock(&GROUPS);
        let mut members = self.members();
        let ended = members.watched.is_empty();
        if ended {
            members.has_thread = false;
            groups.remove(&self.live.as_ref().map_or(0, group_key));
        }
        ended
    }

    /// What the thread sleeps on.
    fn word(&self) -> &AtomicU32 {
        self.live.as_ref().map_or(&PRIVATE_WAKES, Page::sleepers)
    }

    /// Without the members' lock: a listener's runtime may hold locks of its own while it ends a subscription.
    fn tell(&self, listeners: Vec<Arc<Listener>>) {
        for listener in listeners {
            if !(listener.notify)() {
                self.members().remove(&listener);
            }
        }
    }

    fn run(&self) {
        let mut last_full_look = Instant::now();
        loop {
            let word = self.word();
            let before = word.load(SeqCst);
            let full_look = last_full_look.elapsed() >= FULL_LOOK;
            if full_look {
                last_full_look = Instant::now();
            }
            let mut members = self.members();
            if members.watched.is_empty() {
                drop(members);
                if self.end() {
                    return;
                }
                continue;
            }
            let behind = members.find_changes(full_look);
            // While nobody could be told, writers need not wake the thread: the first listener to look sets the mark.
            let expected = if members.someone_listens() {
                let mark = members.prepare_sleep();
                mark.map(|mark| if self.live.is_some() { mark } else { before })
            } else {
                Some(before)
            };
            drop(members);
            self.tell(behind);
            if let Some(expected) = expected {
                sleep::wait(word, expected, FULL_LOOK);
            }
        }
    }
}

impl Members {
    fn add(&mut self, page: &Page, listener: &Arc<Listener>) {
        let listener = Arc::clone(listener);
        match self
            .watched
            .iter_mut()
            .find(|watched| watched.page.is(page))
        {
            Some(watched) => watched.listeners.push(listener),
            None => self.watched.push(Watched {
                handled: page.snapshot(),
                page: page.clone(),
                listeners: vec![listener],
            }),
        }
    }

    fn remove(&mut self, listener: &Arc<Listener>) {
        for watched in &mut self.watched {
            watched
                .listeners
                .retain(|other| !Arc::ptr_eq(other, listener));
        }
        self.watched.retain(|watched| !watched.listeners.is_empty());
    }

    /// The listeners to tell now: those of changed pages who have looked since they were last told.
    fn find_changes(&mut self, full_look: bool) -> Vec<Arc<Listener>> {
        let mut behind = Vec::new();
        for watched in &mut self.watched {
            let moved = watched.page.generation().load(SeqCst) != watched.handled.generation;
            if moved || full_look {
                let now = watched.page.snapshot();
                let changed = moved || now.state != watched.handled.state;
                watched.handled = now;
                if changed {
                    // Those who were told and have not looked yet will see this change when they do.
                    let listeners = watched.listeners.iter();
                    behind.extend(
                        listeners
                            .filter(|listener| !listener.delivery.under_way.swap(true, SeqCst))
                            .map(Arc::clone),
                    );
                }
            }
        }
        behind
    }

    /// Whether anybody could be told at once if something changed now.
    fn someone_listens(&self) -> bool {
        self.watched
            .iter()
            .flat_map(|watched| &watched.listeners)
            .any(|listener| !listener.delivery.under_way.load(SeqCst))
    }

    /// Asks the writers of every page for a wake-up. `None` if something changed before that; else the mark of the
    /// last page, which is the only one in the group of a live page.
    fn prepare_sleep(&self) -> Option<u32> {
        self.watched.iter().try_fold(0, |_, watched| {
            let (page, handled) = (&watched.page, watched.handled.generation);
            protocol::prepare_sleep(page.sleepers(), page.generation(), handled)
        })
    }
}

/// What these mutexes guard is whole between any two statements, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;
    use crate::page::{Arena, FULL_ROLLOUTS, Initial, State, open_live};
    use crate::record::Record;
    use crate::registry::Registry;
    use crate::watch::announce;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn state(flags: u32) -> State {
        let record = Record {
            feature_flags: flags,
            ..Record::default()
        };
        State {
            record,
            rollouts: FULL_ROLLOUTS,
        }
    }

    fn private_page() -> Page {
        let mut arena = Arena::default();
        let handle = arena.allocate(&state(0)).unwrap();
        arena.page(handle).unwrap().clone()
    }

    /// The page and what keeps its file.
    fn live_page() -> (tempfile::TempDir, Page) {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::new(["a", "b"]).unwrap();
        let page = open_live(&directory.path().join("live"), &registry, false, || {
            Ok(Initial {
                state: state(0),
                registry: registry.clone(),
                revision: 0,
            })
        });
        (directory, page.unwrap())
    }

    struct Listening {
        subscription: Subscription,
        delivery: Arc<Delivery>,
        told: Receiver<()>,
    }

    fn listen(page: &Page) -> Listening {
        let (sender, receiver) = channel();
        let mut delivery = None;
        let subscription = subscribe::<Error>(page, |given| {
            delivery = Some(given);
            Ok(Box::new(move || sender.send(()).is_ok()))
        });
        Listening {
            subscription: subscription.unwrap(),
            delivery: delivery.unwrap(),
            told: receiver,
        }
    }

    fn set(page: &Page, flags: u32) {
        page.apply(&state(flags), u32::MAX, 0);
        announce(page);
    }

    /// Looks after every notification until it sees these flags.
    fn await_flags(page: &Page, listener: &Listening, flags: u32) {
        loop {
            listener.told.recv_timeout(PATIENCE).unwrap();
            listener.delivery.looking();
            if page.snapshot().state.record.feature_flags == flags {
                return;
            }
        }
    }

    #[test]
    fn the_last_of_many_changes_is_seen() {
        let (_directory, live) = live_page();
        for page in [private_page(), live] {
            let listener = listen(&page);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    for flags in 1..=20_000 {
                        set(&page, flags);
                    }
                });
                await_flags(&page, &listener, 20_000);
            });
        }
    }

    #[test]
    fn a_listener_that_has_not_looked_is_not_told_again_and_holds_up_nobody() {
        let page = private_page();
        let other_page = private_page();
        let first = listen(&page);
        let second = listen(&page);
        let third = listen(&other_page);
        for flags in 1..=50 {
            set(&page, flags);
            await_flags(&page, &second, flags);
        }
        set(&other_page, 1);
        await_flags(&other_page, &third, 1);
        assert_eq!(first.told.try_iter().count(), 1);
    }

    #[test]
    fn while_nobody_has_looked_writers_are_not_asked_to_wake() {
        let (_directory, page) = live_page();
        let listener = listen(&page);
        set(&page, 1);
        listener.told.recv_timeout(PATIENCE).unwrap();
        // The one who was told has not looked, so this mark was taken and is not set again.
        for flags in 2..1_000 {
            set(&page, flags);
            assert_eq!(page.sleepers().load(SeqCst) & 1, 0);
        }
        listener.delivery.looking();
        set(&page, 7);
        await_flags(&page, &listener, 7);
    }

    #[test]
    fn a_change_that_nobody_announced_is_found_in_a_second() {
        let page = private_page();
        let listener = listen(&page);
        // As if the writer was killed before it counted the change.
        let before = page.snapshot();
        page.apply(&state(5), u32::MAX, 0);
        page.generation().store(before.generation, SeqCst);
        await_flags(&page, &listener, 5);
    }

    #[test]
    fn the_thread_of_a_live_page_ends_with_its_last_listener() {
        let (directory, page) = live_page();
        let listener = listen(&page);
        let key = group_key(&page);
        assert!(lock(&GROUPS).contains_key(&key));
        drop((listener, page));
        let started = Instant::now();
        while lock(&GROUPS).contains_key(&key) {
            assert!(started.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
        drop(directory);
    }

    #[test]
    fn a_listener_that_is_gone_is_dropped() {
        let page = private_page();
        let Listening {
            told,
            subscription: _subscription,
            ..
        } = listen(&page);
        drop(told);
        set(&page, 1);
        let group = Arc::clone(&lock(&GROUPS)[&0]);
        let listens = || {
            let members = group.members();
            members.watched.iter().any(|watched| watched.page.is(&page))
        };
        let started = Instant::now();
        while listens() {
            assert!(started.elapsed() < PATIENCE);
            std::thread::yield_now();
        }
    }
}
