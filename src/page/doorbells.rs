//! How a listener hears of changes that other processes make: it puts up a doorbell, and the process that changed the page
//! sends the time of the change to each. A doorbell is a Unix socket in a directory beside the live file, or on Windows
//! a named pipe with a file of its name in that directory.
//!
//! A socket is what an event loop waits for by itself, so a change costs one wake-up: that of the listener's thread. (A
//! native thread that sleeps on a futex and then wakes the event loop costs two, see `docs/decisions/0012`.)
//!
//! A doorbell is only rung by other processes. Listeners of the same process are notified directly.

mod name;
mod notifier;
#[cfg_attr(unix, path = "doorbells/directory.rs")]
#[cfg_attr(windows, path = "doorbells/pipes.rs")]
mod platform;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard};

use self::name::Name;
use self::platform::{Caller, Directory, Owner, Published, place, ring};
use super::layout::DOORBELLS;
use super::{Page, random_page_id};
use crate::error::Error;
use crate::sync::lock;

/// How many connections a writer keeps for a live file. While there are no more listeners than this, the thread that
/// made the change rings them.
const MAX_CONNECTIONS: usize = 8;

/// The doorbells of a live file, as this process knows them.
#[derive(Debug)]
pub struct Doorbells(Arc<Shared>);

/// What the notifier's thread needs, which must not keep the live file open.
#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    owner: Owner,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The page's count of doorbells when the directory was last listed.
    count: u32,
    /// Those of this process, which it does not ring.
    own: HashSet<Name>,
    connected: Vec<(Name, Caller)>,
    /// Those without a connection. Each process takes the last ones first, and has them in an order of its own, so that
    /// not every writer keeps a connection to the same listeners.
    others: Vec<Name>,
    /// Those of the connections that the notifier's thread has at the moment.
    lent: Vec<Name>,
    /// Makes that order.
    seed: u64,
}

/// The directory of the doorbells of a live file.
fn directory_of(live_file: &Path, owner: Owner) -> PathBuf {
    // Absolute, since the working directory may change.
    let live_file = std::path::absolute(live_file).unwrap_or_else(|_| live_file.to_path_buf());
    let mut beside = live_file.into_os_string();
    beside.push("-doorbells");
    place(beside.into(), owner)
}

/// What came of an attempt to connect to a doorbell.
enum Connection {
    Open(Caller),
    /// It is there, and may have more connections waiting than it takes.
    Full,
    /// There is no such doorbell any more.
    Gone,
}

/// Checks the doorbells beside a live file: their directory, if there is one, and how many there are. `owner` is the
/// live file, or the database where there is none.
pub fn examine(
    live_file: &Path,
    owner: &std::fs::Metadata,
) -> Result<Option<(PathBuf, usize)>, Error> {
    let owner = owner.into();
    let path = directory_of(live_file, owner);
    let Some(directory) = Directory::open(&path, owner)? else {
        return Ok(None);
    };
    let count = directory.names().map_err(failed(&path))?.len();
    Ok(Some((path, count)))
}

impl Doorbells {
    /// In a directory named after the live file.
    pub fn beside(path: &Path, live_file: &std::fs::Metadata) -> Self {
        let owner = live_file.into();
        let directory = directory_of(path, owner);
        let known = Known {
            // Any number does.
            seed: random_page_id().unwrap_or_default(),
            ..Known::default()
        };
        Self(Arc::new(Shared {
            directory,
            owner,
            known: Mutex::new(known),
        }))
    }

    /// Removes what killed processes left, when no process has the live file open.
    pub fn clear(&self) {
        if let Ok(Some(directory)) = self.0.open() {
            // What is left is removed by the next change.
            let _left = directory.clear();
        }
    }

