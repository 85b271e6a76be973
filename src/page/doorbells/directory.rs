//! Linux and macOS: the directory of the doorbells.
//!
//! Others may be able to write to the directory of the database, and so to rename what lies beside the live file, or to
//! put a symbolic link in its place. So no path is trusted: each use opens the directory anew without following a link,
//! checks what was opened, and reaches the sockets in it from that descriptor. Only what is named as a doorbell is
//! touched.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chownat, fchown, fstat, mkdirat,
    openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use socket2::{Domain, SockAddr, Socket, Type};

use super::name::Name;
use super::{Connection, failed, unusable};
use crate::error::Error;
use crate::sync::lock;

/// Bytes of a path that a socket's address holds on every platform, with its final NUL (`sun_path` of macOS; Linux has
/// four more).
const MAX_ADDRESS: usize = 104;

/// How long a doorbell that refuses connections is left alone. On Linux that is the answer of a process that was killed;
/// on macOS also that of one with too many connections waiting. One that is taken down while its process stands still is
/// put up again by that process.
const REFUSAL_ENDS: Duration = if cfg!(target_os = "linux") {
    Duration::ZERO
} else {
    Duration::from_secs(10)
};

/// The name of a socket that is not ready ends with this.
const UNREADY: &str = ".new";

/// What writers ignore is the signal that a lost connection raises.
#[cfg(target_os = "linux")]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
/// There, `socket2` switches the signal off for the socket.
#[cfg(not(target_os = "linux"))]
const SEND_FLAGS: i32 = 0;

/// A connection to a doorbell.
pub type Caller = Socket;

/// That a doorbell can be found. Its file stays until it is taken down.
#[derive(Debug)]
pub struct Published;

/// The owner of a live file, to whom its doorbells belong as well.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    user: Uid,
    group: Gid,
}

impl Owner {
    /// Where doorbells are whose live file has too long a path.
    fn directory(self) -> PathBuf {
        PathBuf::from(format!("/tmp/13byte-config-{}", self.user.as_raw()))
    }

    /// The directory of doorbells that is to be at `beside`: elsewhere if a path that may have `longest` bytes would be
    /// too long for the address of a socket in it.
    fn place(self, beside: PathBuf, longest: usize) -> PathBuf {
        // A separator, the digits of a name, and what follows them.
        if beside.as_os_str().len() + 1 + 16 + UNREADY.len() <= longest {
            return beside;
        }
        let hash = Sha256::digest(beside.as_os_str().as_bytes());
        let name = hash.iter().take(8).map(|byte| format!("{byte:02x}"));
        self.directory().join(name.collect::<String>())
    }

    /// The parent of a directory that [`Self::place`] has put elsewhere. It is as private as that.
    fn parent_elsewhere(self, path: &Path) -> Option<&Path> {
        path.parent().filter(|parent| *parent == self.directory())
    }
}

/// The directory of doorbells that is to be at `beside`. On Linux an address leads through a descriptor, and so is short.
pub fn place(beside: PathBuf, owner: Owner) -> PathBuf {
    let longest = if cfg!(target_os = "linux") {
        usize::MAX
    } else {
        MAX_ADDRESS - 1
    };
    owner.place(beside, longest)
}

impl From<&Metadata> for Owner {
    fn from(live_file: &Metadata) -> Self {
        Self {
            user: Uid::from_raw(live_file.uid()),
            group: Gid::from_raw(live_file.gid()),
        }
    }
}

/// The directory, open and checked.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
    path: PathBuf,
    owner: Owner,
}

impl Directory {
    /// `None` when there is no directory.
    pub fn open(path: &Path, owner: Owner) -> Result<Option<Self>, Error> {
        if let Some(parent) = owner.parent_elsewhere(path)
            && Self::open_itself(parent, owner)?.is_none()
        {
            return Ok(None);
        }
        Self::open_itself(path, owner)
    }

