//! Linux and macOS.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Mutex, MutexGuard, PoisonError};

use once_cell::sync::OnceCell;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::error::Error;
use crate::page::layout::DOORBELLS;
use crate::page::live::{LiveFile, io_error};
use crate::page::{Page, mapping, random_page_id};

/// Bytes of a path that a socket's address holds on every platform, with its final NUL (`sun_path` of macOS; Linux has
/// four more).
const MAX_ADDRESS: usize = 104;

/// The name of a socket that is not ready ends with this.
const UNREADY: &str = ".new";

/// What writers ignore is the signal that a lost connection raises.
#[cfg(target_os = "linux")]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
/// There, `socket2` switches the signal off for the socket.
#[cfg(not(target_os = "linux"))]
const SEND_FLAGS: i32 = 0;

/// The doorbells of a live file, as this process knows them.
#[derive(Debug)]
pub struct Doorbells {
    directory: PathBuf,
    /// Opened when paths in it are too long for the address of a socket.
    shortcut: OnceCell<File>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The page's count of doorbells when the directory was last listed in full.
    count: u32,
    /// Those of this process, which it does not ring.
    own: HashSet<OsString>,
    others: HashMap<OsString, Socket>,
}

impl Doorbells {
    /// In a directory named after the live file.
    pub fn beside(live_file: &Path) -> Self {
        // Absolute, since the working directory may change.
        let live_file = std::path::absolute(live_file).unwrap_or_else(|_| live_file.to_path_buf());
        let mut directory = live_file.into_os_string();
        directory.push("-doorbells");
        Self {
            directory: directory.into(),
            shortcut: OnceCell::new(),
            known: Mutex::default(),
        }
    }

    /// Removes what killed processes left, when no process has the live file open.
    pub fn clear(&self) {
        for name in self.names() {
            self.remove(&name);
        }
    }

    /// Rings all doorbells of other processes; `count` is the page's count of them, and `changed_at` what they are told:
    /// the moment of the change.
    ///
    /// What fails here fails silently: the one to hear of it is the listener, who looks at the page once a second too.
    pub fn ring(&self, count: u32, changed_at: u64) {
        let mut known = self.known();
        if known.count != count && self.connect_new(&mut known) {
            known.count = count;
        }
        let mut lost = Vec::new();
        known.others.retain(|name, socket| {
            let rings = ring(socket, changed_at);
            if !rings {
                lost.push(name.clone());
            }
            rings
        });
        for name in lost {
            if let Ok(Some(socket)) = self.connect(&name)
                && ring(&socket, changed_at)
            {
                known.others.insert(name, socket);
            }
        }
    }

    pub fn put_up(&self, page: &Page) -> Result<Doorbell, Error> {
        mapping::create_private(&self.directory)?;
        let name = OsString::from(format!("{:016x}", random_page_id()?));
        self.known().own.insert(name.clone());
        Ok(Doorbell {
            page: page.clone(),
            name,
        })
    }

    /// Connects to the doorbells that were put up since the last time. `false` when one has to be tried again.
    fn connect_new(&self, known: &mut Known) -> bool {
        let mut complete = true;
        for name in self.names() {
            let is_known = known.own.contains(&name) || known.others.contains_key(&name);
            if is_known || name.as_encoded_bytes().ends_with(UNREADY.as_bytes()) {
                continue;
            }
            match self.connect(&name) {
                Ok(Some(socket)) => drop(known.others.insert(name, socket)),
                Ok(None) => {}
                Err(_) => complete = false,
            }
        }
        complete
    }

    /// `None` when its listener is gone.
    fn connect(&self, name: &OsStr) -> io::Result<Option<Socket>> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        // With this, a listener whose queue of connections is full is not waited for.
        socket.set_nonblocking(true)?;
        match socket.connect(&SockAddr::unix(self.address(name)?)?) {
            Ok(()) => Ok(Some(socket)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                // It was ready once, so its process was killed.
                self.remove(name);
                Ok(None)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of all sockets in the directory, which need not exist.
    fn names(&self) -> Vec<OsString> {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_socket()))
            .map(|entry| entry.file_name())
            .collect()
    }

    fn remove(&self, name: &OsStr) {
        // Another process may have been faster.
        let _gone = fs::remove_file(self.directory.join(name));
    }