    /// Rings all doorbells of other processes, soon; `count` is the page's count of them, and `changed_at` what they
    /// are told: the moment of the change.
    ///
    /// It takes a bounded time, however many there are: where they are too many to have a connection each, the
    /// notifier's thread rings them. What fails is tried again with the next change, and [`Self::problem`] says so in
    /// the meantime; the listeners look at the page once a second too.
    pub fn ring(&self, count: u32, changed_at: u64) {
        let mut known = self.0.known();
        // Failures are found again by `problem`.
        let _tried_again = self.0.find(&mut known, count);
        let are_few =
            known.lent.is_empty() && known.connected.len() + known.others.len() <= MAX_CONNECTIONS;
        if are_few {
            known.ring_connected(changed_at);
        }
        let _tried_again = self.0.connect_some(&mut known, |socket| {
            ring(socket, changed_at);
        });
        if !are_few || !known.others.is_empty() {
            let _tried_again = notifier::hand_over(&self.0, changed_at);
        }
    }

    /// Why doorbells of other processes cannot be rung, if there are any. It looks, and makes what connections it can.
    pub fn problem(&self, count: u32) -> Result<(), Error> {
        let mut known = self.0.known();
        self.0.find(&mut known, count)?;
        self.0.connect_some(&mut known, |_| {})?;
        if known.others.is_empty() {
            return Ok(());
        }
        notifier::ensure_running().map_err(|source| Error::Thread { source })
    }

    pub fn put_up(&self, page: &Page) -> Result<Doorbell, Error> {
        let directory = Directory::create(&self.0.directory, self.0.owner)?;
        let name = Name(random_page_id()?);
        self.0.known().own.insert(name);
        Ok(Doorbell {
            page: page.clone(),
            name,
            unpublished_in: Some(directory),
            published: None,
        })
    }
}

impl Shared {
    fn open(&self) -> Result<Option<Directory>, Error> {
        Directory::open(&self.directory, self.owner)
    }

    /// Lists the doorbells again if the page's count of them has changed.
    fn find(&self, known: &mut Known, count: u32) -> Result<(), Error> {
        if known.count == count {
            return Ok(());
        }
        let names = match self.open()? {
            Some(directory) => directory.names().map_err(failed(&self.directory))?,
            None => Vec::new(),
        };
        known.update(names);
        known.count = count;
        Ok(())
    }

    /// Connects to as many of the others as there is room for, and does this with the connections.
    fn connect_some(&self, known: &mut Known, connected: impl Fn(&Caller)) -> Result<(), Error> {
        if known.others.is_empty() || !known.has_room() {
            return Ok(());
        }
        let Some(directory) = self.open()? else {
            return Ok(());
        };
        for _attempt in 0..known.others.len().min(MAX_CONNECTIONS) {
            if !known.has_room() {
                break;
            }
            let Some(&name) = known.others.last() else {
                break;
            };
            match directory.connect(name).map_err(failed(&self.directory))? {
                Connection::Open(socket) => {
                    connected(&socket);
                    known.connected.push((name, socket));
                }
                Connection::Gone => {}
                Connection::Full => {
                    // It stays one of the others, and is tried last.
                    known.others.rotate_right(1);
                    continue;
                }
            }
            known.others.pop();
        }
        Ok(())
    }

