//! What kind of file system a file is on, and how its content is made durable.

#![expect(
    unsafe_code,
    reason = "the standard library does not know file systems"
)]

use std::fs::File;
use std::io;
use std::path::Path;

/// A kind of file system, as far as it matters to databases and live files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// On a disk of this machine, as far as is known.
    Local,
    /// On another machine, by its name: mappings are not shared between machines, or not coherently.
    Remote(&'static str),
    /// Not kept for long: its name, and what happens to it.
    Temporary(&'static str, &'static str),
}

impl FileSystem {
    /// That of an open file.
    pub fn of_file(file: &File) -> io::Result<Self> {
        platform::of_file(file)
    }

    /// That of a directory.
    pub fn of_directory(path: &Path) -> io::Result<Self> {
        platform::of_file(&platform::open_directory(path)?)
    }
}

/// Makes the content of a file durable. On macOS the standard library empties the cache of the drive as well, which not
/// every volume can; such a volume gets what it can do, as from SQLite.
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        #[cfg(target_vendor = "apple")]
        Err(error) if cannot(&error) => Ok(rustix::fs::fsync(file)?),
        result => result,
    }
}

/// Makes the names in a directory durable: what is synced in a file is of no use when the file cannot be found.
#[cfg(unix)]
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    match sync(&platform::open_directory(directory)?) {
        // Not every file system can; then it needs no help.
        Err(error) if cannot(&error) => Ok(()),
        result => result,
    }
}

/// There, a new name is as durable as the file.
#[cfg(not(unix))]
pub fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether the file system has no such operation: `ENOTSUP`, `EINVAL` or `ENOTTY`.
#[cfg(unix)]
fn cannot(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOTSUP | libc::EINVAL | libc::ENOTTY)
    )
}

#[cfg(unix)]
mod platform {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::path::Path;

    use super::FileSystem;

    pub fn open_directory(path: &Path) -> io::Result<File> {
        File::open(path)
    }

    pub fn of_file(file: &File) -> io::Result<FileSystem> {
        // SAFETY: `statfs` is plain numbers, for which zeros are valid.
        let mut system: libc::statfs = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open, and `system` outlives the call.
        let status = unsafe { libc::fstatfs(file.as_raw_fd(), &raw mut system) };
        if status != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(kind(&system))
    }

    /// Types have 32 bits; how wide the field is, and whether it has a sign, depends on the C library.
    #[cfg(target_os = "linux")]
    fn kind(system: &libc::statfs) -> FileSystem {
        let number = i128::from(system.f_type) & i128::from(u32::MAX);
        u32::try_from(number).map_or(FileSystem::Local, by_type)
    }

    /// The numbers are those of `linux/magic.h`.
    #[cfg(target_os = "linux")]
    pub const fn by_type(number: u32) -> FileSystem {
        use FileSystem::{Local, Remote, Temporary};
        match number {
            0x6969 => Remote("NFS"),
            0x517b | 0xfe53_4d42 => Remote("SMB"),
            0xff53_4d42 => Remote("CIFS"),
            0x5346_414f => Remote("AFS"),
            0x7375_7245 => Remote("Coda"),
            0x00c3_6400 => Remote("Ceph"),
            0x0102_1994 => Temporary("tmpfs", "is empty after a restart of the machine"),
            0x794c_7630 => Temporary("overlayfs", "a container loses when it is removed"),
            _ => Local,
        }
    }

    #[cfg(not(target_os = "linux"))]
    const fn kind(system: &libc::statfs) -> FileSystem {
        if system.f_flags & libc::MNT_LOCAL as u32 == 0 {
            FileSystem::Remote("a volume of another machine")
        } else {
            FileSystem::Local
        }
    }
}

#[cfg(windows)]
mod platform {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::Path;

    use windows_sys::Win32::Storage::FileSystem::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_REMOTE_PROTOCOL_INFO, FileRemoteProtocolInfo,
        GetFileInformationByHandleEx,
    };

    use super::FileSystem;

    pub fn open_directory(path: &Path) -> io::Result<File> {
        OpenOptions::new()
            .access_mode(0)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
    }

    pub fn of_file(file: &File) -> io::Result<FileSystem> {
        let mut protocol = FILE_REMOTE_PROTOCOL_INFO::default();
        let size =
            u32::try_from(size_of::<FILE_REMOTE_PROTOCOL_INFO>()).map_err(io::Error::other)?;
        // SAFETY: the handle is open, and `protocol` is room for what this question is answered with.
        let status = unsafe {
            GetFileInformationByHandleEx(
                file.as_raw_handle(),
                FileRemoteProtocolInfo,
                (&raw mut protocol).cast(),
                size,
            )
        };
        // Of a file on this machine the system answers that the question makes no sense.
        Ok(if status == 0 {
            FileSystem::Local
        } else {
            FileSystem::Remote("a volume of another machine")
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_of_other_machines_are_known_by_their_numbers() {
        for (number, name) in [
            (0x6969, "NFS"),
            (0xfe53_4d42, "SMB"),
            (0xff53_4d42, "CIFS"),
            (0x00c3_6400, "Ceph"),
        ] {
            assert_eq!(platform::by_type(number), FileSystem::Remote(name));
        }
        // ext4.
        assert_eq!(platform::by_type(0xef53), FileSystem::Local);
    }

    #[test]
    fn a_file_and_its_directory_are_on_the_same_file_system() {
        let memory = Path::new("/dev/shm");
        let found = FileSystem::of_directory(memory).unwrap();
        assert!(
            matches!(found, FileSystem::Temporary("tmpfs", _)),
            "{found:?}"
        );
        let file = tempfile::tempfile_in(memory).unwrap();
        assert_eq!(FileSystem::of_file(&file).unwrap(), found);
    }
}
