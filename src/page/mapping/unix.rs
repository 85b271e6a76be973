//! Linux and macOS.

use std::ffi::c_int;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use super::{Lock, Range, check_length, check_local, invalid, io_error};
use crate::error::Error;
use crate::ownership::{self, Owner, effective_user};
use crate::page::layout::LIVE_SIZE;

/// The mode of every live file.
const MODE: u32 = 0o600;

/// A live file's bytes, shared with every process that maps it.
#[derive(Debug)]
pub struct Mapping(NonNull<u8>);

impl Mapping {
    /// Maps a file that is allocated in its full length.
    pub fn new(file: &File) -> io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses; the descriptor is open.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                LIVE_SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(address.cast())
            .map(Self)
            .ok_or_else(|| io::Error::other("mapped at address 0"))
    }

    /// Start of the bytes, page-aligned.
    pub const fn base(&self) -> NonNull<u8> {
        self.0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length, and unmapped only here, when no page refers to it any more.
        let status = unsafe { libc::munmap(self.0.as_ptr().cast(), LIVE_SIZE) };
        debug_assert_eq!(status, 0, "a mapping made here can be removed");
    }
}

/// Opens a live file, which with `create` is made when missing, and checks that it is this user's, and local.
///
/// `owner` is that of the database. Root uses the live file of that user, and makes one for that user: nobody else
/// could open one of root's.
pub fn open(path: &Path, create: bool, owner: Option<Owner>) -> Result<File, Error> {
    let file = open_or_create(path, create, owner)?;
    let metadata = file.metadata().map_err(io_error(path))?;
    check(path, &metadata, owner)?;
    check_local(path, &file)?;
    Ok(file)
}

/// Refuses a live file that is not this user's, or that others may write to.
fn check(path: &Path, metadata: &Metadata, owner: Option<Owner>) -> Result<(), Error> {
    if !metadata.is_file() {
        return Err(invalid(path, "it is not a regular file"));
    }
    let user = effective_user();
    let is_served = user == 0 && owner.is_some_and(|owner| owner.user == metadata.uid());
    if metadata.uid() != user && !is_served {
        return Err(foreign(path, metadata.uid(), owner));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o022 != 0 {
        let reason = format!("others may write to it (mode {mode:o})");
        return Err(invalid(path, reason));
    }
    Ok(())
}

/// Checks a live file without opening it: whether there is one, and whether this user and the owner of the database can
/// use it.
pub fn examine(path: &Path, owner: Option<Owner>) -> Result<Option<Metadata>, Error> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(io_error(path))?,
    };
    if metadata.is_symlink() {
        return Err(invalid(path, "it is a symbolic link"));
    }
    check(path, &metadata, owner)?;
    if let Some(owner) = owner.filter(|owner| owner.user != metadata.uid())
        && effective_user() == 0
    {
        return Err(useless(path, metadata.uid(), owner));
    }
    check_length(path, metadata.len())?;
    Ok(Some(metadata))
}

fn open_or_create(path: &Path, create: bool, owner: Option<Owner>) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .mode(MODE)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
    loop {
        // Not with O_CREAT: in a directory such as /tmp, Linux then refuses files of others even to root.
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => {}
            opened => return opened.map_err(refusal(path, owner)),
        }
        let created = match owner {
            Some(owner) if effective_user() == 0 && owner.user != 0 => {
                let wanted = Owner {
                    mode: MODE,
                    ..owner
                };
                ownership::create(path, wanted)
            }
            _ => options.clone().create_new(true).open(path).map(drop),
        };
        match created {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(not_made(path, owner, error));
            }
            created => created.map_err(io_error(path))?,
        }
    }
}

/// Gives an unused live file to the owner of the database, as root: one of root's keeps the programs
/// of that user from starting.
pub fn give_to(file: &File, owner: Option<Owner>) {
    if let Some(owner) = owner.filter(|_| effective_user() == 0) {
        // Where root may not, the file was here before, and stays as it is.
        let _as_far_as_possible = fchown(file, Some(owner.user), Some(owner.group));
    }
}

/// What it means that a live file cannot be opened.
fn refusal(path: &Path, owner: Option<Owner>) -> impl Fn(io::Error) -> Error {
    move |source| match source.raw_os_error() {
        Some(libc::ELOOP) => invalid(path, "it is a symbolic link"),
        Some(libc::ENOENT) => Error::NotLive {
            path: path.to_path_buf(),
        },
        Some(libc::EACCES | libc::EPERM) => match Owner::of_path(path) {
            Some(found) if found.user != effective_user() => foreign(path, found.user, owner),
            _ => io_error(path)(source),
        },
        _ => io_error(path)(source),
    }
}

fn foreign(path: &Path, user: u32, owner: Option<Owner>) -> Error {
    let own = effective_user();
    let reason = match owner {
        Some(owner) if owner.user == own => return useless(path, user, owner),
        _ => format!(
            "it belongs to user {user}, and this process runs as user {own}. Live state is not shared between users: \
             run this as user {user}"
        ),
    };
    let path = path.to_path_buf();
    Error::LiveFilePermission { path, reason }
}

/// A live file of which the owner of the database has no use.
fn useless(path: &Path, user: u32, owner: Owner) -> Error {
    Error::LiveFilePermission {
        path: path.to_path_buf(),
        reason: format!(
            "it belongs to user {user}, and the database to user {0}. Give it to that user, which changes nothing else: \
             chown {0} {1}",
            owner.user,
            path.display()
        ),
    }
}

