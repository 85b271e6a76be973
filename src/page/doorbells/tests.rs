use std::fs;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

use super::*;
use crate::feature_table::FeatureTable;
use crate::page::{Initial, State, open_live};

const MOMENT: u64 = 0x0102_0304_0506_0708;

fn live_page(path: &Path) -> Page {
    let table = FeatureTable::new(["a"]).unwrap();
    open_live(path, &table, None, || {
        Ok(Initial {
            state: State::with_flags(0b111),
            table: table.clone(),
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
        let mut doorbell = page.put_up_doorbell().unwrap().unwrap();
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

/// The doorbells as another process knows them.
fn beside(live: &Path) -> Doorbells {
    Doorbells::beside(live, &fs::metadata(live).unwrap())
}

fn doorbells_of(live: &Path) -> PathBuf {
    let mut directory = live.as_os_str().to_owned();
    directory.push("-doorbells");
    directory.into()
}

fn count(page: &Page) -> u32 {
    let count: &AtomicU32 = page.u32(DOORBELLS);
    count.load(SeqCst)
}

fn sockets(live: &Path) -> usize {
    fs::read_dir(doorbells_of(live)).unwrap().count()
}

#[test]
fn others_ring_every_doorbell_and_the_own_process_none() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let page = live_page(&live);
    let mut listeners = [Listener::new(&page), Listener::new(&page)];
    page.ring(MOMENT);
    assert_eq!(listeners.each_mut().map(Listener::rings), [0, 0]);
    let other_process = beside(&live);
    other_process.ring(count(&page), MOMENT);
    other_process.ring(count(&page), MOMENT);
    assert_eq!(listeners.each_mut().map(Listener::rings), [2, 2]);
    let mut late = Listener::new(&page);
    other_process.ring(count(&page), MOMENT);
    assert_eq!(late.rings(), 1);
    assert_eq!(listeners.each_mut().map(Listener::rings), [1, 1]);
    drop((listeners, late));
    assert_eq!(sockets(&live), 0);
    let mode = fs::metadata(doorbells_of(&live)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
}

#[test]
fn a_doorbell_whose_process_was_killed_is_taken_down() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let page = live_page(&live);
    let other_process = beside(&live);
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
    let mut doorbell = page.put_up_doorbell().unwrap().unwrap();
    // Bound, and not accepting yet: a connection would be refused.
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let address = SockAddr::unix(doorbell.address().unwrap()).unwrap();
    socket.bind(&address).unwrap();
    let other_process = beside(&live);
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
    let other_process = beside(&live);
    // More than its socket holds, then more connections than its queue does.
    for _ in 0..10_000 {
        other_process.ring(count(&page), MOMENT);
    }
    for _ in 0..300 {
        beside(&live).ring(count(&page), MOMENT);
    }
    assert!(listener.rings() > 100);
    other_process.ring(count(&page), MOMENT);
    assert_eq!(sockets(&live), 1);
}

#[test]
fn the_first_opener_clears_what_killed_processes_left() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let doorbells = doorbells_of(&live);
    fs::create_dir(&doorbells).unwrap();
    fs::write(doorbells.join("kept"), "not a socket").unwrap();
    fs::set_permissions(&doorbells, fs::Permissions::from_mode(0o700)).unwrap();
    for name in ["0123456789abcdef", "00000000deadbeef.new", "foreign"] {
        drop(UnixListener::bind(doorbells.join(name)).unwrap());
    }
    let _page = live_page(&live);
    let mut left: Vec<_> = fs::read_dir(&doorbells)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["foreign", "kept"]);
}

/// Sockets of another program, called as doorbells are: one that it listens at, and one that it left.
fn foreign_sockets(directory: &Path) -> UnixListener {
    fs::create_dir(directory).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
    drop(UnixListener::bind(directory.join("1111111111111111")).unwrap());
    let in_use = UnixListener::bind(directory.join("2222222222222222")).unwrap();
    in_use.set_nonblocking(true).unwrap();
    in_use
}

#[test]
fn a_link_in_the_place_of_the_directory_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (live, private) = (
        directory.path().join("live"),
        directory.path().join("private"),
    );
    let in_use = foreign_sockets(&private);
    symlink(&private, doorbells_of(&live)).unwrap();
    // Opening clears.
    let page = live_page(&live);
    let other_process = beside(&live);
    other_process.ring(1, MOMENT);
    for error in [
        other_process.problem(1).unwrap_err(),
        page.put_up_doorbell().unwrap_err(),
    ] {
        assert_eq!(error.code().as_ref(), "ERR_LIVE_FILE");
        assert!(error.to_string().contains("not a directory"), "{error}");
    }
    assert_eq!(fs::read_dir(&private).unwrap().count(), 2);
    assert!(in_use.accept().is_err());
    fs::remove_file(doorbells_of(&live)).unwrap();
    other_process.problem(1).unwrap();
}

#[test]
fn a_link_that_comes_later_is_not_followed_either() {
    let directory = tempfile::tempdir().unwrap();
    let (live, private) = (
        directory.path().join("live"),
        directory.path().join("private"),
    );
    let page = live_page(&live);
    let mut listener = Listener::new(&page);
    let mut late = page.put_up_doorbell().unwrap().unwrap();
    let door = UnixListener::bind(late.address().unwrap()).unwrap();
    let other_process = beside(&live);
    other_process.ring(count(&page), MOMENT);
    assert!(listener.doorbell.is_up().unwrap());

    let in_use = foreign_sockets(&private);
    let doorbells = doorbells_of(&live);
    fs::rename(&doorbells, directory.path().join("moved")).unwrap();
    symlink(&private, &doorbells).unwrap();
    listener.doorbell.is_up().unwrap_err();
    // It is published where it was made.
    late.publish().unwrap();
    let second_process = beside(&live);
    for process in [&other_process, &second_process] {
        process.ring(count(&page), MOMENT);
        process.problem(count(&page)).unwrap_err();
    }
    // One is connected still.
    assert_eq!(listener.rings(), 2);
    drop((listener, late, door));
    assert_eq!(fs::read_dir(&private).unwrap().count(), 2);
    assert!(in_use.accept().is_err());
}

#[test]
fn a_directory_that_others_can_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let page = live_page(&live);
    let listener = Listener::new(&page);
    for mode in [0o701, 0o750, 0o777] {
        fs::set_permissions(doorbells_of(&live), fs::Permissions::from_mode(mode)).unwrap();
        let error = listener.doorbell.is_up().unwrap_err().to_string();
        assert!(error.contains(&format!("mode {mode:o}")), "{error}");
        beside(&live).problem(count(&page)).unwrap_err();
        page.put_up_doorbell().unwrap_err();
    }
    fs::set_permissions(doorbells_of(&live), fs::Permissions::from_mode(0o700)).unwrap();
    assert!(listener.doorbell.is_up().unwrap());
    fs::remove_dir_all(doorbells_of(&live)).unwrap();
    assert!(!listener.doorbell.is_up().unwrap());
    beside(&live).problem(count(&page)).unwrap();
}

