//! Windows.
//!
//! Who may use a live file is a matter of its directory's access control list, which the file inherits, as the database
//! does.

#![expect(
    unsafe_code,
    reason = "the standard library does not map files or lock ranges of them"
)]

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use windows_sys::Win32::Foundation::{CloseHandle, ERROR_IO_PENDING, ERROR_LOCK_VIOLATION, HANDLE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_OPEN_REPARSE_POINT, LOCK_FILE_FLAGS,
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::{OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile,
    PAGE_READWRITE, UnmapViewOfFile,
};

use super::{Lock, Range, check_length, check_local, invalid, io_error};
use crate::error::Error;
use crate::ownership::Owner;
use crate::page::layout::LIVE_SIZE;

/// A live file's bytes, shared with every process that maps it.
#[derive(Debug)]
pub struct Mapping(NonNull<u8>);

impl Mapping {
    /// Maps a file that is allocated in its full length.
    pub fn new(file: &File) -> io::Result<Self> {
        // SAFETY: the handle is open; without a name, the mapping is found by nothing but its handle.
        let section = unsafe {
            CreateFileMappingW(
                file.as_raw_handle(),
                ptr::null(),
                PAGE_READWRITE,
                0,
                0,
                ptr::null(),
            )
        };
        if section.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is that of a mapping of at least this length, or the call fails.
        let view =
            unsafe { MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, LIVE_SIZE) };
        let mapped = NonNull::new(view.Value.cast())
            .map(Self)
            .ok_or_else(io::Error::last_os_error);
        // SAFETY: opened above, and closed only here. The view keeps the mapping.
        let status = unsafe { CloseHandle(section) };
        debug_assert_ne!(status, 0, "a handle that was opened here can be closed");
        mapped
    }

    /// Start of the bytes, page-aligned.
    pub const fn base(&self) -> NonNull<u8> {
        self.0
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS {
            Value: self.0.as_ptr().cast(),
        };
        // SAFETY: mapped in `new`, and unmapped only here, when no page refers to it any more.
        let status = unsafe { UnmapViewOfFile(view) };
        debug_assert_ne!(status, 0, "a view made here can be removed");
    }
}

/// Opens a live file, which with `create` is made when missing, and checks that it is one, and local.
pub fn open(path: &Path, create: bool, _owner: Option<Owner>) -> Result<File, Error> {
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !create => {
            let path = path.to_path_buf();
            return Err(Error::NotLive { path });
        }
        opened => opened.map_err(io_error(path))?,
    };
    check(path, &file.metadata().map_err(io_error(path))?)?;
    check_local(path, &file)?;
    Ok(file)
}

/// Refuses what is not a file itself.
fn check(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
        return Err(invalid(path, "it is a symbolic link"));
    }
    if !metadata.is_file() {
        return Err(invalid(path, "it is not a regular file"));
    }
    Ok(())
}

/// Checks a live file without opening it: whether there is one, and whether it looks like one.
pub fn examine(path: &Path, _owner: Option<Owner>) -> Result<Option<Metadata>, Error> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(io_error(path))?,
    };
    check(path, &metadata)?;
    check_length(path, metadata.len())?;
    Ok(Some(metadata))
}

/// A file belongs to the user who made it, and is used by those whom its directory admits.
pub const fn give_to(_file: &File, _owner: Option<Owner>) {}

/// Reads the first bytes of a file.
pub fn read_start(file: &File, start: &mut [u8]) -> io::Result<usize> {
    file.seek_read(start, 0)
}

/// Gives the file its full length, with clusters behind all of it: files have holes only where that is asked for.
pub fn allocate(path: &Path, file: &File) -> Result<(), Error> {
    file.set_len(LIVE_SIZE as u64).map_err(io_error(path))
}

impl Range {
    /// Locks here keep others from reading and writing what they cover, so they cover bytes far behind the contents.
    /// Mapped memory they do not concern.
    fn overlapped(self) -> OVERLAPPED {
        OVERLAPPED {
            Anonymous: OVERLAPPED_0 {
                Anonymous: OVERLAPPED_0_0 {
                    Offset: self as u32,
                    OffsetHigh: 1,
                },
            },
            ..OVERLAPPED::default()
        }
    }
}

/// Locks the whole file for this handle, which all threads of the process share. `false` when others hold a lock
/// against it. Who is alone with the file, and shares it, is never without a lock in between.
pub fn try_lock_file(file: &File, lock: Lock) -> io::Result<bool> {
    match lock {
        Lock::Exclusive => try_lock(file, Range::Use, LOCKFILE_EXCLUSIVE_LOCK),
        Lock::Shared => {
            // A handle may hold both kinds on one range, and gives the exclusive one up first. So a shared one is left,
            // whether the handle held an exclusive one or none.
            let is_shared = try_lock(file, Range::Use, 0)? && try_lock(file, Range::Use, 0)?;
            if is_shared {
                unlock(file, Range::Use);
            }
            Ok(is_shared)
        }
    }
}

/// Locks a range against other processes. `false` when one of them holds it.
pub fn try_lock_range(file: &File, range: Range) -> io::Result<bool> {
    try_lock(file, range, LOCKFILE_EXCLUSIVE_LOCK)
}

/// The counterpart of [`try_lock_range`].
pub fn unlock_range(file: &File, range: Range) {
    unlock(file, range);
}

fn try_lock(file: &File, range: Range, kind: LOCK_FILE_FLAGS) -> io::Result<bool> {
    let mut range = range.overlapped();
    let flags = kind | LOCKFILE_FAIL_IMMEDIATELY;
    // SAFETY: the handle is open, and waits for each call, so that `range` outlives it.
    let status = unsafe { LockFileEx(handle(file), flags, 0, 1, 0, &raw mut range) };
    if status != 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    let code = error.raw_os_error().map(i32::cast_unsigned);
    match code {
        Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING) => Ok(false),
        _ => Err(error),
    }
}

fn unlock(file: &File, range: Range) {
    let mut range = range.overlapped();
    // SAFETY: the handle is open, and waits for each call, so that `range` outlives it.
    let status = unsafe { UnlockFileEx(handle(file), 0, 1, 0, &raw mut range) };
    debug_assert_ne!(status, 0, "a range locked here can be unlocked");
}

fn handle(file: &File) -> HANDLE {
    file.as_raw_handle()
}

/// A directory of this user.
pub fn cluster_directory(create: bool) -> Result<PathBuf, Error> {
    let parent = match std::env::var_os("LOCALAPPDATA") {
        Some(directory) if !directory.is_empty() => PathBuf::from(directory),
        // It is the user's own as well.
        _ => std::env::temp_dir(),
    };
    let directory = parent.join("13byte-config");
    if create {
        fs::create_dir_all(&directory).map_err(io_error(&directory))?;
    }
    Ok(directory)
}