    /// Rings all: those to which there is no connection with one that is given up at once. For the notifier's thread,
    /// which keeps no lock meanwhile, since a change would have to wait for it.
    fn ring_all(&self, changed_at: u64) {
        let (connected, names) = self.known().lend();
        let (kept, lost) = connected
            .into_iter()
            .partition(|(_, socket)| ring(socket, changed_at));
        self.known().take_back(kept, lost);
        // Failures are found again by `problem`.
        let Ok(Some(directory)) = self.open() else {
            return;
        };
        for name in names {
            match directory.connect(name) {
                Ok(Connection::Open(socket)) => drop(ring(&socket, changed_at)),
                Ok(Connection::Full) | Err(_) => {}
                Ok(Connection::Gone) => self.known().others.retain(|other| *other != name),
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }
}

impl Known {
    const fn has_room(&self) -> bool {
        self.connected.len() + self.lent.len() < MAX_CONNECTIONS
    }

    /// The connections, until they are taken back, and the names of those without.
    fn lend(&mut self) -> (Vec<(Name, Caller)>, Vec<Name>) {
        let connected = std::mem::take(&mut self.connected);
        self.lent = connected.iter().map(|(name, _)| *name).collect();
        (connected, self.others.clone())
    }

    fn take_back(&mut self, kept: Vec<(Name, Caller)>, lost: Vec<(Name, Caller)>) {
        self.lent.clear();
        self.connected.extend(kept);
        self.others.extend(lost.into_iter().map(|(name, _)| name));
    }

    /// Takes over what the directory lists.
    fn update(&mut self, mut names: Vec<Name>) {
        let is_new = |name: &Name| {
            let is_connected = self.connected.iter().any(|(other, _)| other == name);
            !is_connected && !self.lent.contains(name) && !self.own.contains(name)
        };
        names.retain(is_new);
        // By the high bits of a product (Knuth's multiplicative hashing), in which all bits of the seed have a part: with the
        // seed alone, one process in eight would choose the same listeners as another.
        names.sort_unstable_by_key(|name| (name.0 ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.others = names;
    }

    fn ring_connected(&mut self, changed_at: u64) {
        let others = &mut self.others;
        self.connected.retain(|(name, socket)| {
            let rings = ring(socket, changed_at);
            if !rings {
                // Its process was killed, or keeps fewer connections.
                others.push(*name);
            }
            rings
        });
    }
}

/// What the system said about a directory of doorbells.
fn failed(directory: &Path) -> impl Fn(io::Error) -> Error {
    move |error| unusable(directory, error.to_string())
}

fn unusable(directory: &Path, reason: impl Into<String>) -> Error {
    Error::Doorbells {
        directory: directory.to_path_buf(),
        reason: reason.into(),
    }
}

/// A doorbell of this process, until dropped.
#[derive(Debug)]
pub struct Doorbell {
    page: Page,
    name: Name,
    /// Held while the address leads through it.
    unpublished_in: Option<Directory>,
    published: Option<Published>,
}

impl Doorbell {
    /// Where to listen for connections. Each that comes rings by sending the 8 bytes of a moment of `clock::now`. Valid
    /// until it is published.
    pub fn address(&self) -> Result<PathBuf, Error> {
        let shared = self.shared()?;
        let directory = self.unpublished_in.as_ref().ok_or(PUBLISHED)?;
        directory
            .address(self.name)
            .map_err(failed(&shared.directory))
    }

    /// Lets others ring. To be called when connections are accepted: a writer that is refused one takes the doorbell
    /// down.
    pub fn publish(&mut self) -> Result<(), Error> {
        let directory = self.unpublished_in.take().ok_or(PUBLISHED)?;
        let shared = self.shared()?;
        let published = directory.publish(self.name);
        self.published = Some(published.map_err(failed(&shared.directory))?);
        self.page.u32(DOORBELLS).fetch_add(1, SeqCst);
        Ok(())
    }

    /// Whether other processes still find it. Fails when this process cannot tell, or could not accept a connection for
    /// want of descriptors.
    pub fn is_up(&self) -> Result<bool, Error> {
        let directory = self.shared()?.open()?;
        Ok(directory.is_some_and(|directory| directory.has(self.name)))
    }

    fn shared(&self) -> Result<&Shared, Error> {
        let live = self.page.0.live_file();
        live.map(|live| &*live.doorbells().0)
            .ok_or(Error::Unsupported {
                what: "a doorbell for a private page",
            })
    }
}

const PUBLISHED: Error = Error::Unsupported {
    what: "publishing a doorbell twice",
};

impl Drop for Doorbell {
    fn drop(&mut self) {
        if let Ok(shared) = self.shared() {
            if let Ok(Some(directory)) = shared.open() {
                directory.remove(self.name);
            }
            shared.known().own.remove(&self.name);
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