fn not_made(path: &Path, owner: Option<Owner>, source: io::Error) -> Error {
    match owner {
        Some(owner) if owner.user != effective_user() => Error::LiveFilePermission {
            path: path.to_path_buf(),
            reason: format!(
                "it cannot be made for user {0}, to whom the database belongs ({source}). Run this as user {0}",
                owner.user
            ),
        },
        _ => io_error(path)(source),
    }
}

/// Reads the first bytes of a file.
pub fn read_start(file: &File, start: &mut [u8]) -> io::Result<usize> {
    use std::os::unix::fs::FileExt;
    file.read_at(start, 0)
}

/// Gives the file its full length with blocks behind all of it, since a hole on a full disk would be a SIGBUS.
pub fn allocate(path: &Path, file: &File) -> Result<(), Error> {
    allocate_blocks(file).map_err(io_error(path))
}

#[cfg(target_os = "linux")]
fn allocate_blocks(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open; no memory is passed.
    match unsafe {
        libc::posix_fallocate(file.as_raw_fd(), 0, LIVE_SIZE.cast_signed() as libc::off_t)
    } {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

#[cfg(not(target_os = "linux"))]
fn allocate_blocks(file: &File) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    // Without posix_fallocate, bytes that are written have blocks.
    file.write_all_at(&vec![0; LIVE_SIZE], 0)
}

/// Locks the file as a whole for this open description, which all threads of the process share. `false` when others hold
/// a lock against it.
pub fn try_lock_file(file: &File, lock: Lock) -> io::Result<bool> {
    let kind = match lock {
        Lock::Shared => libc::F_RDLCK,
        Lock::Exclusive => libc::F_WRLCK,
    };
    granted(control(file, Range::Use, kind))
}

/// Locks a range against other processes. `false` when one of them holds it.
pub fn try_lock_range(file: &File, range: Range) -> io::Result<bool> {
    granted(control(file, range, libc::F_WRLCK))
}

/// The counterpart of [`try_lock_range`].
pub fn unlock_range(file: &File, range: Range) {
    let status = control(file, range, libc::F_UNLCK);
    debug_assert_eq!(status, 0, "a range locked here can be unlocked");
}

/// Sets or removes a lock. Not with `flock`: macOS compares all locks of a file, its among them, by their owners alone.
///
/// It belongs to the open file description: it is not lost when another part of the process closes the same file. Some
/// sandboxes refuse such locks; there it belongs to the process. The two kinds exclude each other, and
/// [`LiveFile`](crate::page::LiveFile) has a mutex for the threads of a process.
///
/// The kinds of locks are numbers of different widths on different platforms.
fn control(file: &File, range: Range, kind: impl Into<c_int>) -> c_int {
    let kind = kind.into();
    let status = request(file, libc::F_OFD_SETLK, range, kind);
    if status == 0 || !is_refusal(&io::Error::last_os_error()) {
        return status;
    }
    request(file, libc::F_SETLK, range, kind)
}

/// Whether the system does not know locks of open file descriptions, or forbids them: no answer to a valid request for
/// a lock is among these.
fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EINVAL | libc::ENOSYS | libc::EPERM | libc::EOPNOTSUPP)
    )
}

fn request(file: &File, command: c_int, range: Range, kind: c_int) -> c_int {
    // SAFETY: `flock` is plain numbers, for which zeros are valid; `l_pid` must be 0 for these locks.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the constants fit the field on every platform"
    )]
    {
        lock.l_type = kind as _;
        lock.l_whence = libc::SEEK_SET as _;
    }
    lock.l_start = range as libc::off_t;
    lock.l_len = 1;
    // SAFETY: the descriptor is open, and `lock` outlives the call.
    unsafe { libc::fcntl(file.as_raw_fd(), command, &raw const lock) }
}

fn granted(status: c_int) -> io::Result<bool> {
    if status == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::EACCES | libc::EINTR) => Ok(false),
        _ => Err(error),
    }
}

/// A directory that is this user's alone.
pub fn cluster_directory(create: bool) -> Result<PathBuf, Error> {
    let directory = match std::env::var_os("XDG_RUNTIME_DIR") {
        Some(directory) if !directory.is_empty() => PathBuf::from(directory).join("13byte-config"),
        _ => std::env::temp_dir().join(format!("13byte-config-{}", effective_user())),
    };
    if create {
        create_private(&directory)?;
    } else if directory.exists() {
        check_private(&directory)?;
    }
    Ok(directory)
}

/// Makes a directory that is this user's alone, unless it is there already.
fn create_private(directory: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(io_error(directory)(error))
        }
        _ => check_private(directory),
    }
}

/// Refuses a directory that others may use.
fn check_private(directory: &Path) -> Result<(), Error> {
    let metadata = std::fs::symlink_metadata(directory).map_err(io_error(directory))?;
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() && metadata.uid() == effective_user() && mode == mode & 0o700 {
        return Ok(());
    }
    Err(Error::LiveFileInvalid {
        path: directory.to_path_buf(),
        reason: format!(
            "the directory must be this user's alone (it has owner {} and mode {mode:o})",
            metadata.uid()
        ),
    })
}