    /// A path to the socket of this name that fits into an address.
    fn address(&self, name: &OsStr) -> io::Result<PathBuf> {
        let path = self.directory.join(name);
        if path.as_os_str().len() < MAX_ADDRESS {
            return Ok(path);
        }
        if cfg!(target_os = "linux") {
            let directory = self
                .shortcut
                .get_or_try_init(|| File::open(&self.directory))?;
            let directory = format!("/proc/self/fd/{}", directory.as_raw_fd());
            return Ok(Path::new(&directory).join(name));
        }
        Err(io::ErrorKind::InvalidFilename.into())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What it guards is whole between any two statements.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `false` when nobody is there. A doorbell that has not been answered yet needs no second ring.
fn ring(socket: &Socket, changed_at: u64) -> bool {
    match socket.send_with_flags(&changed_at.to_le_bytes(), SEND_FLAGS) {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        ),
    }
}

/// A doorbell of this process, until dropped.
#[derive(Debug)]
pub struct Doorbell {
    page: Page,
    name: OsString,
}

impl Doorbell {
    /// Where to listen for connections. Each that comes rings by sending the 8 bytes of a moment of `clock::now`.
    pub fn address(&self) -> Result<PathBuf, Error> {
        let doorbells = self.doorbells()?;
        doorbells
            .address(&self.unready())
            .map_err(io_error(&doorbells.directory))
    }

    /// Lets others ring. To be called when connections are accepted: who is refused one takes the doorbell down.
    pub fn publish(&self) -> Result<(), Error> {
        let directory = &self.doorbells()?.directory;
        fs::rename(directory.join(self.unready()), directory.join(&self.name))
            .map_err(io_error(directory))?;
        self.page.u32(DOORBELLS).fetch_add(1, SeqCst);
        Ok(())
    }

    fn unready(&self) -> OsString {
        let mut name = self.name.clone();
        name.push(UNREADY);
        name
    }

