//! Linux and macOS: the directory of the doorbells.
//!
//! Others may be able to write to the directory of the database, and so to rename what lies beside the live file, or to
//! put a symbolic link in its place. So no path is trusted: each use opens the directory anew without following a link,
//! checks what was opened, and reaches the sockets in it from that descriptor. Only what is named as a doorbell is
//! touched.

use std::fs::Metadata;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Stat, Uid, chownat, fchown, fstat, mkdirat,
    openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::name::Name;
use super::{failed, unusable};
use crate::error::Error;

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

impl From<&Metadata> for Owner {
    fn from(live_file: &Metadata) -> Self {
        Self {
            user: Uid::from_raw(live_file.uid()),
            group: Gid::from_raw(live_file.gid()),
        }
    }
}

/// What came of an attempt to connect to a doorbell.
pub enum Connection {
    Open(Caller),
    /// It is there, and has more connections waiting than it takes.
    Full,
    /// There is no such doorbell any more.
    Gone,
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
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) => Self::give(path, owner).map_err(|error| failed(path)(error.into()))?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(path)(error.into())),
        }
        Self::open(path, owner)?.ok_or_else(|| unusable(path, "the directory was removed"))
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
            Ok(()) => Ok(Connection::Open(socket)),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Ok(Connection::Full),
                io::ErrorKind::ConnectionRefused => {
                    // It was ready once, so its process was killed.
                    self.remove(name);
                    Ok(Connection::Gone)
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