#[test]
fn of_many_listeners_all_are_rung_over_a_few_connections() {
    const LISTENERS: usize = 5 * MAX_CONNECTIONS;
    const PATIENCE: Duration = Duration::from_secs(20);
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let page = live_page(&live);
    let mut listeners: Vec<_> = (0..LISTENERS).map(|_| Listener::new(&page)).collect();
    let other_process = beside(&live);
    for _change in 0..3 {
        other_process.ring(count(&page), MOMENT);
        let mut waiting: Vec<_> = listeners.iter_mut().collect();
        let started = Instant::now();
        while !waiting.is_empty() {
            assert!(started.elapsed() < PATIENCE, "{} wait", waiting.len());
            waiting.retain_mut(|listener| listener.rings() == 0);
        }
        let known = other_process.0.known();
        assert_eq!(known.connected.len() + known.lent.len(), MAX_CONNECTIONS);
    }
    // Two processes do not keep connections to the same listeners, all of them.
    let second_process = beside(&live);
    second_process.problem(count(&page)).unwrap();
    let connected = |doorbells: &Doorbells| -> HashSet<Name> {
        let known = doorbells.0.known();
        let connected = known.connected.iter().map(|(name, _)| *name);
        connected.chain(known.lent.iter().copied()).collect()
    };
    assert_ne!(connected(&other_process), connected(&second_process));

    // Killed ones are found and make room, whether they were connected or not.
    let killed: Vec<_> = listeners.drain(3..).map(Listener::kill).collect();
    let survivors: HashSet<_> = listeners.iter().map(|it| it.doorbell.name).collect();
    let started = Instant::now();
    while sockets(&live) > survivors.len() || connected(&other_process) != survivors {
        assert!(started.elapsed() < PATIENCE, "{} left", sockets(&live));
        other_process.ring(count(&page), MOMENT);
    }
    assert!(other_process.0.known().others.is_empty());
    drop(killed);
}

#[test]
fn a_listener_that_gave_up_a_connection_is_rung_over_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let page = live_page(&live);
    let mut listener = Listener::new(&page);
    let other_process = beside(&live);
    other_process.ring(count(&page), MOMENT);
    assert_eq!(listener.rings(), 1);
    listener.callers.clear();
    other_process.ring(count(&page), MOMENT);
    assert_eq!(listener.rings(), 1);
    assert_eq!(other_process.0.known().connected.len(), 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_path_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("d".repeat(120));
    fs::create_dir(&deep).unwrap();
    let page = live_page(&deep.join("live"));
    let mut listener = Listener::new(&page);
    beside(&deep.join("live")).ring(count(&page), MOMENT);
    assert_eq!(listener.rings(), 1);
}
