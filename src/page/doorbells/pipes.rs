//! Windows: named pipes.
//!
//! Pipes have names of their own, apart from files. So that writers find those of a live file, each has an empty file of
//! its name in a directory beside it. The system removes that file with its process, however the process ends, and lets
//! those write to the pipe who run as the same user.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::{Path, PathBuf};
use std::ptr;

use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;
use windows_sys::Win32::Storage::FileSystem::{
    DELETE, FILE_ATTRIBUTE_TEMPORARY, FILE_FLAG_DELETE_ON_CLOSE, SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::Pipes::{PIPE_NOWAIT, PIPE_READMODE_BYTE, SetNamedPipeHandleState};

use super::name::Name;
use super::{Connection, failed, unusable};
use crate::error::Error;

/// A connection to a doorbell.
pub type Caller = File;

/// The file of a doorbell that can be found, which goes when it is dropped.
#[derive(Debug)]
pub struct Published(#[expect(dead_code, reason = "it is there to be dropped")] File);

/// Who may use a directory is a matter of its access control list.
#[derive(Clone, Copy, Debug)]
pub struct Owner;

impl From<&Metadata> for Owner {
    fn from(_live_file: &Metadata) -> Self {
        Self
    }
}

/// The directory of doorbells that is to be at `beside`. Pipes have short names whatever its path.
pub fn place(beside: PathBuf, _owner: Owner) -> PathBuf {
    beside
}

/// The directory of the files that are called as the pipes are.
#[derive(Debug)]
pub struct Directory(PathBuf);

impl Directory {
    /// `None` when there is no directory.
    pub fn open(path: &Path, _owner: Owner) -> Result<Option<Self>, Error> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(Self(path.to_path_buf()))),
            Ok(_) => Err(unusable(path, "this is not a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(path)(error)),
        }
    }

    /// Opens the directory, which is made if there is none.
    pub fn create(path: &Path, owner: Owner) -> Result<Self, Error> {
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(path)(error));
            }
            _ => {}
        }
        Self::open(path, owner)?.ok_or_else(|| unusable(path, "the directory was removed"))
    }

    /// The doorbells that are ready.
    pub fn names(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // What is not Unicode is no doorbell's name.
            names.extend(entry?.file_name().to_str().and_then(Name::parse));
        }
        Ok(names)
    }

    /// Removes what is left after a power failure.
    pub fn clear(&self) -> io::Result<()> {
        for name in self.names()? {
            self.remove(name);
        }
        Ok(())
    }

    /// Whether this doorbell is up.
    pub fn has(&self, name: Name) -> bool {
        fs::symlink_metadata(self.file(name)).is_ok_and(|metadata| metadata.is_file())
    }

    /// Takes a doorbell down.
    pub fn remove(&self, name: Name) {
        // The system may have been faster.
        let _gone = fs::remove_file(self.file(name));
    }

    fn file(&self, name: Name) -> PathBuf {
        self.0.join(name.to_string())
    }

    /// Where to listen for a doorbell.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "elsewhere the address is in the directory, whose path may be too long"
    )]
    pub fn address(&self, name: Name) -> io::Result<PathBuf> {
        Ok(address(name))
    }

    /// Lets writers find the doorbell.
    pub fn publish(&self, name: Name) -> io::Result<Published> {
        OpenOptions::new()
            .access_mode(DELETE)
            .create_new(true)
            .write(true)
            .attributes(FILE_ATTRIBUTE_TEMPORARY)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(self.file(name))
            .map(Published)
    }

    /// Connects to a doorbell without waiting.
    #[expect(
        clippy::unused_self,
        reason = "elsewhere the doorbell is in the directory"
    )]
    pub fn connect(&self, name: Name) -> io::Result<Connection> {
        let opened = OpenOptions::new()
            .write(true)
            // The listener must not act in this process's name.
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(address(name));
        match opened {
            Ok(caller) => {
                never_wait(&caller)?;
                Ok(Connection::Open(caller))
            }
            Err(error) if error.raw_os_error().map(i32::cast_unsigned) == Some(ERROR_PIPE_BUSY) => {
                Ok(Connection::Full)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Connection::Gone),
            Err(error) => Err(error),
        }
    }
}

fn address(name: Name) -> PathBuf {
    PathBuf::from(format!(r"\\.\pipe\13byte-config-{name}"))
}

/// Lets a write to a full pipe return instead of wait for the listener, which may stand still.
fn never_wait(caller: &Caller) -> io::Result<()> {
    let mode = PIPE_READMODE_BYTE | PIPE_NOWAIT;
    #[expect(unsafe_code, reason = "the standard library has no such pipes")]
    // SAFETY: the handle is open, `mode` outlives the call, and null leaves the rest as it is.
    let status = unsafe {
        SetNamedPipeHandleState(
            caller.as_raw_handle(),
            &raw const mode,
            ptr::null(),
            ptr::null(),
        )
    };
    if status == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// `false` when the connection is lost. A doorbell that has not been answered yet needs no second ring: of a write for
/// which there is no room, nothing is sent.
pub fn ring(mut caller: &Caller, changed_at: u64) -> bool {
    caller.write(&changed_at.to_le_bytes()).is_ok()
}