    fn open_itself(path: &Path, owner: Owner) -> Result<Option<Self>, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = match openat(CWD, path, flags, Mode::empty()) {
            Ok(descriptor) => descriptor,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(unusable(path, "this is not a directory"));
            }
            Err(error) => return Err(failed(path)(error.into())),
        };
        let directory = Self {
            descriptor,
            path: path.to_path_buf(),
            owner,
        };
        directory.check()?;
        Ok(Some(directory))
    }

    /// Opens the directory, which is made if there is none.
    pub fn create(path: &Path, owner: Owner) -> Result<Self, Error> {
        if let Some(parent) = owner.parent_elsewhere(path) {
            Self::make(parent, owner)?;
        }
        Self::make(path, owner)
    }

    fn make(path: &Path, owner: Owner) -> Result<Self, Error> {
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) => Self::give(path, owner).map_err(|error| failed(path)(error.into()))?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(path)(error.into())),
        }
        Self::open_itself(path, owner)?.ok_or_else(|| unusable(path, "the directory was removed"))
    }

    /// Gives a directory that root has just made to the owner of the live file.
    fn give(path: &Path, owner: Owner) -> rustix::io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = openat(CWD, path, flags, Mode::empty())?;
        if fstat(&made)?.st_uid == owner.user.as_raw() {
            return Ok(());
        }
        fchown(made, Some(owner.user), Some(owner.group))
    }

    /// Refuses a directory that others may use.
    fn check(&self) -> Result<(), Error> {
        let stat = fstat(&self.descriptor).map_err(|error| failed(&self.path)(error.into()))?;
        let owner = self.owner.user.as_raw();
        let mode = Mode::from_raw_mode(stat.st_mode);
        if stat.st_uid == owner && !mode.intersects(Mode::RWXG | Mode::RWXO) {
            return Ok(());
        }
        let reason = format!(
            "the directory must be accessible to user {owner} alone, who owns the live file (it has owner {} and mode {:o})",
            stat.st_uid,
            mode.as_raw_mode(),
        );
        Err(unusable(&self.path, reason))
    }

    /// The doorbells that are ready.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        let names = self.entries()?.into_iter();
        Ok(names.filter_map(|name| Name::parse(&name)).collect())
    }

    /// Removes all doorbells, and those that were about to be put up.
    pub fn clear(&self) -> io::Result<()> {
        for entry in self.entries()? {
            let name = entry.strip_suffix(UNREADY).unwrap_or(&entry);
            if Name::parse(name).is_some() && self.has_socket(&entry) {
                self.unlink(&entry);
            }
        }
        Ok(())
    }

    fn entries(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            // What is not UTF-8 is no doorbell's name.
            names.extend(entry?.file_name().to_str().map(str::to_owned).ok());
        }
        Ok(names)
    }

    /// Whether this doorbell is up.
    pub fn has(&self, name: Name) -> bool {
        self.has_socket(&name.to_string())
    }

    fn has_socket(&self, name: &str) -> bool {
        statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| self.is_doorbell(&stat))
    }

    fn is_doorbell(&self, stat: &Stat) -> bool {
        FileType::from_raw_mode(stat.st_mode) == FileType::Socket
            && [Uid::ROOT, self.owner.user].contains(&Uid::from_raw(stat.st_uid))
    }

    /// Takes a doorbell down.
    pub fn remove(&self, name: Name) {
        self.unlink(&name.to_string());
        self.unlink(&unready(name));
    }

    fn unlink(&self, name: &str) {
        // Another process may have been faster.
        let _gone = unlinkat(&self.descriptor, name, AtFlags::empty());
    }

    /// Where to listen for a doorbell that is not ready.
    pub fn address(&self, name: Name) -> io::Result<PathBuf> {
        let name = unready(name);
        if cfg!(target_os = "linux") {
            return Ok(through_descriptor(&self.descriptor).join(name));
        }
        let path = self.path.join(name);
        if path.as_os_str().len() < MAX_ADDRESS {
            return Ok(path);
        }
        Err(io::ErrorKind::InvalidFilename.into())
    }

    /// Gives a doorbell its final name. Fails when nothing listens at its [`Self::address`] in this directory.
    pub fn publish(&self, name: Name) -> io::Result<Published> {
        let unready = unready(name);
        let stat = statat(&self.descriptor, &unready, AtFlags::SYMLINK_NOFOLLOW)?;
        if stat.st_uid != self.owner.user.as_raw() {
            // Created by root. The owner could not connect to it otherwise.
            chownat(
                &self.descriptor,
                &unready,
                Some(self.owner.user),
                Some(self.owner.group),
                AtFlags::SYMLINK_NOFOLLOW,
            )?;
        }
        renameat(
            &self.descriptor,
            &unready,
            &self.descriptor,
            name.to_string(),
        )?;
        Ok(Published)
    }

    /// Connects to a doorbell without waiting. One whose process was killed is removed.
    pub fn connect(&self, name: Name) -> io::Result<Connection> {
        let Some(target) = self.target(name)? else {
            return Ok(Connection::Gone);
        };
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        match socket.connect(&SockAddr::unix(target.path())?) {
            Ok(()) => {
                note_accepted(name);
                Ok(Connection::Open(socket))
            }
            Err(error) => match error.kind() {
                // It was ready once, so its process was killed.
                io::ErrorKind::ConnectionRefused if is_abandoned(name) => {
                    self.remove(name);
                    Ok(Connection::Gone)
                }
                io::ErrorKind::WouldBlock | io::ErrorKind::ConnectionRefused => {
                    Ok(Connection::Full)
                }
                // On Linux it means that there is no `/proc`.
                io::ErrorKind::NotFound if cfg!(not(target_os = "linux")) => Ok(Connection::Gone),
                _ => Err(error),
            },
        }
    }

    /// The socket of this name itself, held by a descriptor, so that nothing else can be connected to.
    #[cfg(target_os = "linux")]
    fn target(&self, name: Name) -> io::Result<Option<Target>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let socket = match openat(&self.descriptor, name.to_string(), flags, Mode::empty()) {
            Ok(socket) => socket,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let is_doorbell = self.is_doorbell(&fstat(&socket)?);
        Ok(is_doorbell.then_some(Target(socket)))
    }

    /// There is no way to connect by a descriptor. The directory was checked a moment ago.
    #[cfg(not(target_os = "linux"))]
    fn target(&self, name: Name) -> io::Result<Option<Target>> {
        let path = self.path.join(name.to_string());
        if path.as_os_str().len() >= MAX_ADDRESS {
            return Err(io::ErrorKind::InvalidFilename.into());
        }
        Ok(self.has(name).then_some(Target(path)))
    }
}

