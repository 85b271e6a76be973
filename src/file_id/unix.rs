//! Linux and macOS.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::statx::statx;

/// What makes two paths the same file: the device, and the inode on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId(u64, u64);

/// That of an open file.
pub fn of(file: &File) -> io::Result<FileId> {
    file.metadata().map(|metadata| identify(&metadata))
}

/// The file that a path leads to now.
///
/// Requests only the inode on Linux. After a process has read the modification time, the next write must record a new
/// one, and the following sync must write it: half a sync more for each commit between two checks.
pub fn at(path: &Path) -> io::Result<FileId> {
    #[cfg(target_os = "linux")]
    if let Some(found) = statx(path, libc::STATX_INO) {
        let device = libc::makedev(found.stx_dev_major, found.stx_dev_minor);
        return Ok(FileId(device, found.stx_ino));
    }
    fs::metadata(path).map(|metadata| identify(&metadata))
}

/// What is at a path now, which may be a symbolic link.
pub fn at_itself(path: &Path) -> io::Result<FileId> {
    fs::symlink_metadata(path).map(|metadata| identify(&metadata))
}

fn identify(metadata: &Metadata) -> FileId {
    FileId(metadata.dev(), metadata.ino())
}

/// How many names a file has, of which the path is one.
#[expect(clippy::unnecessary_wraps, reason = "the counterpart can fail")]
pub fn count_links(_path: &Path, metadata: &Metadata) -> io::Result<u64> {
    Ok(metadata.nlink())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_look_finds_what_the_standard_library_finds() {
        let directory = tempfile::tempdir().unwrap();
        let found = statx(directory.path(), libc::STATX_INO);
        assert!(found.is_some(), "the system tells the inode alone");
        let metadata = fs::metadata(directory.path()).unwrap();
        assert_eq!(at(directory.path()).unwrap(), identify(&metadata));
    }
}