    fn doorbells(&self) -> Result<&Doorbells, Error> {
        let live = self.page.0.live_file();
        live.map(LiveFile::doorbells).ok_or(Error::Unsupported {
            what: "a doorbell for a private page",
        })
    }
}

impl Drop for Doorbell {
    fn drop(&mut self) {
        if let Ok(doorbells) = self.doorbells() {
            doorbells.remove(&self.name);
            doorbells.remove(&self.unready());
            doorbells.known().own.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::sync::atomic::AtomicU32;

    use super::*;
    use crate::page::{Initial, State, open_live};
    use crate::registry::Registry;

    const MOMENT: u64 = 0x0102_0304_0506_0708;

    fn live_page(path: &Path) -> Page {
        let registry = Registry::new(["a"]).unwrap();
        open_live(path, &registry, None, || {
            Ok(Initial {
                state: State::with_flags(0b111),
                registry: registry.clone(),
                persisted: None,
            })
        })
        .unwrap()
    }

    /// A listener with its doorbell up, and those who came to ring.
    struct Listener {
        doorbell: Doorbell,
        door: UnixListener,
        callers: Vec<UnixStream>,
    }

    impl Listener {
        fn new(page: &Page) -> Self {
            let doorbell = page.put_up_doorbell().unwrap().unwrap();
            let door = UnixListener::bind(doorbell.address().unwrap()).unwrap();
            door.set_nonblocking(true).unwrap();
            doorbell.publish().unwrap();
            Self {
                doorbell,
                door,
                callers: Vec::new(),
            }
        }

        /// A kill closes its sockets, and leaves their names, here until the doorbell is dropped.
        fn kill(self) -> Doorbell {
            self.doorbell
        }

        /// How often it rang since the last time. A ring is there as soon as it is sent.
        fn rings(&mut self) -> usize {
            let bytes = self.bytes();
            assert!(bytes.iter().all(|moment| *moment == MOMENT.to_le_bytes()));
            bytes.len()
        }

        /// What was sent since the last time.
        fn bytes(&mut self) -> Vec<[u8; 8]> {
            while let Ok((caller, _)) = self.door.accept() {
                caller.set_nonblocking(true).unwrap();
                self.callers.push(caller);
            }
            let mut bytes = Vec::new();
            for caller in &mut self.callers {
                // It ends with an error once nothing is left.
                let _nothing_left = caller.read_to_end(&mut bytes);
            }
            let (moments, rest) = bytes.as_chunks();
            assert_eq!(rest, [0_u8; 0]);
            moments.to_vec()
        }
    }

    fn count(page: &Page) -> u32 {
        let count: &AtomicU32 = page.u32(DOORBELLS);
        count.load(SeqCst)
    }

    fn sockets(live: &Path) -> usize {
        Doorbells::beside(live).names().len()
    }

    #[test]
    fn others_ring_every_doorbell_and_the_own_process_none() {
        let directory = tempfile::tempdir().unwrap();
        let live = directory.path().join("live");
        let page = live_page(&live);
        let mut listeners = [Listener::new(&page), Listener::new(&page)];
        page.ring(MOMENT);
        assert_eq!(listeners.each_mut().map(Listener::rings), [0, 0]);
        let other_process = Doorbells::beside(&live);
        other_process.ring(count(&page), MOMENT);
        other_process.ring(count(&page), MOMENT);
        assert_eq!(listeners.each_mut().map(Listener::rings), [2, 2]);
        let mut late = Listener::new(&page);
        other_process.ring(count(&page), MOMENT);
        assert_eq!(late.rings(), 1);
        assert_eq!(listeners.each_mut().map(Listener::rings), [1, 1]);
        drop((listeners, late));
        assert_eq!(sockets(&live), 0);
        let mode = fs::metadata(&other_process.directory)
            .unwrap()
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
    }

    #[test]
    fn a_doorbell_whose_process_was_killed_is_taken_down() {
        let directory = tempfile::tempdir().unwrap();
        let live = directory.path().join("live");
        let page = live_page(&live);
        let other_process = Doorbells::beside(&live);
        let mut survivor = Listener::new(&page);
        let mut killed = Listener::new(&page);
        other_process.ring(count(&page), MOMENT);
        assert_eq!(killed.rings(), 1);
        let never_rung = Listener::new(&page);
        let names = [killed.kill(), never_rung.kill()];
        assert_eq!(sockets(&live), 3);
        other_process.ring(count(&page), MOMENT);
        assert_eq!(sockets(&live), 1);
        assert_eq!(survivor.rings(), 2);
        drop(names);
    }

    #[test]
    fn a_doorbell_that_is_not_ready_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let live = directory.path().join("live");
        let page = live_page(&live);
        let doorbell = page.put_up_doorbell().unwrap().unwrap();
        // Bound, and not accepting yet: a connection would be refused.
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        let address = SockAddr::unix(doorbell.address().unwrap()).unwrap();
        socket.bind(&address).unwrap();
        let other_process = Doorbells::beside(&live);
        other_process.ring(1, MOMENT);
        assert_eq!(sockets(&live), 1);
        socket.listen(1).unwrap();
        doorbell.publish().unwrap();
        other_process.ring(count(&page) + 1, MOMENT);
        assert!(socket.accept().is_ok());
    }

    #[test]
    fn a_listener_that_does_not_answer_holds_up_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let live = directory.path().join("live");
        let page = live_page(&live);
        let mut listener = Listener::new(&page);
        let other_process = Doorbells::beside(&live);
        // More than its socket holds, then more connections than its queue does.
        for _ in 0..10_000 {
            other_process.ring(count(&page), MOMENT);
        }
        for _ in 0..300 {
            Doorbells::beside(&live).ring(count(&page), MOMENT);
        }
        assert!(listener.rings() > 100);
        other_process.ring(count(&page), MOMENT);
        assert_eq!(sockets(&live), 1);
    }

    #[test]
    fn the_first_opener_clears_what_killed_processes_left() {
        let directory = tempfile::tempdir().unwrap();
        let live = directory.path().join("live");
        let doorbells = Doorbells::beside(&live).directory;
        fs::create_dir(&doorbells).unwrap();
        fs::write(doorbells.join("kept"), "not a socket").unwrap();
        for name in ["ready", "not-ready.new"] {
            drop(UnixListener::bind(doorbells.join(name)).unwrap());
        }
        assert_eq!(sockets(&live), 2);
        let _page = live_page(&live);
        assert_eq!(sockets(&live), 0);
        assert!(doorbells.join("kept").exists());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_long_path_is_no_obstacle() {
        let directory = tempfile::tempdir().unwrap();
        let deep = directory.path().join("d".repeat(120));
        fs::create_dir(&deep).unwrap();
        let page = live_page(&deep.join("live"));
        let mut listener = Listener::new(&page);
        Doorbells::beside(&deep.join("live")).ring(count(&page), MOMENT);
        assert_eq!(listener.rings(), 1);
    }
}