#[cfg(target_os = "linux")]
struct Target(OwnedFd);

#[cfg(target_os = "linux")]
impl Target {
    fn path(&self) -> PathBuf {
        through_descriptor(&self.0)
    }
}

#[cfg(not(target_os = "linux"))]
struct Target(PathBuf);

#[cfg(not(target_os = "linux"))]
impl Target {
    fn path(&self) -> &Path {
        &self.0
    }
}

/// When doorbells that refuse connections first did so, as far as this process tried.
#[derive(Debug, Default)]
struct Refusals(HashMap<Name, Instant>);

static REFUSALS: Lazy<Mutex<Refusals>> = Lazy::new(Mutex::default);

impl Refusals {
    /// Whether a doorbell that refuses a connection now has done so for so long that its process must be gone.
    fn add(&mut self, name: Name, now: Instant, limit: Duration) -> bool {
        // Those that are not tried any more were taken down by others.
        self.0.retain(|_, first| now - *first < 10 * limit);
        now - *self.0.entry(name).or_insert(now) >= limit
    }

    /// Starts anew for a doorbell that accepts a connection.
    fn forget(&mut self, name: Name) {
        self.0.remove(&name);
    }
}

fn is_abandoned(name: Name) -> bool {
    REFUSAL_ENDS.is_zero() || lock(&REFUSALS).add(name, Instant::now(), REFUSAL_ENDS)
}

fn note_accepted(name: Name) {
    if !REFUSAL_ENDS.is_zero() {
        lock(&REFUSALS).forget(name);
    }
}

fn unready(name: Name) -> String {
    format!("{name}{UNREADY}")
}

/// The path of what is open, whatever lies at the path by which it was opened. Short enough for any address.
fn through_descriptor(descriptor: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", descriptor.as_raw_fd()))
}

/// `false` when the connection is lost. A doorbell that has not been answered yet needs no second ring.
pub fn ring(socket: &Caller, changed_at: u64) -> bool {
    match socket.send_with_flags(&changed_at.to_le_bytes(), SEND_FLAGS) {
        Ok(_) => true,
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_for_an_address_gets_a_short_one() {
        let owner = Owner {
            user: Uid::from_raw(501),
            group: Gid::from_raw(20),
        };
        let place = |beside: &str| owner.place(beside.into(), MAX_ADDRESS - 1);
        let long = format!("/{}/c.db-live-eu-doorbells", "d".repeat(80));
        let elsewhere = place(&long);
        assert!(
            elsewhere.starts_with("/tmp/13byte-config-501"),
            "{elsewhere:?}"
        );
        assert_ne!(elsewhere, place(&long.replace("-eu-", "-us-")));
        for length in 1..200 {
            let socket = place(&format!("/{}", "d".repeat(length))).join(unready(Name(u64::MAX)));
            assert!(socket.as_os_str().len() < MAX_ADDRESS, "{socket:?}");
        }
        let beside = "/data/c.db-live-eu-doorbells";
        assert_eq!(place(beside), Path::new(beside));
    }

    #[test]
    fn a_doorbell_is_abandoned_when_it_has_refused_for_long_enough() {
        let mut refusals = Refusals::default();
        let limit = Duration::from_secs(10);
        let start = Instant::now();
        let refuses = |refusals: &mut Refusals, name: u64, seconds: u64| {
            refusals.add(Name(name), start + Duration::from_secs(seconds), limit)
        };
        assert!(!refuses(&mut refusals, 1, 0));
        assert!(!refuses(&mut refusals, 2, 5));
        assert!(!refuses(&mut refusals, 1, 9));
        assert!(refuses(&mut refusals, 1, 10));
        assert!(!refuses(&mut refusals, 2, 14), "each has a time of its own");
        // One whose queue was full for a while is alive.
        refusals.forget(Name(2));
        assert!(!refuses(&mut refusals, 2, 16));
        assert!(!refuses(&mut refusals, 2, 25));
        assert!(refuses(&mut refusals, 2, 26));
        // What has not been tried for long takes no room.
        assert!(!refuses(&mut refusals, 3, 200));
        assert_eq!(refusals.0.len(), 1);
    }
}
